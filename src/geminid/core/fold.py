"""From a stream of events to one whole answer: unary is the fold of the stream."""

from collections.abc import Iterable
from typing import assert_never

import msgspec

from geminid.core.content import Call, Code, Content, Json, Part, Text, Thought
from geminid.core.errors import StreamCut, UpstreamMalformed
from geminid.core.events import Begin, Delta, End, Event, PartEnd, PartStart, Tally
from geminid.core.usage import Usage


class Candidate(msgspec.Struct, frozen=True):
    """One finished candidate."""

    index: int
    content: Content
    end: End


class Answer(msgspec.Struct, frozen=True):
    """A whole answer.  `candidates` is empty only when `blocked` names why."""

    begin: Begin
    candidates: tuple[Candidate, ...]
    usage: Usage | None = None
    blocked: End | None = None


class Folder:
    """Collects events into an `Answer`.

    `add` takes events in order; `answer` gives the result.  A stream that has not ended raises
    `StreamCut` there, so a cut answer can never be mistaken for a whole one.
    """

    def __init__(self) -> None:
        self._begin: Begin | None = None
        self._usage: Usage | None = None
        self._blocked: End | None = None
        self._parts: dict[int, list[Part]] = {}
        self._open: dict[int, tuple[Part, list[str]]] = {}
        self._ends: dict[int, End] = {}

    def add(self, event: Event) -> None:
        """Take one event.

        Raises:
            UpstreamMalformed: the event breaks the order of `core.events`; that is an engine's bug.
        """
        if (self._begin is None) != isinstance(event, Begin):
            raise UpstreamMalformed("The engine's answer did not begin once, and first.")
        match event:
            case Begin():
                self._begin = event
            case PartStart():
                self._start(event)
            case Delta():
                self._opened(event.candidate, event.index)[1].append(event.text)
            case PartEnd():
                part, pieces = self._opened(event.candidate, event.index)
                del self._open[event.candidate]
                self._parts[event.candidate].append(closed(part, "".join(pieces), event.signature))
            case Tally():
                self._usage = event.usage
            case End() if event.blocked:
                self._blocked = event
            case End():
                if event.candidate in self._open or event.candidate in self._ends:
                    raise UpstreamMalformed("The engine ended a candidate twice, or inside a part.")
                self._ends[event.candidate] = event
                self._parts.setdefault(event.candidate, [])
            case _:
                assert_never(event)

    def answer(self) -> Answer:
        """The whole answer.

        Raises:
            StreamCut: the stream stopped before every candidate had ended.
        """
        if self._begin is None or self._open or not (self._ends or self._blocked):
            raise StreamCut("The answer stopped before its end; try again.")
        if self._parts.keys() != self._ends.keys():
            raise StreamCut("One candidate of the answer stopped before its end; try again.")
        candidates = tuple(
            Candidate(index, Content("model", tuple(parts)), self._ends[index])
            for index, parts in sorted(self._parts.items())
        )
        return Answer(self._begin, candidates, self._usage, self._blocked)

    def _start(self, event: PartStart) -> None:
        parts = self._parts.setdefault(event.candidate, [])
        taken = event.candidate in self._open or event.candidate in self._ends
        if taken or event.index != len(parts):
            raise UpstreamMalformed("The engine sent the parts of its answer out of order.")
        self._open[event.candidate] = (event.part, [])

    def _opened(self, candidate: int, index: int) -> tuple[Part, list[str]]:
        found = self._open.get(candidate)
        if found is None or index != len(self._parts[candidate]):
            raise UpstreamMalformed("The engine continued a part that it had not begun.")
        return found


def fold(events: Iterable[Event]) -> Answer:
    """The answer that `events` spell.  Raises as `Folder` does."""
    folder = Folder()
    for event in events:
        folder.add(event)
    return folder.answer()


def closed(part: Part, text: str, signature: str) -> Part:
    """`part` as its deltas (joined in `text`) and its `PartEnd.signature` leave it.

    Raises:
        UpstreamMalformed: the part takes no deltas, or they spell no JSON object for a call.
    """
    changes: dict[str, object] = {}
    if signature:
        changes["signature"] = signature
    if text:
        match part:
            case Text() | Thought():
                changes["text"] = part.text + text
            case Code():
                changes["code"] = part.code + text
            case Call():
                changes["args"] = _arguments(part, text)
            case _:
                raise UpstreamMalformed("The engine streamed text into a part that holds none.")
    return msgspec.structs.replace(part, **changes) if changes else part


def _arguments(part: Call, text: str) -> Json:
    encoded = bytes(part.args).removeprefix(b"{}") + text.encode()
    try:
        msgspec.json.decode(encoded, type=dict[str, msgspec.Raw])
    except (msgspec.MsgspecError, RecursionError) as error:
        raise UpstreamMalformed(
            f"The model called {part.name!r} with arguments that are not a JSON object."
        ) from error
    return Json(encoded)
