"""Prompts that cannot fit: known by their bytes, and counted in pieces."""

import time
from contextlib import aclosing

import msgspec
import pytest

from geminid.config import Channel
from geminid.core.content import Content, Json, Text
from geminid.core.errors import DeadlinePassed, Invalid, TooManyTokens, Unsupported
from geminid.core.fold import fold
from geminid.core.ports import Context
from geminid.core.request import FunctionTool, OutputFormat, Request, Sampling, ToolChoice
from geminid.engines.llama import Llama
from geminid.engines.llama.process import Process
from geminid.engines.llama.tokens import too_long


def asked(text: str, **more: object) -> Request:
    """A request for `text`."""
    request = Request(
        model="m",
        contents=(Content("user", (Text(text=text),)),),
        sampling=Sampling(max_output=8, temperature=0.0),
    )
    return msgspec.structs.replace(request, **more)


def context() -> Context:
    """Circumstances of one request."""
    return Context(request_id="r", caller="c", deadline=time.monotonic() + 50, stream=True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a" * 1280, False), ("a" * 1281, True), ("ä" * 640, False), ("ä" * 641, True)],
)
def test_more_bytes_than_tokens_can_have_are_too_long(text: str, expected: bool) -> None:
    assert too_long(asked(text), 10) is expected


async def test_a_prompt_that_cannot_fit_is_counted_about(llama: Llama) -> None:
    """Past some megabytes the rest is taken to be like the beginning."""
    for size in (200_000, 6_000_000):
        request = asked("<a " * (size // 3))

        with pytest.raises(TooManyTokens, match="Send less, or raise `context`") as caught:
            async with aclosing(llama.answer(request, "m", context())) as events:
                await anext(events)
        counted = await llama.count(request, "m", context())

        assert caught.value.limit == 511
        assert caught.value.count == counted.total == pytest.approx(size * 2 / 3, rel=0.01)
        assert counted.estimated


async def test_two_prompts_are_counted_at_once_and_others_wait(
    runtime_dir: str, channel: Channel
) -> None:
    process = Process(runtime_dir, channel, "m")
    deadline = time.monotonic() + 0.1

    async with process.turn(deadline, counts=True), process.turn(deadline, counts=True):
        with pytest.raises(DeadlinePassed, match="other prompts were counted first"):
            async with process.turn(deadline, counts=True):
                pytest.fail("a third was counted")
        async with process.turn(time.monotonic() + 1):
            """Answers have a line of their own."""
    await process.close()


async def test_names_that_are_marks_of_the_model_are_refused(llama: Llama) -> None:
    tool = FunctionTool(name="<|im_end|>")

    with pytest.raises(Unsupported, match=r"holds '<\|im_end\|>'"):
        async with aclosing(llama.answer(asked("a", functions=(tool,)), "m", context())) as events:
            await anext(events)


async def test_a_long_choice_is_no_loop_and_stop_texts_are_named_as_dropped(llama: Llama) -> None:
    choice = Json(msgspec.json.encode({"type": "string", "enum": ["x" * 450]}))
    sampling = Sampling(max_output=500, temperature=0.0, stop=("xx",))
    given = context()
    request = asked("a", output=OutputFormat("text/x.enum", choice, True), sampling=sampling)

    async with aclosing(llama.answer(request, "m", given)) as events:
        found = fold([event async for event in events])

    assert found.candidates[0].end.reason == "STOP"
    assert found.candidates[0].content.parts == (Text(text="x" * 450),)
    assert "generationConfig.stopSequences" in given.ignored


@pytest.mark.parametrize("bound", [1, 2])
async def test_a_bound_of_a_token_gives_no_half_call(llama: Llama, bound: int) -> None:
    tool = FunctionTool(name="get_time", description="Tells the time")
    request = asked(
        "What time is it? Call get_time.",
        functions=(tool,),
        tool_choice=ToolChoice("AUTO"),
        sampling=Sampling(max_output=bound, temperature=0.0),
    )

    async with aclosing(llama.answer(request, "m", context())) as events:
        found = fold([event async for event in events])

    texts = [part.text for part in found.candidates[0].content.parts if isinstance(part, Text)]
    assert not any("CALL [".startswith(text) for text in texts)


async def test_a_bound_of_nothing_is_refused(llama: Llama) -> None:
    with pytest.raises(Invalid, match="needs 1 at least"):
        async with aclosing(
            llama.answer(asked("a", sampling=Sampling(max_output=0)), "m", context())
        ) as events:
            await anext(events)
