"""Heads of requests on real sockets: what is too large or too slow is refused, the rest is not."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
import uvicorn

from geminid.processes.listen import listen
from geminid.processes.local import _Server
from geminid.processes.protocol import HEAD_LIMIT, Protocol

GET = b"GET / HTTP/1.1\r\nhost: x\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"


class Hasty(Protocol):
    """Its heads have a fraction of a second."""

    head_s = 0.2


async def app(
    _scope: dict[str, Any],
    receive: Callable[[], Awaitable[dict[str, Any]]],
    send: Callable[[dict[str, Any]], Awaitable[None]],
) -> None:
    """Answers with the number of bytes of the body."""
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        size += len(message["body"])
        more = message["more_body"]
    body = f"got {size}".encode()
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@asynccontextmanager
async def connected(
    protocol: type[Protocol] = Protocol,
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection to a server of its own."""
    config = uvicorn.Config(
        app, http=protocol, ws="none", lifespan="off", log_config=None, timeout_keep_alive=60
    )
    server = _Server(config)
    with listen("127.0.0.1", 0) as listener:
        async with asyncio.TaskGroup() as group:
            group.create_task(server.serve(sockets=[listener]))
            reader, writer = await asyncio.open_connection(*listener.getsockname())
            try:
                yield reader, writer
            finally:
                writer.close()
                server.should_exit = True


async def answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Status and body of the next response."""
    async with asyncio.timeout(10):
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        size = int(head.partition(b"content-length: ")[2].split(b"\r")[0])
        return int(head.split()[1]), await reader.readexactly(size)


def padded(size: int) -> bytes:
    """A whole head of `size` bytes."""
    rest = size - len(GET) - len(b"a: \r\n\r\n")
    return GET + b"a: " + b"x" * rest + b"\r\n\r\n"


@pytest.mark.parametrize("pieces", [1, 7])
async def test_a_head_of_the_limit_is_answered_and_a_byte_more_is_refused(pieces: int) -> None:
    """Also behind others on the same connection, in one piece or in several."""
    async with connected() as (reader, writer):
        for size in (100, HEAD_LIMIT, 100, HEAD_LIMIT + 1):
            head = padded(size)
            step = -(-size // pieces)
            for start in range(0, size, step):
                writer.write(head[start : start + step])
                await writer.drain()
            status, body = await answer(reader)
            if size <= HEAD_LIMIT:
                assert (status, body) == (200, b"got 0")

        assert status == 431
        error = msgspec.json.decode(body)["error"]
        assert (error["code"], error["status"]) == (431, "INVALID_ARGUMENT")
        assert "64 KiB" in error["message"]
        assert await reader.read() == b""


async def test_an_endless_head_is_refused_while_it_is_sent() -> None:
    async with connected() as (reader, writer):
        writer.write(GET)
        for _ in range(2 * HEAD_LIMIT // 1000):
            writer.write(b"a: " + b"x" * 1000 + b"\r\n")
            await writer.drain()

        assert (await answer(reader))[0] == 431


async def test_endless_trailers_are_cut_off() -> None:
    """They come after the body, when nothing can be said any more."""
    async with connected() as (reader, writer):
        writer.write(CHUNKED + b"3\r\nabc\r\n0\r\n")
        for _ in range(2 * HEAD_LIMIT // 1000 + 300):
            writer.write(b"a: " + b"x" * 1000 + b"\r\n")
        async with asyncio.timeout(10):
            try:
                left = await reader.read()
            except ConnectionError:
                left = b""
        assert b"200" not in left


async def test_a_large_body_is_no_head() -> None:
    """With a length or in chunks of any size, cut anywhere."""
    body = b"x" * (5 * HEAD_LIMIT)
    chunk = f"{len(body):x}\r\n".encode()
    requests = [
        GET.replace(b"GET", b"POST") + b"content-length: %d\r\n\r\n" % len(body) + body,
        CHUNKED + (chunk + body + b"\r\n") * 3 + b"0\r\n\r\n",
        CHUNKED + b"1\r\nx\r\n" * 40_000 + b"0\r\n\r\n",
    ]
    async with connected() as (reader, writer):
        for request, size in zip(requests, (len(body), 3 * len(body), 40_000), strict=True):
            cut = request.index(b"\r\n\r\n") + 9  # behind the first chunk's size
            writer.write(request[:cut])
            await writer.drain()
            writer.write(request[cut:])
            assert await answer(reader) == (200, f"got {size}".encode())


async def test_many_requests_at_once_are_no_large_head() -> None:
    whole = padded(1000)
    async with connected() as (reader, writer):
        writer.write(whole * 100 + GET)
        for _ in range(100):
            assert await answer(reader) == (200, b"got 0")
        writer.write(b"\r\n")
        assert await answer(reader) == (200, b"got 0")


async def test_a_head_that_does_not_end_in_time_is_refused() -> None:
    async with connected(Hasty) as (reader, writer):
        writer.write(GET)
        status, body = await answer(reader)

        assert status == 408
        assert msgspec.json.decode(body)["error"]["status"] == "DEADLINE_EXCEEDED"
        assert await reader.read() == b""


async def test_a_slow_body_has_all_the_time() -> None:
    """And so has a connection between two requests."""
    async with connected(Hasty) as (reader, writer):
        for _ in range(2):
            writer.write(GET.replace(b"GET", b"POST"))
            await writer.drain()
            writer.write(b"content-length: 3\r\n\r\na")
            await writer.drain()
            await asyncio.sleep(2 * Hasty.head_s)  # longer than a head may take
            writer.write(b"bc")
            assert await answer(reader) == (200, b"got 3")
            await asyncio.sleep(2 * Hasty.head_s)
