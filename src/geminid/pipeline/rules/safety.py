"""Checks of `safetySettings`."""

from collections.abc import Iterator, Mapping
from typing import Final

from geminid.catalog.rules import Rule
from geminid.pipeline.rules.case import EXTRA, Case
from geminid.pipeline.rules.check import Check, Facts


def _category(case: Case, rule: Rule) -> Iterator[Facts]:
    """A category that is none of `allowed`, or none at all."""
    for index, setting in enumerate(case.fields.safety_settings):
        if setting.category not in rule.allowed:
            yield {"index": index}


def _duplicate(case: Case, _: Rule) -> Iterator[Facts]:
    seen: set[str] = set()
    for index, setting in enumerate(case.fields.safety_settings):
        if setting.category in seen:
            yield {"index": index, "category": setting.category}
        seen.add(setting.category)


CHECKS: Final[Mapping[str, Check]] = {
    "safety_category": Check(EXTRA, _category),
    "safety_duplicate": Check(EXTRA, _duplicate),
}
