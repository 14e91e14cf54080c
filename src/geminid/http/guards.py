"""A web page must not spend the user's keys: Host, Origin and content type (DESIGN section 9).

A page can make a browser send a request here in three ways.  A name that its owner rebinds to
127.0.0.1 is stopped by the Host allow-list, a cross-origin `fetch` by the Origin rule, and a form
or `no-cors` post, which carries no Origin in old browsers, by the content type, since such a post
cannot claim JSON.
"""

import ipaddress
import re
from collections.abc import Iterable
from typing import Final

from geminid.core.errors import Forbidden, Invalid
from geminid.http.exchange import Exchange, Headers

_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_JSON: Final = "application/json"
_HOST: Final = re.compile(r"(?:\[([^\[\]]*)\]|([^:\[\]]*))(?::\d*)?")


class Guards:
    """The rules that hold before a request is looked at.  Immutable; a reload makes another."""

    def __init__(self, *, hosts: Iterable[str] = (), cors: Iterable[str] = ()) -> None:
        self._hosts = _LOOPBACK | {host.lower() for host in hosts}
        self._cors = frozenset(origin.rstrip("/").lower() for origin in cors)

    def check(self, exchange: Exchange) -> None:
        """Let the request pass.

        Raises:
            Forbidden: its Host is not one of ours, or its page is a foreign one.
        """
        host = exchange.header(b"host").lower()
        name = _name(host)
        if name not in self._hosts and not _is_address(name):
            raise Forbidden(
                f"Host {host[:100]!r} is not one of this server's names."
                " Use its address, or add the name to [server] hosts."
            )
        origin = exchange.header(b"origin").rstrip("/").lower()
        if origin and not self._own(origin, host):
            raise Forbidden(
                f"Pages of {origin[:100]!r} may not call this server."
                " Add the origin to [server] cors if they should."
            )

    def cors(self, exchange: Exchange) -> Headers:
        """The headers that let an allowed page read the answer; none for anyone else."""
        origin = exchange.header(b"origin")
        if origin.rstrip("/").lower() not in self._cors:
            return []
        return [
            (b"access-control-allow-origin", origin.encode("latin-1")),
            (b"access-control-expose-headers", b"*"),
            (b"vary", b"Origin"),
        ]

    def preflight(self, exchange: Exchange) -> Headers:
        """The answer to an allowed page's OPTIONS request."""
        asked = exchange.headers.get(b"access-control-request-headers", b"content-type")
        return [
            *self.cors(exchange),
            (b"access-control-allow-methods", b"GET, POST, PUT, PATCH, DELETE"),
            (b"access-control-allow-headers", asked),
            (b"access-control-max-age", b"600"),
        ]

    def _own(self, origin: str, host: str) -> bool:
        return origin in self._cors or origin in (f"http://{host}", f"https://{host}")


def require_json(exchange: Exchange) -> None:
    """Let a JSON route's body pass.

    Raises:
        Invalid: its content type is not JSON.
    """
    kind = exchange.header(b"content-type").partition(";")[0].strip().lower()
    if kind != _JSON:
        shown = kind[:100] or "none"
        raise Invalid(
            f"The content type must be application/json, and it is {shown}."
            " Send the header Content-Type: application/json."
        )


def _name(host: str) -> str:
    """What stands before the port, without brackets; `""` if it is no host at all."""
    found = _HOST.fullmatch(host)
    return (found[1] or found[2] or "") if found is not None else ""


def _is_address(name: str) -> bool:
    """A page's name can be rebound to us; a bare address cannot."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
