"""`usageMetadata`: token counts to and from `core.usage` (gemini.md section 2.2)."""

from typing import Final

from geminid.core.usage import ModalityCount, Usage
from geminid.dialects.gemini.tree import Tree, count_at, text_at, trees_at

_FIELDS: Final = (
    ("promptTokenCount", "prompt"),
    ("candidatesTokenCount", "output"),
    ("totalTokenCount", "total"),
    ("cachedContentTokenCount", "cached"),
    ("promptTokensDetails", "prompt_details"),
    ("cacheTokensDetails", "cache_details"),
    ("candidatesTokensDetails", "output_details"),
    ("toolUsePromptTokenCount", "tool_use"),
    ("toolUsePromptTokensDetails", "tool_use_details"),
    ("thoughtsTokenCount", "thoughts"),
)
"""Google's fields and ours, in the order of the proto's numbers, in which the API writes them."""


def read_usage(tree: Tree) -> Usage:
    """The counts in `tree`; absent ones are zero.

    Raises:
        TypeError, ValueError: a count is not one.
    """
    found: dict[str, int | tuple[ModalityCount, ...]] = {}
    for theirs, ours in _FIELDS:
        if theirs not in tree or ours == "total":  # the total is their sum
            continue
        if theirs.endswith("Details"):
            found[ours] = tuple(map(_read_detail, trees_at(tree, theirs)))
        else:
            found[ours] = count_at(tree, theirs)
    return Usage(service_tier=text_at(tree, "serviceTier"), **found)  # type: ignore[arg-type]  # by name


def _read_detail(tree: Tree) -> ModalityCount:
    return ModalityCount(text_at(tree, "modality"), count_at(tree, "tokenCount"))


def write_usage(usage: Usage) -> Tree:
    """The counts as the API writes them: zeros left out, the total always there."""
    tree: Tree = {}
    for theirs, ours in _FIELDS:
        value: int | tuple[ModalityCount, ...] = getattr(usage, ours)
        if isinstance(value, tuple):
            if value:
                tree[theirs] = [_write_detail(detail) for detail in value]
        elif value or ours == "total":
            tree[theirs] = value
    if usage.service_tier:
        tree["serviceTier"] = usage.service_tier
    return tree


def _write_detail(detail: ModalityCount) -> Tree:
    tree: Tree = {"modality": detail.modality} if detail.modality else {}
    return tree | {"tokenCount": detail.tokens} if detail.tokens else tree
