"""Engines and a clock that do what a test says."""

import asyncio
from collections.abc import Iterable
from typing import TypeAlias

from geminid.core.content import Text
from geminid.core.errors import Fault
from geminid.core.events import Begin, Delta, End, Event, Events, PartEnd, PartStart, Tally
from geminid.core.ports import Context, Health, Relay, RelayHead, RelayTail, TokenCount
from geminid.core.request import Request
from geminid.core.usage import Usage
from geminid.pipeline.run import Policies
from geminid.pipeline.signatures import Signatures
from geminid.pipeline.validator import Validators
from geminid.pipeline.vault import Keeping
from geminid.stores.seals import memory_seals
from geminid.stores.vault import MemoryVault

USAGE = Usage(prompt=3, output=2)

Step: TypeAlias = Event | Exception | asyncio.Event


def said(*words: str, response_id: str = "r1") -> list[Event]:
    """The events of a whole answer: one text in pieces."""
    return [
        Begin(response_id, "scripted-1"),
        PartStart(0, Text(text="")),
        *(Delta(0, word) for word in words),
        PartEnd(0),
        Tally(USAGE),
        End("STOP"),
    ]


class Scripted:
    """Gives its steps in order: an event is said, a failure raised, an `asyncio.Event` waited for.

    Counts what it was asked, how many answers are open, and how often it was closed.
    """

    dialect = ""
    native_signatures = False

    def __init__(
        self,
        steps: Iterable[Step] = (),
        *,
        tokens: TokenCount | Exception | None = None,
        limit: int | None = None,
        health: Health | Exception | None = None,
    ) -> None:
        self._steps, self._limit = list(steps), limit
        self._tokens = tokens or TokenCount(3)
        self._health = health or Health(ready=True)
        self.asked: list[tuple[Request, str, Context]] = []
        self.ignored: list[str] = []
        self.notices: list[str] = []
        self.open = self.closed = 0

    async def answer(self, request: Request, model: str, context: Context) -> Events:
        self.asked.append((request, model, context))
        for field in self.ignored:
            context.ignore(field)
        for text in self.notices:
            context.notice(text)
        self.open += 1
        try:
            for step in self._steps:
                if isinstance(step, Exception):
                    raise step
                if isinstance(step, asyncio.Event):
                    await step.wait()
                else:
                    yield step
        finally:
            self.open -= 1

    async def count(self, request: Request, model: str, context: Context) -> TokenCount:
        self.asked.append((request, model, context))
        if isinstance(self._tokens, Exception):
            raise self._tokens
        return self._tokens

    async def input_limit(self, model: str) -> int | None:
        return self._limit

    async def health(self) -> Health:
        if isinstance(self._health, Exception):
            raise self._health
        return self._health

    async def close(self) -> None:
        self.closed += 1


class ScriptedBytes(Scripted):
    """As `Scripted`, in the Gemini dialect and with a byte lane that passes `pieces`."""

    dialect = "gemini"

    def __init__(
        self,
        pieces: Iterable[bytes | Exception | asyncio.Event] = (),
        tail: RelayTail | None = None,
    ) -> None:
        super().__init__()
        self._pieces, self._end = list(pieces), tail
        self.bodies: list[bytes] = []

    async def relay(self, body: bytes, model: str, context: Context) -> Relay:
        self.bodies.append(body)
        self.open += 1
        try:
            yield RelayHead("application/json")
            for piece in self._pieces:
                if isinstance(piece, Exception):
                    raise piece
                if isinstance(piece, asyncio.Event):
                    await piece.wait()
                else:
                    yield piece
            if self._end is not None:
                yield self._end
        finally:
            self.open -= 1


class Hands:
    """A clock that moves when it is told to."""

    def __init__(self, now: float = 1_790_000_000.0) -> None:
        self.time = now

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time - 1_789_000_000.0


class Tallied:
    """A meter that remembers."""

    def __init__(self) -> None:
        self.counted: list[tuple[str, str, str, bool]] = []

    def contract(self, *, channel: str, model: str, stage: str, kept: bool) -> None:
        self.counted.append((channel, model, stage, kept))


CORRUPTED = "Corrupted thought signature."


def policies(meter: Tallied | None = None) -> Policies:
    """What holds for every answer, with seals that nobody else can open."""
    seals = memory_seals()
    return Policies(
        signatures=Signatures(seals, lambda _: CORRUPTED),
        keeping=Keeping(MemoryVault(Hands()), seals.mark),
        validators=Validators(),
        meter=meter or Tallied(),
    )


class Odd(Fault):
    """A failure with a status of its own."""

    status, code = 502, "odd"
