"""Token counts and money as callers read them: `usage`, and AI/ML API's `meta.usage`.

`completion_tokens` counts thoughts in, as OpenAI does and seed 001 shows (9 + 149 = 158).
"""

from collections.abc import Iterable
from typing import Final

from geminid.core.content import Json
from geminid.core.usage import ModalityCount, Usage
from geminid.dialects.openai.tree import Tree

_NANO: Final = 1_000_000_000
_CREDIT_NUSD: Final = 500
"""AI/ML API: one US dollar is 2,000,000 credits (dialects.md section 2.5)."""

_TIERS: Final = {
    "standard": "default",
    "default": "default",
    "flex": "flex",
    "priority": "priority",
    "auto": "auto",
    "scale": "scale",
}
"""Gemini's words, and those of servers of this dialect; openai-python refuses any other."""


def write_usage(usage: Usage, *, extended: bool) -> Tree:
    """`usage`; if `extended`, with what only aggregators have.

    How a prompt is made up is told only where somebody said so: a zero would be a guess.
    """
    tree: Tree = {
        "prompt_tokens": usage.prompt + usage.tool_use,
        "completion_tokens": usage.output + usage.thoughts,
        "total_tokens": usage.total,
        "prompt_tokens_details": _prompt(usage),
        "completion_tokens_details": _completion(usage),
    }
    if extended:
        # Vercel's provider for OpenRouter refuses a null here: an unknown cost is not there.  And
        # its SDK takes details only with prompt and completion apart, which nobody tells.
        if usage.cost_nusd is not None:
            tree["cost"] = _usd(usage)
        tree["is_byok"] = False
    return tree


def write_meta(usage: Usage | None) -> Tree:
    """`meta`.  Where nobody named a price, `tokens_used` are tokens, and there are no credits."""
    if usage is None:
        return {"usage": {"tokens_used": None, "credits_used": None, "usd_spent": None}}
    used, credit = usage.total, None
    if usage.cost_nusd is not None:
        used = credit = (usage.cost_nusd + _CREDIT_NUSD // 2) // _CREDIT_NUSD
    return {"usage": {"tokens_used": used, "credits_used": credit, "usd_spent": _usd(usage)}}


def service_tier(usage: Usage | None) -> str | None:
    """The tier that served, in OpenAI's words; `None` if nobody said, or it has no word for it."""
    return None if usage is None else _TIERS.get(usage.service_tier.lower())


def _prompt(usage: Usage) -> Tree:
    # Gemini names no tokens written to a cache, since none of ours are paid for apart.
    tree: Tree = {"cached_tokens": usage.cached, "cache_write_tokens": 0}
    parts = (*usage.prompt_details, *usage.tool_use_details)
    if parts:
        for name in ("audio", "image", "text", "video"):
            tree[f"{name}_tokens"] = _of(parts, name.upper())
    return tree


def _completion(usage: Usage) -> Tree:
    return {
        "reasoning_tokens": usage.thoughts,
        "image_tokens": _of(usage.output_details, "IMAGE"),
        "audio_tokens": _of(usage.output_details, "AUDIO"),
        "accepted_prediction_tokens": 0,
        "rejected_prediction_tokens": 0,
    }


def _of(counts: Iterable[ModalityCount], modality: str) -> int:
    return sum(count.tokens for count in counts if count.modality == modality)


def _usd(usage: Usage) -> Json | None:
    """The cost in US dollars, exact to the nano-dollar: a float would not be."""
    if usage.cost_nusd is None:
        return None
    whole, rest = divmod(usage.cost_nusd, _NANO)
    text = f"{whole}.{rest:09d}".rstrip("0").rstrip(".")
    return Json(text.encode())
