"""The messages of a request as contents.

What an OpenAI conversation may look like comes out in an order that Gemini takes: results follow
their calls, one for each and in their order, and calls follow a user's turn.
"""

from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from geminid.core.content import Call, Content, Part, Text
from geminid.dialects.openai.chat.ask.reading import Left
from geminid.dialects.openai.chat.history.assistant import read_assistant
from geminid.dialects.openai.chat.history.parts import no_content, read_parts, read_system
from geminid.dialects.openai.chat.history.results import Results, orphan
from geminid.dialects.openai.chat.tree import missing, mistyped, text_at, tree_of, unknown, wrong
from geminid.dialects.openai.tree import Tree

_ROLES: Final = ("system", "assistant", "user", "function", "tool", "developer")
_COMMON: Final = frozenset({"role", "content"})
_KNOWN: Final[Mapping[str, frozenset[str]]] = {
    "tool": _COMMON | {"tool_call_id", "name"},
    "function": _COMMON | {"name"},
    "assistant": _COMMON
    | {"refusal", "images", "audio", "tool_calls", "function_call"}
    | {"reasoning", "reasoning_content", "reasoning_details"}
    | {"extra_content", "provider_specific_fields", "thought_signature"},
}
"""The fields that are read, by role; of the other roles only the common ones."""
_SERVICE: Final = frozenset(
    {"annotations", "cache_control", "finish_reason", "id", "index", "object", "parsed"}
    | {"thinking_blocks"}
)
"""What clients send back of an answer without asking for anything by it."""
_MOST: Final = 100
_BLANK: Final[tuple[Part, ...]] = (Text(text=" "),)
"""A user's turn in which nothing is said.  Vertex refuses an empty text there, and no API refuses a
blank [M].
"""


class Conversation(msgspec.Struct, frozen=True):
    """What a request's messages say; there is at least one content, and each has parts.

    `left` are fields of messages that are not used.
    """

    system: tuple[Part, ...]
    contents: tuple[Content, ...]
    left: tuple[Left, ...] = ()


def read_messages(messages: object, *, sent: Callable[[str], str]) -> Conversation:
    """The conversation in `messages`, a decoded JSON array.

    `sent` gives the inside name of a function by the caller's.  Signatures that a client sends back
    are on their parts; none is refused.

    Raises:
        Malformed: a message is ill-formed, a result answers no call, or a call has no result; the
            first violation names the place, as `messages[3].content[0].text`.
        Unsupported: it names something that is kept nowhere here.
    """
    if messages is None:
        raise missing("messages")
    if not isinstance(messages, list):
        raise mistyped("messages", "an array of objects", messages)
    if not messages:
        raise wrong(
            "messages",
            "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an"
            " empty array instead.",
        )
    reading = _Reading(sent)
    for place, value in enumerate(messages):
        path = f"messages[{place}]"
        reading.add(tree_of(value, path), path)
    return reading.whole()


class _Reading:
    """Reads one message after the other."""

    def __init__(self, sent: Callable[[str], str]) -> None:
        self._sent = sent
        self._system: list[Part] = []
        self._instructed = False
        self._contents: list[Content] = []
        self._results: Results | None = None  # of the calls that wait for some
        self._left: dict[str, Left] = {}

    def add(self, message: Tree, path: str) -> None:
        """The message at `path`."""
        role = text_at(message, "role", path)
        match role:
            case "user":
                self._settle()
                parts = _user(message.get("content"), f"{path}.content")
                self._contents.append(Content("user", parts))
            case "assistant":
                self._assistant(message, path)
            case "tool" | "function":
                if self._results is None:
                    raise orphan(role, path)
                self._results.take(message, role, path)
            case "system" | "developer":
                self._instructed = True
                self._system += read_system(message.get("content"), f"{path}.content")
            case _:
                raise unknown(f"{path}.role", role, _ROLES)
        known = _KNOWN.get(role, _COMMON)
        if not message.keys() <= known:
            self._leave(message, known)

    def whole(self) -> Conversation:
        """All that was said."""
        self._settle()
        system, contents, left = tuple(self._system), self._contents, tuple(self._left.values())
        if not contents:
            if not self._instructed:
                raise wrong("messages", "Invalid 'messages': none of them says anything.")
            # Gemini answers contents, and an instruction is none.
            return Conversation((), (Content("user", system or _BLANK),), left)
        if _begins_with_calls(contents):
            # The history was cut there: Gemini takes calls only after a user's turn.
            contents = [Content("user", _BLANK), *contents]
        return Conversation(system, tuple(contents), left)

    def _leave(self, message: Tree, known: frozenset[str]) -> None:
        for key, value in message.items():
            if value and key not in known and len(self._left) < _MOST:
                name = f"messages.{key[:_MOST]}"
                self._left.setdefault(name, Left(name, service=key in _SERVICE))

    def _assistant(self, message: Tree, path: str) -> None:
        said = read_assistant(message, path, self._sent)
        if not said.parts:  # left out: what was open before it still is
            return
        self._settle()
        self._contents.append(Content("model", said.parts))
        if said.asked:
            self._results = Results(said.asked, path)

    def _settle(self) -> None:
        """Something else than a result comes next, or nothing at all."""
        if self._results is not None:
            self._contents.append(Content("user", self._results.whole()))
            self._results = None


def _user(content: object, path: str) -> tuple[Part, ...]:
    if isinstance(content, str):
        return (Text(text=content),) if content else _BLANK
    if not isinstance(content, list):
        raise no_content(content, path)
    return tuple(read_parts(content, path)) or _BLANK


def _begins_with_calls(contents: list[Content]) -> bool:
    for content in contents:
        if content.role != "model":
            return False
        if any(isinstance(part, Call) for part in content.parts):
            return True
    return False
