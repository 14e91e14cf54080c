"""Function names that this wire does not take: out and back."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geminid.core.request import FunctionTool
from geminid.dialects.openai.names import Names, wire_name


@given(st.text(max_size=130))
def test_every_name_becomes_one_that_servers_take(name: str) -> None:
    """And the same each time."""
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", wire_name(name))
    assert wire_name(name) == wire_name(name)


@given(st.lists(st.text(min_size=1, max_size=130), max_size=8, unique=True))
def test_names_come_back(names: list[str]) -> None:
    """No two of them are one on the wire."""
    back = Names(FunctionTool(name=name) for name in names)

    assert [back.ours(back.sent(name)) for name in names] == names


@pytest.mark.parametrize("name", ["f", "get_weather", "a-b", "9", "x" * 64])
def test_a_name_that_is_taken_stays(name: str) -> None:
    """Models know tools by their names."""
    assert wire_name(name) == name


def test_names_that_are_cleaned_alike_differ() -> None:
    """And keep what can be read of them."""
    sent = {wire_name(name) for name in ("a.b", "a:b", "a b", "a..b", "a_b")}

    assert len(sent) == 5
    assert all(name.startswith("a_b") for name in sent)
    assert wire_name("x" * 65) != wire_name("x" * 66)


def test_a_name_that_nobody_declared_stays() -> None:
    """The model made it up; others judge that."""
    assert Names([FunctionTool(name="a.b")]).ours("a_b") == "a_b"


@pytest.mark.parametrize("turn", [1, -1])
def test_a_name_that_is_declared_just_as_another_one_is_sent_stays_its_own(turn: int) -> None:
    """Whatever their order, and in each request alike."""
    sent = wire_name("a.b")
    names = Names([FunctionTool(name=name) for name in ("a.b", sent, wire_name("a.b", 1))][::turn])

    assert names.sent(sent) == sent
    assert names.sent("a.b") == wire_name("a.b", 2)
    assert re.fullmatch(r"a_b_[0-9a-f]{12}", names.sent("a.b"))
    assert [names.ours(names.sent(name)) for name in ("a.b", sent)] == ["a.b", sent]


def test_a_name_of_the_history_takes_none_that_is_declared() -> None:
    """It was declared then, and is not any more."""
    names = Names([FunctionTool(name=wire_name("a.b")), FunctionTool(name="a:b")])

    assert names.sent("a.b") == wire_name("a.b", 1)
    assert names.sent(wire_name("a:b")) != names.sent("a:b")
    assert names.sent("c.d") == wire_name("c.d")
