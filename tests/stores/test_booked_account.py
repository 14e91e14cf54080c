"""The book on disk: stops, crashes, locks, and homes that cannot be used."""

import shutil
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from geminid.stores import db
from geminid.stores.account import Book, BookedAccount, Replayed, open_book
from geminid.stores.errors import JournalFull, StateUnusable
from geminid.stores.journal import Journal
from geminid.stores.writer import Writer
from tests.stores.samples import StillClock, eventually, journal_files, opening, settlement

CLOCK = StillClock()


def _ask(book: Book, name: str) -> None:
    book.open(opening(name))
    book.settle(settlement(name))


def test_a_closed_book_is_all_rows_and_no_journal(tmp_path: Path) -> None:
    """A clean stop leaves nothing to replay."""
    book = open_book(tmp_path, CLOCK)
    for number in range(700):
        _ask(book, f"r{number}")
    assert book.close(10)

    assert journal_files(tmp_path) == []
    again = open_book(tmp_path, CLOCK)
    assert (again.count(), again.replayed) == (700, Replayed())
    again.close(10)


def test_a_request_left_in_flight_by_a_stop_is_unconfirmed_at_the_next_start(
    tmp_path: Path,
) -> None:
    """A drain that ran out of time is a crash to that request."""
    book = open_book(tmp_path, CLOCK)
    _ask(book, "r1")
    book.open(opening("r2", hold=5))
    book.close(10)

    again = open_book(tmp_path, CLOCK)
    assert again.replayed == Replayed(settled=1, unconfirmed=1)
    assert [(row.request_id, row.outcome, row.hold_nusd) for row in again.recent(9)] == [
        ("r2", "unconfirmed", 5),
        ("r1", "ok", 0),
    ]
    again.close(10)


def test_two_servers_share_a_home(tmp_path: Path) -> None:
    """Each writes its own journal and leaves the other's alone."""
    first, second = open_book(tmp_path, CLOCK), open_book(tmp_path, CLOCK)
    for number in range(50):
        first.open(opening(f"a{number}"))
        second.open(opening(f"b{number}"))
    third = open_book(tmp_path, CLOCK)
    for number in range(50):
        first.settle(settlement(f"a{number}"))
        second.settle(settlement(f"b{number}"))

    assert third.replayed == Replayed()
    assert all([first.close(10), second.close(10)])
    assert third.count() == 100
    assert {row.outcome for row in third.recent(100)} == {"ok"}
    third.close(10)


def test_readers_see_ever_more_while_rows_are_written(tmp_path: Path) -> None:
    """The hub and the CLI read while the server serves."""
    book = open_book(tmp_path, CLOCK)
    over = threading.Event()

    def read() -> list[int]:
        counts = []
        while not over.is_set():
            counts.append(book.count())
            assert len(book.recent(20)) <= 20
        return counts

    with ThreadPoolExecutor(2) as pool:
        readers = [pool.submit(read) for _ in range(2)]
        for number in range(1_500):
            _ask(book, f"r{number}")
            if number % 100 == 0:
                assert book.flush(10)
        book.flush(10)
        over.set()
        counts = [reader.result() for reader in readers]

    assert all(seen == sorted(seen) for seen in counts)
    assert book.count() == 1_500
    assert book.close(10)


def test_a_journal_does_not_grow_for_ever(tmp_path: Path) -> None:
    """Old files go when their rows are written, even under a request that never ends."""
    book = open_book(tmp_path, CLOCK, segment_bytes=5_000)
    book.open(opening("long"))
    for number in range(400):
        _ask(book, f"r{number}")
    assert book.flush(10)

    (last,) = journal_files(tmp_path)
    assert last.stat().st_size < 6_000
    book.settle(settlement("long"))
    assert book.close(10)
    with closing(sqlite3.connect(tmp_path / "geminid.db")) as connection:
        assert connection.execute("SELECT count(*) FROM requests").fetchone() == (401,)


def _small(home: Path, backlog: int) -> BookedAccount:
    db.upgrade(db.database_url(home))
    engine = db.open_engine(db.database_url(home))
    return BookedAccount(Journal(home, CLOCK), Writer(engine, backlog=backlog), engine)


def test_rows_past_the_backlog_come_from_the_journal(tmp_path: Path) -> None:
    """With the database locked nothing blocks; once it is free, no row is missing."""
    book = _small(tmp_path, backlog=10)
    with closing(sqlite3.connect(tmp_path / "geminid.db")) as other:
        other.execute("BEGIN IMMEDIATE")
        _ask(book, "first")
        eventually(lambda: "locked" in book.problem)
        for number in range(100):
            _ask(book, f"r{number}")
        assert book.skipped == 90
        assert not book.flush(0.01)
        other.rollback()

    assert book.flush(10)
    assert (book.count(), book.problem) == (101, "")
    assert book.close(10)
    assert journal_files(tmp_path) == []


def test_rows_past_the_backlog_come_back_with_the_next_requests(tmp_path: Path) -> None:
    """Nobody has to call `flush`."""
    book = _small(tmp_path, backlog=10)
    with closing(sqlite3.connect(tmp_path / "geminid.db")) as other:
        other.execute("BEGIN IMMEDIATE")
        for number in range(100):
            _ask(book, f"r{number}")
        other.rollback()
    eventually(lambda: book.count() > 0)
    _ask(book, "next")

    eventually(lambda: book.count() == 101)
    assert book.close(10)


def test_a_stop_writes_the_rows_past_the_backlog(tmp_path: Path) -> None:
    """The last file is read again before it is removed."""
    book = _small(tmp_path, backlog=10)
    with closing(sqlite3.connect(tmp_path / "geminid.db")) as other:
        other.execute("BEGIN IMMEDIATE")
        for number in range(100):
            _ask(book, f"r{number}")
        other.rollback()

    assert book.close(10)

    assert (book.count(), book.skipped >= 80) == (100, True)
    assert journal_files(tmp_path) == []


def test_a_stop_while_the_database_is_locked_loses_nothing(tmp_path: Path) -> None:
    """It is bounded in time, and the next start has every row."""
    book = open_book(tmp_path, CLOCK)
    with closing(sqlite3.connect(tmp_path / "geminid.db")) as other:
        other.execute("BEGIN IMMEDIATE")
        for number in range(20):
            _ask(book, f"r{number}")
        assert not book.close(0.1)
        other.rollback()

    eventually(_writer_ended)
    again = open_book(tmp_path, CLOCK)
    assert (again.replayed, again.count()) == (Replayed(settled=20), 20)
    again.close(10)


def _writer_ended() -> bool:
    return not any(thread.name == "geminid-writer" for thread in threading.enumerate())


def test_a_crash_between_commit_and_removal_doubles_nothing(tmp_path: Path) -> None:
    """The rows are there and the journal brings them again."""
    book = open_book(tmp_path / "home", CLOCK)
    for number in range(5):
        _ask(book, f"r{number}")
    book.open(opening("lost"))
    book.flush(10)
    shutil.copytree(tmp_path / "home", tmp_path / "crashed")
    book.settle(settlement("lost"))
    book.close(10)

    for expected in (Replayed(settled=5, unconfirmed=1), Replayed()):
        again = open_book(tmp_path / "crashed", CLOCK)
        assert (again.replayed, again.count()) == (expected, 6)
        again.close(10)


def test_corrupt_lines_are_told_at_start(tmp_path: Path) -> None:
    """The operator learns which, and the server starts."""
    book = open_book(tmp_path, CLOCK)
    book.open(opening("r1"))
    book.close(10)
    (path,) = journal_files(tmp_path)
    path.write_bytes(b"{]\n" + path.read_bytes())

    again = open_book(tmp_path, CLOCK)

    assert again.replayed == Replayed(unconfirmed=1, corrupt=(f"{path.name}:1",))
    again.close(10)


def _a_file(home: Path) -> None:
    home.write_text("")


def _no_database(home: Path) -> None:
    home.mkdir()
    (home / "geminid.db").write_bytes(b"no database" * 500)


def _no_folder(home: Path) -> None:
    home.mkdir()
    (home / "journal").write_text("")


@pytest.mark.parametrize("spoil", [_a_file, _no_database, _no_folder])
def test_a_home_that_cannot_be_used_is_refused_with_its_name(
    tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    """One line for the operator, that says what to do."""
    spoil(tmp_path / "home")

    with pytest.raises(StateUnusable, match=r"home.* cannot be used: .+\. Free space"):
        open_book(tmp_path / "home", CLOCK)


def test_a_home_with_odd_characters_works(tmp_path: Path) -> None:
    """A folder's name is no part of a URL."""
    home = tmp_path / "a%20?b#c'd ü"
    book = open_book(home, CLOCK)
    _ask(book, "r1")
    assert book.close(10)

    assert (home / "geminid.db").exists()
    assert [path.name for path in tmp_path.iterdir()] == [home.name]


def test_a_closed_book_sends_nothing_more(tmp_path: Path) -> None:
    """A request that comes too late is refused, not lost."""
    book = open_book(tmp_path, CLOCK)
    book.close(10)

    with pytest.raises(JournalFull, match="so it was not sent"):
        book.open(opening("r1"))
    assert book.count() == 0
