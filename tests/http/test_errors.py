"""Failures as clients of the Gemini API see them: before an answer, in the middle, in each form."""

import asyncio

import pytest
from structlog.testing import capture_logs

from geminid.core.errors import (
    EngineDown,
    Fault,
    Overloaded,
    StreamCut,
    TooManyTokens,
    Unsupported,
    UpstreamRefused,
)
from geminid.core.ports import Opening
from geminid.engines.google import Google
from geminid.engines.transport import Transport
from geminid.http.app import App
from geminid.pipeline.compile import Need
from geminid.stores.account import MemoryAccount
from geminid.stores.errors import JournalFull
from tests.fakes import shapes
from tests.fakes.upstream import FakeUpstream
from tests.http.served import (
    ASK,
    COUNT,
    GENERATE,
    MODEL,
    SSE,
    STREAM,
    Reply,
    channel,
    served,
    state,
    until,
)
from tests.pipeline.scripted import Odd, Scripted, said

INTERNAL = (
    "An internal error has occurred. Please retry or report in"
    " https://developers.generativeai.google/guide/troubleshooting"
)
FORMS = pytest.mark.parametrize("form", [GENERATE, SSE, STREAM], ids=["unary", "sse", "array"])
STREAMS = pytest.mark.parametrize("form", [SSE, STREAM], ids=["sse", "array"])


def told(reply: Reply, form: str) -> dict[str, object]:
    """The error of an answer that failed before its first byte; its form is checked on the way."""
    assert reply.headers["content-type"] == "application/json; charset=UTF-8"
    assert len(reply.headers["x-request-id"]) >= 20
    tree = reply.json()
    if form == STREAM:
        assert reply.body.startswith(b"[{\n")
        (tree,) = tree
    else:
        assert reply.body.startswith(b"{\n")
    error: dict[str, object] = tree["error"]
    assert tree.keys() == {"error"}
    assert error["code"] == reply.status
    return error


def told_inside(reply: Reply, form: str) -> dict[str, object]:
    """The error that ends an answer which had begun."""
    assert reply.status == 200
    if form == SSE:
        assert reply.body.endswith(b"}\r\n\r\n")
        last = reply.body.removesuffix(b"\r\n\r\n").split(b"\r\n\r\n")[-1]
        assert last.startswith(b'data: {"error":')
        assert b"\n" not in last
        tree = Reply(0, {}, last[6:]).json()
    else:
        assert reply.body.endswith(b"}\n]")
        *_, tree = reply.json()
    error: dict[str, object] = tree["error"]
    return error


@FORMS
@pytest.mark.parametrize("count", [0, 1, 2])
async def test_a_failure_before_the_first_piece_has_a_status_of_its_own(
    count: int, form: str, account: MemoryAccount
) -> None:
    """Whatever the engine has begun: nothing is out yet."""
    engine = Scripted([*said("a")[:count], Unsupported("This engine has no ears. Send text.")])
    async with served(App(state(channel(engine), account=account))) as server:
        reply = await server.ask(form)

    assert reply.status == 400
    assert told(reply, form) == {
        "code": 400,
        "message": "This engine has no ears. Send text.",
        "status": "INVALID_ARGUMENT",
    }
    assert account.recent(1)[0].outcome == "unsupported"


@STREAMS
@pytest.mark.parametrize("count", [3, 4, 5, 6])
async def test_a_failure_after_it_is_told_as_the_last_piece(
    count: int, form: str, account: MemoryAccount
) -> None:
    engine = Scripted([*said("a", "b")[:count], Odd("It broke. Try again.")])
    async with served(App(state(channel(engine), account=account))) as server:
        reply = await server.ask(form)

    error = {"code": 502, "message": "It broke. Try again.", "status": "UNAVAILABLE"}
    assert told_inside(reply, form) == error
    assert b"finishReason" not in reply.body
    assert account.recent(1)[0].outcome == "odd"


async def test_a_whole_answer_that_breaks_off_shows_nothing_of_itself() -> None:
    engine = Scripted([*said("half an answer")[:4], Odd("It broke.")])
    async with served(App(state(channel(engine)))) as server:
        reply = await server.ask(GENERATE)

    assert told(reply, GENERATE)["code"] == 502
    assert b"half" not in reply.body


@FORMS
async def test_an_error_may_be_printed_on_one_line(form: str) -> None:
    more = "&" if "?" in form else "?"
    async with served(App(state(channel(Scripted([Odd("x")]))))) as server:
        reply = await server.ask(f"{form}{more}prettyPrint=false")

    assert b"\n" not in reply.body.rstrip(b"\n")


ANSWERS = [
    ("any-503", 503, "UNAVAILABLE", "The model is overloaded."),
    ("any-429", 429, "RESOURCE_EXHAUSTED", "Quota exceeded."),
    ("any-html", 502, "UNAVAILABLE", "The upstream failed (502) and gave no reason; try again."),
    ("any-malformed", 502, "UNAVAILABLE", "The upstream answered with what is not JSON."),
]


@FORMS
@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: answer[0])
async def test_an_upstream_that_fails_at_once(
    answer: tuple[str, int, str, str], form: str, need: Need, google: Google
) -> None:
    """In each lane and each form: the same status, the same words."""
    model, status, code, message = answer
    async with served(App(state(channel(google, model), needs=[need]))) as server:
        reply = await server.ask(form)

    assert reply.status == status
    error = told(reply, form)
    assert (error["status"], error["message"]) == (code, message)
    assert b"secret" not in reply.body
    if status == 429:
        assert error["details"] == [
            {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "7s"}
        ]
        assert reply.headers["retry-after"] == "7"
    else:
        assert "retry-after" not in reply.headers


STATUSES = [
    (400, "INVALID_ARGUMENT", "Unsupported MIME type: x/y"),
    (400, "FAILED_PRECONDITION", "The File x is not in an ACTIVE state."),
    (
        403,
        "PERMISSION_DENIED",
        "You do not have permission to access the File x or it may not exist.",
    ),
    (404, "NOT_FOUND", "models/any is not found for API version v1beta"),
    (409, "ABORTED", "Aborted."),
    (499, "CANCELLED", "The operation was cancelled."),
    (500, "INTERNAL", "An internal error."),
    (503, "UNAVAILABLE", "Overloaded."),
    (504, "DEADLINE_EXCEEDED", "Deadline expired before operation could complete."),
]


@FORMS
@pytest.mark.parametrize("told_us", STATUSES, ids=lambda told_us: told_us[1])
async def test_an_upstream_s_own_error_is_passed_on_word_for_word(
    told_us: tuple[int, str, str], form: str, need: Need, google: Google, upstream: FakeUpstream
) -> None:
    status, code, message = told_us
    detail = {"@type": "type.googleapis.com/google.rpc.Help", "links": [{"url": "u"}]}
    body = shapes.gemini_error(status, code, message, detail)
    upstream.reply(status, body)
    async with served(App(state(channel(google), needs=[need]))) as server:
        reply = await server.ask(form)

    assert told(reply, form) == body["error"]
    assert reply.status == status


OURS = [
    (400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key. API_KEY_INVALID"),
    (400, "INVALID_ARGUMENT", "API key expired. Please renew the API key."),
    (400, "FAILED_PRECONDITION", "User location is not supported for the API use."),
    (401, "UNAUTHENTICATED", "Request had invalid authentication credentials."),
    (403, "PERMISSION_DENIED", "Your API key was reported as leaked."),
]


@FORMS
@pytest.mark.parametrize("told_us", OURS, ids=lambda told_us: told_us[2][:20])
async def test_what_the_upstream_says_of_our_key_is_not_the_caller_s_fault(
    told_us: tuple[int, str, str], form: str, need: Need, google: Google, upstream: FakeUpstream
) -> None:
    status, code, message = told_us
    upstream.reply(status, shapes.gemini_error(status, code, message))
    async with served(App(state(channel(google), needs=[need]))) as server:
        reply = await server.ask(form)

    error = told(reply, form)
    assert (reply.status, error["status"]) == (502, "UNAVAILABLE")
    assert message not in str(error["message"])


@STREAMS
async def test_what_it_says_of_our_key_in_the_middle_is_not_either(
    form: str, need: Need, google: Google, upstream: FakeUpstream
) -> None:
    first = next(shapes.gemini_stream({}, "m"))
    refused = shapes.gemini_event(shapes.gemini_error(401, "UNAUTHENTICATED", "Bad key."))
    upstream.sse([first, refused])
    async with served(App(state(channel(google), needs=[need]))) as server:
        reply = await server.ask(form)

    assert told_inside(reply, form)["code"] == 502
    assert b"Bad key" not in reply.body


@STREAMS
@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("any-cut", "The upstream closed before its answer had ended; try again."),
        ("any-reset", "The upstream closed before its answer had ended; try again."),
        ("any-error", "It broke."),
    ],
)
async def test_an_upstream_that_fails_in_the_middle(
    model: str, message: str, form: str, need: Need, google: Google, account: MemoryAccount
) -> None:
    app = App(state(channel(google, model), needs=[need], account=account))
    async with served(app) as server:
        reply = await server.ask(form)

    assert told_inside(reply, form)["message"] == message
    assert reply.body.count(b'"finishReason"') == 0
    assert account.recent(1)[0].outcome in ("stream_cut", "overloaded")
    assert all(word.encode() in reply.body for word in ("The ", "fake ", "upstream "))


@FORMS
async def test_a_clean_close_without_a_finish_reason_is_no_answer(
    form: str, need: Need, google: Google, upstream: FakeUpstream, account: MemoryAccount
) -> None:
    piece = shapes.gemini_object([{"text": "half"}], "m")
    if form == GENERATE:
        upstream.reply(200, piece)
    else:
        upstream.sse([shapes.gemini_event(piece)])
    app = App(state(channel(google), needs=[need], account=account))
    async with served(app) as server:
        reply = await server.ask(form)

    error = told(reply, form) if form == GENERATE else told_inside(reply, form)
    assert error["message"] == "The upstream closed before a finish reason; try again."
    assert account.recent(1)[0].outcome == StreamCut.code


@STREAMS
@pytest.mark.parametrize(
    ("chunks", "status"),
    [
        ([], 502),
        ([b'data: {"candi'], 502),
        ([shapes.gemini_event(shapes.gemini_error(429, "RESOURCE_EXHAUSTED", "Later."))], 429),
        ([b"data: oops\r\n\r\n"], 502),
    ],
    ids=["nothing", "half an event", "an error", "garbage"],
)
async def test_until_the_first_whole_event_a_stream_can_fail_with_a_status(
    chunks: list[bytes],
    status: int,
    form: str,
    need: Need,
    google: Google,
    upstream: FakeUpstream,
) -> None:
    """A good head is no answer yet: what follows it decides, in the byte lane too."""
    upstream.sse(chunks)
    async with served(App(state(channel(google), needs=[need]))) as server:
        reply = await server.ask(form)

    assert reply.status == status
    assert told(reply, form)["code"] == status


@STREAMS
async def test_an_error_on_several_lines_leaves_on_one(
    form: str, need: Need, google: Google, upstream: FakeUpstream
) -> None:
    """A line end inside an event would end it."""
    first = next(shapes.gemini_stream({}, "m"))
    broken = b'data: {\r\ndata: "error": {"code": 503,\r\ndata: "message": "It\\nbroke."}}\r\n\r\n'
    upstream.sse([first, broken])
    async with served(App(state(channel(google), needs=[need]))) as server:
        reply = await server.ask(form)

    assert told_inside(reply, form) == {"code": 503, "message": "It\nbroke."}


@pytest.mark.parametrize("code", [0, 7, 200, 302, 600, -1, 99999])
async def test_an_upstream_s_odd_code_is_no_status(
    code: int, need: Need, google: Google, upstream: FakeUpstream
) -> None:
    """gRPC codes, redirects with a body, and worse."""
    upstream.sse([shapes.gemini_event({"error": {"code": code, "message": "Odd."}})])
    upstream.reply(302, shapes.gemini_error(302, "FOUND", "Odd."), headers=[("location", "/")])
    async with served(App(state(channel(google), needs=[need]))) as server:
        reply = await server.ask(SSE)
        redirect = await server.ask(GENERATE)

    assert reply.status in (500, 502)
    assert redirect.status in (500, 502)
    assert reply.error()["message"] == "Odd."


@FORMS
async def test_the_caller_s_own_deadline_holds(
    form: str, need: Need, google: Google, upstream: FakeUpstream
) -> None:
    upstream.hang()
    headers = {"content-type": "application/json", "x-server-timeout": "0.1"}
    async with served(App(state(channel(google), needs=[need]))) as server:
        reply = await server.ask(form, headers=headers)

    error = told(reply, form)
    assert (reply.status, error["status"]) == (504, "DEADLINE_EXCEEDED")
    assert str(error["message"]).startswith("Deadline expired before operation could complete.")


@STREAMS
async def test_a_deadline_in_the_middle_of_an_answer(
    form: str, need: Need, google: Google, upstream: FakeUpstream
) -> None:
    upstream.sse([next(shapes.gemini_stream({}, "m"))], "stall")
    headers = {"content-type": "application/json", "x-server-timeout": "0.2"}
    async with served(App(state(channel(google), needs=[need]))) as server:
        reply = await server.ask(form, headers=headers)

    assert told_inside(reply, form)["status"] == "DEADLINE_EXCEEDED"


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [("5", 5.0), ("0.5", 0.5), ("1e1", 10.0), ("0", 0.0), ("-1", 0.0)]
    + [(odd, 30.0) for odd in ("31", "1e9", "nan", "inf", "soon", "", "5 s")],
)
async def test_only_a_nearer_deadline_than_ours_counts(asked: str, seconds: float) -> None:
    engine = Scripted(said("a"))
    made = state(channel(engine))
    headers = {"content-type": "application/json", "x-server-timeout": asked}
    async with served(App(made)) as server:
        before = made.clock.monotonic()
        await server.ask(GENERATE, headers=headers)
        after = made.clock.monotonic()

    given = engine.asked[0][2].deadline
    assert before + seconds <= given <= after + seconds


async def test_nobody_upstream() -> None:
    google = Google(Transport(), "k", "http://127.0.0.1:9")
    async with served(App(state(channel(google)))) as server:
        replies = [await server.ask(form) for form in (GENERATE, SSE, STREAM, COUNT)]
    await google.close()

    assert {reply.status for reply in replies} == {502}


FAULTS: list[tuple[Fault, int, str]] = [
    (EngineDown("The local model is starting; try again."), 503, "UNAVAILABLE"),
    (Overloaded("No room."), 503, "UNAVAILABLE"),
    (UpstreamRefused("Our key."), 502, "UNAVAILABLE"),
    (TooManyTokens(9000, 8192), 400, "INVALID_ARGUMENT"),
]


@pytest.mark.parametrize(("fault", "status", "code"), FAULTS)
async def test_a_count_fails_as_an_answer_does(fault: Fault, status: int, code: str) -> None:
    engine = Scripted([fault], tokens=fault)
    async with served(App(state(channel(engine)))) as server:
        count, answer = await server.ask(COUNT), await server.ask(GENERATE)

    assert (count.status, count.error()["status"]) == (status, code)
    assert count.error() == answer.error()
    assert str(count.error()["message"]).startswith(fault.detail)


@FORMS
async def test_a_bug_in_an_engine_tells_nothing_of_itself(
    form: str, account: MemoryAccount
) -> None:
    engine = Scripted([RuntimeError("secret: the key is 123")])
    with capture_logs() as log:
        async with served(App(state(channel(engine), account=account))) as server:
            reply = await server.ask(form)

    assert reply.status == 500
    assert told(reply, form) == {"code": 500, "message": INTERNAL, "status": "INTERNAL"}
    assert account.recent(1)[0].outcome == "internal"
    assert [entry["event"] for entry in log] == ["bug"]


@STREAMS
async def test_a_bug_in_the_middle_of_a_stream_does_not_either(
    form: str, account: MemoryAccount
) -> None:
    engine = Scripted([*said("a")[:3], RuntimeError("secret: the key is 123")])
    with capture_logs() as log:
        async with served(App(state(channel(engine), account=account))) as server:
            reply = await server.ask(form)

    assert told_inside(reply, form)["message"] == INTERNAL
    assert b"secret" not in reply.body
    assert b"Traceback" not in reply.body
    assert account.recent(1)[0].outcome == "internal"
    assert len(log) == 1


@pytest.mark.parametrize("path", [COUNT, f"/v1beta/models/{MODEL}", "/v1beta/models", "/readyz"])
async def test_a_bug_anywhere_else_is_answered_too(path: str) -> None:
    class Broken(Scripted):
        async def input_limit(self, model: str) -> int | None:
            raise RuntimeError("secret")

    engine = Broken(tokens=RuntimeError("secret"), health=RuntimeError("secret"))
    with capture_logs() as log:
        async with served(App(state(channel(engine)))) as server:
            method = "POST" if path == COUNT else "GET"
            reply = await server.ask(path, ASK if path == COUNT else None, method=method)

    assert (reply.status, reply.error()["message"]) == (500, INTERNAL)
    assert [entry["event"] for entry in log] == ["bug"]


class Full(MemoryAccount):
    """A book on a full disk."""

    def open(self, opening: Opening) -> None:
        raise JournalFull("The server cannot write this request down, so it was not sent.")


@FORMS
async def test_what_cannot_be_written_down_is_not_sent(
    form: str, need: Need, google: Google, upstream: FakeUpstream
) -> None:
    """Ours to mend, and worth another try: 503, with words that say what happened."""
    app = App(state(channel(google), needs=[need], account=Full()))
    async with served(app) as server:
        reply = await server.ask(form)

    assert reply.status == 503
    assert told(reply, form) == {
        "code": 503,
        "message": "The server cannot write this request down, so it was not sent.",
        "status": "UNAVAILABLE",
    }
    assert upstream.requests == []


@FORMS
async def test_a_silent_engine_is_left_when_its_caller_leaves(
    form: str, account: MemoryAccount
) -> None:
    engine = Scripted([*said("a")[:3], asyncio.Event()])
    async with served(App(state(channel(engine), account=account))) as server:
        asking = asyncio.create_task(server.ask(form))
        await until(lambda: engine.open == 1)
        asking.cancel()
        await asyncio.wait([asking])
        await until(lambda: not server.tasks)

    assert engine.open == 0
    assert account.recent(1)[0].outcome == "caller_left"
