"""What the real Gemini 3 refuses in a conversation with tools and thoughts.

Written from the recorded errors, the guide and the SDKs' own behaviour, and on purpose without a
line of geminid's: two readings of the same rules check each other.  Takes a request as it came,
in either spelling of the keys (proto3 JSON has both), and refuses it in the real words.
"""

import base64
import binascii
import itertools
import re
from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import msgspec

Json: TypeAlias = Mapping[str, Any]

BYPASSES = ("context_engineering_is_the_way_to_go", "skip_thought_signature_validator")
"""Strings that stand for a signature of a call which Gemini 3 did not make."""

MISSING = (
    "Function call is missing a thought_signature in functionCall parts. This is required for"
    " tools to work correctly, and missing thought_signature may lead to degraded model"
    " performance. Additional data, function call `default_api:{name}` , position {position}."
    " Please refer to https://ai.google.dev/gemini-api/docs/thought-signatures for more details."
)
CORRUPTED = "Corrupted thought signature."
NO_CONTENTS = "* GenerateContentRequest.contents: contents is not specified"
ROLE = "Please use a valid role: user, model."
ORDER = (
    "Please ensure that function call turn comes immediately after a user turn or after a"
    " function response turn."
)
COUNT = (
    "Please ensure that the number of function response parts is equal to the number of function"
    " call parts of the function call turn."
)
BOTH_THOUGHTS = "You can only set only one of thinking budget and thinking level."
LEVEL = (
    "Thinking level {level} is not supported for this model. Please retry with other thinking"
    " level."
)
NO_LEVELS = "Thinking level is not supported for this model."

_LEVELS = {
    "gemini-3-pro-preview": ("LOW", "HIGH"),
    "gemini-3.1-pro-preview": ("LOW", "MEDIUM", "HIGH"),
    "gemini-3-flash-preview": ("MINIMAL", "LOW", "MEDIUM", "HIGH"),
}
_GENERATION = re.compile(r"gemini-(\d+)")
_BAD_REQUEST = "type.googleapis.com/google.rpc.BadRequest"


class Refused(Exception):
    """A request the real API answers 400; `field` names what could not even be read."""

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.message, self.field = message, field

    def body(self) -> dict[str, Any]:
        """The error as the API tells it."""
        error = {"code": 400, "message": self.message, "status": "INVALID_ARGUMENT"}
        if self.field:
            violation = {"field": self.field, "description": self.message}
            error["details"] = [{"@type": _BAD_REQUEST, "fieldViolations": [violation]}]
        return {"error": error}


class Carried(msgspec.Struct, frozen=True):
    """A signature in a request: where (both from 0), its text on the wire, and its bytes."""

    content: int
    part: int
    text: str
    data: bytes


def check(asked: Json, model: str, issued: Container[bytes]) -> tuple[Carried, ...]:
    """The signatures of a request that keeps the rules; `issued` are those `model` has made.

    Raises:
        Refused: it breaks a rule.
    """
    contents = _list(asked, "contents")
    if not contents:
        raise Refused(NO_CONTENTS)
    _check_media(contents)
    carried = tuple(_carried(contents))
    _check_thinking(asked, model)
    _check_order(contents)
    if is_third_generation(model):
        _check_signatures(contents, carried, issued)
    return carried


def is_third_generation(model: str) -> bool:
    """Whether `model` checks signatures: 2.5 and older never did."""
    found = _GENERATION.match(model)
    return found is not None and int(found[1]) >= 3


def at(tree: Json, name: str) -> Any:
    """A field by its camelCase name, whichever way it is spelled; `None` if absent."""
    return tree.get(name, tree.get(re.sub("[A-Z]", lambda found: f"_{found[0].lower()}", name)))


def blocks(contents: Sequence[Json]) -> list[list[int]]:
    """Turns as order and count rules see them: neighbouring contents of one role are one turn.

    google-genai's streamed automatic function calling needs it: it sends a stream's closing empty
    text as a content of its own.
    """
    runs = itertools.groupby(range(len(contents)), lambda number: _is_model(contents[number]))
    return [list(run) for _, run in runs]


def _list(tree: Json, name: str) -> Sequence[Json]:
    return at(tree, name) or ()


def _is_model(content: Json) -> bool:
    return bool(content.get("role") == "model")


def _carried(contents: Sequence[Json]) -> Iterator[Carried]:
    for number, content in enumerate(contents):
        for place, part in enumerate(_list(content, "parts")):
            text = at(part, "thoughtSignature")
            if text:
                field = f"contents[{number}].parts[{place}].thought_signature"
                yield Carried(number, place, text, _decoded(text, field))


def _check_media(contents: Sequence[Json]) -> None:
    for number, content in enumerate(contents):
        for place, part in enumerate(_list(content, "parts")):
            blob = at(part, "inlineData") or {}
            _decoded(blob.get("data", ""), f"contents[{number}].parts[{place}].inline_data.data")


def _decoded(text: str, field: str) -> bytes:
    standard = text.translate(str.maketrans("-_", "+/")).rstrip("=")
    try:
        return base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)
    except binascii.Error:
        raise Refused(
            f"Invalid value at '{field}' (TYPE_BYTES), Base64 decoding failed for \"{text}\"", field
        ) from None


def _check_thinking(asked: Json, model: str) -> None:
    wanted = at(at(asked, "generationConfig") or {}, "thinkingConfig") or {}
    level = str(at(wanted, "thinkingLevel") or "").upper().removeprefix("THINKING_LEVEL_")
    if not level or level == "UNSPECIFIED":
        return
    if at(wanted, "thinkingBudget") is not None:
        raise Refused(BOTH_THOUGHTS)
    if not is_third_generation(model):
        raise Refused(NO_LEVELS)
    if level not in _LEVELS.get(model, (level,)):
        raise Refused(LEVEL.format(level=level))


def _check_order(contents: Sequence[Json]) -> None:
    if any(
        content.get("role", "user") not in ("user", "model", "function") for content in contents
    ):
        raise Refused(ROLE)
    open_calls = 0
    for block in blocks(contents):
        parts = [part for number in block for part in _list(contents[number], "parts")]
        if _is_model(contents[block[0]]):
            open_calls = sum(at(part, "functionCall") is not None for part in parts)
            if open_calls and block[0] == 0:
                raise Refused(ORDER)
        else:
            if open_calls != sum(at(part, "functionResponse") is not None for part in parts):
                raise Refused(COUNT)
            open_calls = 0


def _check_signatures(
    contents: Sequence[Json], carried: Sequence[Carried], issued: Container[bytes]
) -> None:
    # A step is one content here, not one block: who sends the calls of a parallel group in contents
    # of their own is told that the second is not signed (googleapis/js-genai issue 1275).
    signed = {(each.content, each.part) for each in carried}
    for number in range(_current_turn(contents), len(contents)):
        parts = _list(contents[number], "parts")
        calls = [place for place, part in enumerate(parts) if at(part, "functionCall") is not None]
        if calls and _is_model(contents[number]) and (number, calls[0]) not in signed:
            name = at(parts[calls[0]], "functionCall").get("name", "")
            raise Refused(MISSING.format(name=name, position=number + 1))
    known = {data for text in BYPASSES for data in (text.encode(), _decoded(text, ""))}
    if any(each.data not in issued and each.data not in known for each in carried):
        raise Refused(CORRUPTED)


def _current_turn(contents: Sequence[Json]) -> int:
    """The number of the content after the user's last words; media are words too."""
    for number in range(len(contents) - 1, -1, -1):
        content = contents[number]
        words = any(at(part, "functionResponse") is None for part in _list(content, "parts"))
        if not _is_model(content) and words:
            return number + 1
    return 0
