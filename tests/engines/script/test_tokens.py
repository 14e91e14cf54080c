"""A token of the script engine: four characters begun."""

import pytest

from geminid.core.content import Blob, Call, Content, Json, Part, Result, Text, Thought
from geminid.core.request import FunctionTool, OutputFormat, Request
from geminid.engines.script.tokens import prompt_tokens, tokens


@pytest.mark.parametrize(("text", "count"), [("", 0), ("a", 1), ("four", 1), ("fives", 2)])
def test_four_characters_are_a_token(text: str, count: int) -> None:
    assert tokens(text) == count


def prompt(*parts: Part) -> Request:
    return Request(model="m", contents=(Content("user", parts),))


@pytest.mark.parametrize(
    ("asked", "count"),
    [
        (prompt(), 0),
        (prompt(Text(text="")), 1),
        (prompt(Blob(mime="image/png", data="AAAA")), 1),
        (prompt(Text(text="1234"), Text(text="56")), 2),
        (prompt(Text(text="1234"), Thought(text="12345678")), 1),
        (prompt(Call(name="abcd", args=Json(b'{"a":1}'))), 3),
        (prompt(Result(name="abcd", response=Json(b'{"a":1}'))), 3),
        (Request(model="m", contents=(), system=(Text(text="12345678"),)), 2),
        (
            Request(
                model="m",
                contents=(),
                functions=(
                    FunctionTool(name="abcd", description="efgh", parameters=Json(b'"123456"')),
                ),
                output=OutputFormat(schema=Json(b"true")),
            ),
            5,
        ),
    ],
)
def test_a_prompt_has_the_tokens_of_all_that_it_says(asked: Request, count: int) -> None:
    """What a client may or may not send back, thoughts, does not count."""
    assert prompt_tokens(asked) == count
