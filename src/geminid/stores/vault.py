"""The vault: what `core.ports.Vault` keeps until its time is over (DESIGN section 3).

`BookedVault` keeps it in the database, encrypted; `MemoryVault` in memory.  The same tests hold for
both.
"""

import asyncio
import hashlib
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final

import structlog

from geminid.config import VaultLimits
from geminid.core.ports import Clock, Kept
from geminid.stores.keyring import Keyring, derived, memory_keyring, open_keyring
from geminid.stores.reader import Reader
from geminid.stores.recent import Entry, Recent
from geminid.stores.strongbox import Strongbox
from geminid.stores.vaultrows import PLACE, kept_size
from geminid.stores.writer import Writer

RECENT_BYTES = 32 << 20
"""What a `BookedVault` holds in memory of what it kept or found last."""

PATIENCE_S = 1.0
"""How long `keep` waits for its commit, and `find` for its answer."""

_DAY_S: Final = 86_400.0
_SWEEP_AFTER: Final = 16
"""Rows written between two looks at what has become too old, or too much."""
_SWEEP_EACH_S: Final = 60.0

_log = structlog.get_logger("geminid.vault")


class BookedVault:
    """The vault in the database.  Made by `open_vault`.

    All is called from one event loop at a time.  Another process may share the database: what it
    keeps is found at once, except at a place of which this process still knows an older entry.
    """

    def __init__(
        self,
        ring: Keyring,
        clock: Clock,
        writer: Writer,
        limits: VaultLimits,
        *,
        recent_bytes: int = RECENT_BYTES,
    ) -> None:
        """Keep by `writer`, and read what it has committed."""
        self.limits = limits
        """What is kept, how long and how much; set it at any time, and it counts at once."""
        self._clock = clock
        self._writer = writer
        self._key = _place_key(ring)
        self._box = Strongbox(writer.engine, ring)
        self._reader = Reader(writer.engine)
        self._recent = Recent(recent_bytes)
        self._unread = ""
        self._late = False  # the last question was not answered in time
        self._overdue = 0  # rows that nobody waits for any more, and that are not committed yet
        writer.attend(_Sweep(self._box, clock, lambda: self.limits))

    @property
    def problem(self) -> str:
        """Why signatures are not kept or found now, for the operator; `""` when they are."""
        if self._overdue:
            why = self._writer.problem or "The database does not answer in time."
            return f"Thought signatures wait to be kept, {self._overdue} so far. {why}"
        return self._unread

    def place(self, *words: str) -> bytes:
        """See `core.ports.Vault`."""
        return _place(self._key, words)

    async def find(self, places: Sequence[bytes]) -> Mapping[bytes, Kept]:
        """See `core.ports.Vault`.  Waits for `PATIENCE_S` at most, and not behind a question that
        took longer.
        """
        if not self.limits.enabled:
            return {}
        after = _after(self.limits, self._clock)
        found, unknown = _known(self._recent, places, after)
        if unknown and not (self._late and self._reader.waiting):
            for place, read in (await self._read(unknown, after)).items():
                entry = self._recent.get(place)
                if entry is None or entry.made < read.made:  # else it was kept while we read
                    entry = read
                    self._recent.put(entry, (place,))
                found[place] = entry.kept
        return found

    async def keep(self, kept: Kept, places: Sequence[bytes]) -> None:
        """See `core.ports.Vault`.  Waits for `PATIENCE_S` at most; whoever is cancelled meanwhile
        leaves the row to be committed.
        """
        if not self.limits.enabled or not places:
            return
        entry = Entry(kept, self._clock.now())
        self._recent.put(entry, places)
        joined = b"".join(places)
        if kept_size(len(joined), len(kept.signature)) > _most(self.limits):
            return
        write = partial(self._box.write, entry=entry, places=joined)
        row = _Keeping(write, self._settled, entry.size)
        if not self._writer.put_first(row):  # others are overdue, and told
            return
        try:
            async with asyncio.timeout(PATIENCE_S):
                await row.committed
        except TimeoutError:
            row.overdue = True
            self._overdue += 1
            if self._overdue == 1:
                _log.error("thought signatures are not being kept", problem=self.problem)

    def close(self) -> None:
        """End the reader, in a second at most.  Find and keep nothing after.

        What is not committed yet is the writer's, whose owner closes it.
        """
        self._reader.close()

    async def _read(self, places: Sequence[bytes], after: float) -> Mapping[bytes, Entry]:
        question = partial(self._box.find, places=places, after=after)
        try:
            found = await self._reader.ask(question, within=PATIENCE_S)
        except (TimeoutError, sqlite3.Error) as error:
            self._late = isinstance(error, TimeoutError)
            why = "it does not answer in time" if self._late else str(error)
            before = self._unread
            self._unread = (
                f"The vault in {self._writer.engine.url.database} cannot be read: {why}."
                " Thought signatures that clients have lost are not put back meanwhile."
            )
            if not before:
                _log.error("thought signatures are not being found", problem=self._unread)
            return {}
        self._unread, self._late = "", False
        return found

    def _settled(self, row: "_Keeping") -> None:
        if not row.committed.done():
            row.committed.set_result(None)
        if row.overdue:
            self._overdue -= 1
            if not self._overdue:
                _log.info("thought signatures are being kept again")


class _Keeping:
    """`writer.Urgent`: an entry on its way into the database.

    `write` encrypts it too, in the writer's thread.  `settled` is called in the event loop that was
    running when this was made.
    """

    def __init__(
        self,
        write: Callable[[sqlite3.Connection], None],
        settled: Callable[["_Keeping"], None],
        size: int,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self.committed: asyncio.Future[None] = self._loop.create_future()
        self.overdue = False
        self.write, self.size = write, size
        self._settled = settled

    def done(self) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody waits
            self._loop.call_soon_threadsafe(self._settled, self)


class _Sweep:
    """`writer.Chore`: takes away what is too old or too much, a few rows at a time."""

    def __init__(self, box: Strongbox, clock: Clock, limits: Callable[[], VaultLimits]) -> None:
        self._box, self._clock, self._limits = box, clock, limits
        self._seen = 0
        self._next = clock.monotonic() + _SWEEP_EACH_S

    def due(self) -> bool:
        if self._box.written - self._seen >= _SWEEP_AFTER:
            return True
        return self._clock.monotonic() >= self._next

    def bite(self, connection: sqlite3.Connection) -> bool:
        limits = self._limits()
        until, most = _after(limits, self._clock), _most(limits)
        more = self._box.sweep(connection, until=until, most=most)
        self._seen = self._box.written
        self._next = self._clock.monotonic() + _SWEEP_EACH_S
        return more


class MemoryVault:
    """The vault in memory: for tests, and where nothing is to outlive the process.

    What was not asked for the longest goes first, when it is too much.
    """

    problem = ""

    def __init__(self, clock: Clock, limits: VaultLimits | None = None) -> None:
        self.limits = limits or VaultLimits()
        self._clock = clock
        self._key = _place_key(memory_keyring())
        self._recent = Recent(_most(self.limits))

    def place(self, *words: str) -> bytes:
        """See `core.ports.Vault`."""
        return _place(self._key, words)

    async def find(self, places: Sequence[bytes]) -> Mapping[bytes, Kept]:
        """See `core.ports.Vault`."""
        if not self.limits.enabled:
            return {}
        return _known(self._recent, places, _after(self.limits, self._clock))[0]

    async def keep(self, kept: Kept, places: Sequence[bytes]) -> None:
        """See `core.ports.Vault`."""
        if self.limits.enabled:
            self._recent.bound = _most(self.limits)
            self._recent.put(Entry(kept, self._clock.now()), places)

    def close(self) -> None:
        """Nothing to give back."""


def open_vault(home: Path, clock: Clock, writer: Writer, limits: VaultLimits) -> BookedVault:
    """The vault of `home`, whose database `writer` writes (`BookedAccount.writer`).

    The caller closes it before the book.

    Raises:
        StateUnusable: the keys in `home` cannot be used.
    """
    return BookedVault(open_keyring(home, clock), clock, writer, limits)


def _place_key(ring: Keyring) -> bytes:
    # Of the key that never changes: else nothing would be found after the next rotation.
    return derived(ring.oldest, b"geminid vault places")


def _place(key: bytes, words: Sequence[str]) -> bytes:
    """A keyed hash.  Each word goes in with its length, so that no two sequences are one text."""
    found = hashlib.blake2b(key=key, digest_size=PLACE)
    for word in words:
        raw = word.encode("utf-8", "surrogatepass")
        found.update(len(raw).to_bytes(8, "big") + raw)
    return found.digest()


def _known(
    recent: Recent, places: Sequence[bytes], after: float
) -> tuple[dict[bytes, Kept], list[bytes]]:
    """What memory has at `places` from after that time, and the places of which it has nothing."""
    found: dict[bytes, Kept] = {}
    unknown: list[bytes] = []
    for place in places:
        entry = recent.get(place)
        if entry is None or entry.made <= after:
            unknown.append(place)
        else:
            found[place] = entry.kept
    return found, unknown


def _after(limits: VaultLimits, clock: Clock) -> float:
    """What was kept by then is too old."""
    return clock.now() - limits.ttl_days * _DAY_S


def _most(limits: VaultLimits) -> int:
    return limits.max_mb << 20
