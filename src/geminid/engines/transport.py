"""Where bytes leave: one pool of HTTP/1.1 connections, and one reply at a time on each.

Nothing here knows a dialect.  What aiohttp and the operating system can raise becomes a `Fault` at
this border, with the original as its cause: their texts may hold addresses and keys.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from functools import lru_cache

import aiohttp
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from geminid.core.errors import (
    DeadlinePassed,
    Fault,
    Internal,
    StreamCut,
    UpstreamMalformed,
    UpstreamUnreachable,
)

READ_LIMIT = 128 << 20
"""The longest whole body `Reply.read` takes by default: some 4K images in base64."""

_FAILURES = (aiohttp.ClientError, OSError, TimeoutError)


class Reply:
    """An upstream's answer whose body may still be coming.

    `headers` are looked up in any case.  `content_type` is in lower case and without parameters.
    Made by `Transport.open`, which also closes it.
    """

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.status = response.status
        self.headers: Mapping[str, str] = response.headers
        self.content_type = response.headers.get("content-type", "").split(";")[0].strip().lower()
        self._response = response
        self._expired = False

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """The body as it comes: never split, never joined with what has not come yet.

        Raises:
            DeadlinePassed, StreamCut, UpstreamMalformed.
        """
        while chunk := await self._next():
            yield chunk

    async def read(self, limit: int = READ_LIMIT) -> bytes:
        """The whole body.

        Raises:
            UpstreamMalformed: it is longer than `limit` bytes.
            DeadlinePassed, StreamCut.
        """
        pieces, size = [], 0
        while chunk := await self._next():
            pieces.append(chunk)
            size += len(chunk)
            if size > limit:
                raise UpstreamMalformed(f"The upstream's answer passed {limit} bytes.")
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def spend(self, patience: float) -> None:
        """Waits `patience` seconds at most for the end of a body known to be complete.

        Only a reply read to its end gives its connection back; one that goes on is left to close.
        """
        try:
            async with asyncio.timeout(patience):
                while await self._next():
                    pass
        except (TimeoutError, Fault):
            return  # the answer is whole: what is wrong with its connection harms nobody

    def expire(self) -> None:
        """Ends the reply at its deadline: whoever reads gets `DeadlinePassed`."""
        self._expired = True
        self.close()

    def close(self) -> None:
        """Closes the connection at once, unless the body was read to its end."""
        self._response.close()

    async def _next(self) -> bytes:
        content = self._response.content
        try:
            return await content.readany()
        except _FAILURES as failure:
            # aiohttp fails before it gives what had come by then: an error event, sent just before
            # the upstream closed, would be lost.  There is no public way to it.
            if not self._expired and (rest := content._read_nowait(-1)):  # noqa: SLF001
                return rest
            raise self._fault(failure) from failure

    def _fault(self, failure: Exception) -> Fault:
        if self._expired:
            return DeadlinePassed("The deadline passed before the answer ended.")
        if _is_bad_encoding(failure):
            return UpstreamMalformed("The upstream's answer is compressed, and not correctly.")
        return StreamCut("The upstream closed before its answer had ended; try again.")


class Transport:
    """A pool of connections without a limit; owns one aiohttp session, made at the first `open`.

    `unix_path` sends everything to that socket, whatever host the url names.  No proxy from the
    environment, no cookies, no redirects, and no request is ever sent twice: a POST may be paid
    for, and no client can know whether a connection died before or after it was read.
    (aiohttp repeats a GET once when a kept connection turns out to be dead.)

    `monotonic` is the clock of the deadlines (`Clock.monotonic`).  Belongs to one event loop;
    whoever made it calls `close`.
    """

    def __init__(
        self,
        unix_path: str | None = None,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        connect_s: float = 10.0,
        keep_alive_s: float = 30.0,
    ) -> None:
        self._unix_path = unix_path
        self._monotonic = monotonic
        self._connect_s = connect_s
        self._keep_alive_s = keep_alive_s
        self._session: aiohttp.ClientSession | None = None
        self._open = 0

    @property
    def open_count(self) -> int:
        """Requests sent or being sent whose reply has not been left yet."""
        return self._open

    def now(self) -> float:
        """Seconds on the clock of the deadlines."""
        return self._monotonic()

    @asynccontextmanager
    async def open(
        self,
        method: str,
        url: str,
        *,
        body: bytes = b"",
        headers: Iterable[tuple[str, str]] = (),
        deadline: float | None = None,
    ) -> AsyncGenerator[Reply, None]:
        """Sends a request: `async with transport.open(...) as reply`.

        `url` is sent as it is, so it must be quoted already.  Leaving the context before the body
        has ended closes the connection at once, also when the task is cancelled.  A request that
        accepts `text/event-stream` does not ask for compression, so that no event waits in a
        compressor; name `accept-encoding` to decide yourself.

        Raises:
            UpstreamUnreachable: no connection; nothing was sent.
            StreamCut: the connection was lost before an answer; it may have been acted on.
            UpstreamMalformed: the answer is not HTTP.
            DeadlinePassed: `deadline`, on `Clock.monotonic`, passed; it bounds the body as well.
        """
        left = None if deadline is None else deadline - self._monotonic()
        if left is not None and left <= 0:
            raise DeadlinePassed("The deadline passed before the request was sent.")
        request = self._pool().request(
            method,
            _address(url),
            data=body or None,
            headers=_with_encoding(tuple(headers)),
            allow_redirects=False,
        )
        self._open += 1
        timer = _Timer(left)
        try:
            reply = Reply(await _answered(request, timer))
            timer.reply = reply
            try:
                yield reply
            finally:
                reply.close()
        finally:
            timer.cancel()
            self._open -= 1

    async def close(self) -> None:
        """Closes every pooled connection.  A later `open` starts a new pool."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _pool(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector: aiohttp.BaseConnector = (
                aiohttp.UnixConnector(
                    self._unix_path, limit=0, keepalive_timeout=self._keep_alive_s
                )
                if self._unix_path
                else aiohttp.TCPConnector(limit=0, keepalive_timeout=self._keep_alive_s)
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"user-agent": "geminid"},
                timeout=aiohttp.ClientTimeout(total=None, connect=self._connect_s),
                trust_env=False,
            )
        return self._session


@lru_cache(maxsize=256)  # a channel asks the same few addresses over and over
def _address(url: str) -> URL:
    cause: ValueError | None = None
    try:
        address = URL(url, encoded=True)
        if address.scheme in ("http", "https") and address.raw_host and address.port is not None:
            return address
    except ValueError as failure:
        cause = failure
    raise Internal("The upstream's address is not an http(s) address.") from cause


class _Timer:
    """Ends one request at its deadline, also while its body comes.

    One timer and not an `asyncio.timeout` with another behind it: they cost a tenth of all that a
    request costs here.
    """

    def __init__(self, left: float | None) -> None:
        self.reply: Reply | None = None
        self.passed = False
        self._task = asyncio.current_task()
        loop = asyncio.get_running_loop()
        self._handle = None if left is None else loop.call_later(left, self._expire)

    def cancel(self) -> None:
        """The request is over."""
        if self._handle is not None:
            self._handle.cancel()

    def own(self) -> bool:
        """Whether the task was cancelled by this timer alone, which is taken back then."""
        return self.passed and self._task is not None and not self._task.uncancel()

    def _expire(self) -> None:
        self.passed = True
        if self.reply is not None:
            self.reply.expire()
        elif self._task is not None:
            self._task.cancel()


async def _answered(
    request: Awaitable[aiohttp.ClientResponse], timer: _Timer
) -> aiohttp.ClientResponse:
    try:
        return await request
    except asyncio.CancelledError as failure:
        if timer.own():
            raise DeadlinePassed("The deadline passed before the upstream answered.") from failure
        raise
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as failure:
        raise UpstreamUnreachable(
            "No connection to the upstream could be made; try again."
        ) from failure
    except aiohttp.ClientResponseError as failure:
        raise UpstreamMalformed("The upstream's answer is not HTTP.") from failure
    except _FAILURES as failure:
        raise StreamCut("The upstream closed before it answered; try again.") from failure


@lru_cache(maxsize=64)  # and with the same few headers
def _with_encoding(headers: tuple[tuple[str, str], ...]) -> CIMultiDictProxy[str]:
    named: CIMultiDict[str] = CIMultiDict(headers)
    if "accept-encoding" not in named:
        streams = "text/event-stream" in named.get("accept", "")
        named["accept-encoding"] = "identity" if streams else "gzip, deflate"
    return CIMultiDictProxy(named)


def _is_bad_encoding(failure: BaseException) -> bool:
    cause: BaseException | None = failure
    while cause is not None:
        if isinstance(cause, aiohttp.http_exceptions.ContentEncodingError):
            return True
        cause = cause.__cause__
    return False
