"""`usageMetadata`: token counts to and from `core.usage` (gemini.md section 2.2)."""

from typing import Final, cast

from geminid.core.usage import ModalityCount, Usage
from geminid.dialects.gemini.walk import Tree

_COUNTS: Final = {
    "promptTokenCount": "prompt",
    "candidatesTokenCount": "output",
    "thoughtsTokenCount": "thoughts",
    "toolUsePromptTokenCount": "tool_use",
    "cachedContentTokenCount": "cached",
}
_DETAILS: Final = {
    "promptTokensDetails": "prompt_details",
    "candidatesTokensDetails": "output_details",
    "cacheTokensDetails": "cache_details",
    "toolUsePromptTokensDetails": "tool_use_details",
}


def read_usage(tree: Tree) -> Usage:
    """The counts in `tree`; absent ones are zero."""
    counts = {ours: int(cast("int", tree.get(theirs, 0))) for theirs, ours in _COUNTS.items()}
    details = {
        ours: _read_details(cast("list[Tree]", tree[theirs]))
        for theirs, ours in _DETAILS.items()
        if theirs in tree
    }
    tier = cast("str", tree.get("serviceTier", ""))
    return Usage(service_tier=tier, **counts, **details)  # type: ignore[arg-type]  # by name


def _read_details(trees: list[Tree]) -> tuple[ModalityCount, ...]:
    return tuple(
        ModalityCount(cast("str", tree.get("modality", "")), cast("int", tree.get("tokenCount", 0)))
        for tree in trees
    )


def write_usage(usage: Usage) -> Tree:
    """The counts as the API writes them: zeros left out, the total always there."""
    counts = {theirs: getattr(usage, ours) for theirs, ours in _COUNTS.items()}
    tree: Tree = {name: count for name, count in counts.items() if count}
    tree["totalTokenCount"] = usage.total
    for theirs, ours in _DETAILS.items():
        details: tuple[ModalityCount, ...] = getattr(usage, ours)
        if details:
            tree[theirs] = [
                {"modality": detail.modality, "tokenCount": detail.tokens} for detail in details
            ]
    if usage.service_tier:
        tree["serviceTier"] = usage.service_tier
    return tree
