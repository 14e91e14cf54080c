"""Every call has an id, whatever the engine."""

import re
from collections.abc import Iterable

import pytest

from geminid.core.content import Call, Part, Text
from geminid.core.events import Begin, End, Event, Events, PartEnd, PartStart
from geminid.core.fold import fold
from geminid.pipeline.callids import identified, lasting


async def _given(events: Iterable[Event]) -> Events:
    for event in events:
        yield event


async def _ids(request: str, *parts: Part, long: bool = False, trusted: bool = True) -> list[str]:
    events: list[Event] = [Begin("r", "m")]
    for index, part in enumerate(parts):
        events += [PartStart(index, part), PartEnd(index)]
    events.append(End("STOP"))
    left = identified(_given(events), request, long=long, trusted=trusted)
    folded = fold([event async for event in left])
    return [part.id for part in folded.candidates[0].content.parts if isinstance(part, Call)]


PARTS = (Text(text="See:"), Call(name="f"), Call(name="f"), Call(name="f", id="mine"))


async def test_calls_without_an_id_get_one_each_and_others_keep_theirs() -> None:
    first, second, third = await _ids("request-1", *PARTS)
    assert third == "mine"
    assert first != second
    assert all(re.fullmatch("[a-z0-9]{8}", each) for each in (first, second))
    assert await _ids("request-1", *PARTS) == [first, second, "mine"], "same request, same ids"
    assert (await _ids("request-2", *PARTS))[0] != first


async def test_long_ids_are_as_openai_writes_them() -> None:
    """29 characters, legal at every vendor: a fall-back broke on one of 949 (litellm#41534)."""
    ids = await _ids("request-1", *PARTS, long=True)

    assert len(set(ids)) == 3
    assert all(re.fullmatch("call_[a-z0-9]{24}", each) for each in ids)
    assert await _ids("request-1", *PARTS, long=True) == ids
    assert not set(ids) & set(await _ids("request-2", *PARTS, long=True))


@pytest.mark.parametrize("theirs", ["a1b2c3d4", "toolu_01-" + "x" * 31])
async def test_google_s_own_ids_stay(theirs: str) -> None:
    assert await _ids("r", Call(name="f", id=theirs), long=True) == [theirs]
    assert lasting(theirs, trusted=True)


@pytest.mark.parametrize("theirs", ["call_0", "1", "x" * 41, "functions.look:0", "größe-123"])
async def test_ids_that_are_too_short_too_long_or_odd_are_replaced(theirs: str) -> None:
    (made,) = await _ids("r", Call(name="f", id=theirs), long=True)

    assert made.startswith("call_")
    assert not lasting(theirs, trusted=True)
    assert lasting(made, trusted=False)


async def test_engines_that_count_are_not_trusted() -> None:
    """OpenRouter's `tool_0_look` comes again in the next answer."""
    (made,) = await _ids("r", Call(name="look", id="tool_0_look"), long=True, trusted=False)

    assert made.startswith("call_")
    assert not lasting("tool_0_look", trusted=False)


async def test_calls_of_two_candidates_are_two() -> None:
    starts: list[Event] = [PartStart(0, Call(name="f"), candidate) for candidate in range(2)]

    left = [event async for event in identified(_given(starts), "request-1")]

    ids = {
        event.part.id
        for event in left
        if isinstance(event, PartStart) and isinstance(event.part, Call)
    }
    assert len(ids) == 2
