"""What is put back into a request: signatures that its client lost, or that are not valid where it
goes now.

Callers of Gemini's own dialect have a place for signatures: what they send goes up as it is, unless
it is known to have been made elsewhere.  Those of all others are never refused for one: what they
lost is found by the id of the call or by what was said, and where nothing is found and the model
insists, the documented bypass string stands in (gemini.md 3.2).
"""

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from itertools import groupby, takewhile
from typing import Final, TypeAlias

import msgspec

from geminid.core.content import Blob, Call, Content, Part, Text, Thought
from geminid.core.ports import Context, Kept
from geminid.core.request import Request
from geminid.pipeline.compile import Target
from geminid.pipeline.rules.turns import is_call, name_of
from geminid.pipeline.signatures import SKIP, is_bypass
from geminid.pipeline.turn import current_turn, turns, words_of
from geminid.pipeline.vault.places import Places

_Spot: TypeAlias = tuple[int, int]
"""A part: the number of its content and its own in there, both from 0."""

_FOREIGN: Final = "a thought signature of another channel or model"
_UNKNOWN: Final = "a thought signature that is not known here"


class Restorer:
    """One request on its way up.  Call `places`, then `judge`, then `mended`, each once.

    `lenient`: the caller's dialect is not Gemini's.  Seals begin with `mark`.
    """

    def __init__(
        self, request: Request, target: Target, places: Places, *, mark: str, lenient: bool
    ) -> None:
        self._request, self._target, self._places = request, target, places
        self._mark, self._lenient = mark, lenient
        engine, facts = target.channel.engine, target.facts
        self._native = engine.native_signatures
        self._insists = self._native and (facts is None or facts.checks_signatures)
        self._draws = facts is not None and facts.kind == "image"
        self._google = engine.dialect == "gemini"
        self._carried: dict[_Spot, bytes] = {}
        self._wanted: dict[_Spot, list[bytes]] = {}
        self._strays: dict[_Spot, str] = {}  # what they are, in words
        self._put: dict[_Spot, str] = {}  # signatures other than those that came

    def places(self) -> list[bytes]:
        """Where to look first: what came by itself, what is missing by its content."""
        for number, content in enumerate(self._request.contents):
            for place, part in enumerate(content.parts):
                if part.signature and self._unclear(part):
                    self._carried[number, place] = self._places.signature(part.signature)
        if self._lenient:
            self._want(set(self._lost()))
        return [*self._carried.values(), *self._all_wanted()]

    def judge(self, found: Mapping[bytes, Kept]) -> list[bytes]:
        """Where else to look, now that it is known which of those that came are not valid."""
        before = set(self._all_wanted())
        for spot, place in self._carried.items():
            kept = found.get(place)
            if kept is not None and not self._valid(kept):
                self._strays[spot] = _FOREIGN
            elif self._lenient and (kept is None or kept.name != _name(self._part(spot))):
                self._strays[spot] = _UNKNOWN
        self._want(self._strays.keys())
        return [place for place in self._all_wanted() if place not in before]

    def mended(self, found: Mapping[bytes, Kept], context: Context) -> Request:
        """The request as it may go up, all that is told in `context`; itself if nothing changed."""
        if self._native and len(self._strays) < len(self._carried):
            context.signature("native")
        for spot, places in self._wanted.items():
            if (signature := self._best(spot, places, found)) is not None:
                self._put[spot] = signature
                context.signature("restored")
        for spot in self._strays:
            if spot not in self._put:
                stands_in = self._insists and not self._lenient and self._asks(self._part(spot))
                self._put[spot] = SKIP if stands_in else ""
        if self._lenient and self._insists:
            for spot in [*self._unsigned_calls(), *(self._undrawn() if self._draws else ())]:
                self._put[spot] = SKIP
        if SKIP in self._put.values():
            context.signature("bypassed")
        for spot, what in self._strays.items():
            context.notice(f"{what} was {'replaced' if self._put[spot] else 'left out'}")
        return self._rebuilt()

    def _unclear(self, part: Part) -> bool:
        """Whether only the vault can tell what its signature is.  What proves a thought to another
        maker is no thought signature of Gemini's, and its own affair.
        """
        if isinstance(part, Thought) and not self._google:
            return False
        return not part.signature.startswith(self._mark) and not is_bypass(part.signature)

    def _valid(self, kept: Kept) -> bool:
        """Whether it may go to this target; of a seal `signatures` sees what it is good for."""
        here = kept.origin == self._target.channel.origin or kept.signature.startswith(self._mark)
        return here and kept.family == self._target.family

    def _lost(self) -> Iterator[_Spot]:
        """The parts of the model's that may have been signed once."""
        for number, content in enumerate(self._request.contents):
            if content.role != "model":
                continue
            texts: list[tuple[int, Text]] = []
            for place, part in enumerate(content.parts):
                if isinstance(part, Text):
                    texts.append((place, part))
                elif isinstance(part, Call | Blob) and not part.signature:
                    yield number, place
            said = [place for place, text in texts if text.text]
            if said and not any(text.signature for _, text in texts):
                yield number, said[0 if self._draws else -1]

    def _want(self, spots: AbstractSet[_Spot]) -> None:
        """Find the places of the parts at `spots`."""
        if not spots:
            return
        for number, content, turn in turns(self._request.contents):
            for place, part in enumerate(content.parts):
                wanted = (number, place) in spots
                places: list[bytes] = []
                match part:
                    case Call() if wanted:
                        places = [self._places.id(part.id)] if part.id else []
                        places.append(self._places.call(turn.asked, turn.told(part)))
                    case Call():
                        turn.passed(part)
                    case Blob() if wanted:
                        places = [self._places.blob(part.data)]
                    case Text() if wanted and (words := words_of(content)):
                        places = [self._places.text(turn.asked, words)]
                    case _:
                        pass
                if places:
                    self._wanted[number, place] = places

    def _all_wanted(self) -> Iterable[bytes]:
        return (place for places in self._wanted.values() for place in places)

    def _best(
        self, spot: _Spot, places: Iterable[bytes], found: Mapping[bytes, Kept]
    ) -> str | None:
        name = _name(self._part(spot))
        for place in places:
            kept = found.get(place)
            if kept is not None and kept.name == name and self._valid(kept):
                return kept.signature
        return None

    def _unsigned_calls(self) -> Iterator[_Spot]:
        """The first call of each step of the current turn, if it has no signature.

        A step is one content: so it is counted where Google checks.
        """
        contents = self._request.contents
        for number in range(current_turn(contents), len(contents)):
            if contents[number].role == "model":
                calls = (n for n, part in enumerate(contents[number].parts) if is_call(part))
                first = next(calls, None)
                if first is not None and not self._signature((number, first)):
                    yield number, first

    def _undrawn(self) -> Iterator[_Spot]:
        """What an image model wants signed, and is not: every picture of every turn, and the text
        that a turn begins with.  As `rules.conversation` counts it.
        """
        for role, group in groupby(
            enumerate(self._request.contents), key=lambda pair: pair[1].role or "user"
        ):
            if role != "model":
                continue
            made = [
                ((number, place), part)
                for number, content in group
                for place, part in enumerate(content.parts)
                if self._asks(part)
            ]
            for spot, part in made:
                if isinstance(part, Blob) and not self._signature(spot):
                    yield spot
            words = list(takewhile(lambda pair: isinstance(pair[1], Text), made))
            if not any(self._signature(spot) for spot, _ in words):
                yield from [spot for spot, part in words if part != Text(text="")][:1]

    def _asks(self, part: Part) -> bool:
        """Whether it is of a kind that some model wants signed."""
        draft = part.modifiers is not None and part.modifiers.thought
        return is_call(part) or (self._draws and not isinstance(part, Thought) and not draft)

    def _part(self, spot: _Spot) -> Part:
        return self._request.contents[spot[0]].parts[spot[1]]

    def _signature(self, spot: _Spot) -> str:
        return self._put.get(spot, self._part(spot).signature)

    def _rebuilt(self) -> Request:
        touched = {number for number, _ in self._put}
        contents: list[Content] = []
        for number, content in enumerate(self._request.contents):
            thinks = self._lenient and self._google and content.role == "model"
            if number not in touched and not (
                thinks and any(isinstance(part, Thought) for part in content.parts)
            ):
                contents.append(content)
                continue
            parts = [self._resigned((number, place)) for place in range(len(content.parts))]
            if thinks:  # thoughts cost tokens there, and nobody reads them
                parts = [p for p in parts if not isinstance(p, Thought) or p.signature]
            if parts:
                contents.append(Content(content.role, tuple(parts)))
        if not contents or tuple(contents) == self._request.contents:
            return self._request
        return msgspec.structs.replace(self._request, contents=tuple(contents))

    def _resigned(self, spot: _Spot) -> Part:
        part, signature = self._part(spot), self._put.get(spot)
        if signature is None or signature == part.signature:
            return part
        return msgspec.structs.replace(part, signature=signature)


def _name(part: Part) -> str:
    return name_of(part) if is_call(part) else ""
