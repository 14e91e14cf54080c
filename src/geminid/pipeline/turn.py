"""A turn as both directions of a conversation know it: what was asked, and which call is which.

A signature that left is found again by what was said around it, so the words here are the same when
an answer leaves and when a client sends it back, whatever the client has cut, joined or rewritten
in between.
"""

import hashlib
from collections.abc import Iterator

import msgspec

from geminid.core.canonical import canonical
from geminid.core.content import Call, Content, Json, Text
from geminid.pipeline.rules.turns import is_response


class Turn:
    """What the model says from one thing the user said to the next.

    Calls are told to it in their order, all of them: two that are alike are told apart by number.
    """

    def __init__(self, said: Content | None = None) -> None:
        self._said = said
        self._asked = ""
        self._passed: list[Call] = []
        self._counts: dict[tuple[str, str], int] = {}

    @property
    def asked(self) -> str:
        """A hash of the words that the model answers here."""
        if not self._asked:
            self._asked = digest("" if self._said is None else words_of(self._said))
        return self._asked

    def passed(self, call: Call) -> None:
        """There was `call`, and nobody needs to know it again."""
        self._passed.append(call)

    def told(self, call: Call) -> tuple[str, str, str]:
        """`call` in words that fit no other of the turn: its function, its arguments, and how many
        of the same there were before.
        """
        for before in self._passed:
            self._count(before)
        self._passed.clear()
        return self._count(call)

    def _count(self, call: Call) -> tuple[str, str, str]:
        alike = call.name, spelled(call.args)
        number = self._counts.get(alike, 0)
        self._counts[alike] = number + 1
        return (*alike, str(number))


def turns(contents: tuple[Content, ...]) -> Iterator[tuple[int, Content, Turn]]:
    """The contents of the model, each with its number and its turn.  Calls are not told yet."""
    turn = Turn()
    for number, content in enumerate(contents):
        if content.role == "model":
            yield number, content, turn
        elif _says(content):
            turn = Turn(content)


def next_turn(contents: tuple[Content, ...]) -> Turn:
    """The turn that an answer to `contents` belongs to; what it has of calls is told."""
    first = current_turn(contents)
    turn = Turn(contents[first - 1] if first else None)
    for content in contents[first:]:
        for part in content.parts if content.role == "model" else ():
            if isinstance(part, Call):
                turn.passed(part)
    return turn


def current_turn(contents: tuple[Content, ...]) -> int:
    """Where the current turn begins: after the last thing the user said that is no tool's result.

    `len(contents)` if that is the last content.
    """
    for index in range(len(contents) - 1, -1, -1):
        if contents[index].role != "model" and _says(contents[index]):
            return index + 1
    return 0


def words_of(content: Content) -> str:
    """All words of `content`: clients make one text of several, and several of one."""
    return "".join([part.text for part in content.parts if isinstance(part, Text)]).strip()


def spelled(args: Json) -> str:
    """Arguments as no client can write them otherwise (`core.canonical`)."""
    try:
        return canonical(args).decode()
    except (msgspec.MsgspecError, RecursionError):  # an engine's, too deep: as it stands
        return bytes(args).decode()


def digest(text: str) -> str:
    """A short name for `text`, however long that is."""
    return hashlib.sha256(text.encode()).hexdigest()


def _says(content: Content) -> bool:
    return not all(map(is_response, content.parts))
