"""The transport against a real server on loopback: endings, deadlines, and what is left behind."""

import asyncio
import gzip
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest

from geminid.core.errors import (
    DeadlinePassed,
    Fault,
    Internal,
    StreamCut,
    UpstreamMalformed,
    UpstreamUnreachable,
)
from geminid.engines.transport import Reply, Transport
from tests.fakes.upstream import Ending, FakeUpstream

SSE = [("accept", "text/event-stream")]


@pytest.fixture
async def transport() -> AsyncIterator[Transport]:
    made = Transport()
    yield made
    assert made.open_count == 0
    await made.close()


async def fetch(transport: Transport, url: str, deadline: float | None = None) -> bytes:
    async with transport.open("POST", url, body=b"{}", headers=SSE, deadline=deadline) as reply:
        return await reply.read()


async def collect(reply: Reply, got: list[bytes]) -> None:
    async for chunk in reply.chunks():
        got.append(chunk)  # noqa: PERF401  keeps what came before a fault


def soon(seconds: float = 0.2) -> float:
    return time.monotonic() + seconds


async def test_a_whole_reply_is_read_and_its_connection_used_again(
    upstream: FakeUpstream, transport: Transport
) -> None:
    """Keep-alive works, and the request arrives as it was given."""
    upstream.reply(201, b"abc", headers=[("X-Note", "n")], kind="Application/JSON; charset=UTF-8")
    url = f"{upstream.url}/a%2Fb?c=d%20e"

    async with transport.open("POST", url, body=b"xyz", headers=[("x-own", "1")]) as reply:
        assert (reply.status, reply.content_type) == (201, "application/json")
        assert reply.headers["x-note"] == "n"
        assert await reply.read() == b"abc"
    await fetch(transport, f"{upstream.url}/v1/chat/completions")

    seen = upstream.requests[0]
    assert (seen.method, seen.path, seen.body) == ("POST", "/a%2Fb?c=d%20e", b"xyz")
    assert seen.headers["x-own"] == "1"
    assert upstream.connections_made == 1


async def test_chunks_come_as_they_are_sent(upstream: FakeUpstream, transport: Transport) -> None:
    """The first is here while the second has not been sent."""
    upstream.sse([b"data: 1\n\n"], "stall")

    async with transport.open("GET", upstream.url) as reply, aclosing(reply.chunks()) as chunks:
        assert await anext(chunks) == b"data: 1\n\n"
        assert upstream.active_streams == 1
    await upstream.until(lambda: upstream.open_connections == 0)


@pytest.mark.parametrize(
    ("headers", "encoding"),
    [(SSE, "identity"), ([], "gzip, deflate"), ([("Accept-Encoding", "br")], "br")],
)
async def test_streams_do_not_ask_for_compression(
    headers: list[tuple[str, str]], encoding: str, upstream: FakeUpstream, transport: Transport
) -> None:
    """An event must not wait in a compressor; a whole answer may be small."""
    upstream.reply(200, gzip.compress(b"big"), headers=[("content-encoding", "gzip")])

    async with transport.open("POST", upstream.url, headers=headers) as reply:
        assert await reply.read() == b"big"
    assert upstream.requests[0].headers["accept-encoding"] == encoding


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("ending", ["cut", "reset"])
async def test_a_stream_that_breaks_gives_all_that_came_and_then_a_fault(
    ending: Ending, late: bool, upstream: FakeUpstream, transport: Transport
) -> None:
    """Also what was not yet read when it broke: that may be why it broke."""
    upstream.sse([b"data: 1\n\n", b"data: 2\n\n"], ending)
    got: list[bytes] = []

    async with transport.open("GET", upstream.url) as reply:
        if late:
            await upstream.until(lambda: upstream.open_connections == 0)
            for _ in range(20):  # turns of the loop, until the client has seen it too
                await asyncio.sleep(0)
        with pytest.raises(StreamCut):
            await collect(reply, got)
    assert b"".join(got) == b"data: 1\n\ndata: 2\n\n"


async def test_a_body_shorter_than_its_length_is_cut(
    upstream: FakeUpstream, transport: Transport
) -> None:
    """A content length is a promise."""
    upstream.unary(b"x" * 5000, cut_at=3000)

    with pytest.raises(StreamCut):
        await fetch(transport, upstream.url)


async def test_a_body_past_the_limit_is_refused_and_closed(
    upstream: FakeUpstream, transport: Transport
) -> None:
    """An endless answer must not fill the memory."""
    upstream.sse([b"x" * 1000] * 3, "stall")

    async with transport.open("GET", upstream.url) as reply:
        with pytest.raises(UpstreamMalformed, match="2000 bytes"):
            await reply.read(2000)
    await upstream.until(lambda: upstream.open_connections == 0)


async def test_no_connection_and_no_answer_are_told_apart(
    upstream: FakeUpstream, transport: Transport
) -> None:
    """What was surely not sent may be tried elsewhere; the rest may have been paid for."""
    upstream.raw(b"")
    upstream.raw(b"SSH-2.0-OpenSSH\r\n\r\n")

    with pytest.raises(StreamCut, match="before it answered"):
        await fetch(transport, upstream.url)
    with pytest.raises(UpstreamMalformed, match="not HTTP"):
        await fetch(transport, upstream.url)
    with pytest.raises(UpstreamUnreachable) as caught:
        await fetch(transport, "http://127.0.0.1:1/v1?key=secret")
    assert "secret" not in caught.value.detail
    assert caught.value.__cause__ is not None


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/", "http://127.0.0.1:99999/", "nonsense"])
async def test_an_address_that_is_none_is_our_own_fault(url: str, transport: Transport) -> None:
    """Configuration is checked long before; nothing is sent."""
    with pytest.raises(Internal):
        await fetch(transport, url)


async def test_a_post_is_never_sent_twice(upstream: FakeUpstream, transport: Transport) -> None:
    """A kept connection that dies under a request may have delivered it."""
    await fetch(transport, f"{upstream.url}/v1/chat/completions")
    upstream.raw(b"")

    with pytest.raises(StreamCut):
        await fetch(transport, upstream.url)
    assert len(upstream.requests) == 2


async def test_broken_compression_is_malformed(
    upstream: FakeUpstream, transport: Transport
) -> None:
    """Not a cut: another try will not help by itself."""
    upstream.reply(200, b"not gzip at all", headers=[("content-encoding", "gzip")])

    with pytest.raises(UpstreamMalformed):
        await fetch(transport, upstream.url)


async def test_redirects_are_not_followed_and_cookies_not_kept(
    upstream: FakeUpstream, transport: Transport
) -> None:
    """An upstream cannot send our key elsewhere, nor know us again."""
    headers = [("location", f"{upstream.url}/elsewhere"), ("set-cookie", "a=b; Path=/")]
    upstream.reply(307, b"", headers=headers)

    async with transport.open("POST", upstream.url, body=b"{}") as reply:
        assert reply.status == 307
    await fetch(transport, f"{upstream.url}/v1/chat/completions")

    assert [seen.path for seen in upstream.requests] == ["/", "/v1/chat/completions"]
    assert "cookie" not in upstream.requests[1].headers


async def test_the_deadline_bounds_the_wait_for_an_answer(
    upstream: FakeUpstream, transport: Transport
) -> None:
    """And nothing of the attempt is left open."""
    upstream.hang()

    with pytest.raises(DeadlinePassed):
        await fetch(transport, upstream.url, soon())
    await upstream.until(lambda: upstream.open_connections == 0)


async def test_the_deadline_bounds_a_stream_that_stalls(
    upstream: FakeUpstream, transport: Transport
) -> None:
    """What came before is given; then the truth."""
    upstream.sse([b"data: 1\n\n"], "stall")

    async with transport.open("GET", upstream.url, deadline=soon()) as reply:
        chunks = reply.chunks()
        assert await anext(chunks) == b"data: 1\n\n"
        with pytest.raises(DeadlinePassed):
            await anext(chunks)
    await upstream.until(lambda: upstream.open_connections == 0)


async def test_a_deadline_in_the_past_sends_nothing(
    upstream: FakeUpstream, transport: Transport
) -> None:
    """Nobody waits for that answer any more."""
    with pytest.raises(DeadlinePassed, match="before the request was sent"):
        await fetch(transport, upstream.url, soon(-1.0))
    assert upstream.connections_made == 0


@pytest.mark.parametrize("stage", ["before the answer", "in the body"])
async def test_cancelling_closes_the_connection_at_once(
    stage: str, upstream: FakeUpstream, transport: Transport
) -> None:
    """Nobody pays for tokens that nobody reads."""
    if stage == "in the body":
        upstream.sse([b"data: 1\n\n"], "stall")
    else:
        upstream.hang()
    task = asyncio.create_task(fetch(transport, upstream.url))
    await upstream.until(lambda: upstream.active_streams == 1)

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert transport.open_count == 0
    await upstream.until(lambda: upstream.open_connections == 0)


async def test_two_hundred_at_once_leave_nothing_behind(
    upstream: FakeUpstream, transport: Transport
) -> None:
    """No limit of the pool makes one wait for another, and all can leave at different moments."""

    async def one(number: int) -> int:
        upstream.sse([b"data: 1\n\n"] * 3, "stall")
        async with transport.open("GET", upstream.url) as reply:
            size = 0
            async for chunk in reply.chunks():
                size += len(chunk)
                if size >= 9 * (number % 3 + 1):
                    break
            return size

    sizes = await asyncio.gather(*(one(number) for number in range(200)))

    assert min(sizes) >= 9
    assert transport.open_count == 0
    await upstream.until(lambda: upstream.open_connections == 0)


async def test_waiting_for_the_end_is_bounded_and_harmless(
    upstream: FakeUpstream, transport: Transport
) -> None:
    """An answer known to be whole stays whole, whatever its connection does then."""
    upstream.sse([b"data: 1\n\n"], "stall")
    upstream.sse([b"data: 1\n\n"], "cut")

    for _ in range(2):
        async with transport.open("GET", upstream.url) as reply:
            chunks = reply.chunks()
            assert await anext(chunks) == b"data: 1\n\n"
            await reply.spend(0.05)
    await upstream.until(lambda: upstream.open_connections == 0)


async def test_a_unix_socket_takes_every_address(tmp_path: Path) -> None:
    """The local model is asked through one, whatever host the address names."""
    path = str(tmp_path / "model.sock")
    transport = Transport(path)

    async with FakeUpstream(unix_path=path) as upstream:
        body = await fetch(transport, "http://local/v1/chat/completions")
        await transport.close()
    assert b"chat.completion" in body
    assert upstream.requests[0].headers["host"] == "local"
    with pytest.raises(UpstreamUnreachable):
        await fetch(transport, "http://local/")
    await transport.close()


async def test_every_fault_can_be_read_by_a_caller(transport: Transport) -> None:
    """Its words say what happened; the original is kept as the cause."""
    with pytest.raises(Fault) as caught:
        await fetch(transport, "http://nosuchhost.invalid/", soon(5.0))
    assert caught.value.detail == "No connection to the upstream could be made; try again."
