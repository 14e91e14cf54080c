"""HTTP on one connection: uvicorn's, with bounds on the head of a request.

uvicorn keeps whatever comes before a body, so that one caller without a key could fill the memory,
or hold a connection for ever.  A head may have 64 KiB and 30 seconds here; trailers as much again.
"""

import asyncio
from http import HTTPStatus
from typing import Any

import msgspec
from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

HEAD_LIMIT = 64 << 10
HEAD_S = 30.0
_LINGER_S = 2.0  # whoever still sends would lose the refusal if we closed at once

_TOO_LARGE = (
    f"The head of the request has more than {HEAD_LIMIT >> 10} KiB; send fewer or shorter headers,"
    " and data in the body."
)
_TOO_SLOW = f"The head of the request did not come within {HEAD_S:g} seconds; send it at once."


class Protocol(HttpToolsProtocol):
    """uvicorn's protocol, but it refuses heads that are too large (431) or too slow (408).

    It counts pieces as they come from the socket, not headers, so a request in one piece costs
    next to nothing.  A head that begins behind other bytes of a piece may have that piece more.
    """

    head_s = HEAD_S

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._open = False  # in the middle of a head, or perhaps of trailers
        self._in_body = False
        self._begun = 0  # heads that began in this piece
        self._size = 0  # of the open head, so far
        self._patience: asyncio.TimerHandle | None = None
        self._refused = False

    def data_received(self, data: bytes) -> None:
        """One piece from the socket."""
        if self._refused:
            return
        while len(data) > (room := HEAD_LIMIT - self._size) and (self._open or not self._in_body):
            self._feed(data[:room])
            data = data[room:]
            if self.transport.is_closing():  # it was no HTTP
                return
            if self._size == HEAD_LIMIT:
                self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, _TOO_LARGE)
                return
        self._feed(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """The end of the connection."""
        self._close_head()
        super().connection_lost(exc)

    def _feed(self, data: bytes) -> None:
        idle = not self._open and not self._in_body
        self._begun = 0
        super().data_received(data)
        if not self._open:
            return
        if self._begun == int(idle):  # all of the piece belongs to the head
            self._size += len(data)
        if self._patience is None:
            self._patience = self.loop.call_later(
                self.head_s, self._refuse, HTTPStatus.REQUEST_TIMEOUT, _TOO_SLOW
            )

    # What the parser tells ----------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """The first byte of a head."""
        self._open = True
        self._begun += 1
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """The end of a head."""
        self._close_head()
        self._in_body = True
        super().on_headers_complete()

    def on_chunk_header(self) -> None:
        """The size of a chunk: its bytes come next, or trailers if it was the last."""
        self._open = True
        self._begun += 1

    def on_body(self, body: bytes) -> None:
        """Bytes of the body."""
        self._close_head()
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The end of a request."""
        self._close_head()
        self._in_body = False
        super().on_message_complete()

    def _close_head(self) -> None:
        self._open = False
        self._size = 0
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    # Refusing -----------------------------------------------------------------------------------

    def _refuse(self, status: HTTPStatus, message: str) -> None:
        """Says why, unless an answer is being written, and closes."""
        self._refused = True
        self._close_head()
        if self.transport.is_closing():
            return
        if self.cycle is not None and not self.cycle.response_complete:
            self.transport.close()
            return
        self.transport.write(_refusal(status, message))
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(_LINGER_S, self.transport.close)

    def _unsupported_upgrade_warning(self) -> None:
        """Nothing: uvicorn would advise the operator to install what we do not want."""


def _refusal(status: HTTPStatus, message: str) -> bytes:
    name = "DEADLINE_EXCEEDED" if status == HTTPStatus.REQUEST_TIMEOUT else "INVALID_ARGUMENT"
    error = {"code": int(status), "message": message, "status": name}
    body = msgspec.json.encode({"error": error})
    head = (
        f"HTTP/1.1 {int(status)} {status.phrase}\r\n"
        "content-type: application/json; charset=UTF-8\r\n"
        f"content-length: {len(body)}\r\n"
        "connection: close\r\n\r\n"
    )
    return head.encode("ascii") + body
