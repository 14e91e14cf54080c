"""The one thread that writes rows, behind the requests' back and in batches.

What an answer waits for (`Urgent`) goes first, and with few rows of others, so that its commit
comes soon.
"""

import sqlite3
import threading
from collections import deque
from collections.abc import Sequence
from typing import Protocol

import msgspec
import sqlalchemy as sa

from geminid.stores.db import connect, transaction
from geminid.stores.record import Record
from geminid.stores.replay import Reading
from geminid.stores.segment import Segment
from geminid.stores.upsert import BATCH, Upsert, batches

BACKLOG = 10_000
"""Records that may wait in memory (some ten megabytes)."""

URGENT_BYTES = 64 << 20
"""What may wait of urgent rows: more only comes when the database takes none."""

_RIDERS = 16
"""Records that are committed together with urgent rows: some 0.1 ms."""
_GROUP, _GROUP_BYTES = 64, 4 << 20
"""How many urgent rows are one commit, and bytes of them."""
_ROUND_S = 30.0
"""How often an idle writer looks whether its chore is due."""
_REST_S = 0.005
"""The pause between two bites, so that tidying up a lot slows nobody down."""
_GATHER_S = 0.05
_BUSY_MS = 250
"""How long one try waits for another process's lock; short, so that `close` is bounded."""
_FIRST_RETRY_S = 0.05
_LAST_RETRY_S = 1.0


class Urgent(Protocol):
    """Rows that somebody waits for.  Both calls come from the writer's thread."""

    @property
    def size(self) -> int:
        """About how many bytes it holds in memory."""
        ...

    def write(self, connection: sqlite3.Connection) -> None:
        """Write the rows, inside a transaction; again, if that fails.  Raises `sqlite3.Error`."""
        ...

    def done(self) -> None:
        """They are committed.  Never raises."""
        ...


class Chore(Protocol):
    """Tidying that is done when nothing else is, and at times when there always is.

    Both calls come from the writer's thread.
    """

    def due(self) -> bool:
        """Whether to look now if there is any.  Called after each commit, so it costs nothing."""
        ...

    def bite(self, connection: sqlite3.Connection) -> bool:
        """Do a few milliseconds of it, inside a transaction; whether more is left.

        Raises `sqlite3.Error`.
        """
        ...


class _Retired(msgspec.Struct, frozen=True):
    segment: Segment
    reread: bool


class Writer:
    """Commits records to the database of `engine`, in the order they came.

    `put`, `retire`, `flush` and `close` are called from one thread.  A database that is locked,
    full or broken is tried again until `close`, with growing pauses; what is not committed by
    then is in the journal, whose files are removed only after their records are committed.
    Urgent rows are in no journal: what is not committed by then is lost.
    """

    def __init__(self, engine: sa.Engine, *, backlog: int = BACKLOG) -> None:
        """Start the thread, which opens its connection with the first record."""
        self.skipped = 0
        """Records that found the backlog full and are in the journal only; never goes down."""
        self.engine = engine
        """Where it writes."""
        self._upsert = Upsert(engine)
        self._connection: sqlite3.Connection | None = None
        self._bound = backlog
        self._backlog: deque[Record | _Retired] = deque()
        self._urgent: deque[Urgent] = deque()
        self._urgent_bytes = 0  # taken, less `_written_bytes`, which only the thread counts
        self._written_bytes = 0
        self._chore: Chore | None = None
        self._untidy = False
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

    def put_first(self, urgent: Urgent) -> bool:
        """Have `urgent` committed at once.  Never blocks; `False` if too much is waiting."""
        waiting = self._urgent_bytes - self._written_bytes
        if waiting and waiting + urgent.size > URGENT_BYTES:
            return False
        self._urgent_bytes += urgent.size
        self._urgent.append(urgent)
        self._taken += 1
        self._hurry.set()
        self._wake.set()
        return True

    def attend(self, chore: Chore) -> None:
        """Do `chore` from now on, until `close`.  There is one at most."""
        self._chore = chore

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
            if self._wake.wait(_REST_S if self._untidy else _ROUND_S):
                self._hurry.wait(_GATHER_S)
            # Cleared before looking, so that what comes while we look wakes us again.
            self._wake.clear()
            self._hurry.clear()
            while (self._urgent or self._backlog) and not self._stop.is_set():
                self._next()
                self._tidy(idle=False)
            self._tidy(idle=True)
        while self._backlog:
            left = self._backlog.popleft()
            if isinstance(left, _Retired):
                left.segment.close()
        self._disconnect()

    def _next(self) -> None:
        """Deal with one batch, and with the file that ends it."""
        urgent = self._first()
        bound = _RIDERS if urgent else BATCH
        records: list[Record] = []
        retired: _Retired | None = None
        while self._backlog and len(records) < bound and retired is None:
            item = self._backlog.popleft()
            if isinstance(item, _Retired):
                retired = item
            else:
                records.append(item)
        going = self._commit(records, urgent)
        if going:
            for each in urgent:
                self._written_bytes += each.size
                each.done()
        if retired:
            going = going and self._drop(retired)
            retired.segment.close()
        if going:
            with self._progress:
                self._done += len(urgent) + len(records) + (retired is not None)
                self._progress.notify_all()

    def _first(self) -> list[Urgent]:
        urgent: list[Urgent] = []
        size = 0
        while self._urgent and len(urgent) < _GROUP and size < _GROUP_BYTES:
            urgent.append(self._urgent.popleft())
            size += urgent[-1].size
        return urgent

    def _commit(self, records: list[Record], urgent: Sequence[Urgent] = ()) -> bool:
        """Write until it succeeds; false when told to stop before."""
        pause = _FIRST_RETRY_S
        while records or urgent:
            try:
                with transaction(self._connected()) as connection:
                    for each in urgent:
                        each.write(connection)
                    if records:
                        self._upsert.write(connection, records)
            except sqlite3.Error as error:
                self._problem = (
                    f"Rows cannot be written to {self.engine.url.database}: {error}."
                    " They are kept and tried again; those of requests are in the journal."
                )
                self._disconnect()
                if self._stop.wait(pause):
                    return False
                pause = min(pause * 2, _LAST_RETRY_S)
            else:
                self._problem = ""
                break
        return True

    def _tidy(self, *, idle: bool) -> None:
        """Do a bite of the chore if it is due, or if there is time for the rest of it."""
        if self._chore is None or not (self._chore.due() or (idle and self._untidy)):
            return
        try:
            with transaction(self._connected()) as connection:
                self._untidy = self._chore.bite(connection)
        except sqlite3.Error:
            # Nobody waits for it, and what is wrong with the database, the next commit says.
            self._untidy = False
            self._disconnect()

    def _connected(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = connect(self.engine, busy_ms=_BUSY_MS)
        return self._connection

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
