"""The vault: what holds in the database and in memory alike."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geminid.config import VaultLimits
from geminid.core.ports import Kept
from geminid.stores.vault import MemoryVault
from tests.stores.samples import StillClock
from tests.stores.vaults import DAY, Vaults, kept


async def test_what_is_kept_is_found_at_each_of_its_places(vaults: Vaults) -> None:
    vault = vaults.open()
    places = [vault.place("id", "call_1"), vault.place("sig", "U2ln")]

    await vault.keep(kept("U2ln"), places)

    assert await vault.find(places) == dict.fromkeys(places, kept("U2ln"))


async def test_every_field_comes_back(vaults: Vaults) -> None:
    vault = vaults.open()
    whole = Kept(signature="U2ln", origin="google/a#1", family="gemini-3", name="get_wéather")

    await vault.keep(whole, [vault.place("a")])
    vaults.forget()

    assert await vaults.open().find([vault.place("a")]) == {vault.place("a"): whole}


async def test_a_place_that_has_nothing_is_not_there(vaults: Vaults) -> None:
    vault = vaults.open()
    await vault.keep(kept("U2ln"), [vault.place("a")])

    assert await vault.find([vault.place("b")]) == {}
    assert await vault.find([]) == {}


async def test_the_last_that_is_kept_at_a_place_has_it(vaults: Vaults) -> None:
    vault = vaults.open()
    one, both = vault.place("one"), vault.place("both")
    await vault.keep(kept("Zmlyc3Q="), [one, both])
    await vault.keep(kept("c2Vjb25k"), [both])
    vaults.forget()

    found = await vaults.open().find([both, one])

    assert found == {one: kept("Zmlyc3Q="), both: kept("c2Vjb25k")}


async def test_thousands_of_places_are_looked_for_at_once(vaults: Vaults) -> None:
    """A history of a hundred messages has some for each of its parts."""
    vault = vaults.open()
    places = [vault.place(str(number)) for number in range(1_300)]
    for number in (0, 499, 500, 501, 1_299):
        await vault.keep(kept(f"{number:04}"), [places[number]])
    vaults.forget()

    found = await vaults.open().find(places)

    assert {places.index(at): each.signature for at, each in found.items()} == {
        0: "0000",
        499: "0499",
        500: "0500",
        501: "0501",
        1_299: "1299",
    }


async def test_a_place_named_twice_is_one_place(vaults: Vaults) -> None:
    vault = vaults.open()
    place = vault.place("a")

    await vault.keep(kept("U2ln"), [place, place])
    vaults.forget()

    assert await vaults.open().find([place, place]) == {place: kept("U2ln")}


async def test_a_picture_s_signature_of_megabytes_is_kept(vaults: Vaults) -> None:
    vault = vaults.open()
    long = kept("QUJD" * (1 << 20))

    await vault.keep(long, [vault.place("a"), vault.place("b")])
    vaults.forget()

    assert await vaults.open().find([vault.place("b")]) == {vault.place("b"): long}


@pytest.mark.parametrize("forget", [True, False])
async def test_after_its_time_nothing_is_found(vaults: Vaults, *, forget: bool) -> None:
    vault = vaults.open(VaultLimits(ttl_days=2))
    place = vault.place("a")
    await vault.keep(kept("U2ln"), [place])

    vaults.clock.at += 2 * DAY - 1
    assert await vault.find([place])
    vaults.clock.at += 1
    if forget:
        vaults.forget()
        vault = vaults.open(VaultLimits(ttl_days=2))
    assert not await vault.find([place])


async def test_what_is_kept_again_has_its_time_anew(vaults: Vaults) -> None:
    vault = vaults.open(VaultLimits(ttl_days=2))
    place = vault.place("a")
    await vault.keep(kept("U2ln"), [place])
    vaults.clock.at += DAY
    await vault.keep(kept("U2ln"), [place])
    vaults.clock.at += 2 * DAY - 1

    assert await vault.find([place])


async def test_another_time_to_live_counts_at_once_and_for_all(vaults: Vaults) -> None:
    """A reload changes it, also for what was kept before."""
    vault = vaults.open(VaultLimits(ttl_days=30))
    place = vault.place("a")
    await vault.keep(kept("U2ln"), [place])
    vaults.clock.at += 5 * DAY

    vault.limits = VaultLimits(ttl_days=5)
    assert not await vault.find([place])
    vault.limits = VaultLimits(ttl_days=6)
    assert await vault.find([place])


async def test_a_vault_that_is_off_keeps_and_finds_nothing(vaults: Vaults) -> None:
    vault = vaults.open()
    before, after = vault.place("before"), vault.place("after")
    await vault.keep(kept("U2ln"), [before])

    vault.limits = VaultLimits(enabled=False)
    await vault.keep(kept("U2ln"), [after])
    assert await vault.find([before, after]) == {}

    vault.limits = VaultLimits()
    assert set(await vault.find([before, after])) == {before}


async def test_a_vault_in_order_has_no_problem(vaults: Vaults) -> None:
    vault = vaults.open()
    await vault.keep(kept("U2ln"), [vault.place("a")])
    await vault.find([vault.place("b")])

    assert vault.problem == ""


WORDS = st.lists(st.text(max_size=5), max_size=4)


@given(WORDS, WORDS)
def test_other_words_are_another_place(one: list[str], other: list[str]) -> None:
    """Where one word ends and the next begins counts too."""
    vault = MemoryVault(StillClock())

    assert (vault.place(*one) == vault.place(*other)) is (one == other)


def test_a_place_takes_any_text() -> None:
    """Half of a surrogate pair is no Unicode, and may be in a client's JSON all the same."""
    vault = MemoryVault(StillClock())

    assert vault.place("\ud800") != vault.place("\ud801")


def test_a_place_tells_nobody_its_words() -> None:
    """Without the key nobody can try words out: two vaults have other places."""
    clock = StillClock()

    assert MemoryVault(clock).place("a") != MemoryVault(clock).place("a")
    assert len(MemoryVault(clock).place("a")) == 16


async def test_memory_is_bounded_and_what_nobody_asked_for_goes_first() -> None:
    vault = MemoryVault(StillClock(), VaultLimits(max_mb=1))
    places = [vault.place(str(number)) for number in range(30)]
    for place in places:
        await vault.keep(kept("A" * 50_000), [place])
        await vault.find([places[0]])

    found = set(await vault.find(places))

    assert {places[0], places[-1]} <= found
    assert 10 <= len(found) <= 20


def test_what_is_kept_is_a_plain_value() -> None:
    """It is written as MessagePack, by field names, so that a later version may add some."""
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(kept("U2ln")), type=Kept) == kept("U2ln")
