"""Names of functions inside: in and out."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geminid.dialects.openai.chat.ask.naming import Inside, inside_name

TAKEN = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,63}")


@given(st.text(max_size=130))
def test_every_name_becomes_one_that_gemini_takes(name: str) -> None:
    """And the same each time."""
    assert TAKEN.fullmatch(inside_name(name))
    assert inside_name(name) == inside_name(name)


@pytest.mark.parametrize("name", ["f", "get_weather", "a-b", "a.b", "a:b", "_", "x" * 64])
def test_a_name_that_is_taken_stays(name: str) -> None:
    """Models know functions by their names."""
    assert inside_name(name) == name


@pytest.mark.parametrize("name", ["9lives", "-a", "a b", "größe", "x" * 65, "x" * 200, "a/b", ""])
def test_another_one_is_told_apart_by_a_hash(name: str) -> None:
    """And keeps what can be read of it."""
    assert re.search(r"_[0-9a-f]{12}$", inside_name(name))
    assert len({inside_name(f"{name}{end}") for end in ("", " ", "  ")}) == 3


@given(st.lists(st.text(min_size=1, max_size=130), max_size=8, unique=True))
def test_names_come_back(names: list[str]) -> None:
    """No two of them are one inside."""
    inside = Inside(names)

    assert [inside.renamed.get(inside.of(name), inside.of(name)) for name in names] == names
    assert all(inside.declares(name) for name in names)


@pytest.mark.parametrize("turn", [1, -1])
def test_a_name_that_is_declared_just_as_another_one_is_inside_stays_its_own(turn: int) -> None:
    """Whatever their order."""
    taken = inside_name("a b")
    inside = Inside(["a b", taken, inside_name("a b", 1)][::turn])

    assert inside.of(taken) == taken
    assert inside.of("a b") == inside_name("a b", 2)
    assert inside.renamed == {inside_name("a b", 2): "a b"}


def test_a_name_of_the_history_takes_none_that_is_declared() -> None:
    """Nobody declares it any more, but calls of it were made."""
    inside = Inside([inside_name("a b")])

    assert inside.of("a b") == inside_name("a b", 1)
    assert not inside.declares("a b")
