"""Advice: what works, and is known to work better another way.  Nothing is changed."""

from collections.abc import Iterator, Mapping
from typing import Final

from geminid.catalog.rules import Rule
from geminid.core.content import Blob, FileRef, Part, Text
from geminid.pipeline.rules.case import ANY, MEDIA, SAMPLED, THINKING, Case
from geminid.pipeline.rules.check import Check, Facts

_END: Final = 500
"""So much of a long text is looked at, at each end: wishes stand there, data in the middle."""


def _temperature(case: Case, rule: Rule) -> Iterator[Facts]:
    """Below `low`."""
    asked = case.request.sampling.temperature
    if asked is not None and rule.low is not None and asked < rule.low:
        yield {}


def _phrase(case: Case, rule: Rule) -> Iterator[Facts]:
    """One of `phrases`, in lower case, in what the user says last."""
    if any(phrase in text for text in _said(case) for phrase in rule.phrases):
        yield {}


def _phrase_about_image(case: Case, rule: Rule) -> Iterator[Facts]:
    """The same, and the user has sent a picture."""
    pictures = (
        part
        for content in case.request.contents
        for part in content.parts
        if _mime(part).startswith("image/")
    )
    if any(pictures):
        yield from _phrase(case, rule)


def _question_first(case: Case, rule: Rule) -> Iterator[Facts]:
    """What the user says last begins with a short text and ends with data.

    Data is media whose mime type begins with one of `allowed`, or a text of `most` characters.
    """
    parts = _last(case)
    if len(parts) <= 1 or not isinstance(parts[0], Text):
        return
    first, last = parts[0], parts[-1]
    if isinstance(last, Text):
        data = len(last.text) >= rule.most
    else:
        data = _mime(last).startswith(rule.allowed)
    if data and first.text.strip() and len(first.text) < rule.most:
        yield {}


def _budget(case: Case, _: Rule) -> Iterator[Facts]:
    thinking = case.request.thinking
    if thinking is not None and thinking.budget is not None:
        yield {}


def _said(case: Case) -> Iterator[str]:
    """The texts that a user says last, in lower case."""
    for part in _last(case):
        if type(part) is Text:
            text = part.text
            if len(text) > 2 * _END:
                text = f"{text[:_END]}\n{text[-_END:]}"
            yield text.lower()


def _last(case: Case) -> tuple[Part, ...]:
    """The parts of the last content, if a user says it."""
    contents = case.request.contents
    return contents[-1].parts if contents and contents[-1].role != "model" else ()


def _mime(part: Part) -> str:
    return part.mime if isinstance(part, Blob | FileRef) else ""


CHECKS: Final[Mapping[str, Check]] = {
    "low_temperature": Check(SAMPLED["temperature"], _temperature),
    "phrase": Check(ANY, _phrase),
    "phrase_about_image": Check(MEDIA, _phrase_about_image),
    "question_first": Check(ANY, _question_first),
    "old_budget": Check(THINKING, _budget),
}
