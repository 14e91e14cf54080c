"""The SSE reader: any slicing gives the same payloads, and time grows with the bytes only."""

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geminid.core.errors import StreamCut, TooLarge
from geminid.dialects.sse import SSEReader

GOOGLE = b'data: {"a":1}\r\n\r\ndata: {"b":"\xc3\xa9"}\r\n\r\n'
LOOSE = (
    b"\xef\xbb\xbfdata: zero\n\n: hello\n\nevent: x\nid: 7\nretry: 9\ndata:one\ndata: two\n\n"
    b"data\ndatabase: no\n\n\n: ping\rdata: three\r\rdata: four\r\n\n"
)


def read(wire: bytes, cuts: list[int]) -> list[bytes]:
    reader = SSEReader()
    edges = [0, *sorted(cuts), len(wire)]
    pieces = [wire[a:b] for a, b in pairwise(edges)]
    payloads = [payload for piece in pieces for payload in reader.feed(piece)]
    reader.finish()
    return payloads


@pytest.mark.parametrize(
    ("wire", "payloads"),
    [
        (GOOGLE, [b'{"a":1}', b'{"b":"\xc3\xa9"}']),
        (LOOSE, [b"zero", b"one\ntwo", b"", b"three", b"four"]),
    ],
)
def test_slicing_at_every_byte_never_changes_the_payloads(
    wire: bytes, payloads: list[bytes]
) -> None:
    """Sockets cut where they like, also inside CRLF, a character and the byte order mark."""
    assert read(wire, []) == payloads
    assert read(wire, list(range(len(wire)))) == payloads
    for cut in range(len(wire)):
        assert read(wire, [cut]) == payloads


LINE = st.sampled_from([b"data: x", b"data:y", b"data", b": c", b"event: e", b"", b""])
BREAK = st.sampled_from([b"\n", b"\r\n"])


@given(st.lists(st.tuples(LINE, BREAK), max_size=20), st.data())
def test_random_events_survive_random_slicing(
    lines: list[tuple[bytes, bytes]], data: st.DataObject
) -> None:
    """What is read depends on the bytes alone."""
    wire = b"".join(line + ending for line, ending in lines) + b"\n\n"
    cuts = data.draw(st.lists(st.integers(0, len(wire)), max_size=8))

    assert read(wire, cuts) == read(wire, [])


def test_a_stream_that_stops_inside_an_event_is_cut() -> None:
    """Its data is never given out as if it were whole."""
    reader = SSEReader()

    assert reader.feed(b"data: a\n\ndata: b\n") == [b"a"]
    assert reader.pending() == b"b"
    with pytest.raises(StreamCut):
        reader.finish()


@pytest.mark.parametrize("piece", [b"data: " + b"x" * 40, b"data: " + b"x" * 40 + b"\n"])
def test_one_event_past_the_limit_is_refused(piece: bytes) -> None:
    """In one line or in many: memory stays bounded."""
    reader = SSEReader(limit=64)
    assert reader.feed(piece) == []

    with pytest.raises(TooLarge, match="64 bytes"):
        reader.feed(piece)


def test_many_small_events_and_comments_pass_a_small_limit() -> None:
    """The limit is for one event, however many come in one chunk or over days."""
    reader = SSEReader(limit=16)

    assert reader.feed(b": a comment\n" * 50 + b"data: x\n\n" * 50) == [b"x"] * 50


def test_a_large_event_in_small_pieces_costs_no_more_than_its_bytes() -> None:
    """Joining on each feed would cost seconds here: time must not grow with the square."""

    def spent(size: int) -> float:
        reader = SSEReader()
        start = time.process_time()
        reader.feed(b"data: ")
        for _ in range(size // 64):
            reader.feed(b"x" * 64)
        assert [len(payload) for payload in reader.feed(b"\n\n")] == [size]
        return time.process_time() - start

    small = min(spent(1 << 20) for _ in range(3))
    assert spent(8 << 20) < 8 * small * 4
