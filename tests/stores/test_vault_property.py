"""Whatever is kept, found, forgotten and restarted in whatever order: a vault is a dict with time.

Of two processes each may remember an older entry of a place that the other has kept at since; what
it never does is find what was kept elsewhere, or too long ago.
"""

import asyncio
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from geminid.config import VaultLimits
from geminid.core.ports import Kept, Vault
from geminid.stores.vault import BookedVault, MemoryVault, open_vault
from tests.stores.vaults import DAY, Booked, kept

TTL = 3
LIMITS = VaultLimits(ttl_days=TTL)
WORDS = st.integers(0, 9)
HERE_OR_THERE = st.integers(0, 1)


class Life(RuleBasedStateMachine):
    """Two servers on one home, and a vault in memory that sees all that both do."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        home = Path(self._folder.name)
        self._servers = [Booked(home), Booked(home)]
        self._clock = self._servers[0].clock
        self._servers[1].clock = self._clock
        self._vaults = [self._opened(server) for server in self._servers]
        self._memory = MemoryVault(self._clock, LIMITS)
        self._history: dict[int, list[tuple[float, Kept]]] = {}
        self._count = 0

    @rule(words=st.lists(WORDS, min_size=1, max_size=4), which=HERE_OR_THERE)
    def keep(self, words: list[int], which: int) -> None:
        self._count += 1
        made = kept(f"{self._count:04}")
        for vault in (self._vaults[which], self._memory):
            asyncio.run(vault.keep(made, [vault.place(str(word)) for word in words]))
        for word in words:
            self._history.setdefault(word, []).append((self._clock.at, made))

    @rule(words=st.lists(WORDS, max_size=10), which=HERE_OR_THERE)
    def find(self, words: list[int], which: int) -> None:
        expected = self._expected(words)
        assert self._found(self._memory, words) == expected
        found = self._found(self._vaults[which], words)
        assert set(found) == set(expected)
        for word, each in found.items():
            alive = [k for at, k in self._history[word] if at + TTL * DAY > self._clock.at]
            assert each in alive

    @rule(which=HERE_OR_THERE)
    def forget(self, which: int) -> None:
        """All that is left is in the database, and that is the truth."""
        self._vaults[which].close()
        self._vaults[which] = self._opened(self._servers[which])
        words = list(range(10))
        assert self._found(self._vaults[which], words) == self._expected(words)

    @rule(which=HERE_OR_THERE)
    def restart(self, which: int) -> None:
        self._vaults[which].close()
        self._servers[which].restart()
        self._vaults[which] = self._opened(self._servers[which])

    @rule(days=st.sampled_from([0.25, 1, 2.5]))
    def wait(self, days: float) -> None:
        self._clock.at += days * DAY

    def _opened(self, server: Booked) -> BookedVault:
        return open_vault(server.home, self._clock, server.book.writer, LIMITS)

    def _expected(self, words: list[int]) -> dict[int, Kept]:
        last = {word: self._history[word][-1] for word in words if word in self._history}
        return {word: k for word, (at, k) in last.items() if at + TTL * DAY > self._clock.at}

    def _found(self, vault: Vault, words: list[int]) -> dict[int, Kept]:
        places = {vault.place(str(word)): word for word in words}
        found = asyncio.run(vault.find(list(places)))
        return {places[place]: each for place, each in found.items()}

    def teardown(self) -> None:
        for vault, server in zip(self._vaults, self._servers, strict=True):
            vault.close()
            server.close()
        self._folder.cleanup()


TestLife = Life.TestCase
TestLife.settings = settings(
    max_examples=15,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
