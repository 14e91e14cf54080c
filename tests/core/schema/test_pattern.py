"""Patterns, narrowed to what a grammar holds."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geminid.core.schema.pattern import BadPattern, narrow
from tests.schemas import PATTERNS


@pytest.mark.parametrize(
    ("pattern", "wanted"),
    [
        ("^a+$", "^a+$"),
        (r"^\d{3}-\w$", "^[0-9]{3}-[0-9A-Z_a-z]$"),
        (r"^[\w.-]+@x\.de$", r"^[.0-9A-Z_a-z-]+@x\.de$"),
        ("^(?:a|b)$", "^(a|b)$"),
        ("^(?<year>[0-9]{4})$", "^([0-9]{4})$"),
        ("^a|b$", None),
        ("^€+$", "^(€)+$"),
        ("^[-^]$", r"^(\^|-)$"),
        (r"^\u0041\x42\/$", "^AB/$"),
        ("^a{2,}?$", "^a{2,}$"),
        ("^$", "^$"),
    ],
)
def test_what_is_written(pattern: str, wanted: str | None) -> None:
    """Anchored, in ASCII classes and counts; no escape that llama.cpp does not know."""
    found = narrow(pattern)

    assert found is not None
    if wanted is not None:
        assert found == wanted
    assert found.startswith("^")
    assert found.endswith("$")


@pytest.mark.parametrize(
    "pattern",
    [
        "^(?=a)b$", "(?i)a", r"(a)\1", r"\bword\b", r"^\p{L}+$", '^"$', r"^\n$", r"^\\$",
        "^(a?)*$", "^(a*)+$", "^((a?){20}){20}$", "^(a|)+$", "^a{501}$", "^((a{400}){400})$",
        "^a$b$", "a^b", "^(^a)$", "^[a&&b]$", "^[[a]]$", "^{a}$", "^" + "(" * 17 + ")" * 17 + "$",
    ],
)  # fmt: skip
def test_what_a_grammar_cannot_hold(pattern: str) -> None:
    """It is checked on the answer instead: `None`."""
    assert narrow(pattern) is None


@pytest.mark.parametrize("pattern", ["(", ")", "[", "*a", "^a{3,1}$", "[z-a]", "a\\", "(?<x", "(a"])
def test_what_is_no_pattern(pattern: str) -> None:
    """`{3,1}` made llama.cpp run for ever; all of these are the caller's to correct."""
    with pytest.raises(BadPattern):
        narrow(pattern)


TEXTS = [
    *("ab", "abcd", "abcde", "123-45", "123-456", "yes", "yesno", "x1y", "a", "aab", "ba"),
    *("a b", "a\tb", "x/y", "/", "a@b", "a @b", "€", "€€€", "€€€€", "..", "ü12é5", "", "\n", '"a"'),
]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_whatever_the_narrow_one_matches_the_given_one_matches(pattern: str) -> None:
    """Narrower, never wider; and not so narrow that nothing is left."""
    found = narrow(pattern)
    assert found is not None
    matched = [text for text in TEXTS if re.search(found.removesuffix("$") + r"\Z", text)]

    assert matched
    assert all(re.search(pattern, text) for text in matched)


@settings(deadline=None)
@given(st.text("ab[](){}^$|*+?\\-d0,.:<", max_size=12))
def test_any_text_is_a_pattern_or_not(text: str) -> None:
    """It is narrowed, left to the validator, or said to be none; what is written compiles."""
    try:
        found = narrow(text)
    except BadPattern:
        return
    if found is not None:
        re.compile(found)
        assert narrow(found) is not None
