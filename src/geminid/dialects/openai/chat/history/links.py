"""Addresses that a caller names for others to fetch.

Nobody here fetches them, but an upstream in this network may: an address of the network itself, in
whatever spelling, is not handed on.  Names are not resolved, so a public name that leads to a
private address passes; whoever fetches has to look at what it resolves to.
"""

import re
from ipaddress import AddressValueError, IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from geminid.dialects.openai.chat.tree import wrong

_CLOSED: Final = tuple(
    map(
        IPv4Network,
        (  # IANA's special-purpose registry, and two clouds' own
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",  # carriers' NAT; Alibaba's metadata is in it
            "127.0.0.0/8",
            "168.63.129.16/32",  # Azure's host
            "169.254.0.0/16",  # link-local; most clouds' metadata is in it
            "172.16.0.0/12",
            "192.0.0.0/24",  # Oracle's metadata is in it
            "192.0.2.0/24",
            "192.168.0.0/16",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/3",  # multicast, reserved, broadcast
        ),
    )
)
_UNICAST: Final = IPv6Network("2000::/3")
_CLOSED_6: Final = tuple(map(IPv6Network, ("2001::/23", "2001:db8::/32", "3fff::/20")))
_TRANSLATED: Final = tuple(
    map(IPv6Network, ("::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96"))
)
"""Where the last 32 bits are an IPv4 address that the packet goes to."""
_SIX_TO_FOUR: Final = IPv6Network("2002::/16")
_ISATAP: Final = frozenset({0x00005EFE, 0x02005EFE})

_LOCAL: Final = frozenset(
    {
        "localhost",
        "localdomain",
        "local",
        "internal",  # metadata.google.internal, instance-data.ec2.internal
        "intranet",
        "private",
        "corp",
        "home",
        "lan",
        "svc",
        "test",
        "invalid",
        "onion",
    }
)
"""Last labels of names that only a local network knows."""
_LOOPS: Final = (
    ".home.arpa",
    ".in-addr.arpa",
    ".ip6.arpa",
    # Public names that are known to lead to whatever address stands in them, or to loopback.
    ".nip.io",
    ".sslip.io",
    ".xip.io",
    ".localtest.me",
    ".lvh.me",
    ".vcap.me",
)

_FORBIDDEN: Final = re.compile(r"[\x00-\x20\x7f-\xa0\\\u2028\u2029]")
_PLAIN: Final = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")
_BRACKETED: Final = re.compile(r"\[[0-9a-fA-F:.]+\](:[0-9]*)?")
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
_LONGEST: Final = 253
_HELP: Final = "Use a public http(s) address, or send the data itself as a data URL."


def check_link(url: str, path: str) -> None:
    """Let an http(s) `url` pass that names a public host; `path` is where it stands.

    Raises:
        Malformed: it does not, or two readers could take it for two hosts.
    """
    try:
        parts = urlsplit(url)
        port = parts.port  # read for its ValueError
    except ValueError as error:
        raise wrong(path, f"Invalid URL in '{path}'. {_HELP}") from error
    if port == 0 or not parts.netloc or _FORBIDDEN.search(url):
        raise wrong(path, f"Invalid URL in '{path}'. {_HELP}")
    if "@" in unquote(parts.netloc):
        raise wrong(path, f"The URL in '{path}' has a user name in it; leave that out.")
    reason = _bracketed(parts) if "[" in parts.netloc else _named(parts.hostname or "")
    if reason:
        raise wrong(path, f"The URL in '{path}' {reason}. {_HELP}")


def _bracketed(parts: SplitResult) -> str:
    """What is against a host in brackets; `""` if nothing."""
    if not _BRACKETED.fullmatch(parts.netloc):  # a zone, or something beside the brackets
        return "has no valid host"
    try:
        address = IPv6Address(parts.hostname or "")
    except AddressValueError:
        return "has no valid host"
    return "" if _is_public(address) else "names a private or reserved address"


def _is_public(address: IPv6Address) -> bool:
    bits = int(address)
    if any(address in network for network in _TRANSLATED):
        return _is_open(bits & 0xFFFFFFFF)
    if address not in _UNICAST or any(address in network for network in _CLOSED_6):
        return False
    if address in _SIX_TO_FOUR and not _is_open(bits >> 80 & 0xFFFFFFFF):
        return False
    return (bits >> 32 & 0xFFFFFFFF) not in _ISATAP or _is_open(bits & 0xFFFFFFFF)


def _is_open(bits: int) -> bool:
    address = IPv4Address(bits)
    return not any(address in network for network in _CLOSED)


def _named(host: str) -> str:
    """What is against `host`, a name or an IPv4 address; `""` if nothing."""
    name = _ascii(host)
    if name is None:
        return "has no valid host"
    *_, last = labels = name.split(".")
    if _NUMBER.fullmatch(last):
        # Octal, hexadecimal and shortened spellings mean different hosts to different readers.
        try:
            address = IPv4Address(name)
        except AddressValueError:
            return "names a host by numbers that are not four plain decimal ones"
        return "" if _is_open(int(address)) else "names a private or reserved address"
    if len(labels) == 1 or last in _LOCAL or f".{name}".endswith(_LOOPS):
        return "names a host of a local network"
    return ""


def _ascii(host: str) -> str | None:
    """`host` as a resolver gets it: escapes, full-width digits, invisible letters and the like are
    resolved as browsers do; `None` if it is no name.
    """
    if len(host) > _LONGEST:
        return None
    host = unquote(host)
    if not host.isascii():
        try:
            host = host.encode("idna").decode()
        except UnicodeError:
            return None
    name = host.lower().removesuffix(".")
    return name if _PLAIN.fullmatch(name) else None
