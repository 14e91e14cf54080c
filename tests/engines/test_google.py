"""Google's engine against a local upstream: both lanes, however the bytes come and the end."""

from contextlib import aclosing

import msgspec
import pytest

from geminid.core.errors import (
    DeadlinePassed,
    Fault,
    Forbidden,
    Invalid,
    NotFound,
    Overloaded,
    RateLimited,
    StreamCut,
    TooManyTokens,
    UpstreamFault,
    UpstreamMalformed,
    UpstreamRefused,
    UpstreamUnreachable,
)
from geminid.core.fold import fold
from geminid.core.ports import Health, RelayHead, RelayTail, TokenCount
from geminid.core.usage import Usage
from geminid.engines.google import BASE_URL, Google
from geminid.engines.transport import Transport
from tests.engines.lanes import (
    BODY,
    FIRST,
    LAST,
    REQUEST,
    WIRE,
    answered,
    context,
    relayed,
    sliced,
    whole_events,
)
from tests.fakes import shapes
from tests.fakes.upstream import FakeUpstream


@pytest.mark.parametrize(
    ("stream", "path", "accept"),
    [
        (True, "/v1beta/models/a-model:streamGenerateContent?alt=sse", "text/event-stream"),
        (False, "/v1beta/models/a-model:generateContent", "application/json"),
    ],
)
async def test_a_request_goes_out_with_our_key_and_the_body_as_it_was(
    stream: bool, path: str, accept: str, google: Google, upstream: FakeUpstream
) -> None:
    await relayed(google, "a-model", stream=stream)
    await answered(google, "a-model", stream=stream)

    for seen in upstream.requests:
        assert (seen.method, seen.path) == ("POST", path)
        assert seen.headers["x-goog-api-key"] == "our-key"
        assert seen.headers["content-type"] == "application/json"
        assert seen.headers["accept"] == accept
    assert upstream.requests[0].body == BODY
    assert upstream.requests[1].json()["contents"] == [{"role": "user", "parts": [{"text": "Hi"}]}]


async def test_a_model_s_name_cannot_change_the_address(
    google: Google, upstream: FakeUpstream
) -> None:
    """Theirs is whatever the configuration says."""
    name = "publishers/größe?x=1#y%2F"
    assert (await relayed(google, name)).fault is None
    assert (await answered(google, name))[1] is None
    await google.count(REQUEST, name, context())

    sent = "/v1beta/models/publishers/gr%C3%B6%C3%9Fe%3Fx%3D1%23y%252F"
    methods = ["streamGenerateContent?alt=sse"] * 2 + ["countTokens"]
    assert [seen.path for seen in upstream.requests] == [f"{sent}:{m}" for m in methods]


async def test_an_address_may_end_in_a_slash(upstream: FakeUpstream) -> None:
    google = Google(Transport(), "k", upstream.url + "/")

    assert (await relayed(google)).fault is None

    await google.close()
    assert upstream.requests[0].path.startswith("/v1beta/models/any:")


def test_the_default_address_has_no_version() -> None:
    assert BASE_URL == "https://generativelanguage.googleapis.com"


async def test_unary_and_stream_give_the_same_answer(google: Google) -> None:
    streamed, _ = await answered(google, stream=True)
    whole, _ = await answered(google, stream=False)

    assert len(streamed) > len(whole)
    assert fold(streamed) == fold(whole)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100, len(WIRE)])
async def test_bytes_pass_untouched_in_whole_events(
    size: int, google: Google, upstream: FakeUpstream
) -> None:
    """Unknown fields, the order of keys and their spaces: what we do not know, we do not touch."""
    upstream.sse(sliced(WIRE, size))

    got = await relayed(google)

    assert got.head == RelayHead("text/event-stream")
    assert got.body == WIRE
    assert all(whole_events(piece) for piece in got.pieces)
    assert got.tail == RelayTail("STOP", Usage(prompt=7, output=2))


async def test_an_event_leaves_as_soon_as_it_is_whole(
    google: Google, upstream: FakeUpstream
) -> None:
    upstream.sse([b"data: %b\r\n\r\ndata: {" % FIRST], "stall")

    async with aclosing(google.relay(BODY, "any", context())) as coming:
        await anext(coming)
        assert await anext(coming) == b"data: %b\r\n\r\n" % FIRST


async def test_a_whole_body_passes_untouched(google: Google, upstream: FakeUpstream) -> None:
    body = b" \n" + LAST.replace(b",", b" ,\n\t") + b"\n"
    upstream.reply(200, body, kind="application/json; charset=UTF-8")

    got = await relayed(google, stream=False)

    assert got.head == RelayHead("application/json")
    assert got.body == body
    assert got.tail == RelayTail("STOP", Usage(prompt=7, output=2))


async def test_a_cut_anywhere_leaves_whole_events_and_is_told(
    google: Google, upstream: FakeUpstream
) -> None:
    """At every byte: what the client has seen is whole, and never looks like all of it."""
    first, both = WIRE.index(b"\r\n\r\n") + 4, len(WIRE)
    for at in range(1, len(WIRE) + 1):
        upstream.sse([WIRE[:at]], "cut")
        got = await relayed(google)
        assert isinstance(got.fault, StreamCut), at
        # Without the very last LF the event is whole too: CR ends a line.
        ends = [end for end in (first, both) if at >= end - 1]
        assert got.body == WIRE[: ends[-1] if ends else 0], at


async def test_a_clean_close_anywhere_but_after_the_end_is_a_cut(
    google: Google, upstream: FakeUpstream
) -> None:
    """As above, but the upstream closes as if all were well."""
    for at in range(1, len(WIRE) - 1):
        upstream.sse([WIRE[:at]], "done")
        got = await relayed(google)
        upstream.sse([WIRE[:at]], "done")
        _, fault = await answered(google)
        assert isinstance(got.fault, StreamCut), at
        assert isinstance(fault, StreamCut), at


async def test_the_last_byte_of_the_framing_may_be_missing(
    google: Google, upstream: FakeUpstream
) -> None:
    """CR ends a line as well, so the last event has come whole and must not be held back."""
    upstream.sse([WIRE[:-1]], "done")

    got = await relayed(google)

    assert (got.body, got.fault) == (WIRE, None)


@pytest.mark.parametrize(
    "wire",
    [
        b"data: %b\n\ndata: %b\n\n",
        b"data: %b\r\rdata: %b\r\r",
        b"data:%b\r\n\r\ndata:%b\r\n\r\n",
        b"\xef\xbb\xbfdata: %b\r\n\r\n\r\n\r\ndata: %b\r\n\r\n",
        b": hello\r\n\r\ndata: %b\r\n\r\n: ping\n\nevent: x\nid: 1\nretry: 5\ndata: %b\n\n: bye\n",
        b"data: %b\n: in between\n\nid: 1\ndata: %b\n\n",
    ],
    ids=["lf", "cr", "no space", "mark", "comments and fields", "comment inside"],
)
@pytest.mark.parametrize("size", [1, 5, 1000])
async def test_odd_framing_leaves_as_google_s(
    wire: bytes, size: int, google: Google, upstream: FakeUpstream
) -> None:
    """The vendor's own client crashes on a comment and on a missing space; payloads stay as is."""
    upstream.sse(sliced(wire % (FIRST, LAST), size))

    got = await relayed(google)

    assert (got.body, got.fault) == (WIRE, None)


async def test_a_payload_on_several_lines_leaves_on_one(
    google: Google, upstream: FakeUpstream
) -> None:
    lines = msgspec.json.format(LAST, indent=1).split(b"\n")
    upstream.sse([b"".join(b"data: %b\r\n" % line for line in lines) + b"\r\n"])

    got = await relayed(google)

    assert got.fault is None
    assert whole_events(got.body)
    assert msgspec.json.decode(got.body[6:]) == msgspec.json.decode(LAST)


@pytest.mark.timeout(30)
@pytest.mark.parametrize("lane", ["bytes", "events"])
async def test_an_endless_event_is_the_upstream_s_fault(
    lane: str, google: Google, upstream: FakeUpstream
) -> None:
    """It must not leave as a 400: the caller sent nothing too large."""
    upstream.sse([b'data: {"x": "', *[b"y" * (1 << 20)] * 65], "stall")

    fault = (await relayed(google)).fault if lane == "bytes" else (await answered(google))[1]

    assert isinstance(fault, UpstreamMalformed)


ERRORS = [
    (400, "INVALID_ARGUMENT", "Bad field.", Invalid),
    (400, "INVALID_ARGUMENT", "API key not valid. API_KEY_INVALID", UpstreamRefused),
    (
        400,
        "FAILED_PRECONDITION",
        "User location is not supported for the API use.",
        UpstreamRefused,
    ),
    (400, "INVALID_ARGUMENT", "API key expired. Please renew the API key.", UpstreamRefused),
    (
        400,
        "INVALID_ARGUMENT",
        "The input token count (9) exceeds the maximum number of tokens allowed (8).",
        TooManyTokens,
    ),
    (401, "UNAUTHENTICATED", "Who are you?", UpstreamRefused),
    (403, "PERMISSION_DENIED", "The caller may not.", UpstreamRefused),
    (403, "PERMISSION_DENIED", "You do not have permission to access the File x", Forbidden),
    (404, "NOT_FOUND", "models/x is not found", NotFound),
    (429, "RESOURCE_EXHAUSTED", "Quota exceeded.", RateLimited),
    (500, "INTERNAL", "Oops.", UpstreamFault),
    (503, "UNAVAILABLE", "The model is overloaded.", Overloaded),
    (504, "DEADLINE_EXCEEDED", "Too slow.", DeadlinePassed),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: f"{error[0]} {error[2][:20]}")
@pytest.mark.parametrize("wrap", [False, True], ids=["object", "array"])
async def test_an_error_is_the_same_fault_in_every_lane_and_call(
    error: tuple[int, str, str, type[Fault]], wrap: bool, google: Google, upstream: FakeUpstream
) -> None:
    status, code, message, expected = error
    tree = shapes.gemini_error(status, code, message)
    for _ in range(5):
        upstream.reply(status, [tree] if wrap else tree)

    faults = [
        (await relayed(google)).fault,
        (await relayed(google, stream=False)).fault,
        (await answered(google))[1],
        (await answered(google, stream=False))[1],
    ]
    with pytest.raises(expected) as caught:
        await google.count(REQUEST, "any", context())

    for fault in [*faults, caught.value]:
        assert type(fault) is expected
        assert fault is not None
        if expected is UpstreamRefused:
            assert fault.native is None
            assert message not in fault.detail
        else:
            assert fault.native is not None
            assert (fault.native.status, msgspec.json.decode(fault.native.body)) == (status, tree)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (201, UpstreamFault),
        (302, UpstreamFault),
        (400, UpstreamFault),
        (401, UpstreamRefused),
        (403, UpstreamRefused),
        (404, UpstreamFault),
        (429, RateLimited),
        (500, UpstreamFault),
        (503, Overloaded),
        (504, DeadlinePassed),
    ],
)
@pytest.mark.parametrize("body", [b"", b"<html>secret inside</html>", b"{", b'{"error": "x"}'])
async def test_an_error_that_is_not_the_api_s_own_keeps_its_meaning_and_not_its_text(
    status: int, expected: type[Fault], body: bytes, google: Google, upstream: FakeUpstream
) -> None:
    """A page of some proxy is neither the caller's fault nor for the caller to read."""
    upstream.reply(status, body, kind="text/html")

    fault = (await relayed(google)).fault

    assert type(fault) is expected
    assert fault is not None
    assert fault.native is None
    assert "secret" not in fault.detail


async def test_retry_info_says_how_long(google: Google) -> None:
    fault = (await relayed(google, "any-429")).fault

    assert isinstance(fault, RateLimited)
    assert fault.retry_after == 7


@pytest.mark.parametrize("stream", [True, False])
async def test_an_upstream_that_never_answers_meets_the_deadline(
    stream: bool, google: Google, upstream: FakeUpstream
) -> None:
    upstream.hang()
    with pytest.raises(DeadlinePassed):
        async with aclosing(google.relay(BODY, "any", context(stream=stream, seconds=0.1))) as r:
            await anext(r)

    upstream.sse([WIRE[:100]], "stall")
    with pytest.raises(DeadlinePassed):
        async with aclosing(google.answer(REQUEST, "any", context(seconds=0.1))) as events:
            _ = [event async for event in events]


async def test_nobody_there_is_told_as_such(upstream: FakeUpstream) -> None:
    google = Google(Transport(), "k", "http://127.0.0.1:9")

    got = await relayed(google)
    health = await google.health()

    await google.close()
    assert isinstance(got.fault, UpstreamUnreachable)
    assert not health.ready
    assert health.detail


@pytest.mark.parametrize("lane", ["bytes", "events"])
async def test_leaving_closes_the_upstream_at_once(
    lane: str, google: Google, upstream: FakeUpstream
) -> None:
    """Nobody pays for tokens that nobody reads."""
    upstream.sse([WIRE], "stall")
    coming = (
        google.relay(BODY, "any", context())
        if lane == "bytes"
        else google.answer(REQUEST, "any", context())
    )
    await anext(coming)
    assert upstream.active_streams == 1

    await coming.aclose()

    await upstream.until(lambda: upstream.open_connections == 0)


async def test_tokens_are_counted(google: Google, upstream: FakeUpstream) -> None:
    upstream.reply(200, {"totalTokens": 31, "cachedContentTokenCount": 5})

    count = await google.count(REQUEST, "a-model", context())

    assert count == TokenCount(31, Usage(prompt=31, cached=5))
    assert upstream.requests[0].path == "/v1beta/models/a-model:countTokens"
    assert upstream.requests[0].json() == {
        "generateContentRequest": {
            "model": "models/a-model",
            "contents": [{"role": "user", "parts": [{"text": "Hi"}]}],
        }
    }


@pytest.mark.parametrize("body", [b"", b"[]", b'{"totalTokens": "many"}', b"<html>"])
async def test_a_count_that_is_none_is_malformed(
    body: bytes, google: Google, upstream: FakeUpstream
) -> None:
    upstream.reply(200, body)

    with pytest.raises(UpstreamMalformed):
        await google.count(REQUEST, "any", context())


async def test_health_is_whether_our_key_lists_models(
    google: Google, upstream: FakeUpstream
) -> None:
    assert await google.health() == Health(ready=True)
    assert (upstream.requests[0].method, upstream.requests[0].path) == (
        "GET",
        "/v1beta/models?pageSize=1",
    )
    assert upstream.requests[0].headers["x-goog-api-key"] == "our-key"

    upstream.reply(400, shapes.gemini_error(400, "INVALID_ARGUMENT", "API key expired."))
    health = await google.health()
    assert not health.ready
    assert "key" in health.detail
    assert "our-key" not in health.detail


async def test_the_model_s_own_limit_is_the_catalog_s(google: Google) -> None:
    assert await google.input_limit("any") is None
