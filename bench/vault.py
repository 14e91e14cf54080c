"""What the vault costs a turn: keeping a signature until it is committed, and finding it again.

    python -m bench.vault [ENTRIES] [FOLDER]

Wall clock, since a caller waits for it; with ENTRIES, first in an empty vault and then among so
many others, which are written past the writer.  `find` is measured cold (nothing in memory, as
after a restart) and cached.
"""

import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import msgspec
import uvloop

from bench.journal import SystemClock
from geminid.config import VaultLimits
from geminid.core.ports import Kept
from geminid.stores.account import open_book
from geminid.stores.db import connect, transaction
from geminid.stores.keyring import open_keyring
from geminid.stores.recent import Entry
from geminid.stores.strongbox import Strongbox
from geminid.stores.vault import BookedVault, open_vault

TURNS = 2_000
LIMITS = VaultLimits(max_mb=1 << 20)

_SIGNATURE = 600
"""Characters: a short thought's."""
_ASKED = 5
_AT_ONCE = 2_000


class Costs(msgspec.Struct, frozen=True):
    """Seconds of each turn, sorted: one `keep` until its commit, and one `find` of five places."""

    keep: list[float]
    cold: list[float]
    cached: list[float]

    def page(self) -> str:
        """The percentiles, for people."""
        named = (("keep", self.keep), ("find, cold", self.cold), ("find, cached", self.cached))
        return "\n".join(f"  {name:12}{_percentiles(found)}" for name, found in named)


class Bench:
    """A vault in `home`, empty at first."""

    def __init__(self, home: Path) -> None:
        self._home, self._clock = home, SystemClock()
        self._entries = 0

    def measure(self, turns: int = TURNS) -> Costs:
        """Keep a signature `turns` times and find all of them, one after the other."""
        return uvloop.run(self._measured(turns))

    def fill(self, count: int) -> None:
        """Put `count` entries more into the database."""
        book = open_book(self._home, self._clock)
        vault = open_vault(self._home, self._clock, book.writer, LIMITS)
        engine = book.writer.engine
        box = Strongbox(engine, open_keyring(self._home, self._clock))
        with closing(connect(engine)) as connection:
            for start in range(0, count, _AT_ONCE):
                with transaction(connection):
                    for _ in range(min(_AT_ONCE, count - start)):
                        kept, places = self._next(vault)
                        entry = Entry(kept, self._clock.now())
                        box.write(connection, entry, b"".join(places))
        vault.close()
        book.close(60)

    async def _measured(self, turns: int) -> Costs:
        book = open_book(self._home, self._clock)
        vault = open_vault(self._home, self._clock, book.writer, LIMITS)
        keep, places = await self._kept(vault, turns)
        vault.close()
        again = open_vault(self._home, self._clock, book.writer, LIMITS)
        cold, cached = await _found(again, places), await _found(again, places)
        again.close()
        book.close(60)
        return Costs(keep, cold, cached)

    async def _kept(self, vault: BookedVault, turns: int) -> tuple[list[float], list[bytes]]:
        all_places: list[bytes] = []
        took = []
        for _ in range(turns):
            kept, places = self._next(vault)
            began = time.perf_counter()
            await vault.keep(kept, places)
            took.append(time.perf_counter() - began)
            all_places += places
        return sorted(took), all_places

    def _next(self, vault: BookedVault) -> tuple[Kept, list[bytes]]:
        """The signature of another call, and where the policy would keep it."""
        self._entries += 1
        number = str(self._entries)
        kept = Kept(
            signature=number.rjust(_SIGNATURE, "A"),
            origin="google/studio",
            family="gemini-3",
            name="get_weather",
        )
        return kept, [vault.place("team-a", what, number) for what in ("sig", "id", "call")]


async def _found(vault: BookedVault, places: Sequence[bytes]) -> list[float]:
    took = []
    for start in range(0, len(places) - _ASKED, _ASKED):
        asked = places[start : start + _ASKED]
        began = time.perf_counter()
        found = await vault.find(asked)
        took.append(time.perf_counter() - began)
        if len(found) != _ASKED:
            raise RuntimeError(f"{_ASKED - len(found)} of {_ASKED} places have nothing")
    return sorted(took)


def _percentiles(found: list[float]) -> str:
    shown = ((share, 1e6 * found[len(found) * share // 100]) for share in (50, 90, 99))
    return "".join(f"   p{share} {micros:8.1f} µs" for share, micros in shown)


def main() -> int:
    """Measure and print."""
    entries = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    parent = sys.argv[2] if len(sys.argv) > 2 else None
    with tempfile.TemporaryDirectory(dir=parent) as folder:
        bench = Bench(Path(folder))
        print(f"{TURNS} turns in an empty vault\n{bench.measure().page()}")
        if entries:
            began = time.perf_counter()
            bench.fill(entries)
            print(f"{entries} entries more, written in {time.perf_counter() - began:.0f} s")
            print(f"{TURNS} turns among them\n{bench.measure().page()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
