"""Reading replies, however they are cut."""

import pytest

from bench.problem import Invalid
from bench.streams import check
from bench.wire import Call, Reply

PLAIN = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: b\r\n\r\nhello"
CHUNKED = (
    b"HTTP/1.1 429 Too Many\r\ntransfer-encoding: chunked\r\n\r\n"
    b"3\r\nhel\r\nA;x=y\r\nlo, world!\r\n0\r\n\r\n"
)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize(
    ("raw", "status", "body"), [(PLAIN, 200, b"hello"), (CHUNKED, 429, b"hello, world!")]
)
def test_slicing_changes_nothing(raw: bytes, status: int, body: bytes, size: int) -> None:
    """Sockets cut where they like."""
    reply = Reply()
    for at in range(0, len(raw), size):
        assert not reply.done
        reply.feed(raw[at : at + size])

    assert (reply.status, bytes(reply.body), reply.done) == (status, body, True)


def test_a_reply_that_is_not_whole_is_not_done() -> None:
    """Its last byte is missing."""
    for raw in (PLAIN, CHUNKED):
        reply = Reply()
        reply.feed(raw[:-1])
        assert not reply.done


@pytest.mark.parametrize("raw", [b"HTTP/1.1 200 OK\r\n\r\n", b"hello\r\n\r\n"])
def test_what_has_no_end_or_is_not_http_is_invalid(raw: bytes) -> None:
    """Waiting for its end would wait for ever."""
    with pytest.raises(Invalid):
        Reply().feed(raw)


def test_a_call_is_a_whole_request() -> None:
    """With its length, and its own headers."""
    call = Call("/a?b=c", (("x-k", "v"),), b"{}")

    assert call.wire("h:1") == (
        b"POST /a?b=c HTTP/1.1\r\nhost: h:1\r\nx-k: v\r\ncontent-length: 2\r\n\r\n{}"
    )


def _stream(*events: bytes, end: bytes = b"0\r\n\r\n", status: bytes = b"200 OK") -> bytes:
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(event), event) for event in events)
    return b"HTTP/1.1 %b\r\ntransfer-encoding: chunked\r\n\r\n" % status + chunks + end


EVENT, LAST = b"data: {}\r\n\r\n", b'data: {"finishReason": "STOP"}\r\n\r\n'


def test_a_whole_stream_passes_also_with_a_closing_marker() -> None:
    """The ending may stand one event before the last, where a dialect closes with a marker."""
    check(_stream(EVENT, LAST), 2, b'"finishReason"')
    check(_stream(EVENT, LAST, b"data: [DONE]\n\n"), 2, b'"finishReason"')


@pytest.mark.parametrize(
    "raw",
    [
        _stream(EVENT, LAST, end=b""),
        _stream(LAST),
        _stream(EVENT, EVENT),
        _stream(EVENT, LAST, status=b"503 No"),
    ],
    ids=["cut", "too few", "no ending", "an error"],
)
def test_a_stream_that_is_not_whole_is_invalid(raw: bytes) -> None:
    """Its events would look cheap."""
    with pytest.raises(Invalid):
        check(raw, 2, b'"finishReason"')
