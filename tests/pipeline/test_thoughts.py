"""Thoughts are shown to those who ask for them."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geminid.core.content import Content, Part, Thought
from geminid.core.events import Event, Events
from geminid.core.fold import Answer, fold
from geminid.core.ports import Context
from geminid.core.request import Request, Thinking
from geminid.pipeline.thoughts import shown, wanted
from tests import strategies


async def _given(events: Iterable[Event]) -> Events:
    for event in events:
        yield event


@given(strategies.events(), st.booleans())
async def test_nothing_but_thoughts_is_hidden(events: list[Event], include: bool) -> None:
    left = fold([event async for event in shown(_given(events), include=include)])

    whole = fold(events)
    assert _contents(left) == [_visible(each, include=include) for each in _contents(whole)]
    assert [each.end for each in left.candidates] == [each.end for each in whole.candidates]
    assert left.usage == whole.usage


def _visible(content: Content, *, include: bool) -> Content:
    def seen(part: Part) -> bool:
        return not isinstance(part, Thought) or (include and bool(part.text))

    return Content(content.role, tuple(filter(seen, content.parts)))


def _contents(answer: Answer) -> list[Content]:
    return [each.content for each in answer.candidates]


@pytest.mark.parametrize(
    ("thinking", "shows", "seen"),
    [
        (None, False, False),
        (Thinking(), False, False),
        (Thinking(include=False), False, False),
        (Thinking(include=True), False, True),
        (None, True, True),
        (Thinking(include=False), True, False),
    ],
)
def test_a_caller_has_to_ask_unless_the_dialect_shows_them(
    thinking: Thinking | None, shows: bool, seen: bool
) -> None:
    context = Context(request_id="r", caller="c", deadline=1.0, stream=False, shows=shows)

    assert wanted(Request(model="m", contents=(), thinking=thinking), context) is seen
