"""Google AI Studio over REST (gemini.md section 1.2).

Owns its `Transport` and closes it.  Speaks the Gemini dialect upstream, so a Gemini caller's bytes
can pass untouched (`relay`).  Both ways find the same answers whole, cut or wrong: no caller can
tell by which one theirs came.
"""

from contextlib import AbstractAsyncContextManager, aclosing
from typing import Final
from urllib.parse import quote

import msgspec

from geminid.core.content import Text, Thought
from geminid.core.errors import Fault, StreamCut, TooLarge, UpstreamMalformed
from geminid.core.events import Event, Events, PartStart
from geminid.core.ports import Context, Health, Relay, RelayHead, RelayTail, TokenCount
from geminid.core.request import Request
from geminid.core.usage import Usage
from geminid.dialects.gemini.count import decode_count, encode_count_request
from geminid.dialects.gemini.errors import decode_error
from geminid.dialects.gemini.request import encode_request
from geminid.dialects.gemini.stream import ObjectDecoder, StreamDecoder
from geminid.dialects.gemini.usage import read_usage
from geminid.dialects.sse import SSEReader
from geminid.engines.transport import Reply, Transport

BASE_URL: Final = "https://generativelanguage.googleapis.com"
_OK: Final = 200
_ERROR_LIMIT: Final = 1 << 20
_HEALTH_S: Final = 2.0
_NULL: Final = msgspec.Raw(b"null")
_SILENT: Final = (b"", b"[DONE]")
"""Payloads that say nothing; not Google's, but of servers that speak its API."""


class Google:
    """The engine `google`.  `key` is the API key; `base` an address without a version."""

    dialect = "gemini"
    native_signatures = True

    def __init__(self, transport: Transport, key: str, base: str = "") -> None:
        self._transport = transport
        self._base = f"{(base or BASE_URL).rstrip('/')}/v1beta"
        self._headers = [("x-goog-api-key", key), ("content-type", "application/json")]

    async def answer(self, request: Request, model: str, context: Context) -> Events:
        """See `core.ports.Engine`."""
        body = encode_request(request)
        async with self._post(model, body, context) as reply:
            await _check(reply)
            if context.stream:
                decoder = StreamDecoder()
                async with aclosing(reply.chunks()) as chunks:
                    async for chunk in chunks:
                        for event in decoder.feed(chunk):
                            yield event
                for event in decoder.finish():
                    yield event
            else:
                for event in _whole(await reply.read()):
                    yield event

    async def relay(self, body: bytes, model: str, context: Context) -> Relay:
        """See `core.ports.ByteEngine`."""
        async with self._post(model, body, context) as reply:
            await _check(reply)
            yield RelayHead(reply.content_type or "application/json")
            sniffer = _Sniffer()
            if context.stream:
                async with aclosing(reply.chunks()) as chunks:
                    async for chunk in chunks:
                        if good := sniffer.feed(chunk):
                            yield good
                        if sniffer.fault is not None:
                            raise sniffer.fault
                yield sniffer.finish()
            else:
                whole = await reply.read()
                tail = sniffer.whole(whole)
                yield whole
                yield tail

    async def count(self, request: Request, model: str, context: Context) -> TokenCount:
        """See `core.ports.Engine`."""
        url = f"{self._base}/models/{quote(model)}:countTokens"
        body = encode_count_request(request, model)
        async with self._transport.open(
            "POST", url, body=body, headers=self._headers, deadline=context.deadline
        ) as reply:
            await _check(reply)
            return decode_count(await reply.read())

    async def input_limit(self, model: str) -> int | None:
        """The catalog's own."""
        return None

    async def health(self) -> Health:
        """Whether the key lists models."""
        try:
            async with self._transport.open(
                "GET",
                f"{self._base}/models?pageSize=1",
                headers=self._headers,
                deadline=self._transport.now() + _HEALTH_S,
            ) as reply:
                await _check(reply)
        except Fault as fault:
            return Health(ready=False, detail=fault.detail)
        return Health(ready=True)

    async def close(self) -> None:
        """Closes the pool."""
        await self._transport.close()

    def _post(
        self, model: str, body: bytes, context: Context
    ) -> AbstractAsyncContextManager[Reply]:
        method = "streamGenerateContent?alt=sse" if context.stream else "generateContent"
        accept = ("accept", "text/event-stream" if context.stream else "application/json")
        return self._transport.open(
            "POST",
            f"{self._base}/models/{quote(model)}:{method}",
            body=body,
            headers=[*self._headers, accept],
            deadline=context.deadline,
        )


async def _check(reply: Reply) -> None:
    if reply.status != _OK:
        raise decode_error(reply.status, await reply.read(_ERROR_LIMIT))


def _whole(body: bytes) -> list[Event]:
    decoder = ObjectDecoder()
    return decoder.feed(body) + decoder.finish()


class _Candidate(msgspec.Struct):
    index: int | str | float | None = 0
    reason: str | None = msgspec.field(name="finishReason", default="")


class _Feedback(msgspec.Struct):
    reason: str | None = msgspec.field(name="blockReason", default="")


class _Object(msgspec.Struct):
    """What of a response object decides how the answer ends; the rest is only skipped."""

    candidates: list[_Candidate] | None = None
    feedback: _Feedback | None = msgspec.field(name="promptFeedback", default=None)
    usage: msgspec.Raw = msgspec.field(name="usageMetadata", default=_NULL)
    error: msgspec.Raw = _NULL


_DECODER: Final = msgspec.json.Decoder(_Object)


class _Sniffer:
    """Sees an answer pass and reads off it how it ends, by the rules of `ObjectDecoder`.

    `fault` is set when an object told an error or was none: what came before it has passed.
    """

    def __init__(self) -> None:
        self.fault: Fault | None = None
        self._sse = SSEReader()
        self._reasons: dict[int, str] = {}
        self._blocked, self._usage = "", b""

    def feed(self, chunk: bytes) -> bytes:
        """The events that `chunk` completes, in Google's own framing.

        Payloads pass untouched; what stood between them does not, since the vendor's client
        crashes on comments and on events without the space after `data:`.
        """
        good: list[bytes] = []
        try:
            for payload in self._sse.feed(chunk):
                if payload not in _SILENT:
                    self._see(payload)
                    # Its line ends stand between JSON tokens, and each would need a `data:`.
                    good.append(b"data: %b\r\n\r\n" % payload.replace(b"\n", b" "))
        except TooLarge as error:  # not the caller's doing
            self.fault = UpstreamMalformed(error.detail)
        except Fault as fault:
            self.fault = fault
        return b"".join(good)

    def finish(self) -> RelayTail:
        """How the stream ended.  Raises `StreamCut` if it did not."""
        self._sse.finish()
        return self._tail()

    def whole(self, body: bytes) -> RelayTail:
        """How a whole body ends.  Raises `Fault` if it is none."""
        self._see(body)
        return self._tail()

    def _see(self, payload: bytes) -> None:
        try:
            seen = _DECODER.decode(payload)
            if seen.error != _NULL:
                raise decode_error(0, payload)
            for candidate in seen.candidates or ():
                self._end(int(candidate.index or 0), candidate.reason or "", payload)
        except (msgspec.MsgspecError, ValueError, OverflowError, RecursionError) as error:
            ObjectDecoder().feed(payload)  # says more exactly what is wrong
            raise UpstreamMalformed("The upstream's answer has an unknown shape.") from error
        if seen.feedback is not None:
            self._blocked = seen.feedback.reason or self._blocked
        if seen.usage != _NULL:
            self._usage = bytes(seen.usage)

    def _end(self, index: int, reason: str, payload: bytes) -> None:
        before = self._reasons.get(index, "")
        if before and not reason and _says(payload, index):
            before = ""  # more follows: that reason did not end the answer
        self._reasons[index] = reason or before

    def _tail(self) -> RelayTail:
        usage = _usage(self._usage) if self._usage else None
        reasons = list(self._reasons.values())
        if not self._blocked and not (reasons and all(reasons)):
            raise StreamCut("The upstream closed before a finish reason; try again.")
        return RelayTail(self._blocked or reasons[0], usage)


def _usage(encoded: bytes) -> Usage:
    try:
        return read_usage(msgspec.json.decode(encoded, type=dict[str, object]))
    except (msgspec.MsgspecError, TypeError, ValueError) as error:
        raise UpstreamMalformed("The upstream's answer has an unknown shape.") from error


def _says(payload: bytes, index: int) -> bool:
    """Whether an object continues candidate `index`, and not only with an empty text."""
    started = [event for event in ObjectDecoder().feed(payload) if isinstance(event, PartStart)]
    parts = [event.part for event in started if event.candidate == index]
    return any(not isinstance(part, Text | Thought) or part.text for part in parts)
