"""Checks of the contents: the order of calls and responses, and signatures (gemini.md 3.2)."""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Final

from geminid.catalog.rules import Rule
from geminid.core.content import Blob, Content, Part, Result, Text, Thought
from geminid.pipeline.rules.case import CALLS, MODEL, Case
from geminid.pipeline.rules.check import Check, Facts, shown
from geminid.pipeline.rules.turns import Turn, name_of


def _call_first(case: Case, _: Rule) -> Iterator[Facts]:
    """A turn of calls that follows nothing; any other follows a user's turn."""
    first = case.turns[0]
    if first.role == "model" and first.calls:
        yield {}


def _stray_response(case: Case, _: Rule) -> Iterator[Facts]:
    """Responses that do not follow a turn of calls."""
    before: Turn | None = None
    for turn in case.turns:
        if turn.responses and (before is None or not before.calls):
            yield {}
        before = turn


def _count(case: Case, _: Rule) -> Iterator[Facts]:
    """A turn of calls without as many responses after it."""
    last = case.turns[-1]
    if last.role == "model" and last.calls:
        yield {}
    for turn, after in pairwise(case.turns):
        called = len(turn.calls) if turn.role == "model" else 0
        if called and called != len(after.responses) and not _partial(after):
            yield {}


def _partial(turn: Turn) -> bool:
    """Whether a function goes on giving responses: then their number says nothing."""
    return any(type(part) is Result and part.will_continue for _, _, part in turn.responses)


def _signature(case: Case, _: Rule) -> Iterator[Facts]:
    """The first call of a content of the current turn has no signature.

    Of each content: the calls of one group belong in one.
    """
    asked = max((place for place, turn in enumerate(case.turns) if turn.asks()), default=-1)
    for turn in case.turns[asked + 1 :]:
        last = -1
        for content, _place, call in turn.calls if turn.role == "model" else ():
            if content != last and not call.signature:
                yield {"name": shown(name_of(call)), "position": content + 1}
            last = content


def _image_signature(case: Case, rule: Rule) -> Iterator[Facts]:
    """A part that an image model made has no signature; `finding` is the kind of part.

    Every picture needs one, and text that is the first part after the thoughts.  Drafts are
    thoughts too.
    """
    for position, content in enumerate(case.request.contents, 1):
        if content.role == "model":
            for place in _unsigned(content, rule.finding):
                yield {"position": position, "part": place}


def _unsigned(content: Content, kind: str) -> Iterator[int]:
    first = True
    for place, part in enumerate(content.parts, 1):
        if _is_thought(part):
            continue
        if not part.signature and (
            (kind == "image" and type(part) is Blob)
            or (kind == "text" and first and type(part) is Text and part.text)
        ):
            yield place
        first = False


def _is_thought(part: Part) -> bool:
    return type(part) is Thought or (part.modifiers is not None and part.modifiers.thought)


CHECKS: Final[Mapping[str, Check]] = {
    "call_first": Check(CALLS, _call_first),
    "stray_response": Check(CALLS, _stray_response),
    "response_count": Check(CALLS, _count),
    "signature": Check(CALLS, _signature, of_model=True),
    "image_signature": Check(MODEL, _image_signature, of_model=True),
}
