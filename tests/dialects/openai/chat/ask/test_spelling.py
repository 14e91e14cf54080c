"""Spellings of a model's name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geminid.dialects.openai.chat.ask.spelling import names_of, suffix_of


@pytest.mark.parametrize(
    ("name", "spellings"),
    [
        ("a", ("a",)),
        ("google/a", ("google/a", "a")),
        ("models/a", ("models/a", "a")),
        ("~google/a", ("~google/a", "a")),
        ("a:free", ("a:free", "a")),
        ("google/a:online", ("google/a:online", "a:online", "google/a", "a")),
        ("qwen3:8b", ("qwen3:8b",)),
        ("openai/gpt", ("openai/gpt",)),
        ("a:", ("a:",)),
        (":free", (":free",)),
        ("google/", ("google/",)),
        ("free", ("free",)),
    ],
)
def test_a_name_is_looked_up_as_it_is_and_then_plainly(
    name: str, spellings: tuple[str, ...]
) -> None:
    """A model may be called just so; a tag behind a colon is no suffix."""
    assert names_of(name) == spellings


@pytest.mark.parametrize(
    ("name", "suffix"), [("a:nitro", "nitro"), ("a:thinking", "thinking"), ("a:b", ""), ("a", "")]
)
def test_the_suffix_is_one_of_those_that_are_known(name: str, suffix: str) -> None:
    """Anything else belongs to the name."""
    assert suffix_of(name) == suffix


@given(st.text())
def test_no_spelling_is_empty_or_said_twice(name: str) -> None:
    """Each costs a look-up."""
    spellings = names_of(name)

    assert all(spellings)
    assert len(set(spellings)) == len(spellings)
