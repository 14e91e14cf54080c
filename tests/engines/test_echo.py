"""The engine `echo`: the same words back, cut as asked."""

import time
from contextlib import aclosing

import pytest

from geminid.core.content import Content, Text, Thought
from geminid.core.errors import DeadlinePassed, Unsupported
from geminid.core.events import Begin, Delta, End, Event, PartEnd, PartStart, Tally
from geminid.core.fold import fold
from geminid.core.ports import Context
from geminid.core.request import Request, Sampling
from geminid.core.usage import Usage
from geminid.engines.echo import Echo


def context(*, stream: bool = True, seconds: float = 10.0) -> Context:
    deadline = time.monotonic() + seconds
    return Context(request_id="r", caller="c", deadline=deadline, stream=stream)


def request(
    text: str, sampling: Sampling | None = None, modalities: tuple[str, ...] = ()
) -> Request:
    contents = (
        Content("user", (Text(text="before"),)),
        Content("model", (Text(text="not mine"), Thought(text="hm"))),
        Content("user", (Text(text=text),)),
    )
    return Request(
        model="m", contents=contents, sampling=sampling or Sampling(), modalities=modalities
    )


async def events(asked: Request, about: Context | None = None, pace_s: float = 0) -> list[Event]:
    async with aclosing(Echo(pace_s=pace_s).answer(asked, "echo-1", about or context())) as answer:
        return [event async for event in answer]


async def test_the_last_words_of_the_user_come_back_one_by_one() -> None:
    """Each with its space; all of them are the text, byte for byte."""
    assert await events(request(" Hi  there,\nyou ")) == [
        Begin("", "echo-1"),
        PartStart(0, Text(text=" Hi  ")),
        Delta(0, "there,\n"),
        Delta(0, "you "),
        PartEnd(0),
        Tally(Usage(prompt=6, output=3)),
        End("STOP"),
    ]


async def test_it_says_the_same_each_time_and_each_way() -> None:
    """Whole and as a stream, paced or not."""
    asked = request("a b c")
    first = await events(asked)

    assert await events(asked, context(stream=False), pace_s=60) == first
    assert await events(asked, pace_s=0.001) == first


@pytest.mark.parametrize(
    ("sampling", "text", "reason", "output"),
    [
        (Sampling(max_output=2), "one two ", "MAX_TOKENS", 2),
        (Sampling(max_output=4), "one two three four", "STOP", 4),
        (Sampling(stop=("four", "thr")), "one two ", "STOP", 2),
        (Sampling(stop=("", "zzz")), "one two three four", "STOP", 4),
        (Sampling(stop=("one",)), "", "STOP", 0),
    ],
)
async def test_limits_and_stop_sequences_hold(
    sampling: Sampling, text: str, reason: str, output: int
) -> None:
    """A stop sequence is not part of the answer."""
    answer = fold(await events(request("one two three four", sampling)))

    assert (
        "".join(p.text for p in answer.candidates[0].content.parts if isinstance(p, Text)) == text
    )
    assert answer.candidates[0].end == End(reason)
    assert answer.usage == Usage(prompt=7, output=output)


async def test_a_pace_past_the_deadline_ends_there() -> None:
    """It does not sleep on for nobody."""
    start = time.monotonic()

    with pytest.raises(DeadlinePassed):
        await events(request("a b"), context(seconds=0.05), pace_s=30)
    assert time.monotonic() - start < 5


async def test_it_only_speaks() -> None:
    """A picture cannot be echoed."""
    with pytest.raises(Unsupported):
        await events(request("a", modalities=("IMAGE",)))
    assert await events(request("a", modalities=("TEXT",))) == await events(request("a"))


async def test_it_counts_words_and_is_always_ready() -> None:
    """All that the port asks for."""
    echo = Echo()

    assert (await echo.count(request("one two"), "m", context())).total == 5
    assert (await echo.health()).ready
    assert await echo.input_limit("m") is None
    await echo.close()
