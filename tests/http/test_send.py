"""The border to ASGI: who leaves when, what is closed, and what a failure becomes."""

import asyncio
from collections.abc import AsyncGenerator, MutableMapping
from typing import Any

import pytest
from structlog.testing import capture_logs

from geminid.core.errors import CallerLeft, DeadlinePassed, Fault, Internal, Overloaded
from geminid.http.exchange import Exchange, Headers
from geminid.http.send import (
    guarded,
    header_text,
    in_time,
    send_stream,
    send_whole,
    while_there,
)
from tests.http.served import until


class Wire:
    """Both directions of one request, by hand; `leave` is the caller who closes."""

    def __init__(self, *pieces: bytes, whole: bool = True) -> None:
        self.sent: list[MutableMapping[str, Any]] = []
        self.left = asyncio.Event()
        self.broken = False
        self._coming = [
            {"type": "http.request", "body": piece, "more_body": number < len(pieces) or not whole}
            for number, piece in enumerate(pieces, 1)
        ]
        scope = {"method": "POST", "path": "/p", "headers": [], "query_string": b""}
        self.exchange = Exchange(scope, self._receive, self._send)

    async def _receive(self) -> MutableMapping[str, Any]:
        if self._coming:
            await asyncio.sleep(0)
            return self._coming.pop(0)
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: MutableMapping[str, Any]) -> None:
        await asyncio.sleep(0)
        if self.broken:
            raise OSError("gone")
        self.sent.append(message)

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent)


class Work:
    """Waits until it is let go; says how it ended."""

    def __init__(self) -> None:
        self.begun, self.go, self.how = asyncio.Event(), asyncio.Event(), ""

    async def __call__(self) -> str:
        try:
            self.begun.set()
            await self.go.wait()
        except asyncio.CancelledError:
            await asyncio.sleep(0)  # closing takes a moment
            self.how = "cancelled"
            raise
        self.how = "done"
        return self.how


async def test_a_body_is_whole_however_it_is_sliced() -> None:
    wire = Wire(b"a", b"", b"bc", b"d")

    assert await wire.exchange.body(100) == b"abcd"


async def test_a_caller_who_leaves_inside_the_body_is_told_apart() -> None:
    wire = Wire()
    wire.left.set()

    with pytest.raises(CallerLeft):
        await wire.exchange.body(100)


async def test_work_that_ends_gives_its_result_and_leaves_no_watcher() -> None:
    wire, work, before = Wire(), Work(), asyncio.all_tasks()
    work.go.set()

    assert await while_there(wire.exchange, work()) == "done"

    assert asyncio.all_tasks() == before


@pytest.mark.parametrize("failure", [Overloaded("No."), RuntimeError("bug"), CallerLeft("x")])
async def test_work_that_fails_fails_as_itself(failure: Exception) -> None:
    async def fail() -> None:
        await asyncio.sleep(0)
        raise failure

    with pytest.raises(type(failure)) as caught:
        await while_there(Wire().exchange, fail())

    assert caught.value is failure


async def test_a_caller_who_leaves_cancels_the_work_and_waits_for_its_end() -> None:
    wire, work = Wire(), Work()
    asyncio.get_running_loop().call_soon(wire.left.set)

    with pytest.raises(CallerLeft):
        await while_there(wire.exchange, work())

    assert work.how == "cancelled"
    task = asyncio.current_task()
    assert task is not None
    assert not task.cancelling()


async def test_a_shutdown_is_not_taken_for_a_caller_who_left() -> None:
    wire, work = Wire(), Work()
    running = asyncio.create_task(while_there(wire.exchange, work()))
    await work.begun.wait()

    running.cancel()
    await asyncio.wait([running])

    assert running.cancelled()
    assert work.how == "cancelled"


async def test_a_shutdown_wins_over_a_caller_who_leaves_at_the_same_time() -> None:
    wire, work = Wire(), Work()
    running = asyncio.create_task(while_there(wire.exchange, work()))
    await work.begun.wait()

    wire.left.set()
    await asyncio.sleep(0)
    running.cancel()
    await asyncio.wait([running])

    assert running.cancelled()


@pytest.mark.parametrize("first", ["result", "leaving"])
async def test_at_the_same_moment_one_of_the_two_holds(first: str) -> None:
    """Either the whole result or `CallerLeft`: never a result and a cancelled task."""
    wire, work = Wire(), Work()
    running = asyncio.create_task(while_there(wire.exchange, work()))
    await work.begun.wait()

    for event in (work.go, wire.left) if first == "result" else (wire.left, work.go):
        event.set()
    await asyncio.wait([running])

    if work.how == "done":
        assert running.result() == "done"
    else:
        assert isinstance(running.exception(), CallerLeft)


async def test_a_bug_becomes_internal_and_is_logged_once() -> None:
    async def fail() -> None:
        raise KeyError("secret")

    with capture_logs() as log, pytest.raises(Internal) as caught:
        await guarded(Wire().exchange, fail())

    assert "secret" not in caught.value.detail
    assert isinstance(caught.value.__cause__, KeyError)
    assert [(entry["event"], entry["path"]) for entry in log] == [("bug", "/p")]


async def test_a_fault_is_no_bug() -> None:
    async def fail() -> None:
        raise Overloaded("No room.")

    with capture_logs() as log, pytest.raises(Overloaded):
        await guarded(Wire().exchange, fail())

    assert log == []


async def test_a_whole_answer_has_its_length() -> None:
    wire = Wire()

    await send_whole(wire.exchange, 418, b"tea", [(b"x-a", b"b")])

    start, body = wire.sent
    assert start["status"] == 418
    assert (b"content-length", b"3") in start["headers"]
    assert (b"x-a", b"b") in start["headers"]
    assert (body["body"], body.get("more_body", False)) == (b"tea", False)


class Pieces:
    """A generator of pieces that says whether it was closed."""

    def __init__(self, *steps: bytes | Exception) -> None:
        self._steps, self.closed = steps, False

    async def __call__(self) -> AsyncGenerator[bytes, None]:
        try:
            for step in self._steps:
                if isinstance(step, Exception):
                    raise step
                yield step
        finally:
            self.closed = True


def tell(fault: Fault) -> bytes:
    return f"<{fault.code}>".encode()


def no_headers() -> Headers:
    return []


async def test_pieces_are_sent_one_by_one_and_the_end_is_left_open() -> None:
    wire, pieces = Wire(), Pieces(b"a", b"b")

    await send_stream(wire.exchange, pieces(), headers=no_headers, tell=tell)

    assert [message.get("body") for message in wire.sent] == [None, b"a", b"b"]
    assert all(message["more_body"] for message in wire.sent[1:])
    assert pieces.closed


async def test_nothing_is_sent_before_the_first_piece() -> None:
    wire, pieces, asked = Wire(), Pieces(Overloaded("No.")), []

    def headers() -> Headers:
        asked.append(1)
        return []

    with pytest.raises(Overloaded):
        await send_stream(wire.exchange, pieces(), headers=headers, tell=tell)

    assert (wire.sent, asked, pieces.closed) == ([], [], True)


async def test_an_answer_of_no_pieces_is_empty() -> None:
    wire = Wire()

    await send_stream(wire.exchange, Pieces()(), headers=no_headers, tell=tell)

    assert wire.sent[0]["status"] == 200
    assert wire.body == b""


@pytest.mark.parametrize(
    ("failure", "last"), [(Overloaded("No."), b"<overloaded>"), (ValueError("x"), b"<internal>")]
)
async def test_a_failure_in_the_middle_is_the_last_piece(failure: Exception, last: bytes) -> None:
    wire, pieces = Wire(), Pieces(b"a", failure)

    with capture_logs():
        await send_stream(wire.exchange, pieces(), headers=no_headers, tell=tell)

    assert wire.body == b"a" + last
    assert pieces.closed


async def test_a_socket_that_breaks_closes_the_pieces() -> None:
    wire, pieces = Wire(), Pieces(b"a", b"b")
    wire.broken = True

    with pytest.raises(OSError, match="gone"):
        await send_stream(wire.exchange, pieces(), headers=no_headers, tell=tell)

    assert pieces.closed


async def test_a_cancelled_send_closes_the_pieces() -> None:
    wire, pieces = Wire(), Pieces(*[b"a"] * 10_000)
    sending = asyncio.create_task(
        send_stream(wire.exchange, pieces(), headers=no_headers, tell=tell)
    )
    await until(lambda: len(wire.sent) >= 5)

    sending.cancel()
    await asyncio.wait([sending])

    assert sending.cancelled()
    assert pieces.closed


@pytest.mark.parametrize(
    ("texts", "header"),
    [
        ([], b""),
        (["a", "b c"], b"a; b c"),
        (["a\r\nb: c"], b"a??b: c"),
        (["é\x00\x7f\t"], b"????"),
        (["~ !"], b"~ !"),
    ],
)
def test_a_header_is_printable_ascii(texts: list[str], header: bytes) -> None:
    assert header_text(texts) == header


def test_a_header_has_a_longest() -> None:
    assert len(header_text(["x" * 5000, "y" * 5000])) == 2000


async def test_an_answer_that_nobody_takes_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """A caller may hold the connection open and never read; what the answer holds is let go."""
    monkeypatch.setattr("geminid.http.send._GRACE_S", 0.0)
    wire, work = Wire(b"whole"), Work()
    await wire.exchange.body(100)

    with pytest.raises(DeadlinePassed, match="answer was not taken"):
        await in_time(wire.exchange, while_there(wire.exchange, work()), 0.02)

    assert work.how == "cancelled"
    assert not wire.left.is_set()


async def test_a_body_that_does_not_come_ends_with_the_deadline(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("geminid.http.send._GRACE_S", 0.0)
    wire = Wire(b"half", whole=False)

    with pytest.raises(DeadlinePassed, match="body did not come"):
        await in_time(wire.exchange, wire.exchange.body(100), 0.02)

    assert (b"connection", b"close") in wire.exchange.told()
