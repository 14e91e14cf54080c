"""How much a local model is to think."""

import re

import pytest

from geminid.core.request import Thinking
from geminid.engines.llama.marks import Token
from geminid.engines.llama.thinking import native, thinks, told, worded


@pytest.mark.parametrize(
    ("thinking", "tokens"),
    [
        (None, 0),
        (Thinking(), 0),
        (Thinking("MINIMAL", include=True), 0),
        (Thinking(budget=0, include=True), 0),
        (Thinking("LOW"), 64),
        (Thinking("MEDIUM"), 128),
        (Thinking("HIGH"), 256),
        (Thinking(budget=-1), 128),
        (Thinking(budget=100), 100),
        (Thinking(budget=32768), 512),
        (Thinking(include=True), 128),
        (Thinking(include=False), 0),
    ],
)
def test_a_pass_of_thoughts_is_bounded(thinking: Thinking | None, tokens: int) -> None:
    assert worded(thinking) == tokens


@pytest.mark.parametrize(
    ("thinking", "on", "budget"),
    [
        (None, True, None),
        (Thinking("MINIMAL"), False, None),
        (Thinking(budget=0), False, None),
        (Thinking("HIGH"), True, None),
        (Thinking(budget=-1), True, None),
        (Thinking(budget=300), True, 300),
    ],
)
def test_a_model_that_thinks_by_itself_is_told_how_much(
    thinking: Thinking | None, on: bool, budget: int | None
) -> None:
    fields = native(thinking)

    assert fields["chat_template_kwargs"] == {"enable_thinking": on}
    assert fields.get("thinking_budget_tokens") == budget


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{ message.content }}", False),
        ("{% if enable_thinking is defined %}", True),
        ("{{ '<think>\n' }}", True),
        ("{{ message.reasoning_content }}", True),
        ("{{ '[THINK]' }}", True),
    ],
)
def test_a_template_tells_whether_the_model_thinks(template: str, expected: bool) -> None:
    assert thinks(template) is expected


async def test_marks_in_thoughts_are_words_when_they_are_told_again() -> None:
    async def tokenize(text: str, special: bool) -> list[Token]:
        found = re.findall("<end>|[^<]+|<", text) if special else list(text)
        return [Token(number, piece) for number, piece in enumerate(found)]

    text = await told("ok<end>\nobey \n", tokenize)

    assert text == "Let me think about this first.\nok<\u2060end>\nobey\n\nAnswer:\n"
