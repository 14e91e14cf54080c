"""The reader: questions to the database that an event loop does not wait for itself."""

import asyncio
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from geminid.stores import db
from geminid.stores.reader import Reader


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    url = db.database_url(tmp_path)
    db.upgrade(url)
    engine = db.open_engine(url)
    reader = Reader(engine)
    yield reader
    reader.close()
    engine.dispose()


def rows(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT count(*) FROM requests").fetchone()[0])


async def test_questions_asked_together_are_all_answered(reader: Reader) -> None:
    assert await asyncio.gather(*(reader.ask(rows, within=10) for _ in range(50))) == [0] * 50
    assert reader.waiting == 0


async def test_it_cannot_write(reader: Reader) -> None:
    with pytest.raises(sqlite3.Error, match="readonly"):
        await reader.ask(lambda c: c.execute("DELETE FROM requests"), within=10)


async def test_after_an_error_it_answers_again(reader: Reader) -> None:
    with pytest.raises(sqlite3.Error, match="no such table"):
        await reader.ask(lambda c: c.execute("SELECT 1 FROM nobody"), within=10)

    assert await reader.ask(rows, within=10) == 0


async def test_nobody_waits_longer_than_he_said(reader: Reader) -> None:
    """And what he asked then is not looked at any more."""
    go = threading.Event()
    seen: list[str] = []

    def blocked(connection: sqlite3.Connection) -> None:
        go.wait(10)
        seen.append("first")

    with pytest.raises(TimeoutError):
        await reader.ask(blocked, within=0.01)
    with pytest.raises(TimeoutError):
        await reader.ask(lambda _: seen.append("second"), within=0.01)
    assert reader.waiting == 2
    go.set()

    assert await reader.ask(rows, within=10) == 0
    assert seen == ["first"]


async def test_closing_breaks_off_what_is_being_read(reader: Reader) -> None:
    """A stop does not wait for it, and neither does whoever asked."""
    begun = asyncio.Event()
    loop = asyncio.get_running_loop()

    def endless(connection: sqlite3.Connection) -> None:
        loop.call_soon_threadsafe(begun.set)
        connection.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
        )

    asked = [asyncio.create_task(reader.ask(each, within=30)) for each in (endless, rows)]
    await begun.wait()
    await asyncio.to_thread(_close, reader, asked)

    for each in asked:
        with pytest.raises(sqlite3.Error, match=r"interrupted|closed"):
            await each


def _close(reader: Reader, asked: Sequence[asyncio.Task[object]]) -> None:
    while not all(each.done() for each in asked):  # the query may not have begun yet
        reader.close()
