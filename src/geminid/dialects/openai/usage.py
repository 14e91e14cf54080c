"""`usage` objects to `core.usage`.

Servers disagree on whether `completion_tokens` includes the reasoning: OpenAI and OpenRouter count
it in, xAI and Google's compatibility layer do not, and the latter does not even name it.  The total
tells them apart, and if there is none the detail may not be more than the whole.
"""

import math
from decimal import Decimal
from typing import Final, TypeAlias, TypeVar

import msgspec

from geminid.core.usage import ModalityCount, Usage

_NANO: Final = 1_000_000_000
_CREDIT_NUSD: Final = 500
"""AI/ML API: one US dollar is 2,000,000 credits (spec/dialects.md section 2.5)."""

_MOST: Final = 1 << 53
"""More of anything, tokens or nano-dollars, is a mistake of whoever wrote it."""

Count: TypeAlias = int | float | str | None  # some servers write 12.0, and some "12"
Cost: TypeAlias = Decimal | None

_Struct = TypeVar("_Struct", bound=msgspec.Struct)


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
    cost: Cost = None


class Spent(msgspec.Struct):
    """AI/ML API's `meta.usage`."""

    usd_spent: Cost = None
    credits_used: Cost = None


class Meta(msgspec.Struct):
    """AI/ML API's `meta`."""

    usage: Spent | None = None


def usage_of(found: object, meta: object, service_tier: object) -> Usage | None:
    """The counts as `read_usage` makes them; `None` where nobody could tell what they say."""
    counts = _taken(found, UsageObject)
    if counts is None:
        return None
    tier = service_tier if isinstance(service_tier, str) else ""
    return read_usage(counts, _taken(meta, Meta), tier)


def _taken(found: object, kind: type[_Struct]) -> _Struct | None:
    try:
        return msgspec.convert(found, kind, strict=False)
    except (msgspec.ValidationError, ValueError):
        return None


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
    """The count; 0 for what cannot be one."""
    try:
        number = float(count or 0) if isinstance(count, str) else count or 0
    except ValueError:
        return 0
    return int(number) if math.isfinite(number) and 0 <= number <= _MOST else 0


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
    spent = (meta.usage if meta is not None else None) or Spent()
    said = ((found.cost, _NANO), (spent.usd_spent, _NANO), (spent.credits_used, _CREDIT_NUSD))
    return next(
        (
            round(cost * unit)
            for cost, unit in said
            # NaN and the infinities are decimals too, and cannot be rounded.
            if cost is not None and cost.is_finite() and 0 <= cost <= Decimal(_MOST) / unit
        ),
        None,
    )
