"""The byte lane's eyes: finds the signatures of an answer that passes as it is."""

from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Final

import msgspec

from geminid.core.content import Text
from geminid.core.errors import Fault
from geminid.core.events import Event, PartEnd, PartStart
from geminid.dialects.gemini.stream import ObjectDecoder
from geminid.dialects.sse import SSEReader
from geminid.pipeline.vault.leaving import Entry, Leaving

_SIGNED: Final = b"thoughtSignature"
_CALLS: Final = b'"functionCall"'
_MOST_EARLIER: Final = 1 << 20
"""Bytes before the first signature that are remembered, for the words in them."""
_SILENT: Final = (b"", b"[DONE]")


class _Part(msgspec.Struct):
    text: str | None = ""
    thought: bool | None = False


class _Content(msgspec.Struct):
    parts: list[_Part] | None = None


class _Candidate(msgspec.Struct):
    index: int | str | float | None = 0
    content: _Content | None = None


class _Object(msgspec.Struct):
    """What of a response object without signatures and calls matters: its words.

    An event is read so in 2 µs; whole, it takes 10.
    """

    candidates: list[_Candidate] | None = None


_DECODER: Final = msgspec.json.Decoder(_Object)


class Watch:
    """Sees the pieces of one answer in Gemini's dialect: one object, or (`stream`) whole events.

    An answer without a signature costs a search of its bytes.  Never fails: what cannot be read is
    not kept.
    """

    def __init__(
        self, leaving: Leaving, keep: Callable[[list[Entry]], Awaitable[None]], *, stream: bool
    ) -> None:
        self._leaving, self._keep = leaving, keep
        self._sse = SSEReader() if stream else None
        self._earlier: list[bytes] = []
        self._size = 0
        self._signed = self._blind = False

    def see(self, piece: bytes) -> None:
        """The next piece."""
        if self._signed:
            self._read(piece)
        elif _SIGNED in piece:
            self._signed = True
            self._read(b"".join([*self._earlier, piece]) if self._earlier else piece)
            self._earlier.clear()
        else:
            self._remember(piece)

    async def done(self) -> None:
        """Keep what was signed so far; returns as `Vault.keep`.  More may be seen after it."""
        if due := self._leaving.due():
            await self._keep(due)

    def _remember(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size > _MOST_EARLIER:
            self._leaving.torn = True
            self._earlier.clear()
        if not self._leaving.torn:
            self._earlier.append(piece)

    def _read(self, piece: bytes) -> None:
        if self._blind:
            return
        try:
            for payload in [piece] if self._sse is None else self._sse.feed(piece):
                if payload not in _SILENT:
                    for event in _events(payload):
                        self._leaving.take(event)
        except (Fault, msgspec.MsgspecError, ValueError, OverflowError, RecursionError):
            self._blind = True  # the caller gets it as it is


def _events(payload: bytes) -> Iterable[Event]:
    """What one object says; a text that goes on in the next is a part in each."""
    if _SIGNED in payload or _CALLS in payload:
        events = ObjectDecoder().feed(payload)
        begun = {event.candidate: event for event in events if isinstance(event, PartStart)}
        # A text at its end is open; where it is not, nobody misses a second end.
        return [*events, *(PartEnd(e.index, "", e.candidate) for e in begun.values())]
    return _words(_DECODER.decode(payload))


def _words(seen: _Object) -> Iterator[Event]:
    for candidate in seen.candidates or ():
        content, number = candidate.content, int(candidate.index or 0)
        for part in (content.parts if content is not None else None) or ():
            if part.text and not part.thought:
                yield PartStart(0, Text(text=part.text), number)
                yield PartEnd(0, "", number)
