"""What a run keeps to itself: the folder of its sockets and keys, and the files it writes."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PREFIX = "geminid-"
_LONGEST = 60  # of a folder: a socket's whole path may have about 100 bytes (104 or 108)


@contextmanager
def private_files() -> Iterator[None]:
    """Meanwhile only this user may read what this process writes, and what its children write."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


@contextmanager
def runtime_dir() -> Iterator[str]:
    """A new folder, mode 0700, removed at the end with all that is in it.

    Those of runs that were killed, and so could not remove them, are removed first.
    """
    parent = Path(tempfile.gettempdir())
    if len(str(parent)) > _LONGEST:
        parent = Path("/tmp")  # noqa: S108  what `mkdtemp` makes there is ours alone
    _sweep(parent)
    folder = tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=parent)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _sweep(parent: Path) -> None:
    for folder in parent.glob(f"{_PREFIX}*-*"):
        pid = folder.name.removeprefix(_PREFIX).partition("-")[0]
        with suppress(OSError):
            if pid.isdecimal() and folder.stat().st_uid == os.getuid() and not runs(int(pid)):
                shutil.rmtree(folder)


def runs(pid: int) -> bool:
    """Whether there is a process with this id, of whatever user."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # somebody else's
        return True
    return True
