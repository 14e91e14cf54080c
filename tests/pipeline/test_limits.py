"""The model's own limit on its input, and both limits in what the caller is told."""

import pytest

from geminid.catalog import load
from geminid.core.content import Blob, Content, Text
from geminid.core.errors import TooManyTokens
from geminid.core.ports import Context, TokenCount
from geminid.core.request import Request
from geminid.pipeline.channel import LiveChannel
from geminid.pipeline.compile import Lane, Target
from geminid.pipeline.limits import both_named, check_input
from tests.pipeline.scripted import Scripted

LIMIT = 1_048_576
CONTEXT = Context(request_id="r", caller="ada", deadline=1e9, stream=False)


def asked(engine: Scripted, *, known: bool = True) -> Target:
    facts = load().get("gemini-3-pro-preview") if known else None
    return Target("m", "theirs", LiveChannel("c", "test", engine, models={}), Lane.EVENTS, facts)


def prompt(size: int) -> Request:
    return Request(model="m", contents=(Content("user", (Text(text="x" * size),)),))


async def test_a_prompt_past_the_model_s_limit_is_refused_before_it_is_asked() -> None:
    engine = Scripted(tokens=TokenCount(LIMIT + 1), limit=4095)

    with pytest.raises(TooManyTokens) as caught:
        await check_input(prompt(LIMIT), asked(engine), CONTEXT)

    assert caught.value.detail == (
        "The input token count (1048577) exceeds the maximum number of tokens allowed (1048576)."
        " The engine that answers here takes at most 4095."
    )


async def test_an_estimate_far_over_the_limit_counts() -> None:
    with pytest.raises(TooManyTokens):
        await check_input(
            prompt(LIMIT),
            asked(Scripted(tokens=TokenCount(2 * LIMIT + 1, estimated=True))),
            CONTEXT,
        )


async def test_a_short_prompt_is_not_even_counted() -> None:
    engine = Scripted(tokens=TokenCount(LIMIT + 1))

    await check_input(prompt(LIMIT // 4), asked(engine), CONTEXT)

    assert engine.asked == []


async def test_bytes_of_media_are_no_tokens() -> None:
    engine = Scripted(tokens=TokenCount(LIMIT + 1))
    film = Blob(mime="video/mp4", data="A" * 2 * LIMIT)

    await check_input(
        Request(model="m", contents=(Content("user", (film,)),)), asked(engine), CONTEXT
    )

    assert engine.asked == []


@pytest.mark.parametrize(
    ("tokens", "known"),
    [
        (TokenCount(LIMIT), True),
        (TokenCount(2 * LIMIT, estimated=True), True),
        (TokenCount(LIMIT + 1), False),
    ],
)
async def test_what_fits_is_estimated_or_unknown_passes(tokens: TokenCount, known: bool) -> None:
    await check_input(prompt(LIMIT), asked(Scripted(tokens=tokens), known=known), CONTEXT)


def test_an_engine_s_lower_limit_is_told_beside_the_model_s() -> None:
    told = both_named(TooManyTokens(5000, 4095, "Send less."), asked(Scripted()))

    assert told.detail == (
        "The input token count (5000) exceeds the maximum number of tokens allowed (4095)."
        " Send less. The limit of gemini-3-pro-preview itself is 1048576 tokens."
    )


def test_past_both_limits_the_model_s_own_is_named_first() -> None:
    told = both_named(TooManyTokens(LIMIT + 5, 4095, "Send less."), asked(Scripted()))

    assert (told.limit, told.count) == (LIMIT, LIMIT + 5)
    assert "at most 4095" in told.detail
