"""What of an answer is kept: each signature in it, with the places where it will be looked for."""

from collections.abc import Iterator
from typing import TypeAlias

from geminid.core.content import Blob, Call, Part, Text
from geminid.core.errors import UpstreamMalformed
from geminid.core.events import Delta, Event, PartEnd, PartStart
from geminid.core.fold import closed
from geminid.core.ports import Kept
from geminid.core.request import Request
from geminid.pipeline.callids import lasting
from geminid.pipeline.compile import Target
from geminid.pipeline.rules.turns import is_call, name_of
from geminid.pipeline.turn import Turn, next_turn
from geminid.pipeline.vault.places import Places

Entry: TypeAlias = tuple[Kept, list[bytes]]


class Leaving:
    """One answer, as its events go by.  Never fails it: what makes no sense is not kept.

    Seals begin with `mark`; they tell themselves whose they are.  Without `request` nobody knows
    what is answered, and signatures are kept by themselves, by ids and by pictures alone.
    """

    def __init__(
        self, places: Places, request: Request | None, target: Target, *, mark: str
    ) -> None:
        self.torn = False
        """Words of the answer were missed."""
        self._places, self._request, self._target, self._mark = places, request, target, mark
        self._trusted = target.channel.engine.dialect == "gemini"
        self._candidates: dict[int, _Candidate] = {}

    def take(self, event: Event) -> None:
        """One event, in the order of `core.events`."""
        if isinstance(event, Delta):
            candidate = self._candidates.get(event.candidate)
            if candidate is not None:
                candidate.pieces.append(event.text)
        elif isinstance(event, PartStart):
            candidate = self._candidates.get(event.candidate)
            if candidate is None:
                turn = None if self._request is None else next_turn(self._request.contents)
                candidate = self._candidates[event.candidate] = _Candidate(turn)
            candidate.open, candidate.pieces = event.part, []
        elif isinstance(event, PartEnd):
            candidate = self._candidates.get(event.candidate)
            if candidate is not None and (part := candidate.close(event.signature)) is not None:
                self._look(candidate, part)

    def due(self) -> list[Entry]:
        """What is to be kept now, and was not due before."""
        due: list[Entry] = []
        for candidate in self._candidates.values():
            due += candidate.due
            candidate.due.clear()
            due += self._texts(candidate)
        return [entry for entry in due if entry[1]]

    def _look(self, candidate: "_Candidate", part: Part) -> None:
        turn, signature = candidate.turn, part.signature
        if not signature:
            if isinstance(part, Call) and turn is not None:
                turn.passed(part)
            return
        if isinstance(part, Text):
            candidate.texts.append(signature)
            return
        places = self._itself(signature)
        if isinstance(part, Call):
            if lasting(part.id, trusted=self._trusted):
                places.append(self._places.id(part.id))
            if turn is not None:
                places.append(self._places.call(turn.asked, turn.told(part)))
        elif isinstance(part, Blob):
            places.append(self._places.blob(part.data))
        name = name_of(part) if is_call(part) else ""
        candidate.due.append((self._kept(signature, name), places))

    def _texts(self, candidate: "_Candidate") -> Iterator[Entry]:
        """Of several signed texts the last is found by the words: clients make one of all."""
        if not candidate.texts or (words := candidate.said()) == candidate.told:
            return
        candidate.told = words
        *others, last = candidate.texts
        candidate.texts = [last]
        for signature in others:
            yield self._kept(signature), self._itself(signature)
        places = self._itself(last)
        if words and candidate.turn is not None and not self.torn:
            places.append(self._places.text(candidate.turn.asked, words))
        yield self._kept(last), places

    def _itself(self, signature: str) -> list[bytes]:
        return [] if signature.startswith(self._mark) else [self._places.signature(signature)]

    def _kept(self, signature: str, name: str = "") -> Kept:
        origin, family = self._target.channel.origin, self._target.family
        return Kept(signature=signature, origin=origin, family=family, name=name)


class _Candidate:
    def __init__(self, turn: Turn | None) -> None:
        self.turn = turn
        self.open: Part | None = None
        self.pieces: list[str] = []  # of the part that is open
        self.texts: list[str] = []  # signatures of texts that are not yet kept, or not for good
        self.told: str | None = None  # the words by which the last of them was kept
        self.due: list[Entry] = []
        self._words: list[str] = []

    def close(self, signature: str) -> Part | None:
        """The open part, whole; `None` if there is none, or its pieces spell none."""
        opened, self.open = self.open, None
        if opened is None:
            return None
        try:
            part = closed(opened, "".join(self.pieces), signature)
        except UpstreamMalformed:  # whoever folds the answer says so
            return None
        if isinstance(part, Text):
            self._words.append(part.text)
        return part

    def said(self) -> str:
        """All words so far."""
        return "".join(self._words).strip()
