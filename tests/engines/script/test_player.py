"""The engine `script`: any number of callers, each told what the script says to them."""

import asyncio
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geminid.config import ScriptedCall, ScriptedUsage, Turn
from geminid.core.content import Content
from geminid.core.errors import DeadlinePassed, Unsupported
from geminid.core.events import Event, PartStart
from geminid.core.fold import fold
from geminid.core.request import Request, Sampling
from geminid.engines.script.player import Player
from tests import strategies
from tests.engines.script.scenes import (
    MODEL,
    MODELS,
    USER,
    context,
    played,
    request,
    script,
    spoken,
    turns,
)

LOOP = script(Turn(thoughts=("Hm.",), calls=(ScriptedCall(name="f"),)), Turn(text="Sunny and dry."))


async def test_a_tool_loop_is_played_turn_by_turn() -> None:
    player = Player(LOOP)

    called = fold(await played(player, request(USER)))
    told = fold(await played(player, request(USER, called.candidates[0].content, USER)))

    assert called.candidates[0].end.message == "Model generated function call(s)."
    assert spoken(told) == "Sunny and dry."
    with pytest.raises(Unsupported, match="turn 3"):
        await played(player, request(USER, MODELS, USER, MODELS, USER))


async def test_it_says_the_same_each_time_and_each_way() -> None:
    """Whole and as a stream, paced or not; only a stream is paced."""
    asked = request(USER, MODELS, USER)
    first = await played(Player(LOOP), asked)

    assert await played(Player(LOOP, pace_s=60), asked, context(stream=False)) == first
    assert await played(Player(LOOP, pace_s=0.001), asked) == first


async def test_callers_do_not_move_each_other_on() -> None:
    player = Player(LOOP, pace_s=0.001)
    histories = [(USER,), (USER, MODELS, USER)] * 8

    together = await asyncio.gather(*(played(player, request(*each)) for each in histories))

    assert together == [await played(player, request(*each)) for each in histories]
    assert together[0] != together[1]


async def test_the_pace_is_kept_before_each_piece() -> None:
    start = time.monotonic()

    events = await played(Player(LOOP, pace_s=0.05), request(USER, MODELS, USER))

    assert sum(isinstance(event, PartStart) for event in events) == 1
    assert time.monotonic() - start >= 0.15  # three words


async def test_a_pace_past_the_deadline_ends_there() -> None:
    start = time.monotonic()

    with pytest.raises(DeadlinePassed):
        await played(Player(LOOP, pace_s=30), request(USER), context(seconds=0.05))
    assert time.monotonic() - start < 5


async def test_it_gives_one_candidate() -> None:
    with pytest.raises(Unsupported, match="candidateCount"):
        await played(Player(LOOP), request(sampling=Sampling(candidates=2)))
    assert await played(Player(LOOP), request(sampling=Sampling(candidates=1)))


async def test_a_prompt_is_counted_as_its_answer_tells_it() -> None:
    """Also where the script tells another count, and where it has no answer."""
    plan = script(Turn(text="a"), Turn(text="b", usage=ScriptedUsage(prompt=70)))
    player = Player(plan)
    counts = []
    for asked in (request(USER), request(USER, MODELS), request(USER, MODELS, USER, MODELS)):
        counted = await player.count(asked, MODEL, context())
        counts.append((counted.total, counted.estimated))

    assert counts == [(5, False), (70, False), (16, False)]
    usages = [fold(await played(player, request(USER, *more))).usage for more in ((), (MODELS,))]
    assert [usage and usage.prompt for usage in usages] == [5, 70]


async def test_it_is_always_ready_and_speaks_no_wire_of_its_own() -> None:
    """All that the port asks for."""
    player = Player(LOOP)

    assert (player.dialect, player.native_signatures) == ("", False)
    assert (await player.health()).ready
    assert await player.input_limit(MODEL) is None
    await player.close()


@given(st.lists(turns, min_size=1, max_size=3), st.lists(strategies.contents, max_size=6))
async def test_any_history_has_an_answer_in_any_script_or_is_told_why_not(
    plan: list[Turn], contents: list[Content]
) -> None:
    history = Request(model=MODEL, contents=tuple(contents))
    told = ""
    events: list[Event] = []
    try:
        events = await played(Player(script(*plan)), history)
    except Unsupported as fault:
        told = fault.detail

    if told:
        assert "a.toml:2 has no turn" in told
    else:
        answer = fold(events)
        assert answer.candidates or answer.blocked
