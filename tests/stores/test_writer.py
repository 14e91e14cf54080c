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
from geminid.stores.writer import Writer
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
        with pytest.raises(sqlite3.Error):
            upsert.write(connection, [record("r1")])
        assert RequestLog(engine).count() == 0
        connection.execute("DROP TRIGGER t")
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


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_writer_that_died_of_a_bug_is_told(engine: sa.Engine) -> None:
    """It must not look ready while rows pile up."""
    writer = Writer(engine)
    writer.put(cast(Record, "not a record"))

    eventually(lambda: "has died" in writer.problem)
