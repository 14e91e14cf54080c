"""How a candidate ended, in this dialect's few words (gemini.md section 2.2, dialects.md 2.1).

An ending that the dialect has no word for must not look like one that it has: the client would take
a broken answer for a whole one (pains.md A7).  It is raised.
"""

from collections.abc import Sequence
from typing import Final, NoReturn

import msgspec

from geminid.core.content import Json
from geminid.core.errors import AnswerBroken
from geminid.core.events import Blocked, End

FILTERED: Final = "content_filter"

_WHOLE: Final = {"STOP": "stop", "MAX_TOKENS": "length"}
_FILTERS: Final = {
    "SAFETY": "The answer was stopped by a safety filter",
    "RECITATION": "The answer was stopped because it recited its sources",
    "BLOCKLIST": "The answer was stopped because of a blocked term",
    "PROHIBITED_CONTENT": "The answer was stopped because of prohibited content",
    "SPII": "The answer was stopped because of sensitive personal information",
    "IMAGE_SAFETY": "The image was withheld by a safety filter",
    "IMAGE_PROHIBITED_CONTENT": "The image was withheld because of prohibited content",
    "IMAGE_RECITATION": "The image was withheld because it recited its sources",
}
"""Gemini's reasons that are `content_filter` here, and the refusal where Google gives no words."""

_BROKEN: Final = {
    "MALFORMED_FUNCTION_CALL": (
        "The model wrote a function call that cannot be run",
        "or simplify the function's parameters",
    ),
    "MALFORMED_RESPONSE": ("The model's answer is malformed", "or simplify its schema"),
    "UNEXPECTED_TOOL_CALL": (
        "The model called a function that it may not call",
        "or offer that function in `tools`",
    ),
    "TOO_MANY_TOOL_CALLS": ("The model called too many functions in a row", "or offer fewer"),
    "MISSING_THOUGHT_SIGNATURE": (
        "The model's side misses a thought signature",
        "or begin the conversation anew",
    ),
    "NO_IMAGE": ("The model made no image", "or say more plainly what it should show"),
    "IMAGE_OTHER": ("The model could not make the image", "or ask in other words"),
    "LANGUAGE": ("The model does not speak this language", "or ask in another"),
}
"""Reasons after which there is no answer to use: what happened, and what else to do."""

_OTHER: Final = ("The model stopped for a reason of its own", "or ask in other words")
_QUOTE: Final = 500
_NAME: Final = 80


class Ending(msgspec.Struct, frozen=True):
    """`finish` is this dialect's word, `native` Gemini's; `refusal` says why there is no answer."""

    finish: str
    native: str
    refusal: str = ""


def usable(end: End) -> bool:
    """Whether the dialect has a word for how this ended."""
    return end.reason in _WHOLE or end.reason in _FILTERS


def ending_of(end: End, called: str = "") -> Ending:
    """How a candidate ended that has `called` a function (then that is `tool_calls` or, in the old
    form, `function_call`).

    One that is not `usable` stands beside others that are: a refusal that names its reason.
    """
    reason = end.reason
    if reason in _WHOLE:
        return Ending(called if called and reason == "STOP" else _WHOLE[reason], reason)
    if reason in _FILTERS:
        return Ending(FILTERED, reason, end.message or f"{_FILTERS[reason]} ({reason}).")
    return Ending(FILTERED, reason, _broken(end))


def blocked(block: Blocked) -> Ending:
    """How a prompt that was refused before any answer is told."""
    refusal = block.message or f"The prompt was blocked ({block.reason or 'no reason given'})."
    return Ending(FILTERED, block.reason, refusal)


def extra_of(end: End) -> Json | None:
    """What Gemini says beside the end (grounding, log probabilities); `None` if nothing."""
    return end.extra if end.extra_dialect == "gemini" else None


def refuse(ends: Sequence[End]) -> NoReturn:
    """Of all candidates there is none to use.

    Raises:
        AnswerBroken: always; it speaks of the first.
    """
    raise AnswerBroken(_broken(ends[0]))


def _broken(end: End) -> str:
    what, advice = _BROKEN.get(end.reason, _OTHER)
    reason = end.reason[:_NAME] or "no reason given"
    said = f": {end.message[:_QUOTE].rstrip('. ')}" if end.message else ""
    return f"{what} ({reason}{said}); try again, {advice}."
