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

    assert [back.ours(wire_name(name)) for name in names] == names


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
