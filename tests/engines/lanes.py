"""Both lanes of the engine `google`: what is asked, and all that came back of it."""

import time
from contextlib import aclosing

import msgspec

from geminid.core.content import Content, Text
from geminid.core.errors import Fault
from geminid.core.events import Event
from geminid.core.ports import Context, RelayHead, RelayTail
from geminid.core.request import Request
from geminid.engines.google import Google

REQUEST = Request(model="ours", contents=(Content("user", (Text(text="Hi"),)),))
BODY = b'{ "contents": [ {"parts": [ {"text": "Hi", "newField": 1} ] } ] }'

FIRST = (
    b'{"candidates": [{"content": {"parts": [{"text": "a"}], "role": "model"}, "z": 1}], "x": 2}'
)
LAST = (
    b'{"x":{"new":[1]},"usageMetadata":{"promptTokenCount":7,"candidatesTokenCount":2,'
    b'"totalTokenCount":9},"candidates":[{"finishReason":"STOP","content":{"parts":[{"text":"",'
    b'"thoughtSignature":"c2ln"}],"role":"model"}}],"responseId":"r","modelVersion":"m"}'
)
WIRE = b"data: %b\r\n\r\ndata: %b\r\n\r\n" % (FIRST, LAST)


def context(*, stream: bool = True, seconds: float = 20.0) -> Context:
    deadline = time.monotonic() + seconds
    return Context(request_id="id", caller="ada", deadline=deadline, stream=stream)


async def answered(
    google: Google, model: str = "any", *, stream: bool = True
) -> tuple[list[Event], Fault | None]:
    """The events, and how they broke off."""
    events: list[Event] = []
    try:
        async with aclosing(google.answer(REQUEST, model, context(stream=stream))) as coming:
            async for event in coming:
                events.append(event)  # noqa: PERF401 - kept when the next one fails
    except Fault as fault:
        return events, fault
    return events, None


class Relayed(msgspec.Struct):
    """What came through the byte lane, and how it broke off."""

    head: RelayHead | None = None
    pieces: list[bytes] = []
    tail: RelayTail | None = None
    fault: Fault | None = None

    @property
    def body(self) -> bytes:
        return b"".join(self.pieces)


async def relayed(google: Google, model: str = "any", *, stream: bool = True) -> Relayed:
    got = Relayed()
    try:
        async with aclosing(google.relay(BODY, model, context(stream=stream))) as coming:
            async for piece in coming:
                match piece:
                    case RelayHead():
                        got.head = piece
                    case RelayTail():
                        got.tail = piece
                    case _:
                        assert piece, "an empty piece would end a chunked body"
                        got.pieces.append(piece)
    except Fault as fault:
        got.fault = fault
    return got


def sliced(wire: bytes, size: int) -> list[bytes]:
    return [wire[start : start + size] for start in range(0, len(wire), size)]


def whole_events(body: bytes) -> bool:
    """Whether `body` is events in Google's framing, and nothing after the last."""
    *events, rest = body.split(b"\r\n\r\n")
    return not rest and all(e.startswith(b"data: {") and b"\n" not in e for e in events)
