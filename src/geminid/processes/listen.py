"""The one listening socket: opened by the supervisor, inherited by every serving process."""

import errno
import os
import socket

from geminid.processes.exits import Exit, StartFailed

BACKLOG = 2048
"""Callers the kernel keeps waiting while a serving process starts again."""


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens on `host` and `port` (0: any free one).

    Raises:
        StartFailed: with what is in the way and what to do.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except socket.gaierror as error:
        raise StartFailed(
            Exit.ADDRESS, f"{host} is not an address of this machine ({error.strerror}); use --host"
        ) from error
    # A name such as localhost has two addresses: the older is where clients look first.
    family, _, _, _, address = min(found, key=lambda info: info[0] != socket.AF_INET)
    try:
        return socket.create_server(address[:2], family=family, backlog=BACKLOG)
    except OSError as error:
        raise StartFailed(Exit.ADDRESS, _trouble(host, port, error)) from error


def url_of(listener: socket.socket) -> str:
    """Where a person on this machine reaches `listener`."""
    host, port = listener.getsockname()[:2]
    if host == "0.0.0.0":  # noqa: S104  compared, not bound
        host = "127.0.0.1"
    elif host == "::":
        host = "::1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _trouble(host: str, port: int, error: OSError) -> str:
    # create_server words its own message; the number says it shorter
    match error.errno:
        case errno.EADDRINUSE:
            return (
                f"port {port} on {host} is taken;"
                " stop what listens there, or choose another with --port"
            )
        case errno.EACCES:
            return f"port {port} needs more rights than this user has; choose another with --port"
        case errno.EADDRNOTAVAIL:
            return f"{host} is not an address of this machine; use --host 127.0.0.1"
        case code:
            reason = os.strerror(code) if code else str(error)
            return f"cannot listen on {host}, port {port}: {reason}"
