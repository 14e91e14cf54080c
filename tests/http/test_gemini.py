"""The Gemini routes, asked over a real socket: whole answers, streams, counts, and their forms."""

import asyncio
import hashlib

import aiohttp
import msgspec
import pytest

from geminid.core.content import Call, Json, Text
from geminid.core.events import Begin, Blocked, Delta, End, Event, PartEnd, PartStart, Tally
from geminid.core.ports import TokenCount
from geminid.core.usage import ModalityCount, Usage
from geminid.engines.google import Google
from geminid.http.app import App
from geminid.pipeline.auth import Callers
from geminid.pipeline.compile import Need
from geminid.stores.account import MemoryAccount
from tests.fakes import shapes
from tests.fakes.upstream import FakeUpstream
from tests.http.served import (
    ASK,
    COUNT,
    GENERATE,
    MODEL,
    SSE,
    STREAM,
    channel,
    served,
    state,
)
from tests.pipeline.scripted import USAGE, Scripted, said

RICH: list[Event] = [
    Begin("r1", "scripted-1", Json(b'{"later":1}'), "gemini"),
    PartStart(0, Text(text="")),
    Delta(0, "Hel"),
    Delta(0, "lo."),
    PartEnd(0, "c2ln"),
    PartStart(1, Call(name="f", args=Json(b'{"finishReason":"x"}'), id="a", signature="c2ln")),
    PartEnd(1),
    Tally(USAGE),
    End("STOP", "Done."),
]
JSON = "application/json; charset=UTF-8"


def objects(body: bytes) -> list[dict[str, object]]:
    """The objects of an SSE body in Google's framing, which must be kept exactly."""
    assert body.endswith(b"\r\n\r\n")
    events = body.removesuffix(b"\r\n\r\n").split(b"\r\n\r\n")
    assert all(event.startswith(b"data: {") and b"\n" not in event for event in events)
    return [msgspec.json.decode(event[6:]) for event in events]


ASK_WITH_F = ASK[:-1] + b',"tools":[{"functionDeclarations":[{"name":"f"}]}]}'


async def test_a_whole_answer() -> None:
    async with served(App(state(channel(Scripted(RICH))))) as server:
        reply = await server.ask(GENERATE, ASK_WITH_F)

    assert (reply.status, reply.headers["content-type"]) == (200, JSON)
    assert reply.headers["vary"] == "Origin, X-Origin, Referer"
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert len(reply.headers["x-request-id"]) >= 20
    assert reply.json() == {
        "candidates": [
            {
                "content": {
                    "parts": [
                        {"text": "Hello.", "thoughtSignature": "c2ln"},
                        {
                            "functionCall": {
                                "id": "a",
                                "name": "f",
                                "args": {"finishReason": "x"},
                            },
                            "thoughtSignature": "c2ln",
                        },
                    ],
                    "role": "model",
                },
                "finishReason": "STOP",
                "finishMessage": "Done.",
                "index": 0,
            }
        ],
        "usageMetadata": {
            "promptTokenCount": 3,
            "candidatesTokenCount": 2,
            "totalTokenCount": 5,
        },
        "modelVersion": "scripted-1",
        "responseId": "r1",
        "later": 1,
    }


async def test_a_stream_s_framing_is_google_s_own() -> None:
    """CRLF, `data: ` with its space, no comment and no `[DONE]`: others make clients crash."""
    async with served(App(state(channel(Scripted(said("a", "b")))))) as server:
        reply = await server.ask(SSE)

    assert (reply.status, reply.headers["content-type"]) == (200, "text/event-stream")
    first, second, last = objects(reply.body)
    texts = [chunk["candidates"][0]["content"]["parts"][0]["text"] for chunk in (first, second)]  # type: ignore[index]
    assert texts == ["a", "b"]
    assert "finishReason" not in first["candidates"][0]  # type: ignore[index]
    assert last["candidates"][0]["finishReason"] == "STOP"  # type: ignore[index]
    assert {chunk["responseId"] for chunk in (first, second, last)} == {"r1"}


async def test_an_array_is_streamed_as_one_json_value() -> None:
    async with served(App(state(channel(Scripted(said("a", "b")))))) as server:
        array = await server.ask(STREAM)
        compact = await server.ask(STREAM + "?prettyPrint=false")
        events = await server.ask(SSE)

    assert (array.status, array.headers["content-type"]) == (200, JSON)
    assert array.json() == compact.json() == objects(events.body)
    assert array.body.startswith(b'[{\n  "candidates"')
    assert array.body.endswith(b"}\n]")
    assert b"\n" not in compact.body.replace(b"\n,\n", b"").removesuffix(b"\n]")


@pytest.mark.parametrize("form", [SSE, STREAM], ids=["sse", "array"])
async def test_each_piece_leaves_before_the_next_is_there(form: str) -> None:
    """The first words are read while the engine still waits."""
    gate = asyncio.Event()
    steps = [*said("one", "two")[:3], gate, *said("one", "two")[3:]]
    async with served(App(state(channel(Scripted(steps))))) as server:
        kind = {"content-type": "application/json"}
        async with (
            aiohttp.ClientSession() as session,
            session.post(server.url + form, data=ASK, headers=kind) as reply,
        ):
            first = await reply.content.readany()
            assert b'"one"' in first
            assert b'"two"' not in first
            gate.set()
            rest = await reply.read()

    assert b'"two"' in rest
    assert b'"STOP"' in rest


async def test_unary_is_the_fold_of_the_stream() -> None:
    async with served(App(state(channel(Scripted(RICH))))) as server:
        whole = (await server.ask(GENERATE)).json()
        chunks = (await server.ask(STREAM)).json()

    parts = [part for chunk in chunks for part in chunk["candidates"][0]["content"]["parts"]]
    text = "".join(part.get("text", "") for part in parts)
    calls = [part for part in parts if "functionCall" in part]
    signatures = [part["thoughtSignature"] for part in parts if "thoughtSignature" in part]
    expected = whole["candidates"][0]["content"]["parts"]
    assert (text, calls) == (expected[0]["text"], expected[1:])
    assert signatures == [part["thoughtSignature"] for part in expected]
    last = chunks[-1]
    ending = {key: last["candidates"][0][key] for key in ("finishReason", "finishMessage", "index")}
    assert ending.items() <= whole["candidates"][0].items()
    for key in ("usageMetadata", "modelVersion", "responseId", "later"):
        assert last[key] == whole[key]


async def test_a_blocked_prompt_is_told_as_feedback() -> None:
    blocked: list[Event] = [Begin("r", "m"), End("", blocked=Blocked("SAFETY", message="No."))]
    feedback = {"blockReason": "SAFETY", "blockReasonMessage": "No."}
    async with served(App(state(channel(Scripted(blocked))))) as server:
        whole = await server.ask(GENERATE)
        stream = await server.ask(SSE)

    assert whole.json()["promptFeedback"] == feedback
    assert objects(stream.body)[-1]["promptFeedback"] == feedback
    assert "candidates" not in whole.json()


@pytest.mark.parametrize("version", ["v1", "v1beta", "v1alpha"])
@pytest.mark.parametrize("kind", ["models", "tunedModels", "dynamic"])
async def test_the_surface_is_the_same_under_every_version(version: str, kind: str) -> None:
    async with served(App(state(channel(Scripted(said("a")))))) as server:
        reply = await server.ask(f"/{version}/{kind}/{MODEL}:generateContent")

    assert reply.status == 200


@pytest.mark.parametrize(
    "path",
    [
        f"//v1beta//models///{MODEL}:generateContent",
        f"/v1beta/models/{MODEL}%3AgenerateContent",
        f"/v1beta/models%2F{MODEL}:generate%43ontent",
        f"/v1beta/models/{MODEL}:generateContent?",
        f"/v1beta/models/{MODEL}:generateContent?prettyPrint=true&quotaUser=x&$.xgafv=2",
    ],
)
async def test_a_path_is_read_as_clients_write_it(path: str) -> None:
    """JS clients double slashes, others quote the colon."""
    async with served(App(state(channel(Scripted(said("a")))))) as server:
        reply = await server.ask(path)

    assert reply.status == 200


async def test_a_path_is_unquoted_once() -> None:
    async with served(App(state(channel(Scripted(said("a")))))) as server:
        reply = await server.ask(f"/v1beta/models/{MODEL}%253AgenerateContent")

    assert reply.status == 404


@pytest.mark.parametrize(
    ("query", "kept"),
    [
        ("fields=responseId", {"responseId": "r1"}),
        ("$fields=usageMetadata/totalTokenCount", {"usageMetadata": {"totalTokenCount": 5}}),
        (
            "fields=candidates(finish_reason,content/parts(text)),modelVersion",
            {
                "candidates": [{"content": {"parts": [{"text": "ab"}]}, "finishReason": "STOP"}],
                "modelVersion": "scripted-1",
            },
        ),
    ],
)
async def test_fields_select_from_a_whole_answer(query: str, kept: dict[str, object]) -> None:
    async with served(App(state(channel(Scripted(said("a", "b")))))) as server:
        reply = await server.ask(f"{GENERATE}?{query}")

    assert reply.json() == kept


async def test_fields_select_from_every_piece_in_every_lane(
    need: Need, google: Google, upstream: FakeUpstream
) -> None:
    """An upstream's own bytes are not what was asked for then."""
    app = App(state(channel(google, "any"), needs=[need]))
    async with served(app) as server:
        stream = await server.ask(SSE + "&fields=responseId")
        array = await server.ask(STREAM + "?fields=responseId")
        whole = await server.ask(GENERATE + "?fields=responseId")

    wanted = {"responseId": shapes.RESPONSE_ID}
    pieces = objects(stream.body)
    assert len(pieces) > 2
    assert all(piece == wanted for piece in [*pieces, *array.json(), whole.json()])
    assert "fields" not in upstream.requests[0].path


@pytest.mark.parametrize(
    "query", ["fields=a(b", "fields=,", "fields=a)", "fields=a%20b", "fields=" + "a/" * 99]
)
async def test_what_is_no_selection_of_fields_is_refused(query: str) -> None:
    engine = Scripted(said("a"))
    async with served(App(state(channel(engine)))) as server:
        reply = await server.ask(f"{GENERATE}?{query}")

    assert (reply.status, reply.error()["status"]) == (400, "INVALID_ARGUMENT")
    assert reply.error()["details"][0]["fieldViolations"][0]["field"] == "fields"
    assert engine.asked == []


@pytest.mark.parametrize("path", [GENERATE, COUNT, "/v1beta/models", f"/v1beta/models/{MODEL}"])
async def test_json_is_printed_for_people_unless_told_otherwise(path: str) -> None:
    method = "POST" if ":" in path else "GET"
    body = ASK if method == "POST" else None
    async with served(App(state(channel(Scripted(said("a")))))) as server:
        nice = await server.ask(path, body, method=method)
        terse = await server.ask(path + "?prettyPrint=false", body, method=method)

    assert nice.body.startswith(b"{\n  ")
    assert nice.body.endswith(b"}\n")
    assert b"\n" not in terse.body
    if path != GENERATE:
        assert nice.json() == terse.json()


@pytest.mark.parametrize("form", [SSE, f"{SSE}&prettyPrint=false"])
async def test_a_stream_of_an_upstream_keeps_what_we_do_not_know(
    form: str, google: Google, upstream: FakeUpstream
) -> None:
    """Events have no print for people, so nothing stands in the bytes' way."""
    wire = b'data: {"zeta":1,"candidates": [{"finishReason":"STOP","new":[]}],"alpha":{}}\r\n\r\n'
    upstream.sse([wire])
    async with served(App(state(channel(google)))) as server:
        reply = await server.ask(form)

    assert reply.body == wire


async def test_a_whole_answer_of_an_upstream_does_too(
    google: Google, upstream: FakeUpstream
) -> None:
    body = b'{"zeta":1, "candidates":\n[{"finishReason":"STOP","new":[]}],"alpha":{} }'
    upstream.reply(200, body)
    async with served(App(state(channel(google)))) as server:
        reply = await server.ask(GENERATE)

    assert reply.body == body


BARE = b'{"contents":[{"parts":[{"text":"Hi"}]}]}'


@pytest.mark.parametrize(
    "body",
    [
        BARE,
        b'{"generateContentRequest":{"model":"models/x",' + BARE[1:] + b"}",
        b'{"generate_content_request":' + BARE + b"}",
    ],
    ids=["bare", "whole", "snake"],
)
async def test_tokens_are_counted_in_both_forms(body: bytes, account: MemoryAccount) -> None:
    details = (ModalityCount("TEXT", 12),)
    engine = Scripted(tokens=TokenCount(12, Usage(prompt=12, prompt_details=details)))
    async with served(App(state(channel(engine), account=account))) as server:
        reply = await server.ask(COUNT, body)

    assert reply.json() == {
        "totalTokens": 12,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 12}],
    }
    assert engine.asked[0][0].contents[0].parts == (Text(text="Hi"),)
    assert "x-geminid-notice" not in reply.headers
    assert account.count() == 0


async def test_only_one_form_of_a_count_may_be_there() -> None:
    body = b'{"generateContentRequest":' + BARE + b"," + BARE[1:]
    async with served(App(state(channel(Scripted())))) as server:
        reply = await server.ask(COUNT, body)

    assert (reply.status, reply.error()["status"]) == (400, "INVALID_ARGUMENT")


async def test_an_estimated_count_says_so() -> None:
    engine = Scripted(tokens=TokenCount(12, estimated=True))
    async with served(App(state(channel(engine)))) as server:
        reply = await server.ask(COUNT)

    assert "estimate" in reply.headers["x-geminid-notice"]


async def test_a_count_goes_through_the_real_engine(google: Google, upstream: FakeUpstream) -> None:
    async with served(App(state(channel(google, "any")))) as server:
        reply = await server.ask(COUNT, b'{"generateContentRequest":' + BARE + b"}")

    assert reply.json() == {"totalTokens": 7}
    assert upstream.requests[0].path == "/v1beta/models/any:countTokens"
    assert upstream.requests[0].json()["generateContentRequest"]["model"] == "models/any"


async def test_a_retired_id_is_answered_by_another_with_a_notice(
    need: Need, google: Google
) -> None:
    live = channel(google, "gemini-3.1-pro-preview")
    async with served(App(state(live, needs=[need]))) as server:
        replies = [await server.ask(GENERATE), await server.ask(SSE), await server.ask(COUNT)]
        replies.append(await server.get(f"/v1beta/models/{MODEL}"))

    for reply in replies:
        assert reply.status == 200
        assert reply.headers["x-geminid-notice"] == (
            f"{MODEL} was retired on 2026-03-09; gemini-3.1-pro-preview answers instead."
        )


async def test_notices_and_ignored_fields_are_told_before_the_answer() -> None:
    engine = Scripted(said("a"))
    engine.notices, engine.ignored = ["one", "two", "one"], ["topK", "seed", "topK"]
    async with served(App(state(channel(engine)))) as server:
        replies = [await server.ask(GENERATE), await server.ask(SSE), await server.ask(STREAM)]

    for reply in replies:
        assert reply.headers["x-geminid-notice"] == "one; two"
        assert reply.headers["x-geminid-ignored"] == "topK, seed"
        assert reply.headers["x-geminid-channel"] == "one"
        assert reply.headers["x-geminid-engine"] == "test"


async def test_nothing_told_in_a_header_can_become_a_header() -> None:
    """Neither a notice, nor a field's name, nor a model's id from the path."""
    engine = Scripted(said("a"))
    engine.notices = ["n\r\nx-evil: 1", "ünïcode", "z" * 100_000]
    engine.ignored = ["f\r\n\r\n<script>", "\0"]
    async with served(App(state(channel(engine)))) as server:
        reply = await server.ask(GENERATE)
        lost = await server.ask("/v1beta/models/a%0d%0ax-evil:%201:generateContent")

    assert reply.status == 200
    assert reply.headers["x-geminid-notice"].startswith("n??x-evil: 1; ?n?code; zzz")
    assert len(reply.headers["x-geminid-notice"]) < 8000, "more breaks clients"
    assert reply.headers["x-geminid-ignored"] == "f????<script>, ?"
    assert lost.status == 404
    assert "x-evil" not in {**reply.headers, **lost.headers}


async def test_without_an_open_door_the_channel_is_not_told() -> None:
    """Names of channels are for operators."""
    callers = Callers([(hashlib.sha256(b"k").hexdigest(), "ada")])
    async with served(App(state(channel(Scripted(said("a"))), callers=callers))) as server:
        headers = {"content-type": "application/json", "x-goog-api-key": "k"}
        reply = await server.ask(GENERATE, headers=headers)

    assert reply.status == 200
    assert not {"x-geminid-channel", "x-geminid-engine"} & reply.headers.keys()


async def test_each_request_has_an_id_of_its_own_that_the_book_knows(
    account: MemoryAccount,
) -> None:
    async with served(App(state(channel(Scripted(said("a"))), account=account))) as server:
        ids = {(await server.ask(path)).headers["x-request-id"] for path in (GENERATE, SSE, STREAM)}

    assert {row.request_id for row in account.recent(10)} == ids
    assert len(ids) == 3


async def test_many_answers_on_one_connection() -> None:
    """A stream's end leaves the connection as good as new."""
    async with served(App(state(channel(Scripted(said("a")))))) as server:
        kind = {"content-type": "application/json"}
        connector = aiohttp.TCPConnector(limit=1)
        async with aiohttp.ClientSession(server.url, connector=connector, headers=kind) as session:
            bodies = []
            for path in (SSE, GENERATE, STREAM, COUNT, SSE):
                async with session.post(path, data=ASK) as reply:
                    assert reply.status == 200
                    bodies.append(await reply.read())

    assert bodies[0] == bodies[-1]


async def test_an_event_out_of_order_never_looks_like_an_answer(account: MemoryAccount) -> None:
    broken: list[Event] = [Begin("r", "m"), PartStart(1, Text(text="a")), PartEnd(1), End("STOP")]
    async with served(App(state(channel(Scripted(broken)), account=account))) as server:
        reply = await server.ask(GENERATE)

    assert (reply.status, reply.error()["status"]) == (502, "UNAVAILABLE")
    assert account.recent(1)[0].outcome == "internal"
