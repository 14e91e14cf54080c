"""Sees one attempt at an answer pass, and holds back what may still turn out to be wrong."""

from typing import Final

import msgspec

from geminid.core.content import Call, Json, Part, Text, Thought
from geminid.core.events import Begin, Delta, End, Event, PartEnd, PartStart, Tally
from geminid.core.fold import closed
from geminid.core.usage import Usage
from geminid.pipeline.enforce.contract import Broken, Contract

_WHOLE: Final = "STOP"


class _Candidate:
    def __init__(self) -> None:
        self.text: list[str] = []
        self.calls: list[Call] = []
        self.held: list[Event] = []  # the first call, and all that came after it
        self.part: Part | None = None
        self.pieces: list[str] = []


class Watch:
    """One attempt.  With `hold`, nothing leaves before it is clear that it may; without, only calls
    wait for their end.
    """

    def __init__(self, contract: Contract, *, hold: bool) -> None:
        self.broken: Broken | None = None
        """What was wrong with the first candidate that broke the contract."""
        self.usage: Usage | None = None
        self.text = ""
        """What the candidate that broke the contract said."""
        self._contract, self._hold = contract, hold
        self._ended = False  # one candidate said that it was whole
        self._held: list[Event] = []
        self._candidates: dict[int, _Candidate] = {}

    @property
    def counts(self) -> bool:
        """Whether the answer had a contract to keep: plain text with tools at hand has none, nor
        has what says itself that it is not whole.
        """
        called = any(candidate.calls for candidate in self._candidates.values())
        return self._ended and (called or self._contract.must_call or self._contract.bounds_text)

    @property
    def holds(self) -> bool:
        """Whether nothing has left yet, so that another attempt can take this one's place."""
        return self._hold

    def take(self, event: Event) -> list[Event]:
        """The events that may leave now."""
        match event:
            case Begin():
                return self._pass(event)
            case Tally():
                self.usage = event.usage
                return self._pass(event)
            case End() if event.blocked:
                return self.release(event)
            case End():
                return self._end(event)
            case _:
                return self._part(event)

    def release(self, *more: Event) -> list[Event]:
        """All that is held back, and `more`; from now on nothing is."""
        held, self._held, self._hold = [*self._held, *more], [], False
        return held

    def _pass(self, event: Event) -> list[Event]:
        if self._hold:
            self._held.append(event)
            return []
        return [event]

    def _part(self, event: PartStart | Delta | PartEnd) -> list[Event]:
        seen = self._candidates.setdefault(event.candidate, _Candidate())
        match event:
            case PartStart():
                seen.part, seen.pieces = event.part, []
            case Delta():
                seen.pieces.append(event.text)
            case PartEnd() if seen.part is not None:
                self._whole(seen, _closed(seen.part, "".join(seen.pieces), event.signature))
        if seen.held or isinstance(seen.part, Call):
            seen.held.append(event)
            return []
        if isinstance(seen.part, Thought) or self._contract.bounds_text or self._contract.must_call:
            return self._pass(event)
        return self.release(event)  # plain words, and any will do

    def _whole(self, seen: _Candidate, part: Part) -> None:
        if isinstance(part, Text):
            seen.text.append(part.text)
        elif isinstance(part, Call):
            seen.calls.append(part)

    def _end(self, event: End) -> list[Event]:
        seen = self._candidates.setdefault(event.candidate, _Candidate())
        text, calls = "".join(seen.text), tuple(seen.calls)
        if event.reason != _WHOLE:  # it says itself that it is not whole; bad calls stay here
            bad = any(self._contract.broken_call(call) for call in calls)
            return self._passed([*([] if bad else seen.held), event])
        self._ended = True
        broken = self._contract.broken(text, calls)
        if broken is None:
            return self._passed([*seen.held, event])
        if self.broken is None:
            self.broken = broken
            self.text = text or "\n".join(
                f"{call.name}({bytes(call.args).decode()})" for call in calls
            )
        end = msgspec.structs.replace(event, reason=broken.reason, message=broken.message)
        return self._pass(end)

    def _passed(self, events: list[Event]) -> list[Event]:
        return [event for each in events for event in self._pass(each)]


def _closed(part: Part, text: str, signature: str) -> Part:
    """The part as it ended.  Arguments that are no object are the contract's affair."""
    if not isinstance(part, Call) or not text:
        return closed(part, text, signature)
    return msgspec.structs.replace(part, args=Json(text.encode()))
