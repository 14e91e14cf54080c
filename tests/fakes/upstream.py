"""The one fake upstream: an HTTP server on loopback, in the shapes of Gemini and of OpenAI.

Unscripted, it answers by path, and a model whose id ends in one of `SCENARIOS` (`any-slow`,
`any-503`, ...) misbehaves in that way.  Scripted behaviours (`reply`, `sse`, `hang`, ...) are used
up first, one per request, in order.  Also a program:

    python -m tests.fakes.upstream --port 0      prints its port, serves until it is killed
"""

import argparse
import asyncio
import socket
import struct
import sys
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Literal, Self, TypeAlias
from urllib.parse import urlsplit

import msgspec

from tests.fakes import shapes

Ending: TypeAlias = Literal["done", "cut", "reset", "error", "stall"]
Behaviour: TypeAlias = "Callable[[Exchange], Awaitable[None]]"

SCENARIOS = ("slow", "cut", "reset", "error", "stall", "hang", "429", "503", "malformed", "html")
SLOW_S, SLOW_CHUNKS = 0.02, 500
_WITHIN_S = 10.0


class Seen(msgspec.Struct, frozen=True):
    """One request as it arrived; header names are in lower case, `path` has its query."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        """The body, decoded."""
        return msgspec.json.decode(self.body, type=dict[str, Any]) if self.body else {}


class PeerLeft(Exception):
    """The client closed the connection."""


class Exchange:
    """One request and the means to answer it, well or badly."""

    def __init__(
        self, seen: Seen, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.seen = seen
        self._reader, self._writer = reader, writer
        self._chunked = False

    async def raw(self, data: bytes) -> None:
        """Bytes on the wire, whatever they are."""
        self._writer.write(data)
        await self._writer.drain()

    async def whole(
        self, status: int, body: bytes, kind: str, headers: Iterable[tuple[str, str]] = ()
    ) -> None:
        """A reply with a content length."""
        await self.raw(_head(status, [("content-length", str(len(body))), *headers], kind) + body)

    async def start(self, status: int, kind: str, headers: Iterable[tuple[str, str]] = ()) -> None:
        """The head of a chunked reply."""
        self._chunked = True
        await self.raw(_head(status, [("transfer-encoding", "chunked"), *headers], kind))

    async def chunk(self, data: bytes) -> None:
        """One piece of a chunked reply."""
        if data:
            await self.raw(b"%x\r\n%s\r\n" % (len(data), data))

    async def pause(self, seconds: float | None) -> None:
        """Waits (`None`: for ever).  Raises `PeerLeft` as soon as the client closes."""
        try:
            async with asyncio.timeout(seconds):
                await self._reader.read(1)
        except TimeoutError:
            return
        raise PeerLeft

    async def end(self, ending: Ending) -> None:
        """Ends a chunked reply."""
        match ending:
            case "done":
                await self.raw(b"0\r\n\r\n")
            case "error":
                error = {"error": {"code": 503, "message": "It broke.", "status": "UNAVAILABLE"}}
                await self.chunk(shapes.openai_event(error))
                await self.raw(b"0\r\n\r\n")
            case "cut":
                raise PeerLeft
            case "reset":
                self.reset()
                raise PeerLeft
            case "stall":
                await self.pause(None)

    def reset(self) -> None:
        """Closes with RST instead of FIN."""
        sock: socket.socket = self._writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()


class FakeUpstream:
    """`async with FakeUpstream() as upstream:`, then point an engine at `upstream.url`.

    `answer` is what unscripted requests get.  `requests` lists what arrived.  `open_connections`
    and `active_streams` (replies begun and not ended) count what a client left behind;
    `await until(...)` waits for them.
    """

    def __init__(
        self, *, port: int = 0, unix_path: str | None = None, answer: "Behaviour | None" = None
    ) -> None:
        self.requests: list[Seen] = []
        self.connections_made = 0
        self.active_streams = 0
        self.port = port
        self._unix_path = unix_path
        self._answer = answer or _answer
        self._script: deque[Behaviour] = deque()
        self._handlers: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()

    @property
    def url(self) -> str:
        """The address, without a path."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def open_connections(self) -> int:
        return len(self._handlers)

    async def __aenter__(self) -> Self:
        if self._unix_path is not None:
            self._server = await asyncio.start_unix_server(self._serve, self._unix_path)
        else:
            self._server = await asyncio.start_server(
                self._serve, "127.0.0.1", self.port, backlog=4096
            )
            self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for handler in self._handlers:
            handler.cancel()
        await asyncio.gather(*self._handlers, return_exceptions=True)

    async def until(self, condition: Callable[[], bool], within: float = _WITHIN_S) -> None:
        """Waits until `condition` holds; looked at after each request, ending and closing.

        Raises:
            TimeoutError: it does not hold `within` seconds.
        """
        async with asyncio.timeout(within):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    # What the next requests get, one behaviour each.

    def reply(
        self,
        status: int,
        body: object = b"",
        *,
        headers: Iterable[tuple[str, str]] = (),
        kind: str = "application/json",
    ) -> None:
        """A whole reply; `body` is JSON unless it is bytes."""
        data = body if isinstance(body, bytes) else msgspec.json.encode(body)
        listed = list(headers)

        async def behave(exchange: Exchange) -> None:
            await exchange.whole(status, data, kind, listed)

        self._script.append(behave)

    def sse(
        self,
        chunks: Iterable[bytes],
        ending: Ending = "done",
        *,
        pace_s: float = 0.0,
        kind: str = "text/event-stream",
    ) -> None:
        """A stream of exactly these pieces of wire, then `ending`."""
        listed = list(chunks)

        async def behave(exchange: Exchange) -> None:
            await _stream(exchange, listed, ending, pace_s, kind)

        self._script.append(behave)

    def unary(self, body: object, *, cut_at: int | None = None, pace_s: float = 0.0) -> None:
        """A JSON reply, slow by `pace_s` per kilobyte, closed after `cut_at` bytes of the body."""
        data = body if isinstance(body, bytes) else msgspec.json.encode(body)

        async def behave(exchange: Exchange) -> None:
            await exchange.raw(_head(200, [("content-length", str(len(data)))], "application/json"))
            sent = data if cut_at is None else data[:cut_at]
            for start in range(0, len(sent), 1024):
                await exchange.raw(sent[start : start + 1024])
                if pace_s:
                    await exchange.pause(pace_s)
            if cut_at is not None:
                raise PeerLeft

        self._script.append(behave)

    def hang(self) -> None:
        """Takes the request and never answers."""

        async def behave(exchange: Exchange) -> None:
            await exchange.pause(None)

        self._script.append(behave)

    def raw(self, data: bytes) -> None:
        """Writes `data` as the whole answer and closes; `b""` closes without an answer."""

        async def behave(exchange: Exchange) -> None:
            await exchange.raw(data)
            raise PeerLeft

        self._script.append(behave)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._handlers.add(task)
        self.connections_made += 1
        try:
            while (seen := await _request(reader)) is not None:
                self.requests.append(seen)
                self.active_streams += 1
                self._changed.set()
                try:
                    behave = self._script.popleft() if self._script else self._answer
                    await behave(Exchange(seen, reader, writer))
                finally:
                    self.active_streams -= 1
                    self._changed.set()
        except (PeerLeft, ConnectionError, asyncio.CancelledError):
            pass  # the end of one connection, wanted or not
        finally:
            writer.close()
            self._handlers.discard(task)
            self._changed.set()


async def _request(reader: asyncio.StreamReader) -> Seen | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.decode("latin-1").split("\r\n")
    method, path, _ = first.split(" ", 2)
    headers = {
        name.lower(): value.strip() for name, _, value in (ln.partition(":") for ln in lines)
    }
    try:
        body = await reader.readexactly(int(headers.get("content-length", "0")))
    except asyncio.IncompleteReadError:
        return None
    return Seen(method, path, headers, body)


def _head(status: int, headers: Iterable[tuple[str, str]], kind: str) -> bytes:
    listed = [("content-type", kind), *headers]
    lines = "".join(f"{name}: {value}\r\n" for name, value in listed)
    return f"HTTP/1.1 {status} Fake\r\n{lines}\r\n".encode("latin-1")


async def _stream(
    exchange: Exchange, chunks: Iterable[bytes], ending: Ending, pace_s: float, kind: str
) -> None:
    await exchange.start(200, kind)
    for chunk in chunks:
        await exchange.chunk(chunk)
        if pace_s:
            await exchange.pause(pace_s)
    await exchange.end(ending)


async def _answer(exchange: Exchange) -> None:
    seen = exchange.seen
    path, asked = urlsplit(seen.path).path, seen.json()
    if seen.method == "GET" and "/models" in path:
        await _models(exchange, path)
    elif path.endswith("/chat/completions"):
        stream = bool(asked.get("stream"))
        chunks = shapes.openai_stream(asked) if stream else None
        await _speak(exchange, asked.get("model", ""), chunks, shapes.openai_unary(asked))
    elif ":" in path:
        model, _, method = path.rpartition("/")[2].partition(":")
        if method == "countTokens":
            await _json(exchange, 200, {"totalTokens": 7})
            return
        stream = method == "streamGenerateContent"
        chunks = shapes.gemini_stream(asked, model) if stream else None
        await _speak(exchange, model, chunks, shapes.gemini_unary(asked, model))
    else:
        await _json(exchange, 404, shapes.gemini_error(404, "NOT_FOUND", "No such path."))


async def _speak(
    exchange: Exchange, model: str, chunks: Iterable[bytes] | None, whole: dict[str, Any]
) -> None:
    scenario = model.rpartition("-")[2]
    match scenario:
        case "hang":
            await exchange.pause(None)
        case "429":
            retry = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "7s"}
            body = shapes.gemini_error(429, "RESOURCE_EXHAUSTED", "Quota exceeded.", retry)
            await _json(exchange, 429, body, [("retry-after", "7")])
        case "503":
            body = shapes.gemini_error(503, "UNAVAILABLE", "The model is overloaded.")
            await _json(exchange, 503, body)
        case "html":
            await exchange.whole(502, b"<html>secret inside</html>", "text/html")
        case "malformed":
            data = b'data: {"candidates": [}\r\n\r\n' if chunks is not None else b'{"candidates": ['
            kind = "text/event-stream" if chunks is not None else "application/json"
            await exchange.whole(200, data, kind)
        case _ if chunks is None:
            await _json(exchange, 200, whole)
        case _:
            await _play(exchange, list(chunks), scenario)


async def _play(exchange: Exchange, chunks: list[bytes], scenario: str) -> None:
    kind = "text/event-stream"
    match scenario:
        case "slow":
            first, rest = chunks[:2], chunks[2:]
            slowed = [*first, *(first[1:] * SLOW_CHUNKS), *rest]
            await _stream(exchange, slowed, "done", SLOW_S, kind)
        case "cut" | "reset" | "error" | "stall":
            await _stream(exchange, chunks[:3], scenario, 0.0, kind)
        case _:
            await _stream(exchange, chunks, "done", 0.0, kind)


async def _models(exchange: Exchange, path: str) -> None:
    if path.startswith("/v1beta"):
        model = {"name": "models/fake", "supportedGenerationMethods": ["generateContent"]}
        await _json(exchange, 200, {"models": [model]})
    else:
        listed = {"id": "fake", "object": "model", "created": 0, "owned_by": "tests"}
        await _json(exchange, 200, {"object": "list", "data": [listed]})


async def _json(
    exchange: Exchange, status: int, body: object, headers: Iterable[tuple[str, str]] = ()
) -> None:
    await exchange.whole(status, msgspec.json.encode(body), "application/json", headers)


async def _main(port: int) -> None:
    async with FakeUpstream(port=port) as upstream:
        sys.stdout.write(f"{upstream.port}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=0)
    asyncio.run(_main(parser.parse_args().port))
