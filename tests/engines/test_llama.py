"""The embedded model, for real: what it is asked, how it ends, and what it does when it dies."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing

import msgspec
import pytest

from geminid.core.content import Content, Text
from geminid.core.errors import DeadlinePassed, EngineDown, TooManyTokens
from geminid.core.events import Begin, Delta, End, Event, PartEnd, PartStart, Tally
from geminid.core.fold import Answer, fold
from geminid.core.ports import Context
from geminid.core.request import Request, Sampling
from geminid.engines.llama import Llama
from geminid.engines.transport import Transport
from geminid.processes.llama import LlamaPlan, LlamaProcess

LONG = Sampling(max_output=400, temperature=0.0)
STORY = "Write a long story about a river, with many people in it."


def said(*turns: str, system: str = "", sampling: Sampling | None = None) -> Request:
    """A request whose `turns` are the user's and the model's by turns."""
    return Request(
        model="gemini-3-pro-preview",
        contents=tuple(
            Content("model" if number % 2 else "user", (Text(text=text),))
            for number, text in enumerate(turns)
        ),
        system=(Text(text=system),) if system else (),
        sampling=sampling or Sampling(max_output=12, temperature=0.0),
    )


def context(seconds: float = 60.0) -> Context:
    """Circumstances with a deadline `seconds` from now."""
    deadline = time.monotonic() + seconds
    return Context(request_id="r", caller="c", deadline=deadline, stream=True)


async def events_of(engine: Llama, request: Request, given: Context | None = None) -> list[Event]:
    """All events of one answer."""
    async with aclosing(engine.answer(request, "m", given or context())) as events:
        return [event async for event in events]


async def answer(engine: Llama, request: Request, given: Context | None = None) -> Answer:
    """One answer, folded."""
    return fold(await events_of(engine, request, given))


def text_of(found: Answer) -> str:
    """The text of the one candidate."""
    return "".join(
        part.text for part in found.candidates[0].content.parts if isinstance(part, Text)
    )


async def until(condition: Callable[[], AsyncIterator[bool]], what: str) -> None:
    """Waits until `condition` yields true."""
    try:
        async with asyncio.timeout(10):
            async for met in condition():
                if met:
                    return
    except TimeoutError:
        pytest.fail(f"waited in vain until {what}")


async def slots_in_use(plan: LlamaPlan) -> int:
    """How many slots of the process are at work, by its own account."""
    transport = Transport(str(plan.door.socket))
    headers = [("authorization", f"Bearer {plan.door.key()}"), ("connection", "close")]
    try:
        async with transport.open("GET", "http://llama/slots", headers=headers) as reply:
            slots = msgspec.json.decode(await reply.read(), type=list[dict[str, object]])
    finally:
        await transport.close()
    return sum(slot["is_processing"] is True for slot in slots)


async def free(plan: LlamaPlan) -> None:
    """Waits until no slot is at work."""

    async def is_free() -> AsyncIterator[bool]:
        while True:
            yield await slots_in_use(plan) == 0
            await asyncio.sleep(0.01)

    await until(is_free, "every slot was free")


# What it answers ------------------------------------------------------------------------------


async def test_an_answer_is_a_whole_stream_of_text(llama: Llama) -> None:
    given = context()

    events = await events_of(llama, said("What is the capital of France?"), given)

    assert events[0] == Begin("", "SmolLM2-135M-Instruct-smoke-test")
    assert isinstance(events[1], PartStart)
    assert all(isinstance(event, Delta) for event in events[2:-3])
    assert {type(event) for event in events[-3:-1]} == {PartEnd, Tally}
    assert events[-1] in (End("STOP"), End("MAX_TOKENS"))
    assert text_of(fold(events))
    assert given.notices == [
        "answered by the local smoke-test model SmolLM2-135M-Instruct, not by gemini-3-pro-preview"
    ]


async def test_counts_are_the_models_own(llama: Llama) -> None:
    """Counted before, the prompt has as many tokens as the answer then says it had."""
    request = said("Hello!", "Hello. How are you?", "Well.", system="You are a cook.")

    counted = await llama.count(request, "m", context())
    found = await answer(llama, request)

    assert found.usage is not None
    assert counted.total == found.usage.prompt
    assert not counted.estimated
    assert 0 < found.usage.output <= 12


async def test_a_prompt_sent_again_comes_from_the_cache(llama: Llama) -> None:
    request = said("Tell me about the colours of the sea in the morning, please.")
    await answer(llama, request)

    found = await answer(llama, request)

    assert found.usage is not None
    assert found.usage.cached > 0.8 * found.usage.prompt


async def test_system_instruction_and_history_reach_the_model(llama: Llama) -> None:
    bare = await llama.count(said("Hello"), "m", context())
    led = await llama.count(said("Hello", system="You like stones. " * 20), "m", context())
    long = await llama.count(said("Hello", "I like stones. " * 20, "Why?"), "m", context())

    assert led.total > bare.total + 40
    assert long.total > bare.total + 60


async def test_a_stop_text_ends_the_answer_before_it(llama: Llama) -> None:
    whole = text_of(await answer(llama, said(STORY, sampling=LONG)))
    word = whole.split()[10]

    sampling = msgspec.structs.replace(LONG, stop=(word,))
    found = await answer(llama, said(STORY, sampling=sampling))

    assert text_of(found) == whole[: whole.index(word)]
    assert found.candidates[0].end == End("STOP")


async def test_a_bound_ends_the_answer_there(llama: Llama) -> None:
    found = await answer(llama, said(STORY, sampling=Sampling(max_output=7)))

    assert found.usage is not None
    assert found.usage.output == 7
    assert found.candidates[0].end == End("MAX_TOKENS")


async def test_without_a_bound_the_servers_default_ends_it_and_says_so(llama: Llama) -> None:
    found = await answer(llama, said(STORY, sampling=Sampling(temperature=0.0)))

    assert found.usage is not None
    assert found.usage.output == 24
    assert found.candidates[0].end.reason == "MAX_TOKENS"
    assert "default of 24 tokens; set maxOutputTokens" in found.candidates[0].end.message


async def test_a_seed_makes_an_answer_again(llama: Llama) -> None:
    """Also when the prompt is cached.  Beside other answers it may differ: rounding does."""
    asked = Sampling(max_output=24, temperature=1.5, seed=7)
    other = Sampling(max_output=24, temperature=1.5, seed=8)

    first = text_of(await answer(llama, said(STORY, sampling=asked)))
    second = text_of(await answer(llama, said(STORY, sampling=asked)))
    different = text_of(await answer(llama, said(STORY, sampling=other)))

    assert second == first
    assert different != first


async def test_every_knob_of_sampling_is_taken(llama: Llama) -> None:
    sampling = Sampling(
        temperature=0.9,
        top_p=0.5,
        top_k=3,
        seed=-1,
        max_output=4,
        stop=("xyzzy", "plugh"),
        candidates=1,
        presence_penalty=1.0,
        frequency_penalty=-1.0,
        logprobs=True,
        top_logprobs=2,
    )
    given = context()

    found = await answer(llama, said("Hello", sampling=sampling), given)

    assert given.ignored == []
    assert found.candidates[0].end.extra is not None
    assert b'"topCandidates"' in bytes(found.candidates[0].end.extra)


async def test_a_model_that_repeats_itself_is_stopped(llama: Llama, model: LlamaProcess) -> None:
    """The bound is far away, the counts are there, and the slot is free again."""
    rhyme = "la la la " * 30
    found = await answer(llama, said("Sing.", rhyme, sampling=Sampling(max_output=450, top_k=1)))

    end = found.candidates[0].end
    assert end.reason == "MAX_TOKENS"
    assert "only repeated itself" in end.message
    assert found.usage is not None
    assert found.usage.prompt > 90
    assert 50 < found.usage.output < 350
    await free(model.plan)


async def test_a_full_context_ends_the_answer_and_says_so(llama: Llama) -> None:
    words = "stone river cloud seven " * 100
    request = said(words + STORY, "Once upon a time there was", sampling=LONG)

    found = await answer(llama, request)

    assert found.usage is not None
    assert found.usage.prompt + found.usage.output in (511, 512)
    assert found.candidates[0].end.reason == "MAX_TOKENS"
    assert "context" in found.candidates[0].end.message


async def test_a_prompt_past_the_context_is_refused_with_both_numbers(llama: Llama) -> None:
    request = said("stone " * 600)
    counted = await llama.count(request, "m", context())

    with pytest.raises(TooManyTokens, match=r"Send less, or raise `context`") as caught:
        await answer(llama, request)

    assert caught.value.count == counted.total
    assert caught.value.limit == await llama.input_limit("m") == 511


# Leaving, waiting, dying ----------------------------------------------------------------------


async def test_who_leaves_frees_the_slot_at_once(llama: Llama, model: LlamaProcess) -> None:
    async with aclosing(llama.answer(said(STORY, sampling=LONG), "m", context())) as events:
        await anext(events)
        assert await slots_in_use(model.plan) == 1

    left = time.monotonic()
    await free(model.plan)
    assert time.monotonic() - left < 2


async def test_who_is_cancelled_in_the_queue_leaves_nothing(
    llama: Llama, model: LlamaProcess
) -> None:
    tasks = [asyncio.create_task(answer(llama, said(STORY, sampling=LONG))) for _ in range(20)]

    async def busy() -> AsyncIterator[bool]:
        while True:
            yield await slots_in_use(model.plan) == 4
            await asyncio.sleep(0.01)

    await until(busy, "every slot was taken")
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)

    await free(model.plan)
    assert (await answer(llama, said("Hello"))).candidates[0].end.reason in ("STOP", "MAX_TOKENS")


async def test_sixty_four_streams_at_once_all_end(llama: Llama) -> None:
    requests = [
        said(f"Say something about the number {number}.", sampling=Sampling(max_output=3))
        for number in range(64)
    ]

    found = await asyncio.gather(*(answer(llama, request) for request in requests))

    assert len(found) == 64
    assert {each.candidates[0].end.reason for each in found} <= {"STOP", "MAX_TOKENS"}


async def test_the_deadline_holds_in_mid_answer(llama: Llama, model: LlamaProcess) -> None:
    with pytest.raises(DeadlinePassed):
        await answer(llama, said(STORY, sampling=LONG), context(0.5))
    await free(model.plan)


async def test_the_deadline_holds_in_the_queue(llama: Llama) -> None:
    async with asyncio.TaskGroup() as group:
        ahead = [group.create_task(events_of(llama, said(STORY, sampling=LONG))) for _ in range(8)]
        await asyncio.sleep(0)  # they are in line now
        with pytest.raises(DeadlinePassed, match="other answers"):
            await answer(llama, said("Hello"), context(0.3))
        for task in ahead:
            task.cancel()


async def test_without_a_process_it_waits_no_longer_than_the_deadline(own_llama: Llama) -> None:
    begun = time.monotonic()

    with pytest.raises(EngineDown, match="is starting or has stopped"):
        await answer(own_llama, said("Hello"), context(0.4))

    assert time.monotonic() - begun < 2


async def test_a_request_waits_for_a_process_that_starts(
    own_llama: Llama, own_plan: LlamaPlan
) -> None:
    waiting = asyncio.create_task(answer(own_llama, said("Hello")))
    health = await own_llama.health()

    async with LlamaProcess(own_plan):
        found = await waiting

    assert not health.ready
    assert "is starting or has stopped" in health.detail
    assert found.candidates[0].end.reason in ("STOP", "MAX_TOKENS")


async def test_a_killed_process_faults_every_answer_and_the_next_one_succeeds(
    own_llama: Llama, own_plan: LlamaPlan
) -> None:
    """Six are asked: the four being written fail; the two that wait are asked again."""
    heard: list[list[Event]] = [[] for _ in range(6)]

    async def listen(mine: list[Event]) -> None:
        async with aclosing(own_llama.answer(said(STORY, sampling=LONG), "m", context())) as events:
            async for event in events:
                mine.append(event)  # noqa: PERF401  read while it grows

    async def begun(count: int) -> AsyncIterator[bool]:
        while True:
            yield sum(bool(mine) for mine in heard) >= count
            await asyncio.sleep(0.01)

    async with LlamaProcess(own_plan):
        tasks = [asyncio.create_task(listen(mine)) for mine in heard]
        await until(lambda: begun(4), "four answers had begun")
        assert (await own_llama.health()).ready
    written = [task for task, mine in zip(tasks, heard, strict=True) if mine]
    waiting = [task for task in tasks if task not in written]
    ends = await asyncio.gather(*written, return_exceptions=True)

    assert [type(end) for end in ends] == [EngineDown] * 4
    assert not any(isinstance(event, End) for mine in heard for event in mine)
    assert not any(task.done() for task in waiting)

    async with LlamaProcess(own_plan):
        await until(lambda: begun(6), "the two that waited had begun")
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        found = await answer(own_llama, said("Hello"))
    assert found.candidates[0].end.reason in ("STOP", "MAX_TOKENS")
