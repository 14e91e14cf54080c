"""The one thread that writes rows, behind the requests' back and in batches."""

import sqlite3
import threading
from collections import deque

import msgspec
import sqlalchemy as sa

from geminid.stores.db import connect
from geminid.stores.record import Record
from geminid.stores.replay import Reading
from geminid.stores.segment import Segment
from geminid.stores.upsert import BATCH, Upsert, batches

BACKLOG = 10_000
"""Records that may wait in memory (some ten megabytes)."""

_GATHER_S = 0.05
_BUSY_MS = 250
"""How long one try waits for another process's lock; short, so that `close` is bounded."""
_FIRST_RETRY_S = 0.05
_LAST_RETRY_S = 1.0


class _Retired(msgspec.Struct, frozen=True):
    segment: Segment
    reread: bool


class Writer:
    """Commits records to the database of `engine`, in the order they came.

    `put`, `retire`, `flush` and `close` are called from one thread.  A database that is locked,
    full or broken is tried again until `close`, with growing pauses; what is not committed by
    then is in the journal, whose files are removed only after their records are committed.
    """

    def __init__(self, engine: sa.Engine, *, backlog: int = BACKLOG) -> None:
        """Start the thread, which opens its connection with the first record."""
        self.skipped = 0
        """Records that found the backlog full and are in the journal only; never goes down."""
        self._engine = engine
        self._upsert = Upsert(engine)
        self._connection: sqlite3.Connection | None = None
        self._bound = backlog
        self._backlog: deque[Record | _Retired] = deque()
        self._problem = ""
        self._taken = 0
        self._done = 0
        self._progress = threading.Condition()
        self._wake = threading.Event()
        self._hurry = threading.Event()
        self._stop = threading.Event()
        # A daemon: a disk that hangs must not keep the process, the journal has it all.
        self._thread = threading.Thread(target=self._run, name="geminid-writer", daemon=True)
        self._thread.start()

    @property
    def problem(self) -> str:
        """Why rows are not being written now, for the operator; `""` when they are."""
        if not self._stop.is_set() and not self._thread.is_alive():
            return "The database writer has died; restart the server, the journal has every row."
        return self._problem

    @property
    def has_room(self) -> bool:
        """Whether the backlog is at most half full."""
        return len(self._backlog) * 2 <= self._bound

    def put(self, record: Record) -> bool:
        """Have `record` written soon.  Never blocks; `False` if the backlog is full."""
        waiting = len(self._backlog)
        if waiting >= self._bound:
            self.skipped += 1
            return False
        self._add(record)
        if waiting + 1 >= BATCH and not self._hurry.is_set():
            self._hurry.set()
        return True

    def retire(self, segment: Segment, *, reread: bool) -> None:
        """Have `segment` removed once every record put before this call is committed.

        `reread`: some of its records were refused by `put`; they are read from it first.  Takes
        the segment over, also when it can no longer be removed.
        """
        self._add(_Retired(segment, reread))

    def flush(self, timeout: float) -> bool:
        """Wait until all that was given is committed, at most `timeout` seconds; whether it is."""
        self._hurry.set()
        self._wake.set()
        with self._progress:
            return self._progress.wait_for(lambda: self._done >= self._taken, timeout)

    def close(self, timeout: float) -> bool:
        """Flush, then end the thread; whether all was committed.  At most `timeout` + 1 seconds."""
        done = self.flush(timeout)
        self._stop.set()
        self._hurry.set()
        self._wake.set()
        self._thread.join(1.0)
        return done

    def _add(self, item: Record | _Retired) -> None:
        self._backlog.append(item)
        self._taken += 1
        if not self._wake.is_set():
            self._wake.set()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._wake.wait()
            self._hurry.wait(_GATHER_S)
            # Cleared before looking, so that what comes while we look wakes us again.
            self._wake.clear()
            self._hurry.clear()
            while self._backlog and not self._stop.is_set():
                self._next()
        while self._backlog:
            left = self._backlog.popleft()
            if isinstance(left, _Retired):
                left.segment.close()
        self._disconnect()

    def _next(self) -> None:
        """Deal with one batch, and with the file that ends it."""
        records: list[Record] = []
        retired: _Retired | None = None
        while self._backlog and len(records) < BATCH and retired is None:
            item = self._backlog.popleft()
            if isinstance(item, _Retired):
                retired = item
            else:
                records.append(item)
        going = self._commit(records)
        if retired:
            going = going and self._drop(retired)
            retired.segment.close()
        if going:
            with self._progress:
                self._done += len(records) + (retired is not None)
                self._progress.notify_all()

    def _commit(self, records: list[Record]) -> bool:
        """Write until it succeeds; false when told to stop before."""
        pause = _FIRST_RETRY_S
        while records:
            try:
                if self._connection is None:
                    self._connection = connect(self._engine, busy_ms=_BUSY_MS)
                self._upsert.write(self._connection, records)
            except sqlite3.Error as error:
                self._problem = (
                    f"Rows cannot be written to {self._engine.url.database}: {error}."
                    " They are kept in the journal and tried again."
                )
                self._disconnect()
                if self._stop.wait(pause):
                    return False
                pause = min(pause * 2, _LAST_RETRY_S)
            else:
                self._problem = ""
                break
        return True

    def _drop(self, retired: _Retired) -> bool:
        """Remove a file, its skipped records written first; false when told to stop before."""
        try:
            if retired.reread:
                for batch in batches(Reading().settled(retired.segment)):
                    if not self._commit(batch):
                        return False
            retired.segment.remove()
        except OSError as error:
            # The next start replays it; all it brings is already there.
            self._problem = f"The journal file {retired.segment.path} cannot be removed: {error}."
        return True

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
