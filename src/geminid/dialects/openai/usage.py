"""`usage` objects to `core.usage`.

Servers disagree on whether `completion_tokens` includes the reasoning: OpenAI and OpenRouter count
it in, xAI and Google's compatibility layer do not, and the latter does not even name it.  The total
tells them apart, and if there is none the detail may not be more than the whole.
"""

from decimal import Decimal
from typing import Final, TypeAlias

import msgspec

from geminid.core.usage import ModalityCount, Usage

_NANO: Final = 1_000_000_000
_CREDIT_NUSD: Final = 500
"""AI/ML API: one US dollar is 2,000,000 credits (spec/dialects.md section 2.5)."""

Count: TypeAlias = int | float | None  # some servers write 12.0


class PromptDetails(msgspec.Struct):
    """`prompt_tokens_details`."""

    cached_tokens: Count = None
    audio_tokens: Count = None
    image_tokens: Count = None
    video_tokens: Count = None


class CompletionDetails(msgspec.Struct):
    """`completion_tokens_details`."""

    reasoning_tokens: Count = None
    audio_tokens: Count = None
    image_tokens: Count = None


class UsageObject(msgspec.Struct):
    """`usage`, with what OpenRouter (`cost`) and DeepSeek (`prompt_cache_hit_tokens`) add."""

    prompt_tokens: Count = None
    completion_tokens: Count = None
    total_tokens: Count = None
    prompt_tokens_details: PromptDetails | None = None
    completion_tokens_details: CompletionDetails | None = None
    prompt_cache_hit_tokens: Count = None
    cost: Decimal | None = None


class Spent(msgspec.Struct):
    """AI/ML API's `meta.usage`."""

    usd_spent: Decimal | None = None
    credits_used: Decimal | None = None


class Meta(msgspec.Struct):
    """AI/ML API's `meta`."""

    usage: Spent | None = None


def read_usage(found: UsageObject, meta: Meta | None, service_tier: str) -> Usage:
    """The counts as the core counts: output without thoughts, prompt with what was cached."""
    prompt, completion = _number(found.prompt_tokens), _number(found.completion_tokens)
    thoughts, output = _split(found, prompt, completion)
    details = found.prompt_tokens_details or PromptDetails()
    drawn = _number((found.completion_tokens_details or CompletionDetails()).image_tokens)
    return Usage(
        prompt=prompt,
        output=output,
        thoughts=thoughts,
        cached=_number(details.cached_tokens) or _number(found.prompt_cache_hit_tokens),
        prompt_details=_modalities(details, prompt),
        output_details=(ModalityCount("IMAGE", drawn),) if drawn else (),
        service_tier=service_tier,
        cost_nusd=_cost(found, meta),
    )


def _number(count: Count) -> int:
    return max(int(count or 0), 0)


def _split(found: UsageObject, prompt: int, completion: int) -> tuple[int, int]:
    details = found.completion_tokens_details or CompletionDetails()
    named = _number(details.reasoning_tokens)
    beyond = max(_number(found.total_tokens) - prompt - completion, 0)
    if named > completion or (named and beyond >= named):
        return named, completion
    if named:
        return named, completion - named
    return beyond, completion


def _modalities(details: PromptDetails, prompt: int) -> tuple[ModalityCount, ...]:
    listed = (
        ("IMAGE", details.image_tokens),
        ("AUDIO", details.audio_tokens),
        ("VIDEO", details.video_tokens),
    )
    media = [ModalityCount(name, _number(count)) for name, count in listed if _number(count)]
    if not media:
        return ()
    text = max(prompt - sum(count.tokens for count in media), 0)
    return (ModalityCount("TEXT", text), *media) if text else tuple(media)


def _cost(found: UsageObject, meta: Meta | None) -> int | None:
    spent = meta.usage if meta is not None else None
    if found.cost is not None:
        return round(found.cost * _NANO)
    if spent is not None and spent.usd_spent is not None:
        return round(spent.usd_spent * _NANO)
    if spent is not None and spent.credits_used is not None:
        return round(spent.credits_used * _CREDIT_NUSD)
    return None
