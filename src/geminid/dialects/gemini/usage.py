"""`usageMetadata`: token counts to and from `core.usage` (gemini.md section 2.2)."""

from typing import Final

from geminid.core.usage import ModalityCount, Usage
from geminid.dialects.gemini.tree import Tree, count_at, text_at, trees_at

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
    """The counts in `tree`; absent ones are zero.

    Raises:
        TypeError, ValueError: a count is not one.
    """
    counts = {ours: count_at(tree, theirs) for theirs, ours in _COUNTS.items() if theirs in tree}
    details = {
        ours: tuple(map(_read_detail, trees_at(tree, theirs)))
        for theirs, ours in _DETAILS.items()
        if theirs in tree
    }
    tier = text_at(tree, "serviceTier")
    return Usage(service_tier=tier, **counts, **details)  # type: ignore[arg-type]  # by name


def _read_detail(tree: Tree) -> ModalityCount:
    return ModalityCount(text_at(tree, "modality"), count_at(tree, "tokenCount"))


def write_usage(usage: Usage) -> Tree:
    """The counts as the API writes them: zeros left out, the total always there."""
    counts = {theirs: getattr(usage, ours) for theirs, ours in _COUNTS.items()}
    tree: Tree = {name: count for name, count in counts.items() if count}
    tree["totalTokenCount"] = usage.total
    for theirs, ours in _DETAILS.items():
        details: tuple[ModalityCount, ...] = getattr(usage, ours)
        if details:
            tree[theirs] = [_write_detail(detail) for detail in details]
    if usage.service_tier:
        tree["serviceTier"] = usage.service_tier
    return tree


def _write_detail(detail: ModalityCount) -> Tree:
    tree: Tree = {"modality": detail.modality} if detail.modality else {}
    return tree | {"tokenCount": detail.tokens} if detail.tokens else tree
