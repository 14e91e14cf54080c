"""One connection to 127.0.0.1, used for one call at a time; blocking."""

import socket
import time
from types import TracebackType
from typing import Final, Self

from bench.problem import Invalid
from bench.wire import Call, Reply

_PATIENCE_S: Final = 30.0
_PIECE: Final = 1 << 16


class Connection:
    """A kept-alive connection.  A context manager: leaving it closes the connection."""

    def __init__(self, port: int) -> None:
        self._host = f"127.0.0.1:{port}"
        self._socket = socket.create_connection(("127.0.0.1", port), _PATIENCE_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._socket.close()

    def call(self, call: Call) -> Reply:
        """The whole reply, whatever its status.

        Raises:
            Invalid: there is none.
        """
        return self.timed(call)[0]

    def timed(self, call: Call) -> tuple[Reply, float, float]:
        """The reply, seconds to the first byte of its body, and seconds to its end.

        Raises:
            Invalid: there is none.
        """
        request, reply, first = call.wire(self._host), Reply(), 0.0
        begun = time.perf_counter()
        try:
            self._socket.sendall(request)
            while not reply.done:
                data = self._socket.recv(_PIECE)
                if not data:
                    raise Invalid("it closed the connection before its answer was whole")
                reply.feed(data)
                if not first and reply.body:
                    first = time.perf_counter()
        except OSError as error:
            raise Invalid(f"it did not answer: {error}") from error
        return reply, first - begun, time.perf_counter() - begun


def whole(reply: Reply) -> Reply:
    """`reply`, which must be a good one.

    Raises:
        Invalid: its status is not a 200.
    """
    if reply.status != 200:
        shown = bytes(reply.body[:300]).decode(errors="replace")
        raise Invalid(f"it answered {reply.status}: {shown}")
    return reply


def listens(port: int) -> bool:
    """Whether somebody accepts connections there."""
    try:
        socket.create_connection(("127.0.0.1", port), 1.0).close()
    except OSError:
        return False
    return True


def free_port() -> int:
    """A port that is free now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port
