"""The border: whatever happens inside becomes an honest HTTP answer.

One place knows that ASGI wants a start and bodies, that a caller may leave at any moment, and that
an unknown exception is our own bug: it is logged under the request's id and told as an internal
error, without its text.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import aclosing
from typing import Final, TypeVar

import structlog

from geminid.core.errors import CallerLeft, DeadlinePassed, Fault, Internal
from geminid.http.exchange import Exchange, Headers

JSON: Final = b"application/json; charset=UTF-8"
_HEADER_LIMIT: Final = 2000
"""Characters of one header: clients refuse an answer with a line of 8 KB."""

_GRACE_S: Final = 1.0
"""How much longer than its deadline an answer may take to say so."""

T = TypeVar("T")

_log = structlog.get_logger("geminid.http")


async def send_whole(
    exchange: Exchange,
    status: int,
    body: bytes,
    headers: Iterable[tuple[bytes, bytes]] = (),
    *,
    kind: bytes = JSON,
) -> None:
    """Send a whole answer of the content type `kind`, with the headers of every answer and
    `headers`.
    """
    length = str(len(body)).encode()
    first = [(b"content-type", kind), (b"content-length", length), *exchange.told()]
    await _start(exchange, status, [*first, *headers])
    await exchange.send({"type": "http.response.body", "body": body})


async def send_stream(
    exchange: Exchange,
    pieces: AsyncGenerator[bytes, None],
    *,
    headers: Callable[[], Headers],
    tell: Callable[[Fault], bytes],
) -> None:
    """Send `pieces` as they come, all but the end of the body.  Closes `pieces`.

    The answer starts with the first piece: until then a failure is raised, so that it can have a
    status of its own, and `headers` are not final.  Later it is written with `tell` as the last
    piece: an answer that stopped never looks whole.
    """
    async with aclosing(pieces):
        first = await anext(pieces, b"")
        await _start(exchange, 200, [*exchange.told(), *headers()])
        try:
            await _send_piece(exchange, first)
            async for piece in pieces:
                await _send_piece(exchange, piece)
        except Exception as error:
            await _send_piece(exchange, tell(as_fault(error, exchange)))


async def _start(exchange: Exchange, status: int, headers: Headers) -> None:
    exchange.started = True
    await exchange.send({"type": "http.response.start", "status": status, "headers": headers})


async def _send_piece(exchange: Exchange, piece: bytes) -> None:
    await exchange.send({"type": "http.response.body", "body": piece, "more_body": True})


async def while_there(exchange: Exchange, work: Awaitable[T]) -> T:
    """The result of `work`, which is cancelled as soon as the caller closes the connection.

    The body must have been read: whoever watches for the close takes every message that comes.

    Raises:
        CallerLeft: they did; everything `work` held has been closed.
    """
    here = asyncio.current_task()
    left = False
    failure: Exception | None = None

    async def watch() -> None:
        nonlocal left
        while (await exchange.receive())["type"] != "http.disconnect":
            pass
        left = True
        if here is not None:
            here.cancel()

    try:
        async with asyncio.TaskGroup() as group:
            watcher = group.create_task(watch())
            try:
                result = await work
            except Exception as error:  # kept, so that the group does not wrap it
                failure = error
            finally:
                watcher.cancel()
    except asyncio.CancelledError:
        # Only our own watcher's cancellation ends here; a deadline's or a shutdown's goes on.
        if left and here is not None and not here.uncancel():
            raise CallerLeft("The caller closed the connection.") from None
        raise
    if failure is not None:
        raise failure
    return result


async def in_time(exchange: Exchange, work: Awaitable[T], seconds: float) -> T:
    """The result of `work`, within bounds that no engine's own deadline can set.

    A body that stalls and an answer that nobody reads end here.

    Raises:
        DeadlinePassed: `seconds`, and the grace in which an engine says so itself, are over.
    """
    try:
        async with asyncio.timeout(seconds + _GRACE_S):
            return await work
    except TimeoutError as error:
        what = "The answer was not taken" if exchange.whole else "The request's body did not come"
        raise DeadlinePassed(f"{what} in time.") from error


async def guarded(exchange: Exchange, work: Awaitable[T]) -> T:
    """The result of `work`.

    Raises:
        Fault: it failed; a bug comes out as `Internal`.
    """
    try:
        return await work
    except Exception as error:
        raise as_fault(error, exchange) from error


def as_fault(error: Exception, exchange: Exchange) -> Fault:
    """What the caller may know of `error`.  A bug is logged here, with its trace; nowhere else."""
    if isinstance(error, Fault):
        return error
    _log.error("bug", request_id=exchange.request_id, path=exchange.path, exc_info=error)
    return Internal("An internal error has occurred.")


def header_text(texts: Iterable[str]) -> bytes:
    """Texts for one response header: printable ASCII, joined by semicolons, cut if too long."""
    joined = "; ".join(texts)[:_HEADER_LIMIT]
    if joined.isascii() and joined.isprintable():
        return joined.encode()
    return "".join(char if " " <= char <= "~" else "?" for char in joined).encode()
