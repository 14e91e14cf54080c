"""The book of requests: what `core.ports.Account` writes, and what people read.

`BookedAccount` keeps it on disk, `MemoryAccount` in memory; the same tests hold for both.
"""

import sqlite3
from pathlib import Path
from typing import Protocol

import msgspec
import sqlalchemy as sa

from geminid.core.ports import Account, Clock, Opening, Settlement
from geminid.stores.db import connect, database_url, open_engine, transaction, upgrade
from geminid.stores.errors import StateUnusable
from geminid.stores.journal import Journal
from geminid.stores.record import UNCONFIRMED, Record, Row
from geminid.stores.replay import replay
from geminid.stores.requestlog import RequestLog
from geminid.stores.upsert import Upsert, batches
from geminid.stores.writer import Writer

SEGMENT_BYTES = 8 << 20
"""Size at which a journal file is ended: some 15,000 requests."""

KEPT = 100_000
"""Rows that a `MemoryAccount` keeps."""

PATIENCE_S = 5.0
"""How long `flush` and `close` wait when the caller names nothing."""


class Book(Account, Protocol):
    """An account that can also be read.

    `open`, `settle`, `flush`, `close` and `problem` belong to one thread (the event loop's);
    `recent` and `count` read from disk and may be called from any.
    """

    @property
    def problem(self) -> str:
        """Why the book cannot be kept now, for `/readyz`; `""` when it can."""
        ...

    def recent(self, limit: int) -> tuple[Row, ...]:
        """At most `limit` ended requests, the latest started first."""
        ...

    def count(self) -> int:
        """How many ended requests are in the book."""
        ...

    def flush(self, timeout: float = PATIENCE_S) -> bool:
        """Wait at most `timeout` seconds until `recent` shows all that is settled; whether so."""
        ...

    def close(self, timeout: float = PATIENCE_S) -> bool:
        """Flush and give everything back, once; whether all was written.  Serve nothing after."""
        ...


class Replayed(msgspec.Struct, frozen=True):
    """What a start found in the journals of processes that had died."""

    settled: int = 0
    unconfirmed: int = 0
    corrupt: tuple[str, ...] = ()
    """`file:line` of lines that were skipped; such files are kept beside as `*.corrupt`."""


class BookedAccount:
    """The book on disk.  Made by `open_book`."""

    def __init__(
        self,
        journal: Journal,
        writer: Writer,
        engine: sa.Engine,
        *,
        replayed: Replayed | None = None,
        segment_bytes: int = SEGMENT_BYTES,
    ) -> None:
        """Take over `journal`, `writer` and `engine`: `close` ends them."""
        self.replayed = replayed or Replayed()
        self._journal = journal
        self._writer = writer
        self._engine = engine
        self._log = RequestLog(engine)
        self._segment_bytes = segment_bytes
        self._behind = False

    @property
    def problem(self) -> str:
        """See `Book`.  Looks again at a disk that was full."""
        return self._journal.check() or self._writer.problem

    @property
    def writer(self) -> Writer:
        """The one writer of the database, for other stores; it ends with the book."""
        return self._writer

    @property
    def skipped(self) -> int:
        """Rows that found the writer's backlog full and had to take the way over the journal."""
        return self._writer.skipped

    def open(self, opening: Opening) -> None:
        """Write down that a request is about to be sent.

        Raises:
            JournalFull: it is not written down, so it must not be sent.
        """
        self._journal.open(opening)

    def settle(self, settlement: Settlement) -> None:
        """Write down how it ended; a full disk does not raise, see `problem`.

        Raises:
            LookupError: the request is not open.
        """
        record = self._journal.settle(settlement)
        if not self._writer.put(record):
            self._behind = True
        if self._journal.size >= self._segment_bytes or (self._behind and self._writer.has_room):
            self._roll()

    def recent(self, limit: int) -> tuple[Row, ...]:
        """See `Book`.  Shows what is committed, which trails by some 50 ms."""
        return self._log.recent(limit)

    def count(self) -> int:
        """See `Book`."""
        return self._log.count()

    def flush(self, timeout: float = PATIENCE_S) -> bool:
        """See `Book`."""
        if self._behind:
            self._roll()
        return self._writer.flush(timeout) and not self._behind

    def close(self, timeout: float = PATIENCE_S) -> bool:
        """See `Book`.  At most `timeout` + 1 seconds; what is not written is replayed at start."""
        ended = self._journal.end()
        if ended:
            self._writer.retire(ended, reread=self._behind)
        done = self._writer.close(timeout)
        self._engine.dispose()
        return done and ended is not None

    def _roll(self) -> None:
        last = self._journal.roll()
        if last:
            self._writer.retire(last, reread=self._behind)
            self._behind = False


class MemoryAccount:
    """The book in memory, of the last `kept` requests: for tests, and where nothing is kept."""

    def __init__(self, *, kept: int = KEPT) -> None:
        self._kept = kept
        self._in_flight: dict[str, Opening] = {}
        self._rows: dict[str, Row] = {}

    @property
    def problem(self) -> str:
        """Always `""`."""
        return ""

    def open(self, opening: Opening) -> None:
        """Keep `opening`."""
        self._in_flight[opening.request_id] = opening

    def settle(self, settlement: Settlement) -> None:
        """Keep how it ended.

        Raises:
            LookupError: the request is not open.
        """
        opening = self._in_flight.pop(settlement.request_id, None)
        if opening is None:
            raise LookupError(f"Request {settlement.request_id!r} is not open; settle it once.")
        row = Row.of(Record(opening, settlement))
        self._rows.setdefault(row.request_id, row)
        if len(self._rows) > self._kept:
            del self._rows[next(iter(self._rows))]

    def recent(self, limit: int) -> tuple[Row, ...]:
        """See `Book`."""
        latest = sorted(
            self._rows.values(), key=lambda row: (row.started, row.request_id), reverse=True
        )
        return tuple(latest[: max(limit, 0)])

    def count(self) -> int:
        """See `Book`."""
        return len(self._rows)

    def flush(self, timeout: float = PATIENCE_S) -> bool:
        """Nothing waits here."""
        return True

    def close(self, timeout: float = PATIENCE_S) -> bool:
        """Whether every request had ended.  Nothing to give back."""
        return not self._in_flight


def open_book(home: Path, clock: Clock, *, segment_bytes: int = SEGMENT_BYTES) -> BookedAccount:
    """Open the book of `home`, made if missing, after replaying what a crash left.

    Blocks (a second at a first start), so call it before serving; in the process that serves and
    after any fork.  The caller closes it.

    Raises:
        StateUnusable: `home`, its journal or its database cannot be used.
    """
    url = database_url(home)
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        upgrade(url)
        engine = open_engine(url)
        replayed = _replay(home, clock, engine)
        journal = Journal(home, clock)
    except (OSError, sqlite3.Error) as error:
        raise StateUnusable(
            f"The state in {home} cannot be used: {error}. Free space, mend its permissions, or"
            " choose another home folder."
        ) from error
    writer = Writer(engine)
    return BookedAccount(journal, writer, engine, replayed=replayed, segment_bytes=segment_bytes)


def _replay(home: Path, clock: Clock, engine: sa.Engine) -> Replayed:
    settled = unconfirmed = 0
    connection = connect(engine)
    try:
        upsert = Upsert(engine)
        with replay(home, clock) as found:
            for batch in batches(found.records()):
                with transaction(connection):
                    upsert.write(connection, batch)
                lost = sum(record.settlement.outcome == UNCONFIRMED for record in batch)
                unconfirmed += lost
                settled += len(batch) - lost
    finally:
        connection.close()
    return Replayed(settled, unconfirmed, found.corrupt)
