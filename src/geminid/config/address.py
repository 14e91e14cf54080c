"""Addresses in the configuration: where upstreams are, where we listen."""

from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from geminid.config.table import Table


def base_url(table: Table, key: str) -> str:
    """An http(s) address without a slash at its end, `""` if missing or wrong."""
    text = table.text(key)
    if not text:
        return ""
    parts = _split(text)
    if parts is None:
        table.wrong(key, 'not an address; write it as in "https://host:8000/v1"')
        return ""
    if parts.username is not None:
        table.wrong(key, "holds a user name or password; give a key by `key` instead")
        return ""
    if parts.query or parts.fragment:
        table.wrong(key, "must end with the path; leave ? and # and what follows out")
        return ""
    return text.rstrip("/")


def is_origin(text: str) -> bool:
    """Whether `text` is an origin as a browser sends it: scheme, host, perhaps a port."""
    parts = _split(text)
    return parts is not None and text == f"{parts.scheme}://{parts.netloc}" == text.lower()


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach `host`.  A name other than localhost is not trusted."""
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _split(text: str) -> SplitResult | None:
    try:
        parts = urlsplit(text)
        port_is_fine = parts.port is None or parts.port > 0
    except ValueError:
        return None
    good = parts.scheme in ("http", "https") and bool(parts.hostname) and port_is_fine
    return parts if good and not any(c.isspace() for c in text) else None
