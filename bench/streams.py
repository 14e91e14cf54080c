"""Many streams at once: 64 of them, 150 events each, one a millisecond."""

import selectors
import socket
import time
from typing import Final

from bench.client import whole
from bench.problem import Invalid
from bench.wire import Call, Reply

STREAMS: Final = 64

_PATIENCE_S: Final = 30.0
_END: Final = b"\r\n0\r\n\r\n"


def together(call: Call, port: int, events: int, ending: bytes) -> float:
    """Seconds until `STREAMS` streams of `call`, begun together, have all ended.

    Every stream must have at least `events` events, `ending` in one of its last two (some dialects
    close with a marker), and a proper end.

    Raises:
        Invalid: one has not.
    """
    request = call.wire(f"127.0.0.1:{port}")
    open_now: dict[socket.socket, bytearray] = {}
    try:
        for _ in range(STREAMS):
            open_now[socket.create_connection(("127.0.0.1", port), _PATIENCE_S)] = bytearray()
        begun = time.perf_counter()
        for connection in open_now:
            connection.sendall(request)
            connection.settimeout(0.0)
        _listen(open_now)
        seconds = time.perf_counter() - begun
    finally:
        for connection in open_now:
            connection.close()
    for raw in open_now.values():
        check(bytes(raw), events, ending)
    return seconds


def check(raw: bytes, events: int, ending: bytes) -> None:
    """Raises `Invalid` if `raw` is not a reply with a whole stream of `events` events."""
    reply = Reply()
    reply.feed(raw)
    whole(reply)
    payloads = [line for line in bytes(reply.body).splitlines() if line.startswith(b"data:")]
    if not reply.done or len(payloads) < events:
        raise Invalid(f"a stream of {events} events had {len(payloads)}")
    if not any(ending in payload for payload in payloads[-2:]):
        raise Invalid("a stream stopped without an ending")


def _listen(open_now: dict[socket.socket, bytearray]) -> None:
    """Read them all to their ends.  The least work per event: it is parsed afterwards."""
    end = time.monotonic() + _PATIENCE_S
    with selectors.DefaultSelector() as selector:
        for connection, raw in open_now.items():
            selector.register(connection, selectors.EVENT_READ, (connection, raw))
        left = len(open_now)
        while left:
            ready = selector.select(1.0)
            if time.monotonic() > end:
                raise Invalid(f"{left} of {len(open_now)} streams had not ended in time")
            for key, _ in ready:
                connection, raw = key.data
                data = _received(connection)
                raw += data
                if not data or raw.endswith(_END):
                    selector.unregister(connection)
                    left -= 1


def _received(connection: socket.socket) -> bytes:
    try:
        return connection.recv(1 << 16)
    except OSError as error:
        raise Invalid(f"a stream was cut: {error}") from error
