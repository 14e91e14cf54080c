"""Checks of the contents: the order of calls and responses, and signatures (gemini.md 3.2)."""

from collections.abc import Iterator, Mapping
from itertools import pairwise, takewhile
from typing import Final

from geminid.catalog.rules import Rule
from geminid.core.content import Blob, Part, Text, Thought
from geminid.pipeline.rules.case import CALLS, MODEL, Case
from geminid.pipeline.rules.check import Check, Facts, shown
from geminid.pipeline.rules.turns import Turn, goes_on, name_of


def _call_first(case: Case, _: Rule) -> Iterator[Facts]:
    """A turn of calls that follows nothing; any other follows a user's turn."""
    first = case.turns[0]
    if first.role == "model" and first.calls and not case.cached:
        yield {}


def _stray_response(case: Case, _: Rule) -> Iterator[Facts]:
    """Responses that do not follow a turn of calls."""
    if case.turns[0].responses and not case.cached:
        yield {}
    for before, turn in pairwise(case.turns):
        if turn.responses and not before.calls:
            yield {}


def _count(case: Case, _: Rule) -> Iterator[Facts]:
    """A turn of calls without as many responses after it.

    The first turn may have begun in a cache, and then its calls cannot be counted.
    """
    turns = case.turns[1:] if case.cached else case.turns
    if turns and turns[-1].role == "model" and turns[-1].calls:
        yield {}
    for turn, after in pairwise(turns):
        called = len(turn.calls) if turn.role == "model" else 0
        if called and called != len(after.responses) and not _partial(after):
            yield {}


def _partial(turn: Turn) -> bool:
    """Whether a function goes on giving responses: then their number says nothing."""
    return any(goes_on(part) for _, _, part in turn.responses)


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

    Every picture needs one, and text that comes first after the thoughts: of a turn, for
    google-genai makes a content of each piece of a stream.  Drafts are thoughts too.
    """
    for turn in case.turns:
        if turn.role == "model":
            for content, place in _unsigned(turn, rule.finding):
                yield {"position": content + 1, "part": place + 1}


def _unsigned(turn: Turn, kind: str) -> Iterator[tuple[int, int]]:
    made = [placed for placed in turn.parts if not _is_thought(placed[2])]
    if kind == "image":
        for content, place, part in made:
            picture = type(part) is Blob and part.mime.lower().startswith("image/")
            if picture and not part.signature:
                yield content, place
        return
    # A streamed text's signature comes at its end, in a piece of its own.
    words = list(takewhile(lambda placed: type(placed[2]) is Text, made))
    if not any(part.signature for _, _, part in words):
        said = [(content, place) for content, place, part in words if part != Text(text="")]
        yield from said[:1]


def _is_thought(part: Part) -> bool:
    return type(part) is Thought or (part.modifiers is not None and part.modifiers.thought)


CHECKS: Final[Mapping[str, Check]] = {
    "call_first": Check(CALLS, _call_first),
    "stray_response": Check(CALLS, _stray_response),
    "response_count": Check(CALLS, _count),
    "signature": Check(CALLS, _signature, of_model=True),
    "image_signature": Check(MODEL, _image_signature, of_model=True),
}
