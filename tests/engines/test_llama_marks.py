"""Special tokens in a caller's texts: found by the tokenizer's own account, and taken apart."""

import re

import pytest

from geminid.core.content import Content, Text, Thought
from geminid.core.errors import Unsupported
from geminid.core.request import Request
from geminid.engines.llama.marks import Token, unmarked

PIECES = re.compile(r"<end>|\[/?X\]|<|[^<\[]+|\[")


async def tokenize(text: str, special: bool) -> list[Token]:
    """A tokenizer whose special tokens are `<end>`, `[X]` and `[/X]`."""
    pieces = PIECES.findall(text) if special else list(text)
    return [Token(number, piece) for number, piece in enumerate(pieces)]


async def stubborn(text: str, special: bool) -> list[Token]:
    """One that finds a mark in whatever it reads."""
    return [Token(1, "<end>" if special else "<")]


def asked(*parts: Text | Thought, system: str = "") -> Request:
    """A request of `parts`."""
    return Request(
        model="m", contents=(Content("user", parts),), system=(Text(text=system),) if system else ()
    )


async def test_marks_are_taken_apart_wherever_they_stand() -> None:
    request = asked(Text(text="a<end>b[X][/X]"), Thought(text="<end>"), system="[X]")

    found = await unmarked(request, tokenize)

    assert found.contents[0].parts == (
        Text(text="a<\u2060end>b[\u2060X][\u2060/X]"),
        Thought(text="<\u2060end>"),
    )
    assert found.system == (Text(text="[\u2060X]"),)


@pytest.mark.parametrize("text", ["no signs at all", "a < b, c[0] and <p>"])
async def test_other_texts_stay_as_they_are(text: str) -> None:
    request = asked(Text(text=text))

    assert await unmarked(request, tokenize) is request


async def test_a_mark_that_stays_is_refused() -> None:
    with pytest.raises(Unsupported, match="cannot be taken out"):
        await unmarked(asked(Text(text="<end>")), stubborn)
