"""Seals: made here, opened here, and nowhere else."""

import base64
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geminid.stores.errors import StateUnusable
from geminid.stores.keyring import FILE
from geminid.stores.seals import Seals, memory_seals, open_seals
from tests.stores.samples import StillClock

DAY = 86_400.0


@given(st.binary(max_size=4000), st.binary(max_size=200))
def test_a_seal_gives_back_what_it_was_made_of(state: bytes, bound: bytes) -> None:
    seals = memory_seals()

    seal = seals.seal(state, bound)

    assert seals.open(seal, bound) == state
    assert seal.startswith(seals.mark)
    assert len(base64.b64decode(seal)) >= 100, "the real ones are never short"
    assert seals.seal(state, bound) != seal, "two of one state tell nothing about it"


@given(st.data())
def test_one_changed_bit_and_it_does_not_open(data: st.DataObject) -> None:
    seals = memory_seals()
    raw = bytearray(base64.b64decode(seals.seal(b"state", b"bound")))
    bit = data.draw(st.integers(0, 8 * len(raw) - 1))

    raw[bit // 8] ^= 1 << (bit % 8)

    assert seals.open(base64.b64encode(raw).decode(), b"bound") is None


@pytest.mark.parametrize("seal", ["", "EgRnbW5k", "not base64!", "EgRnbW5k" * 20, "c2lnbmF0dXJl"])
def test_what_is_no_seal_does_not_open(seal: str) -> None:
    assert memory_seals().open(seal, b"") is None


def test_it_opens_only_where_it_was_bound(tmp_path: Path) -> None:
    seals, others = memory_seals(), memory_seals()
    seal = seals.seal(b"state", b"one")

    assert seals.open(seal, b"two") is None
    assert others.open(seal, b"one") is None


def test_keys_survive_a_restart_and_only_their_owner_reads_them(tmp_path: Path) -> None:
    clock = StillClock()
    seal = open_seals(tmp_path, clock).seal(b"state", b"")

    assert open_seals(tmp_path, clock).open(seal, b"") == b"state"
    assert (tmp_path / FILE).stat().st_mode & 0o077 == 0


def test_keys_rotate_and_old_seals_open_for_good(tmp_path: Path) -> None:
    clock = StillClock()
    old = open_seals(tmp_path, clock).seal(b"old", b"")
    clock.at += 91 * DAY
    rotated = open_seals(tmp_path, clock)

    assert rotated.open(old, b"") == b"old"
    assert key_of(old) != key_of(rotated.seal(b"new", b""))

    clock.at += 5000 * DAY
    assert open_seals(tmp_path, clock).open(old, b"") == b"old"


def test_a_clock_that_was_wrong_once_costs_nothing(tmp_path: Path) -> None:
    clock = StillClock()
    before = open_seals(tmp_path, clock).seal(b"before", b"")
    clock.at += 500 * DAY
    ahead = open_seals(tmp_path, clock).seal(b"ahead", b"")
    clock.at -= 500 * DAY
    seals = open_seals(tmp_path, clock)

    assert seals.open(before, b"") == b"before"
    assert seals.open(ahead, b"") == b"ahead"
    assert key_of(seals.seal(b"now", b"")) == key_of(before), "a key of the future does not seal"


def key_of(seal: str) -> bytes:
    """The id of the key that made it."""
    return base64.b64decode(seal)[6:10]


@pytest.mark.parametrize(
    "content", [b"", b"{}", b'{"keys":[{"id":"zz","secret":"AA==","made":0}]}', b"\xff"]
)
def test_a_broken_file_stops_the_start_and_is_named(content: bytes, tmp_path: Path) -> None:
    """Making new keys in silence would break every conversation that is under way."""
    (tmp_path / FILE).write_bytes(content)

    with pytest.raises(StateUnusable, match=FILE):
        open_seals(tmp_path, StillClock())
    assert (tmp_path / FILE).read_bytes() == content


def test_a_home_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    home = tmp_path / "file"
    home.write_bytes(b"")

    with pytest.raises(StateUnusable, match="cannot be"):
        open_seals(home, StillClock())


def test_a_bomb_cannot_be_sealed_in(tmp_path: Path) -> None:
    """Four megabytes are all that a seal gives back, whoever made it."""
    seals: Seals = memory_seals()

    found = seals.open(seals.seal(bytes(16 << 20), b""), b"")

    assert found is not None
    assert len(found) == 4 << 20
