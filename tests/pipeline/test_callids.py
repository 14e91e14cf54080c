"""Every call has an id, whatever the engine."""

import re
from collections.abc import Iterable

from geminid.core.content import Call, Part, Text
from geminid.core.events import Begin, End, Event, Events, PartEnd, PartStart
from geminid.core.fold import fold
from geminid.pipeline.callids import identified


async def _given(events: Iterable[Event]) -> Events:
    for event in events:
        yield event


async def test_calls_without_an_id_get_one_each_and_others_keep_theirs() -> None:
    parts: list[Part] = [
        Text(text="See:"),
        Call(name="f"),
        Call(name="f"),
        Call(name="f", id="mine"),
    ]
    events: list[Event] = [Begin("r", "m")]
    for index, part in enumerate(parts):
        events += [PartStart(index, part), PartEnd(index)]
    events.append(End("STOP"))

    async def ids(request: str) -> list[str]:
        left = [event async for event in identified(_given(events), request)]
        return [
            part.id for part in fold(left).candidates[0].content.parts if isinstance(part, Call)
        ]

    first, second, third = await ids("request-1")
    assert third == "mine"
    assert first != second
    assert all(re.fullmatch("[a-z0-9]{8}", each) for each in (first, second))
    assert await ids("request-1") == [first, second, "mine"], "the same request, the same ids"
    assert (await ids("request-2"))[0] != first


async def test_calls_of_two_candidates_are_two() -> None:
    starts: list[Event] = [PartStart(0, Call(name="f"), candidate) for candidate in range(2)]

    left = [event async for event in identified(_given(starts), "request-1")]

    ids = {
        event.part.id
        for event in left
        if isinstance(event, PartStart) and isinstance(event.part, Call)
    }
    assert len(ids) == 2
