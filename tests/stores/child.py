"""A process that keeps a book until it is killed, or until its disk is full (`test_crash`).

    python -m tests.stores.child HOME serve | keep | full | full-and-mended | owing | uncut | stolen

It tells on standard output, line by line, what the book has taken on.
"""

import asyncio
import os
import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from geminid.config import VaultLimits
from geminid.stores.account import BookedAccount, open_book
from geminid.stores.errors import JournalFull
from geminid.stores.journal import Journal
from geminid.stores.segment import Segment
from geminid.stores.vault import open_vault
from tests.stores.samples import StillClock, journal_files, opening, settlement
from tests.stores.vaults import kept

IN_FLIGHT = 3


def tell(*words: object) -> None:
    """One line, at once: what was told has happened."""
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def serve(book: BookedAccount) -> None:
    """Requests without end, some always in flight."""
    number = 0
    while True:
        book.open(opening(f"r{number}"))
        tell("open", f"r{number}")
        if number >= IN_FLIGHT:
            book.settle(settlement(f"r{number - IN_FLIGHT}"))
            tell("settle", f"r{number - IN_FLIGHT}")
        number += 1


async def keep(home: Path, book: BookedAccount) -> None:
    """Signatures without end, two at a time."""
    vault = open_vault(home, StillClock(), book.writer, VaultLimits())
    number = 0
    while True:
        names = [str(number), str(number + 1)]
        await asyncio.gather(*(vault.keep(kept(name), [vault.place(name)]) for name in names))
        for name in names:
            tell("kept", name)
        number += 2


def fill(book: BookedAccount, home: Path) -> None:
    """Requests until the file may not grow: the kernel then writes what fits and refuses the rest.

    Room for ten requests and part of a line: files past the limit cannot grow at all.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    (journal,) = journal_files(home)
    resource.setrlimit(resource.RLIMIT_FSIZE, (journal.stat().st_size + 6_100, hard))
    number = 0
    try:
        while True:
            book.open(opening(f"r{number}"))
            if number >= IN_FLIGHT:
                book.settle(settlement(f"r{number - IN_FLIGHT}"))
                tell("settle", f"r{number - IN_FLIGHT}")
            number += 1
    except JournalFull as fault:
        tell("refused", f"r{number}", fault.detail)
    # The answers of those in flight still end.
    for left in range(number - IN_FLIGHT, number):
        book.settle(settlement(f"r{left}"))
        tell("answered", f"r{left}")
    tell("problem", book.problem)


def mend(book: BookedAccount) -> None:
    """Somebody frees space: `/readyz` finds out, and the owed lines are written first."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    tell("flushed", book.flush(10))
    tell("problem", book.problem)
    book.open(opening("after"))
    book.settle(settlement("after"))
    tell("settle", "after")
    book.flush(10)


def owing(home: Path) -> None:
    """A line that a full disk refused belongs into the file that has the rest."""
    journal = Journal(home, StillClock())
    journal.open(opening("r1"))
    with _no_file_past(journal.size):
        journal.settle(settlement("r1"))
        tell("rolled", journal.roll() is not None)
    tell("problem", journal.check())
    tell("rolled", journal.roll() is not None)


def uncut(home: Path) -> None:
    """A piece of a line that could be neither finished nor cut off."""

    def refuse(event: str, _arguments: object) -> None:
        if event == "os.truncate":
            raise OSError

    sys.addaudithook(refuse)
    segment = Segment.create(home / "a.jsonl")
    assert segment is not None
    segment.append(b"first\n")
    with _no_file_past(segment.size + 4):
        try:
            segment.append(b"second\n")
        except OSError as error:
            tell("refused", error.strerror)
    segment.append(b"third\n")
    segment.append(b"fourth\n")


def stolen(home: Path) -> None:
    """A replay finds the new file and removes it, before its maker has locked it."""
    path = home / "a.jsonl"

    def steal(event: str, _arguments: object) -> None:
        if event == "fcntl.flock" and path.exists():
            path.unlink()

    sys.addaudithook(steal)
    tell("made", Segment.create(path) is not None)
    path.touch()
    tell("adopted", Segment.adopt(path) is not None)


@contextmanager
def _no_file_past(size: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def main() -> None:
    """See the module."""
    home, what = Path(sys.argv[1]), sys.argv[2]
    if what in ("owing", "uncut", "stolen"):
        {"owing": owing, "uncut": uncut, "stolen": stolen}[what](home)
        return
    book = open_book(home, StillClock(), segment_bytes=20_000)
    if what == "serve":
        serve(book)
    if what == "keep":
        asyncio.run(keep(home, book))
    fill(book, home)
    if what == "full-and-mended":
        mend(book)
    os._exit(0)  # no clean-up: as if it were killed here


if __name__ == "__main__":
    main()
