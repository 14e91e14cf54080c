"""One file of a journal: who owns it, and lines that are either whole or not there."""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_MODE = 0o600
_RETIRED = ".corrupt"


class Segment:
    """A file of lines, locked for as long as this object (or its process) lives.

    The lock (`flock`) tells a live process's file from a dead one's; the kernel gives it back at
    any kind of death.  A forked child would hold it too: fork first, open afterwards.
    """

    def __init__(self, path: Path, fd: int) -> None:
        """Take over `fd`, open and locked.  Use `create` or `adopt`."""
        self.path = path
        self.size = 0
        self._fd = fd
        self._torn = False

    @classmethod
    def create(cls, path: Path) -> "Segment | None":
        """A new file; `None` when somebody adopted it before it was locked: take another name.

        Raises:
            OSError: the file exists, or cannot be made.
        """
        fd = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_APPEND, _MODE)
        if _lock(fd):
            return cls(path, fd)
        path.unlink(missing_ok=True)
        return None

    @classmethod
    def adopt(cls, path: Path) -> "Segment | None":
        """The file of a dead process; `None` while its owner lives or when it is gone.

        Raises:
            OSError: it may not be opened.
        """
        try:
            fd = os.open(path, os.O_RDWR | os.O_APPEND)
        except FileNotFoundError:
            return None
        return cls(path, fd) if _lock(fd) else None

    def append(self, line: bytes) -> None:
        r"""Write `line`, which ends in `\n`, whole or not at all.  No fsync.

        Raises:
            OSError: the disk is full or broken, or the file is closed.
        """
        if self._torn:
            line = b"\n" + line
        written = os.write(self._fd, line)
        if written != len(line):
            # A full disk takes what fits.  Should cutting it off fail as well, the next line
            # begins on a line of its own.
            self._torn = True
            self._cut()
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._torn = False
        self.size += written

    def probe(self, length: int) -> None:
        """Find out whether `length` bytes could be written; leaves the file as it was.

        Raises:
            OSError: they could not.
        """
        before = self.size
        self.append(b" " * length + b"\n")
        self.size = before
        self._cut()

    def lines(self) -> Iterator[tuple[int, bytes, bool]]:
        """Number, text and completeness of each line; only the last can be incomplete."""
        # Not by name: who made the file takes the name away when he finds it adopted.
        with os.fdopen(os.dup(self._fd), "rb") as file:
            file.seek(0)
            for number, line in enumerate(file, 1):
                yield number, line.strip(), line.endswith(b"\n")

    def remove(self) -> None:
        """Delete the file and give back the lock.  Raises `OSError`."""
        self.path.unlink(missing_ok=True)
        self.close()

    def set_aside(self) -> None:
        """Keep the file for a person to look at, under a name that no replay reads."""
        self.path.rename(self.path.with_name(self.path.name + _RETIRED))
        self.close()

    def closed(self) -> "Segment":
        """A stand-in that refuses every write."""
        return Segment(self.path, -1)

    def close(self) -> None:
        """Give back the lock and leave the file: whoever replays next reads it."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _cut(self) -> None:
        with suppress(OSError):
            os.ftruncate(self._fd, self.size)


def _lock(fd: int) -> bool:
    """Lock `fd` if it still has a name and nobody else has it; otherwise close it."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        return False
    # Between open and lock, another process may have replayed and deleted it.
    if os.fstat(fd).st_nlink:
        return True
    os.close(fd)
    return False
