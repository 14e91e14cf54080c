"""A thread that reads the database, for an event loop that must not wait for a disk."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, TypeVar

import msgspec
import sqlalchemy as sa

from geminid.stores.db import connect

_T = TypeVar("_T")
_BUSY_MS = 250
_LEAVE_S = 1.0


class _Asked(msgspec.Struct, frozen=True):
    """A question, and who waits for its answer: nobody, once the future is cancelled."""

    question: Callable[[sqlite3.Connection], object]
    loop: asyncio.AbstractEventLoop
    answer: asyncio.Future[Any]


class Reader:
    """Reads what is committed to the database of `engine`, also by other processes.

    `ask` and `close` are called from event loops; the thread starts with the first question.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._questions: SimpleQueue[_Asked | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._connection: sqlite3.Connection | None = None
        self._closing = False
        self._asked = 0
        self._dealt = 0

    @property
    def waiting(self) -> int:
        """How many questions are not dealt with yet, also of those that nobody waits for."""
        return self._asked - self._dealt

    async def ask(self, question: Callable[[sqlite3.Connection], _T], *, within: float) -> _T:
        """What `question` returns; it runs in the thread and raises nothing but `sqlite3.Error`.

        Raises:
            sqlite3.Error: the database cannot be read.
            TimeoutError: it took longer than `within` seconds.
        """
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[_T] = loop.create_future()
        if self._thread is None:
            # A daemon: a disk that hangs must not keep the process.
            self._thread = threading.Thread(target=self._run, name="geminid-reader", daemon=True)
            self._thread.start()
        self._asked += 1
        self._questions.put(_Asked(question, loop, answer))
        async with asyncio.timeout(within):
            return await answer

    def close(self) -> None:
        """Break off what is being read and end the thread, in a second at most.  Ask nothing after.

        What is asked and not answered yet raises.
        """
        if self._thread is None:
            return
        self._closing = True
        self._questions.put(None)
        if self._connection is not None:
            with suppress(sqlite3.Error):  # it is being closed
                self._connection.interrupt()
        self._thread.join(_LEAVE_S)

    def _run(self) -> None:
        while (asked := self._questions.get()) is not None:
            answer, error = self._answered(asked)
            self._dealt += 1
            with suppress(RuntimeError):  # its loop is closed: nobody is there
                asked.loop.call_soon_threadsafe(_settle, asked.answer, answer, error)
        self._disconnect()

    def _answered(self, asked: _Asked) -> tuple[object, sqlite3.Error | None]:
        if asked.answer.cancelled():
            return None, None
        if self._closing:
            return None, sqlite3.OperationalError("the reader is closed")
        try:
            if self._connection is None:
                self._connection = connect(self._engine, busy_ms=_BUSY_MS)
                self._connection.execute("PRAGMA query_only=ON")
            return asked.question(self._connection), None
        except sqlite3.Error as error:
            self._disconnect()
            return None, error

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _settle(future: asyncio.Future[Any], answer: object, error: sqlite3.Error | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(answer)
    else:
        future.set_exception(error)
