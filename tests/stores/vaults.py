"""What the tests of the vault share: vaults of both kinds over one home, and what is kept."""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest

from geminid.config import VaultLimits
from geminid.core.ports import Kept, Vault
from geminid.stores.account import BookedAccount, open_book
from geminid.stores.vault import BookedVault, MemoryVault, open_vault
from tests.stores.samples import StillClock

DAY = 86_400.0


class Kind(Vault, Protocol):
    """What both kinds of vault have besides the port."""

    limits: VaultLimits

    @property
    def problem(self) -> str: ...


class Vaults(Protocol):
    """A home with a vault."""

    clock: StillClock

    def open(self, limits: VaultLimits | None = None) -> Kind:
        """The vault; another object over the same database each time."""
        ...

    def forget(self) -> None:
        """Lose all that is in memory, where that is possible."""
        ...


class Booked:
    """Vaults in the database of `home`, with one writer, as a server has them."""

    def __init__(self, home: Path) -> None:
        self.clock = StillClock()
        self.home = home
        self.book: BookedAccount = open_book(home, self.clock)
        self._open: list[BookedVault] = []

    def open(self, limits: VaultLimits | None = None) -> BookedVault:
        vault = open_vault(self.home, self.clock, self.book.writer, limits or VaultLimits())
        self._open.append(vault)
        return vault

    def forget(self) -> None:
        """The next vault knows only what is in the database."""

    def restart(self) -> None:
        """Stop in good order and begin anew."""
        self.close()
        self.book = open_book(self.home, self.clock)

    def close(self) -> None:
        while self._open:
            self._open.pop().close()
        self.book.close(10)


class InMemory:
    """One vault in memory."""

    def __init__(self) -> None:
        self.clock = StillClock()
        self._vault = MemoryVault(self.clock)

    def open(self, limits: VaultLimits | None = None) -> MemoryVault:
        if limits is not None:
            self._vault.limits = limits
        return self._vault

    def forget(self) -> None:
        """Nothing: what memory forgets is gone."""


@pytest.fixture(params=["booked", "memory"])
def vaults(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Vaults]:
    """Vaults of both kinds."""
    if request.param == "memory":
        yield InMemory()
        return
    booked = Booked(tmp_path / "home")
    yield booked
    booked.close()


@pytest.fixture
def booked(tmp_path: Path) -> Iterator[Booked]:
    """Vaults in a database."""
    booked = Booked(tmp_path / "home")
    yield booked
    booked.close()


def kept(signature: str) -> Kept:
    """A signature as it left."""
    return Kept(signature=signature, origin="google/studio", family="gemini-3")
