"""What functions gave back: `tool` and `function` messages as results, in the order of the calls.

Clients run parallel calls at once and send what they got in any order; Gemini counts.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from geminid.core.content import Blob, Json, Result, Text
from geminid.core.errors import Malformed, Unsupported
from geminid.dialects.openai.chat.history.assistant import Asked
from geminid.dialects.openai.chat.history.carriers import split_id
from geminid.dialects.openai.chat.history.parts import no_content, read_parts
from geminid.dialects.openai.chat.tree import wrong
from geminid.dialects.openai.tree import Tree

_PLAIN: Final = "result"
_SHOWN: Final = 20
_LONGEST: Final = 100
"""No more than this of what a caller wrote is quoted: so many ids, and so much of each."""


class _Came(msgspec.Struct, frozen=True):
    """A result that came: whose it is, as its caller says, and where it stands."""

    id: str
    name: str
    role: str
    path: str
    response: Json
    media: tuple[Blob, ...]


class Results:
    """The results that come for the calls of one assistant message, which stands at `path`."""

    def __init__(self, asked: Sequence[Asked], path: str) -> None:
        self._asked, self._path = asked, path
        self._came: list[_Came] = []

    def take(self, message: Tree, role: str, path: str) -> None:
        """One more, of a `tool` or a `function`.

        Raises:
            Malformed: its content is ill-formed.
            Unsupported: there is media in it by its address.
        """
        response, media = _read(message.get("content"), f"{path}.content")
        sent = split_id(message.get("tool_call_id"))[0] if role == "tool" else ""
        name = message.get("name")
        name = name if isinstance(name, str) else ""
        self._came.append(_Came(sent, name, role, path, response, media))

    def whole(self) -> tuple[Result, ...]:
        """All of them, one for each call, in the order of the calls.

        By id; those whose id is empty or not told by the function's name, else in the order in
        which they came.

        Raises:
            Malformed: a result is of no call, or a call has none.
        """
        waiting = _Waiting(self._asked)
        found: dict[int, _Came] = {}
        rest: list[_Came] = []
        for came in self._came:
            place = waiting.by_id(came.id) if came.id else None
            if place is None:
                rest.append(came)
            else:
                found[place] = came
        for came in rest:
            place = waiting.without_id() if came.id else waiting.by_name(came)
            if place is None:
                raise orphan(came.role, came.path, came.id)
            found[place] = came
        if len(found) < len(self._asked):
            self._refuse(place for place in range(len(self._asked)) if place not in found)
        return tuple(_result(each, found[place]) for place, each in enumerate(self._asked))

    def _refuse(self, places: Iterable[int]) -> None:
        lacking = [self._asked[place].id or self._asked[place].name for place in places]
        named = ", ".join(each[:_LONGEST] for each in lacking[:_SHOWN])
        raise wrong(
            f"{self._path}.tool_calls",
            "An assistant message with 'tool_calls' must be followed by tool messages responding to"
            " each 'tool_call_id'. The following tool_call_ids did not have response messages:"
            f" {named}",
        )


class _Waiting:
    """The calls that have no result yet, by position.  Each look-up takes what it finds."""

    def __init__(self, asked: Sequence[Asked]) -> None:
        self._open = set(range(len(asked)))
        self._order = deque(range(len(asked)))
        self._ids: dict[str, deque[int]] = {}
        self._names: dict[str, deque[int]] = {}
        for place, each in enumerate(asked):
            self._ids.setdefault(each.id, deque()).append(place)
            self._names.setdefault(each.name, deque()).append(place)

    def by_id(self, sent: str) -> int | None:
        """The next call with this id."""
        return self._next(self._ids.get(sent))

    def without_id(self) -> int | None:
        """The next call that came without an id: a client may have made one for its result."""
        return self._next(self._ids.get(""))

    def by_name(self, came: _Came) -> int | None:
        """The next call of the function that the result names; the next of all if it names none.

        The name is all that a `function` message has.
        """
        place = self._next(self._names.get(came.name)) if came.name else None
        if place is None and not (came.name and came.role == "function"):
            place = self._next(self._order)
        return place

    def _next(self, places: deque[int] | None) -> int | None:
        while places:
            place = places.popleft()
            if place in self._open:
                self._open.remove(place)
                return place
        return None


def orphan(role: str, path: str, sent: str = "") -> Malformed:
    """The refusal of the result at `path` that answers no call."""
    calls = "function_call" if role == "function" else "tool_calls"
    said = f"messages with role '{role}' must be a response to a preceding message with '{calls}'."
    if sent:
        named = repr(sent[:_LONGEST])
        said += f" No call of the assistant message before it waits for a result of the id {named}."
        return wrong(f"{path}.tool_call_id", f"Invalid parameter: {said}")
    return wrong(f"{path}.role", f"Invalid parameter: {said}")


def _result(asked: Asked, came: _Came) -> Result:
    call = asked.call
    return Result(name=call.name, response=came.response, id=call.id, media=came.media)


def _read(content: object, path: str) -> tuple[Json, tuple[Blob, ...]]:
    """The response and the media of a tool's message; no content at all is an empty text."""
    if content is None or isinstance(content, str):
        return response_of(content or ""), ()
    if not isinstance(content, list):
        raise no_content(content, path)
    texts: list[str] = []
    media: list[Blob] = []
    for part in read_parts(content, path):
        if isinstance(part, Text):
            texts.append(part.text)
        elif isinstance(part, Blob):
            media.append(part)
        else:
            raise Unsupported(
                f"A tool's result holds text and media; '{path}' has something else in it, or media"
                " by its address. Send the data itself, as a data URL."
            )
    return response_of("\n".join(texts)), tuple(media)


def response_of(text: str) -> Json:
    """`text` if it is a JSON object; else an object with it as its `result`.

    So is one that has the key `$ref` in it: Gemini 3 refuses such a response (vercel/ai#14369).
    """
    body = text.strip()
    if body.startswith("{"):
        try:
            tree = msgspec.json.decode(body)
        except (msgspec.MsgspecError, RecursionError):
            tree = None
        if isinstance(tree, dict) and not _refers(body, tree):
            return Json(body.encode())
    return Json(msgspec.json.encode({_PLAIN: text}))


def _refers(body: str, tree: Tree) -> bool:
    if "$ref" not in body and "\\u" not in body:  # the key may be written with an escape
        return False
    left: list[object] = [tree]
    while left:
        value = left.pop()
        if isinstance(value, dict):
            if "$ref" in value:
                return True
            left += value.values()
        elif isinstance(value, list):
            left += value
    return False
