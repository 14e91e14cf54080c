"""Where the server of a home answers: `server.json` in the home, for commands that look for it."""

import os
from pathlib import Path

import msgspec

from geminid.processes.runtime import runs


class Whereabouts(msgspec.Struct, frozen=True):
    """A server's address, and the process id of its supervisor."""

    url: str
    pid: int


def tell(home: Path, url: str) -> None:
    """Writes down that this process answers at `url`, at once and for this user only.

    Raises:
        OSError: it cannot be written.
    """
    part = home / f"server.{os.getpid()}.new"
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(msgspec.json.encode(Whereabouts(url, os.getpid())))
    part.replace(_file(home))


def forget(home: Path) -> None:
    """Removes what this process told; another server's of the same home stays.

    Raises:
        OSError: it cannot be removed.
    """
    told = _read(home)
    if told is not None and told.pid == os.getpid():
        _file(home).unlink(missing_ok=True)


def find(home: Path) -> str | None:
    """The address of the server that runs with `home`; whether it answers is not asked."""
    told = _read(home)
    return told.url if told is not None and runs(told.pid) else None


def _file(home: Path) -> Path:
    return home / "server.json"


def _read(home: Path) -> Whereabouts | None:
    try:
        return msgspec.json.decode(_file(home).read_bytes(), type=Whereabouts)
    except (OSError, msgspec.MsgspecError):
        return None
