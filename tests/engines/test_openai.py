"""The engine `openai` against a server on loopback that speaks its shapes, well and badly."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest

from geminid.core.content import (
    Blob,
    Call,
    Code,
    CodeResult,
    Content,
    FileRef,
    Json,
    Opaque,
    Result,
    Text,
    Thought,
)
from geminid.core.errors import (
    DeadlinePassed,
    Fault,
    Overloaded,
    RateLimited,
    StreamCut,
    Unsupported,
    UpstreamMalformed,
    UpstreamRefused,
    UpstreamUnreachable,
)
from geminid.core.events import Begin, Blocked, End, Event, PartEnd, PartStart
from geminid.core.fold import Answer, fold
from geminid.core.ports import Context, Engine
from geminid.core.request import BuiltinTool, FunctionTool, Request, Sampling, Thinking
from geminid.dialects.openai.names import wire_name
from geminid.engines.openai import OpenAI
from geminid.engines.transport import Transport
from tests.fakes import shapes
from tests.fakes.upstream import FakeUpstream

REQUEST = Request(model="ours", contents=(Content("user", (Text(text="hi"),)),))
WORDS = "".join(shapes.WORDS)


@pytest.fixture
async def transport() -> AsyncIterator[Transport]:
    made = Transport()
    yield made
    assert made.open_count == 0
    await made.close()


@pytest.fixture
def engine(upstream: FakeUpstream, transport: Transport) -> OpenAI:
    return OpenAI(transport, f"{upstream.url}/v1/", "sk-ours")


def context(*, stream: bool, seconds: float = 10.0) -> Context:
    deadline = time.monotonic() + seconds
    return Context(request_id="r", caller="c", deadline=deadline, stream=stream)


async def events(
    engine: Engine, about: Context, request: Request = REQUEST, model: str = "fake"
) -> list[Event]:
    async with aclosing(engine.answer(request, model, about)) as answer:
        return [event async for event in answer]


async def answer(engine: Engine, **kwargs: Any) -> Answer:
    return fold(await events(engine, context(stream=kwargs.pop("stream", True)), **kwargs))


@pytest.mark.parametrize("stream", [True, False])
async def test_an_answer(stream: bool, engine: OpenAI, upstream: FakeUpstream) -> None:
    """Asked as a stream or whole, it is the same, and the request names their model and our key."""
    found = await answer(engine, stream=stream)

    assert found.begin == Begin("chatcmpl-fake1", "fake")
    assert found.candidates[0].content.parts == (Text(text=WORDS),)
    assert found.usage is not None
    assert (found.usage.prompt, found.usage.output) == (7, 5)
    seen = upstream.requests[0]
    assert (seen.method, seen.path) == ("POST", "/v1/chat/completions")
    assert seen.headers["authorization"] == "Bearer sk-ours"
    assert seen.json()["model"] == "fake"
    assert seen.json().get("stream", False) is stream


@pytest.mark.parametrize("stream", [True, False])
async def test_a_tool_loop(stream: bool, engine: OpenAI, upstream: FakeUpstream) -> None:
    """A call comes back; with its result, the answer does."""
    functions = (FunctionTool(name=shapes.CALL_NAME),)
    asked = Request(model="m", contents=REQUEST.contents, functions=functions)
    first = await answer(engine, stream=stream, request=asked)
    call = first.candidates[0].content.parts[0]
    assert call == Call(name="get_weather", args=Json(b'{"city":"Oslo"}'), id="call_fake1")

    result = Result(name="get_weather", id="call_fake1", response=Json(b'{"result":"4 C"}'))
    contents = (*asked.contents, first.candidates[0].content, Content("user", (result,)))
    second = await answer(
        engine, stream=stream, request=Request(model="m", contents=contents, functions=functions)
    )
    assert second.candidates[0].content.parts == (Text(text=WORDS),)
    assert upstream.requests[1].json()["messages"][-1] == {
        "role": "tool",
        "tool_call_id": "call_fake1",
        "content": "4 C",
    }


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("include", [True, False, None])
async def test_thoughts_are_said_whoever_may_see_them(
    include: bool | None, stream: bool, engine: OpenAI
) -> None:
    """The pipeline hides them: the next turn needs them as the engine's state."""
    request = Request(
        model="m", contents=REQUEST.contents, thinking=Thinking("LOW", include=include)
    )
    thought, text = (
        (await answer(engine, stream=stream, request=request)).candidates[0].content.parts
    )

    assert isinstance(thought, Thought)
    assert thought.text == shapes.THOUGHT
    assert text == Text(text=WORDS)


@pytest.mark.parametrize("stream", [True, False])
async def test_thoughts_go_back_where_they_came_from(
    stream: bool, engine: OpenAI, upstream: FakeUpstream
) -> None:
    """A server that reasons between its calls finds its own words again."""
    functions = (FunctionTool(name=shapes.CALL_NAME),)
    asked = Request(
        model="m", contents=REQUEST.contents, functions=functions, thinking=Thinking("LOW")
    )
    first = (await answer(engine, stream=stream, request=asked)).candidates[0].content
    result = Result(name=shapes.CALL_NAME, id="call_fake1")
    contents = (*asked.contents, first, Content("user", (result,)))
    await answer(engine, request=Request(model="m", contents=contents, functions=functions))

    assistant = upstream.requests[1].json()["messages"][1]
    assert assistant["reasoning_content"] == shapes.THOUGHT
    assert assistant["tool_calls"][0]["id"] == "call_fake1"


@pytest.mark.parametrize(
    ("flavor", "native"),
    [("openrouter", True), ("aimlapi", True), ("google", True), ("vllm", False), ("", False)],
)
def test_which_servers_carry_gemini_s_own_signatures(
    flavor: str, native: bool, transport: Transport
) -> None:
    """For the others the pipeline makes some."""
    assert OpenAI(transport, "http://a.example/v1", flavor=flavor).native_signatures is native


@pytest.mark.parametrize("stream", [True, False])
async def test_a_function_of_any_name_is_called_by_it(
    stream: bool, transport: Transport, upstream: FakeUpstream
) -> None:
    """The wire takes only some names; the caller gets the declared one back."""
    name = "weather.now:" + "ö" * 100
    call = {"name": wire_name(name), "arguments": "{}"}
    message = {"content": None, "tool_calls": [{"id": "c1", "type": "function", "function": call}]}
    upstream.reply(
        200, {"choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}]}
    )
    request = Request(model="m", contents=REQUEST.contents, functions=(FunctionTool(name=name),))
    found = await answer(OpenAI(transport, f"{upstream.url}/v1"), stream=stream, request=request)

    assert found.candidates[0].content.parts == (Call(name=name, id="c1"),)
    sent = upstream.requests[0].json()["tools"][0]["function"]["name"]
    assert sent == wire_name(name) != name


async def test_the_first_events_come_before_the_last_bytes(
    engine: OpenAI, upstream: FakeUpstream
) -> None:
    """Nothing waits for the whole; leaving closes the upstream at once."""
    async with aclosing(engine.answer(REQUEST, "fake-slow", context(stream=True))) as found:
        assert [await anext(found), await anext(found)] == [
            Begin("chatcmpl-fake1", "fake-slow"),
            PartStart(0, Text(text="The ")),
        ]
        assert upstream.active_streams == 1
    await upstream.until(lambda: upstream.active_streams == 0)


async def test_a_request_without_a_key_sends_none(
    upstream: FakeUpstream, transport: Transport
) -> None:
    """Local servers want it so."""
    await answer(OpenAI(transport, f"{upstream.url}/v1"))

    assert "authorization" not in upstream.requests[0].headers


async def test_the_flavor_may_be_named_and_what_is_left_out_is_told(
    upstream: FakeUpstream, transport: Transport
) -> None:
    """An address tells nothing about a server behind a proxy."""
    request = Request(model="m", contents=REQUEST.contents, sampling=Sampling(top_k=3))
    plain, vllm = context(stream=False), context(stream=False)

    await events(OpenAI(transport, upstream.url), plain, request)
    await events(OpenAI(transport, upstream.url, flavor="vllm"), vllm, request)

    assert plain.ignored == ["generationConfig.topK"]
    assert vllm.ignored == []
    assert upstream.requests[1].json()["top_k"] == 3


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("model", "kind"),
    [
        ("fake-429", RateLimited),
        ("fake-503", Overloaded),
        ("fake-html", UpstreamMalformed),
        ("fake-malformed", UpstreamMalformed),
    ],
)
async def test_a_bad_answer_is_a_fault_before_any_event(
    model: str, kind: type[Fault], stream: bool, engine: OpenAI
) -> None:
    """So that another channel can be tried."""
    with pytest.raises(kind) as caught:
        await anext(engine.answer(REQUEST, model, context(stream=stream)))
    assert "secret" not in caught.value.detail
    if isinstance(caught.value, RateLimited):
        assert caught.value.retry_after == 7.0


async def test_a_refused_key_is_never_the_caller_s(engine: OpenAI, upstream: FakeUpstream) -> None:
    """401 from there must not become 401 here."""
    upstream.reply(401, shapes.openai_error("Incorrect API key: sk-ours", "invalid_request_error"))

    with pytest.raises(UpstreamRefused) as caught:
        await answer(engine)
    assert caught.value.status == 502
    assert "sk-ours" not in caught.value.detail


@pytest.mark.parametrize("stream", [True, False])
async def test_a_prompt_that_a_filter_refused_is_an_ending(
    stream: bool, engine: OpenAI, upstream: FakeUpstream
) -> None:
    """As the Gemini API has it: an answer without candidates that says why."""
    upstream.reply(400, shapes.openai_error("It says bad things.", "x", "content_filter"))
    found = await answer(engine, stream=stream)

    assert found.candidates == ()
    assert found.blocked == End("", blocked=Blocked("SAFETY", None, "It says bad things."))


async def test_an_error_whose_body_is_endless_or_cut_is_still_that_error(
    engine: OpenAI, upstream: FakeUpstream
) -> None:
    """Its status says enough."""
    upstream.raw(b"HTTP/1.1 503 No\r\ncontent-length: 50\r\n\r\n{")
    upstream.reply(503, b"x" * (2 << 20))

    for _ in range(2):
        with pytest.raises(Overloaded):
            await answer(engine)


@pytest.mark.parametrize(
    ("model", "kind"),
    [("fake-cut", StreamCut), ("fake-reset", StreamCut), ("fake-error", Overloaded)],
)
async def test_a_stream_that_breaks_ends_in_a_fault_after_what_came(
    model: str, kind: type[Fault], engine: OpenAI
) -> None:
    """Nothing made is lost, and nothing cut looks whole."""
    seen: list[Event] = []

    async def collect() -> None:
        async for event in engine.answer(REQUEST, model, context(stream=True)):
            seen.append(event)  # noqa: PERF401  keeps what came before the fault

    with pytest.raises(kind):
        await collect()
    assert PartStart(0, Text(text="The ")) in seen
    assert not [event for event in seen if isinstance(event, PartEnd)]


@pytest.mark.parametrize("model", ["fake-hang", "fake-stall"])
async def test_the_deadline_ends_what_stalls(
    model: str, engine: OpenAI, upstream: FakeUpstream
) -> None:
    """Before the first byte or in the middle."""
    with pytest.raises(DeadlinePassed):
        await events(engine, context(stream=True, seconds=0.2), model=model)
    await upstream.until(lambda: upstream.open_connections == 0)


async def test_a_server_that_answers_whole_when_asked_for_a_stream(
    engine: OpenAI, upstream: FakeUpstream
) -> None:
    """Some do; the caller still gets events."""
    upstream.reply(200, shapes.openai_unary({"model": "m"}))

    assert (await answer(engine)).candidates[0].content.parts == (Text(text=WORDS),)


async def test_a_web_page_is_not_an_answer(engine: OpenAI, upstream: FakeUpstream) -> None:
    """What a wrong base_url gives; the operator is told."""
    upstream.reply(200, b"<html>secret</html>", kind="text/html")

    with pytest.raises(UpstreamMalformed, match="base_url"):
        await answer(engine)


async def test_a_stream_may_end_without_a_done(engine: OpenAI, upstream: FakeUpstream) -> None:
    """The finish reason is what counts."""
    upstream.sse(list(shapes.openai_stream({"model": "m"}))[:-1])

    assert (await answer(engine)).candidates[0].content.parts == (Text(text=WORDS),)


async def test_an_answer_is_over_with_its_done(engine: OpenAI, upstream: FakeUpstream) -> None:
    """A server that keeps the stream open after [DONE] does not keep the caller."""
    upstream.sse(list(shapes.openai_stream({"model": "m"})), "stall")

    async with asyncio.timeout(5):
        found = await answer(engine)
    assert found.candidates[0].end.reason == "STOP"
    await upstream.until(lambda: upstream.open_connections == 0)


async def test_streams_give_their_connection_back(engine: OpenAI, upstream: FakeUpstream) -> None:
    """A new TLS handshake for each answer would cost more than all else."""
    for _ in range(3):
        await answer(engine)
    assert upstream.connections_made == 1


async def test_sixty_four_at_once_and_some_leave(
    engine: OpenAI, upstream: FakeUpstream, transport: Transport
) -> None:
    """Each gets its own answer; those who leave leave nothing behind."""

    async def one(number: int) -> int:
        model = "fake-slow" if number % 2 else "fake"
        count = 0
        async with aclosing(engine.answer(REQUEST, model, context(stream=True))) as found:
            async for _ in found:
                count += 1
                if number % 2 and count > number % 7:
                    break
        return count

    counts = await asyncio.gather(*(one(number) for number in range(64)))
    assert {counts[number] for number in range(0, 64, 2)} == {8 + 1}
    assert transport.open_count == 0
    await upstream.until(lambda: upstream.active_streams == 0)


async def test_what_cannot_be_asked_is_not_sent(engine: OpenAI, upstream: FakeUpstream) -> None:
    """Refused before it costs anything."""
    request = Request(
        model="m", contents=REQUEST.contents, builtins=(BuiltinTool("googleSearch", Json(b"{}")),)
    )

    with pytest.raises(Unsupported):
        await answer(engine, request=request)
    assert upstream.requests == []


async def test_counting_is_an_estimate_and_says_so(engine: OpenAI, upstream: FakeUpstream) -> None:
    """A quarter of the bytes of all that is said; the bytes of a picture are no words."""
    media = Blob(mime="image/png", data="A" * 100_000)
    parts = (
        Text(text="é" * 4),
        Thought(text="12"),
        Call(name="f", args=Json(b"{}")),
        Result(name="f", response=Json(b"{}"), media=(media,)),
        Code(code="1"),
        CodeResult(outcome="OUTCOME_OK", output="1"),
        FileRef(uri="https://a.example/b"),
        Opaque(dialect="openai", kind="x", body=Json(b"{}")),
    )
    tools = (FunctionTool(name="abcd", description="efgh", parameters=Json(b"{}")),)
    request = Request(model="m", contents=(Content("user", parts),), functions=tools)
    count = await engine.count(request, "fake", context(stream=False))

    assert count.estimated
    assert count.total == 2 * 256 + -(-(8 + 2 + 3 + 3 + 1 + 1 + 2 + 10) // 4)
    assert upstream.requests == []
    assert await engine.input_limit("fake") is None


@pytest.mark.parametrize(
    ("status", "ready"), [(200, True), (404, True), (401, False), (503, False), (429, False)]
)
async def test_health(status: int, ready: bool, engine: OpenAI, upstream: FakeUpstream) -> None:
    """A server without a list of models is well; one that refuses our key is not."""
    upstream.reply(status, {"data": []})
    found = await engine.health()

    assert found.ready is ready
    assert bool(found.detail) is not ready
    assert (upstream.requests[0].method, upstream.requests[0].path) == ("GET", "/v1/models")


async def test_health_of_a_server_that_is_not_there(transport: Transport) -> None:
    """It never raises."""
    engine = OpenAI(transport, "http://127.0.0.1:1/v1")

    assert not (await engine.health()).ready
    with pytest.raises(UpstreamUnreachable):
        await answer(engine)
    await engine.close()
