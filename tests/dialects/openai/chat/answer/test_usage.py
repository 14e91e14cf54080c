"""Counts and money as callers read them."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geminid.core.events import Tally
from geminid.core.usage import ModalityCount, Usage
from geminid.dialects.openai.chat.answer.usage import service_tier, write_meta, write_usage
from geminid.dialects.openai.usage import usage_of
from tests import strategies
from tests.dialects.openai.chat.answer.told import events, whole


def written(usage: Usage) -> Any:
    return msgspec.json.decode(msgspec.json.encode(write_usage(usage, extended=True)))


def test_completion_counts_thoughts_in() -> None:
    """As seed 001: 9 + 149 = 158."""
    found = written(Usage(prompt=2, output=9, thoughts=149, tool_use=5, cached=1))

    assert found["prompt_tokens"] == 7
    assert found["completion_tokens"] == 158
    assert found["total_tokens"] == 165
    assert found["prompt_tokens_details"] == {"cached_tokens": 1, "cache_write_tokens": 0}
    assert found["completion_tokens_details"]["reasoning_tokens"] == 149


def test_what_the_prompt_is_made_of_is_told_where_it_is_known() -> None:
    usage = Usage(
        prompt=30,
        output=1120,
        prompt_details=(ModalityCount("TEXT", 10), ModalityCount("IMAGE", 20)),
        tool_use_details=(ModalityCount("TEXT", 3),),
        output_details=(ModalityCount("IMAGE", 1120),),
    )
    found = written(usage)

    assert found["prompt_tokens_details"] == {
        "cached_tokens": 0,
        "cache_write_tokens": 0,
        "audio_tokens": 0,
        "image_tokens": 20,
        "text_tokens": 13,
        "video_tokens": 0,
    }
    assert found["completion_tokens_details"]["image_tokens"] == 1120


@pytest.mark.parametrize(
    ("nusd", "text"),
    [(0, b"0"), (1, b"0.000000001"), (1_900_000, b"0.0019"), (12_000_000_000, b"12")],
)
def test_money_is_exact(nusd: int, text: bytes) -> None:
    encoded = msgspec.json.encode(write_usage(Usage(cost_nusd=nusd), extended=True))

    assert b'"cost":%b,"is_byok":false' % text in encoded


def test_a_price_that_nobody_named_is_no_zero() -> None:
    assert "cost" not in written(Usage(prompt=1))


def test_credits_are_two_million_to_the_dollar() -> None:
    found = msgspec.json.encode(write_meta(Usage(prompt=2, output=158, cost_nusd=1_900_000)))

    assert found == b'{"usage":{"tokens_used":3800,"credits_used":3800,"usd_spent":0.0019}}'


@given(strategies.usages, st.none() | st.integers(0, 1 << 50))
def test_counts_survive_the_way_through_an_upstream_of_ours(usage: Usage, cost: int | None) -> None:
    """One server of ours before another: what is told here is read there."""
    usage = msgspec.structs.replace(usage, cost_nusd=cost)
    back = usage_of(written(usage), None, "")

    assert back is not None
    assert back.total == usage.total
    assert back.thoughts == usage.thoughts
    assert back.cached == usage.cached
    assert back.cost_nusd is None if cost is None else abs((back.cost_nusd or 0) - cost) <= 1


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [("standard", "default"), ("FLEX", "flex"), ("priority", "priority"), ("", None), ("x", None)],
)
def test_tiers_are_in_openais_words(ours: str, theirs: str | None) -> None:
    """openai-python's strict validation refuses any other."""
    assert service_tier(Usage(service_tier=ours)) == theirs
    assert whole([*events(), Tally(Usage(service_tier=ours))])["service_tier"] == theirs
