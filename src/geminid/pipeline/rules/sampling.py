"""Checks of the knobs of generation."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from geminid.catalog.rules import Rule
from geminid.pipeline.rules.case import SAMPLED, Case
from geminid.pipeline.rules.check import Check, Facts


def _range(case: Case, rule: Rule) -> Iterable[Facts]:
    """`field` of `Sampling` is below `low` or above `high`; both belong to the range.

    No generator, for it is asked ten times about a request and has nothing to say.
    """
    value = getattr(case.request.sampling, rule.field)
    if value is None:
        return ()
    low, high = rule.low, rule.high
    if (low is None or low <= value) and (high is None or value <= high):
        return ()
    bounds = {"low": low, "high": high}
    return ({name: bound for name, bound in bounds.items() if bound is not None},)


def _stops(case: Case, rule: Rule) -> Iterator[Facts]:
    """More than `most` stop sequences."""
    if len(case.request.sampling.stop) > rule.most:
        yield {"most": rule.most}


def _empty_stop(case: Case, _: Rule) -> Iterator[Facts]:
    for index, stop in enumerate(case.request.sampling.stop):
        if not stop:
            yield {"index": index}


def _candidates(case: Case, _: Rule) -> Iterator[Facts]:
    if (case.request.sampling.candidates or 1) > case.known.candidates:
        yield {}


def _penalties(case: Case, _: Rule) -> Iterator[Facts]:
    """The API lets a penalty of zero pass everywhere."""
    sampling = case.request.sampling
    if not case.known.penalties and (sampling.presence_penalty or sampling.frequency_penalty):
        yield {}


def _logprobs(case: Case, _: Rule) -> Iterator[Facts]:
    if not case.known.logprobs and case.request.sampling.logprobs:
        yield {}


CHECKS: Final[Mapping[str, Check]] = {
    "range": Check(0, _range),  # what its rule's `field` says
    "stops": Check(SAMPLED["stop"], _stops),
    "empty_stop": Check(SAMPLED["stop"], _empty_stop),
    "candidates": Check(SAMPLED["candidates"], _candidates, of_model=True),
    "penalties": Check(
        SAMPLED["presence_penalty"] | SAMPLED["frequency_penalty"], _penalties, of_model=True
    ),
    "logprobs": Check(SAMPLED["logprobs"], _logprobs, of_model=True),
}
