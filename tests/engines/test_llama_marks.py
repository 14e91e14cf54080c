"""Special tokens in a caller's texts: found by the tokenizer's own account, and taken apart."""

import re

import pytest

from geminid.core.content import Content, Text, Thought
from geminid.core.errors import Unsupported
from geminid.core.request import Request
from geminid.engines.llama.marks import Token, check_names, unmarked

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


async def test_long_texts_are_asked_about_in_pieces() -> None:
    """And a mark that a cut goes through is found."""
    lengths: list[int] = []

    async def counting(text: str, special: bool) -> list[Token]:
        lengths.append(len(text))
        return await tokenize(text, special)

    text = "a" * 32_766 + "<end>" + "b" * 50_000
    found = await unmarked(asked(Text(text=text)), counting)

    assert found.contents[0].parts == (Text(text=text.replace("<", "<\u2060")),)
    assert max(lengths) <= 33_024


@pytest.mark.parametrize("grammar", ['{"properties":{"<end>":{}}}', '"[X]"'])
async def test_a_name_that_is_a_mark_is_refused(grammar: str) -> None:
    with pytest.raises(
        Unsupported, match=r"holds '(<end>|\[X\])', a mark of the local model's own"
    ):
        await check_names(grammar, tokenize)


async def test_a_grammar_without_marks_is_taken_and_mostly_costs_nothing() -> None:
    asked_for: list[str] = []

    async def counting(text: str, special: bool) -> list[Token]:
        asked_for.append(text)
        return await tokenize(text, special)

    await check_names('{"enum":["a"],"items":{"enum":[1,2]}}', counting)
    assert asked_for == []
    await check_names('{"pattern":"^[a-z]+$","<b>":1}', counting)
    assert len(asked_for) == 1
