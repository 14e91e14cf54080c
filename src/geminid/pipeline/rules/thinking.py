"""Checks of `thinkingConfig` (gemini.md section 3.3)."""

from collections.abc import Iterator, Mapping
from typing import Final

from geminid.catalog.rules import Rule
from geminid.core.request import Thinking
from geminid.pipeline.rules.case import THINKING, Case
from geminid.pipeline.rules.check import Check, Facts


def _both(case: Case, _: Rule) -> Iterator[Facts]:
    thinking = _of(case)
    if thinking.level and thinking.budget is not None:
        yield {}


def _off(case: Case, _: Rule) -> Iterator[Facts]:
    """The model does not think, and is asked how much."""
    thinking = _of(case)
    if not case.known.thinking and (thinking.level or thinking.budget is not None):
        yield {}


def _no_levels(case: Case, _: Rule) -> Iterator[Facts]:
    if _of(case).level and not case.known.thinking_levels:
        yield {}


def _level(case: Case, _: Rule) -> Iterator[Facts]:
    level = _of(case).level
    if level and level.lower() not in case.known.thinking_levels:
        yield {"level": level}


def _zero(case: Case, _: Rule) -> Iterator[Facts]:
    budget = case.known.budget
    if _of(case).budget == 0 and budget is not None and not budget.off:
        yield {}


def _budget(case: Case, _: Rule) -> Iterator[Facts]:
    """Positive, and outside of what the model takes; it is told only where both ends are known."""
    asked, budget = _of(case).budget, case.known.budget
    if budget is None or budget.max is None or asked is None or asked < 1:
        return
    if not budget.min <= asked <= budget.max:
        low = 0 if budget.off and budget.min == 1 else budget.min
        yield {"value": asked, "low": low, "high": budget.max}


def _negative(case: Case, rule: Rule) -> Iterator[Facts]:
    """A budget below `low`."""
    budget = _of(case).budget
    if budget is not None and rule.low is not None and budget < rule.low:
        yield {}


def _of(case: Case) -> Thinking:
    return case.request.thinking or Thinking()


CHECKS: Final[Mapping[str, Check]] = {
    "thinking_both": Check(THINKING, _both),
    "thinking_off": Check(THINKING, _off, of_model=True),
    "thinking_no_levels": Check(THINKING, _no_levels, of_model=True),
    "thinking_level": Check(THINKING, _level, of_model=True),
    "thinking_zero": Check(THINKING, _zero, of_model=True),
    "thinking_budget": Check(THINKING, _budget, of_model=True),
    "thinking_negative": Check(THINKING, _negative),
}
