"""The writer: rows behind the requests' back, in batches, whatever the database does."""

import sqlite3
import struct
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import cast

import pytest
import sqlalchemy as sa

from geminid.stores import db
from geminid.stores.record import UNCONFIRMED, Record
from geminid.stores.requestlog import RequestLog
from geminid.stores.upsert import Upsert
from geminid.stores.writer import URGENT_BYTES, Writer
from tests.stores.samples import eventually, record


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    url = db.database_url(tmp_path)
    db.upgrade(url)
    engine = db.open_engine(url)
    yield engine
    engine.dispose()


def _commits(home: Path) -> int:
    """Transactions in the write-ahead log: a frame that ends one tells the database's size."""
    log = (home / "geminid.db-wal").read_bytes()
    (page,) = struct.unpack_from(">I", log, 8)
    frames = range(32, len(log), 24 + page)
    return sum(struct.unpack_from(">I", log, frame + 4)[0] > 0 for frame in frames)


def test_rows_are_committed_in_batches(tmp_path: Path, engine: sa.Engine) -> None:
    """A transaction each would cost ten times as much."""
    with closing(db.connect(engine)) as keeps_the_log:
        keeps_the_log.execute("SELECT 1 FROM requests")
        writer = Writer(engine)
        for number in range(1_200):
            assert writer.put(record(f"r{number}"))
        assert writer.flush(10)
        commits = _commits(tmp_path)
        writer.close(10)

    assert RequestLog(engine).count() == 1_200
    assert 3 <= commits <= 30


def test_a_row_comes_without_being_asked_for(engine: sa.Engine) -> None:
    """No flush: the writer wakes by itself."""
    writer = Writer(engine)
    writer.put(record("r1"))

    eventually(lambda: RequestLog(engine).count() == 1)
    assert writer.close(10)


def test_a_record_written_twice_is_one_row(engine: sa.Engine) -> None:
    """A replay may bring what is already there."""
    writer = Writer(engine)
    for _ in range(2):
        writer.put(record("r1"))
        assert writer.flush(10)
    writer.close(10)

    assert RequestLog(engine).count() == 1


@pytest.mark.parametrize(
    ("first", "second", "stays"),
    [("ok", "stream_cut", "ok"), ("ok", UNCONFIRMED, "ok"), (UNCONFIRMED, "ok", "ok")],
)
def test_only_unconfirmed_gives_way(engine: sa.Engine, first: str, second: str, stays: str) -> None:
    """The order in which two files of one boot are replayed must not matter."""
    upsert = Upsert(engine)
    with closing(db.connect(engine)) as connection:
        for outcome in (first, second):
            usage = None if outcome == UNCONFIRMED else record("r1").settlement.usage
            with db.transaction(connection):
                upsert.write(connection, [record("r1", outcome=outcome, usage=usage)])

    (row,) = RequestLog(engine).recent(9)
    assert row.outcome == stays
    assert row.usage is not None


def test_a_batch_is_written_whole_or_not_at_all(engine: sa.Engine) -> None:
    """A failure in its middle leaves no half, and the connection usable."""
    upsert = Upsert(engine)
    with closing(db.connect(engine)) as connection:
        connection.execute(
            "CREATE TRIGGER t BEFORE INSERT ON usage BEGIN SELECT RAISE(FAIL,'no'); END"
        )
        with pytest.raises(sqlite3.Error), db.transaction(connection):
            upsert.write(connection, [record("r1")])
        assert RequestLog(engine).count() == 0
        connection.execute("DROP TRIGGER t")
        with db.transaction(connection):
            upsert.write(connection, [record("r1")])

    assert RequestLog(engine).count() == 1


def test_a_locked_database_is_told_and_tried_again(engine: sa.Engine) -> None:
    """Somebody's backup tool holds the lock: nothing blocks, nothing is lost."""
    writer = Writer(engine)
    with closing(db.connect(engine)) as other:
        other.execute("BEGIN IMMEDIATE")
        writer.put(record("r1"))
        eventually(lambda: "locked" in writer.problem)
        other.execute("ROLLBACK")

    assert writer.flush(10)
    assert writer.problem == ""
    assert RequestLog(engine).count() == 1
    assert writer.close(10)


def test_a_full_backlog_refuses_at_once_and_counts(engine: sa.Engine) -> None:
    """The event loop never waits for a disk."""
    writer = Writer(engine, backlog=5)
    with closing(db.connect(engine)) as other:
        other.execute("BEGIN IMMEDIATE")
        writer.put(record("first"))
        eventually(lambda: writer.problem)
        began = time.monotonic()
        taken = [writer.put(record(f"r{number}")) for number in range(50)]
        took = time.monotonic() - began
        room = writer.has_room
        other.execute("ROLLBACK")

    assert taken == [True] * 5 + [False] * 45
    assert (writer.skipped, room) == (45, False)
    assert took < 1.0
    assert writer.close(10)
    assert RequestLog(engine).count() == 6


def test_closing_is_bounded_when_the_database_is_locked(engine: sa.Engine) -> None:
    """A stop must not hang; the journal has the rows."""
    writer = Writer(engine)
    with closing(db.connect(engine)) as other:
        other.execute("BEGIN IMMEDIATE")
        writer.put(record("r1"))
        began = time.monotonic()

        assert not writer.close(0.2)

        assert time.monotonic() - began < 5
        other.execute("ROLLBACK")


class Waited:
    """An urgent row, which tells when it is written and committed."""

    def __init__(self, told: list[str], name: str, size: int = 1) -> None:
        self.size = size
        self._told, self._name = told, name

    def write(self, connection: sqlite3.Connection) -> None:
        count = connection.execute("SELECT count(*) FROM requests").fetchone()[0]
        self._told.append(f"{self._name} after {count}")

    def done(self) -> None:
        self._told.append(f"{self._name} done")


def test_urgent_rows_go_first_together_and_take_few_others_along(engine: sa.Engine) -> None:
    """Their commit must not wait for thousands of rows that nobody waits for."""
    told: list[str] = []
    writer = Writer(engine)
    with closing(db.connect(engine)) as other:
        other.execute("BEGIN IMMEDIATE")
        writer.put(record("first"))
        eventually(lambda: writer.problem)
        for number in range(1_000):
            writer.put(record(f"r{number}"))
        for name in ("a", "b"):
            assert writer.put_first(Waited(told, name))
        other.execute("ROLLBACK")
    assert writer.flush(10)
    writer.close(10)

    assert told == ["a after 1", "b after 1", "a done", "b done"]
    assert RequestLog(engine).count() == 1_001


def test_urgent_rows_do_not_wait_for_others_to_gather(engine: sa.Engine) -> None:
    told: list[str] = []
    writer = Writer(engine)
    took = []
    for name in "abcdefg":
        writer.put(record(name))
        began = time.monotonic()
        writer.put_first(Waited(told, name))
        eventually(lambda: f"{name} done" in told)  # noqa: B023 - awaited in this round
        took.append(time.monotonic() - began)
    writer.close(10)

    assert min(took) < 0.04  # they gather for 50 ms


def test_urgent_rows_are_refused_when_too_much_of_them_waits(engine: sa.Engine) -> None:
    """One alone is taken, whatever its size."""
    told: list[str] = []
    writer = Writer(engine)
    with closing(db.connect(engine)) as other:
        other.execute("BEGIN IMMEDIATE")
        taken = [writer.put_first(Waited(told, "a", URGENT_BYTES + 1))]
        taken += [writer.put_first(Waited(told, "b", 1)) for _ in range(3)]
        other.execute("ROLLBACK")
    assert writer.flush(10)

    assert taken == [True, False, False, False]
    assert writer.put_first(Waited(told, "c", URGENT_BYTES))
    assert writer.close(10)
    assert told[-1] == "c done"


class Sweeping:
    """A chore of `left` bites, due when it is told to be."""

    def __init__(self, left: int) -> None:
        self.left = left
        self.asked = False

    def due(self) -> bool:
        due, self.asked = self.asked, False
        return due

    def bite(self, connection: sqlite3.Connection) -> bool:
        self.left -= 1
        if self.left < 0:
            raise sqlite3.OperationalError
        return self.left > 0


def test_a_chore_is_done_to_its_end_once_it_was_due(engine: sa.Engine) -> None:
    """Bite by bite, without anybody coming."""
    writer, chore = Writer(engine), Sweeping(5)
    writer.attend(chore)
    writer.put(record("r1"))
    assert writer.flush(10)
    assert chore.left == 5

    chore.asked = True
    writer.put(record("r2"))

    eventually(lambda: chore.left == 0)
    assert writer.close(10)


def test_a_chore_that_fails_stops_nothing(engine: sa.Engine) -> None:
    writer, chore = Writer(engine), Sweeping(0)
    writer.attend(chore)
    chore.asked = True
    writer.put(record("r1"))
    eventually(lambda: chore.left < 0)
    writer.put(record("r2"))

    assert writer.close(10)
    assert writer.problem == ""
    assert RequestLog(engine).count() == 2


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_writer_that_died_of_a_bug_is_told(engine: sa.Engine) -> None:
    """It must not look ready while rows pile up."""
    writer = Writer(engine)
    writer.put(cast(Record, "not a record"))

    eventually(lambda: "has died" in writer.problem)
