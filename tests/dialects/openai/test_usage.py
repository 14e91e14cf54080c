"""Usage objects of many servers, counted one way."""

from typing import Any

import msgspec
import pytest

from geminid.core.usage import ModalityCount, Usage
from geminid.dialects.openai.usage import Meta, UsageObject, read_usage


def read(usage: dict[str, Any], meta: dict[str, Any] | None = None, tier: str = "") -> Usage:
    found = msgspec.json.decode(msgspec.json.encode(usage), type=UsageObject)
    about = msgspec.json.decode(msgspec.json.encode(meta), type=Meta | None)
    return read_usage(found, about, tier)


def counts(prompt: int, completion: int, total: int | None, reasoning: int | None) -> Usage:
    usage: dict[str, Any] = {"prompt_tokens": prompt, "completion_tokens": completion}
    if total is not None:
        usage["total_tokens"] = total
    if reasoning is not None:
        usage["completion_tokens_details"] = {"reasoning_tokens": reasoning}
    return read(usage)


@pytest.mark.parametrize(
    ("case", "output", "thoughts"),
    [
        ((2, 158, 160, 149), 9, 149),  # OpenAI, OpenRouter, AI/ML API (seed 001): counted in
        ((35, 12, 109, None), 12, 62),  # Google's layer: not named, only in the total
        ((10, 5, 115, 100), 5, 100),  # xAI: named and not counted in
        ((10, 5, None, 100), 5, 100),  # more than the whole: cannot be in it
        ((10, 50, None, 20), 30, 20),
        ((10, 5, 15, 0), 5, 0),
        ((10, 5, None, None), 5, 0),
        ((10, 5, 3, None), 5, 0),  # a total that makes no sense
        ((10, -5, 15, None), 0, 5),
    ],
)
def test_thoughts_are_never_counted_twice_nor_lost(
    case: tuple[int, int, int | None, int | None], output: int, thoughts: int
) -> None:
    """Whether a server counts them in or not, they are paid for once."""
    usage = counts(*case)

    assert (usage.prompt, usage.output, usage.thoughts) == (case[0], output, thoughts)


def test_what_was_cached_is_part_of_the_prompt() -> None:
    """OpenAI's field, or DeepSeek's."""
    details = {"prompt_tokens": 9, "prompt_tokens_details": {"cached_tokens": 4}}

    assert read(details) == Usage(prompt=9, cached=4)
    assert read({"prompt_tokens": 9, "prompt_cache_hit_tokens": 3}) == Usage(prompt=9, cached=3)


def test_media_are_counted_by_kind() -> None:
    """Only where the server tells; what is left is text."""
    details = {"image_tokens": 258, "audio_tokens": 0, "text_tokens": None}
    usage = read(
        {
            "prompt_tokens": 260,
            "completion_tokens": 1300,
            "prompt_tokens_details": details,
            "completion_tokens_details": {"image_tokens": 1290},
        }
    )

    assert usage.prompt_details == (ModalityCount("TEXT", 2), ModalityCount("IMAGE", 258))
    assert usage.output_details == (ModalityCount("IMAGE", 1290),)


@pytest.mark.parametrize(
    ("usage", "meta", "nanos"),
    [
        ({"cost": 0.0012345}, None, 1_234_500),
        ({"cost": 1e-7}, None, 100),
        ({"cost": 0}, None, 0),
        ({}, {"usage": {"credits_used": 4211}}, 2_105_500),
        ({}, {"usage": {"credits_used": 4211, "usd_spent": 0.002}}, 2_000_000),
        ({}, {"usage": None}, None),
        ({"cost": "0.001"}, None, 1_000_000),
        ({"cost": "NaN"}, None, None),
        ({"cost": "Infinity"}, None, None),
        ({"cost": "-1"}, None, None),
        ({"cost": "1e999999"}, None, None),
        ({"cost": 1e300}, {"usage": {"usd_spent": 0.002}}, 2_000_000),
        ({}, {"usage": {"usd_spent": "sNaN", "credits_used": 2}}, 1_000),
        ({}, None, None),
    ],
)
def test_what_an_upstream_says_it_charged(
    usage: dict[str, Any], meta: dict[str, Any] | None, nanos: int | None
) -> None:
    """In whole nano-dollars, without ever being a float."""
    assert read(usage, meta).cost_nusd == nanos


def test_loose_numbers_and_nulls_are_taken() -> None:
    """Counts are not worth losing an answer for."""
    usage = {"prompt_tokens": 3.0, "completion_tokens": None, "prompt_tokens_details": None}

    assert read(usage, tier="flex") == Usage(prompt=3, service_tier="flex")
    assert read({"prompt_tokens": "5", "completion_tokens": "6.0"}) == Usage(prompt=5, output=6)
    for nonsense in ("NaN", "Infinity", "many", "", -3, 1e300, "1e300"):
        assert read({"prompt_tokens": nonsense, "completion_tokens": 2}) == Usage(output=2)
