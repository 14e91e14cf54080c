"""What a check is."""

from collections.abc import Callable, Iterable
from typing import Final, TypeAlias

import msgspec

from geminid.catalog.rules import Rule
from geminid.pipeline.rules.case import Case

Facts: TypeAlias = dict[str, str | int | float]
"""What one finding puts into the braces of the rule's text; `model` is always there."""

_SHOWN: Final = 200


class Check(msgspec.Struct, frozen=True):
    """A function that finds what is against a rule.

    It is only asked about requests that have something of `needs` in them (constants of `case`; 0
    stands for the knob that the rule's `field` names).
    With `of_model`, only about models of the catalog, so its rules must name some.
    """

    needs: int
    run: Callable[[Case, Rule], Iterable[Facts]]
    of_model: bool = False


def shown(text: str) -> str:
    """A caller's own text as an error quotes it: not more of it than helps."""
    return text[:_SHOWN]
