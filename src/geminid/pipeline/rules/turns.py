"""A conversation as the rules count it: turns, calls and responses.

Neighbouring contents of one role are one turn: google-genai's streamed automatic function calling
sends a stream's closing empty text as a content of its own, between the call and its response
(gemini.md section 3.2).
"""

from itertools import groupby
from typing import TypeAlias

import msgspec

from geminid.core.content import Call, Content, Opaque, Part, Result
from geminid.core.request import Request

Placed: TypeAlias = tuple[int, int, Part]
"""A part with the numbers of its content and of itself in there, both from 0."""


class Turn(msgspec.Struct, frozen=True):
    """Contents of one role that stand together."""

    role: str
    parts: tuple[Placed, ...]
    calls: tuple[Placed, ...]
    responses: tuple[Placed, ...]

    def asks(self) -> bool:
        """Whether a user says something here beside responses: that begins the current turn."""
        return self.role == "user" and len(self.parts) > len(self.responses)


class _Name(msgspec.Struct, frozen=True):
    name: str = ""


class _Continued(msgspec.Struct, frozen=True, rename="camel"):
    will_continue: bool = False


class _Known(msgspec.Struct, frozen=True, rename="camel"):
    """What is looked at in a part that the core has no word for."""

    function_call: _Name = _Name()
    function_response: _Continued = _Continued()


def turns_of(request: Request) -> tuple[Turn, ...]:
    """The turns of a request, in order."""
    numbered = enumerate(request.contents)
    return tuple(_turn(role, tuple(contents)) for role, contents in groupby(numbered, key=_role_of))


def is_call(part: Part) -> bool:
    """Whether the part calls a function, also in a form that the core has no word for."""
    return type(part) is Call or (type(part) is Opaque and part.kind == "functionCall")


def is_response(part: Part) -> bool:
    """Whether the part answers a call."""
    return type(part) is Result or (type(part) is Opaque and part.kind == "functionResponse")


def name_of(call: Part) -> str:
    """The name of the function that a call is for."""
    if type(call) is Opaque:
        return msgspec.json.decode(call.body, type=_Known).function_call.name
    return getattr(call, "name", "")


def goes_on(response: Part) -> bool:
    """Whether the function will give more responses to the same call."""
    if type(response) is Opaque:
        return msgspec.json.decode(response.body, type=_Known).function_response.will_continue
    return type(response) is Result and bool(response.will_continue)


def _role_of(numbered: tuple[int, Content]) -> str:
    return numbered[1].role or "user"


def _turn(role: str, contents: tuple[tuple[int, Content], ...]) -> Turn:
    parts = tuple(
        (number, place, part)
        for number, content in contents
        for place, part in enumerate(content.parts)
    )
    return Turn(
        role,
        parts,
        tuple(placed for placed in parts if is_call(placed[2])),
        tuple(placed for placed in parts if is_response(placed[2])),
    )
