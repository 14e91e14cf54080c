"""Both lanes of the engine `google` tell the same endings apart."""

import pytest

from geminid.core.errors import (
    Fault,
    Overloaded,
    StreamCut,
    UpstreamMalformed,
    UpstreamRefused,
)
from geminid.core.ports import RelayTail
from geminid.dialects.gemini.stream import ObjectDecoder
from geminid.engines.google import Google
from tests.engines.lanes import LAST, WIRE, answered, relayed, sliced, whole_events
from tests.fakes import shapes
from tests.fakes.upstream import FakeUpstream


def event(value: object) -> bytes:
    return shapes.gemini_event(value)


def candidate(index: int, reason: str = "", **more: object) -> dict[str, object]:
    tree: dict[str, object] = {"content": {"parts": [{"text": "a"}], "role": "model"}}
    return tree | ({"finishReason": reason} if reason else {}) | {"index": index} | more


TWO = [candidate(0), candidate(1)]
CALL = {"functionCall": {"name": "f", "args": {"finishReason": "STOP", "error": {"code": 1}}}}
TEXT = {"text": '{"finishReason":"STOP"} and "error" and "blockReason"'}
BROKEN = {"error": {"code": 503, "message": "It broke.", "status": "UNAVAILABLE"}}

WIRES: dict[str, tuple[list[bytes], type[Fault] | None]] = {
    "whole": ([WIRE], None),
    "nothing": ([], StreamCut),
    "no finish reason": ([event({"candidates": [candidate(0)]})], StreamCut),
    "one of two candidates": (
        [event({"candidates": TWO}), event({"candidates": [candidate(0, "STOP")]})],
        StreamCut,
    ),
    "both candidates, one after the other": (
        [
            event({"candidates": TWO}),
            event({"candidates": [candidate(1, "MAX_TOKENS")]}),
            event({"candidates": [candidate(0, "STOP")]}),
        ],
        None,
    ),
    "a reason in the middle and one at the end": (
        [event({"candidates": [candidate(0, why)]}) for why in ("STOP", "", "MAX_TOKENS")],
        None,
    ),
    "a reason in the middle only": (
        [event({"candidates": [candidate(0, "STOP")]}), event({"candidates": [candidate(0)]})],
        StreamCut,
    ),
    "nothing said after the reason": (
        [
            event({"candidates": [candidate(0, "STOP")]}),
            event({"candidates": [{"content": {"parts": [{"text": ""}]}, "finishReason": None}]}),
            event({"candidates": None, "promptFeedback": None, "error": None}),
        ],
        None,
    ),
    "a call after the reason": (
        [
            event({"candidates": [candidate(0, "STOP")]}),
            event({"candidates": [{"content": {"parts": [CALL]}, "index": "0"}]}),
        ],
        StreamCut,
    ),
    "blocked in the middle": (
        [event({"candidates": TWO}), event({"promptFeedback": {"blockReason": "OTHER"}})],
        None,
    ),
    "usage after the end": (
        [
            event({"candidates": [candidate(0, "STOP")]}),
            event({"usageMetadata": {"promptTokenCount": 4}}),
        ],
        None,
    ),
    "the words in a call's arguments": (
        [event({"candidates": [{"content": {"parts": [CALL], "role": "model"}}]})],
        StreamCut,
    ),
    "the words in a text": (
        [event({"candidates": [{"content": {"parts": [TEXT], "role": "model"}}]})],
        StreamCut,
    ),
    "blocked": ([event({"promptFeedback": {"blockReason": "SAFETY"}})], None),
    "feedback that does not block": ([event({"promptFeedback": {"safetyRatings": []}})], StreamCut),
    "an error at once": ([event(BROKEN)], Overloaded),
    "an error after an event": ([event({"candidates": [candidate(0)]}), event(BROKEN)], Overloaded),
    "an error in the same piece": (
        [event({"candidates": [candidate(0)]}) + event(BROKEN) + event({"candidates": []})],
        Overloaded,
    ),
    "an error after the end": (
        [event({"candidates": [candidate(0, "STOP")]}), event(BROKEN)],
        Overloaded,
    ),
    "an error on several lines": (
        [b'data: {"error":\r\ndata: {"code":503,"message":"m"}}\r\n\r\n'],
        Overloaded,
    ),
    "an error about our key": (
        [event({"error": {"code": 401, "message": "Bad key.", "status": "UNAUTHENTICATED"}})],
        UpstreamRefused,
    ),
    "no json": ([event({"candidates": [candidate(0)]}), b"data: {oops\r\n\r\n"], UpstreamMalformed),
    "the end marker of another dialect": ([WIRE, b"data:\r\n\r\ndata: [DONE]\r\n\r\n"], None),
    "a list": ([b"data: [1]\r\n\r\n"], UpstreamMalformed),
    "candidates of a wrong type": ([event({"candidates": 5})], UpstreamMalformed),
    "html": ([b"<html>\n<body>data: x</body>\n</html>\n"], StreamCut),
}


@pytest.mark.parametrize("name", WIRES)
@pytest.mark.parametrize("size", [1, 1 << 20])
async def test_both_lanes_see_the_same_answer_and_the_same_failure(
    name: str, size: int, google: Google, upstream: FakeUpstream
) -> None:
    """Which lane a route takes is our business; no client may be able to tell."""
    chunks, expected = WIRES[name]
    if size == 1:
        chunks = [piece for chunk in chunks for piece in sliced(chunk, 1)]
    upstream.sse(chunks)
    upstream.sse(chunks)

    got = await relayed(google)
    events, fault = await answered(google)

    assert type(got.fault) is type(fault) is (expected or type(None))
    if got.fault is not None and fault is not None:
        assert (got.fault.detail, got.fault.native) == (fault.detail, fault.native)
    assert not got.body or whole_events(got.body)
    decoder = ObjectDecoder()
    payloads = [piece[6:] for piece in got.body.split(b"\r\n\r\n") if piece]
    seen = [event for payload in payloads for event in decoder.feed(payload)]
    if got.fault is None:
        seen += decoder.finish()
        assert got.tail == RelayTail(decoder.reason, decoder.usage)
    assert seen == events


@pytest.mark.parametrize("usage", [[1], {"promptTokenCount": "many"}, "x"])
async def test_counts_that_are_none_are_found_in_both_lanes(
    usage: object, google: Google, upstream: FakeUpstream
) -> None:
    """In the byte lane not before the end: they are read once, and what passes is not held up."""
    wire = event({"candidates": [candidate(0, "STOP")], "usageMetadata": usage})
    upstream.sse([wire])
    upstream.sse([wire])

    got = await relayed(google)
    _, fault = await answered(google)

    assert type(got.fault) is type(fault) is UpstreamMalformed
    assert got.tail is None


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", UpstreamMalformed),
        (b"{}", StreamCut),
        (b"[]", UpstreamMalformed),
        (b"<html>hello</html>", UpstreamMalformed),
        (b'{"candidates": [', UpstreamMalformed),
        (b'{"candidates": [{"content": {"parts": [{"text": "a"}]}}]}', StreamCut),
        (b'{"error": {"code": 503, "message": "m"}}', Overloaded),
        (b'{"promptFeedback": {"blockReason": "SAFETY"}}', None),
        (b'{"candidates": [{"finishReason": "STOP"}]}', None),
        (b'{"candidates": [{"finishReason": "STOP"}, {"index": 1}]}', StreamCut),
        (b'{"usageMetadata": {"promptTokenCount": "x"}, "candidates": []}', UpstreamMalformed),
        (b'{"candidates": [{"finishReason": "STOP"}]} {}', UpstreamMalformed),
        (b'\xff\xfe{"candidates": []}', UpstreamMalformed),
    ],
)
async def test_both_lanes_judge_a_whole_body_alike(
    body: bytes, expected: type[Fault] | None, google: Google, upstream: FakeUpstream
) -> None:
    upstream.reply(200, body)
    upstream.reply(200, body)

    got = await relayed(google, stream=False)
    _, fault = await answered(google, stream=False)

    assert type(got.fault) is type(fault) is (expected or type(None))
    assert got.body == (body if expected is None else b"")


async def test_a_whole_body_that_is_cut_is_not_passed_on(
    google: Google, upstream: FakeUpstream
) -> None:
    for cut_at in (0, 1, 100, len(LAST) - 1):
        upstream.unary(LAST, cut_at=cut_at)
        got = await relayed(google, stream=False)
        assert (got.body, type(got.fault)) == (b"", StreamCut), cut_at
