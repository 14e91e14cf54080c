"""What users of other gateways complained of, continued: tools, and answers that broke off."""

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai import OpenAI

from tests.fakes import shapes
from tests.fakes.gemini_agent import in_thread
from tests.fakes.upstream import FakeUpstream
from tests.serving import serving

MODEL = "gemini-3-pro-preview"
HELLO: Any = {"role": "user", "content": "How is the weather?"}
SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {
        "place": {"$ref": "#/$defs/place"},
        "unit": {"const": "C"},
        "when": {"oneOf": [{"type": "string", "format": "date"}, {"type": "null"}]},
        "tags": {"type": "array", "items": {"type": "string"}, "uniqueItems": True},
        "labels": {
            "type": "object",
            "propertyNames": {"pattern": "^[a-z]+$"},
            "additionalProperties": {"type": "string"},
        },
        "days": {"type": "integer", "exclusiveMinimum": 0, "multipleOf": 1},
    },
    "required": ["place"],
    "additionalProperties": False,
    "$defs": {
        "place": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "within": {"$ref": "#/$defs/place"}},
        }
    },
}
NAMES = ["mcp__weather-server__" + "get_the_weather_of_" * 4, "weather/get now", "wetter_für_heute"]


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeUpstream]:
    with in_thread(FakeUpstream()) as upstream:
        yield upstream


@pytest.fixture
def upstream(fake: FakeUpstream) -> FakeUpstream:
    fake.requests.clear()
    return fake


@pytest.fixture(scope="module")
def client(fake: FakeUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenAI]:
    config = (
        f'[[channel]]\nname = "google"\nengine = "google"\nbase_url = "{fake.url}"\n'
        f'key = "env:FAKE_KEY"\nmodels = ["{MODEL}"]\n'
    )
    with (
        serving(tmp_path_factory.mktemp("pains"), config, FAKE_KEY="k") as server,
        OpenAI(base_url=f"{server.url}/v1", api_key="any", max_retries=0) as client,
    ):
        yield client


def declared(name: str, schema: dict[str, Any]) -> Any:
    return {"type": "function", "function": {"name": name, "parameters": schema}}


def ask(client: OpenAI, *messages: Any, **more: Any) -> Any:
    asked = {"model": MODEL, "messages": [HELLO, *messages]} | more
    return client.chat.completions.create(**asked)


def sent(upstream: FakeUpstream) -> dict[str, Any]:
    [*_, request] = upstream.requests
    return request.json()


def test_a6_every_keyword_of_a_schema_arrives(client: OpenAI, upstream: FakeUpstream) -> None:
    """CLIProxyAPI#97, #2142, cline#7339, ccs#25, forgecode#3426, nodetool#4388.

    Each of them stripped one keyword for each report; Google's JSON Schema field takes them all.
    """
    ask(client, tools=[declared("get_weather", SCHEMA)])

    [tool] = sent(upstream)["tools"]
    [function] = tool["functionDeclarations"]
    assert function["parametersJsonSchema"] == SCHEMA
    assert "parameters" not in function


@pytest.mark.parametrize("name", NAMES)
def test_a6_a_name_that_gemini_does_not_take_is_still_the_callers(
    name: str, client: OpenAI, upstream: FakeUpstream
) -> None:
    """Names above 64 characters, and other alphabets: changed on the way, and back."""
    tools = [declared(name, SCHEMA)]
    ask(client, tools=tools)
    [function] = sent(upstream)["tools"][0]["functionDeclarations"]
    theirs = function["name"]
    call = {"functionCall": {"name": theirs, "args": {"place": {}}}}
    signed = call | {"thoughtSignature": shapes.SIGNATURE}
    upstream.reply(200, shapes.gemini_object([signed], MODEL, finishReason="STOP"))

    message = ask(client, tools=tools).choices[0].message
    [made] = message.tool_calls
    result = {"role": "tool", "tool_call_id": made.id, "content": "15C"}
    ask(client, message, result, tools=tools)

    assert made.function.name == name
    assert len(theirs) <= 64
    assert theirs.isascii()
    [_, said, results] = sent(upstream)["contents"]
    assert said["parts"][0]["functionCall"]["name"] == theirs
    assert results["parts"][0]["functionResponse"]["name"] == theirs


@pytest.mark.parametrize("content", ['{"$ref": "#/a"}', '{"a": [{"b": {"$ref": "x"}}]}'])
def test_a6_a_result_with_a_reference_is_wrapped(
    content: str, client: OpenAI, upstream: FakeUpstream
) -> None:
    """hermes-agent#93014, vercel/ai#14369: Gemini 3 refuses such a result."""
    message = ask(client, tools=[declared(shapes.CALL_NAME, SCHEMA)]).choices[0].message
    result = {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": content}
    ask(client, message, result, tools=[declared(shapes.CALL_NAME, SCHEMA)])

    [*_, results] = sent(upstream)["contents"]
    assert results["parts"][0]["functionResponse"]["response"] == {"result": content}


BROKEN = ["MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "OTHER"]


@pytest.mark.parametrize("reason", BROKEN)
@pytest.mark.parametrize("streams", [False, True], ids=["whole", "streamed"])
def test_a7_a_malformed_call_is_no_success(
    streams: bool, reason: str, client: OpenAI, upstream: FakeUpstream
) -> None:
    """hermes-agent#83882, trpc-agent-go#1427, agno#5628, PasClaw#406: it was `stop`, and empty."""
    said = shapes.gemini_object([{"text": "I call "}], MODEL)
    broken = shapes.gemini_object([], MODEL, finishReason=reason, finishMessage="print(f(1)")
    if streams:
        upstream.sse([shapes.gemini_event(said), shapes.gemini_event(broken)])
    else:
        upstream.reply(200, broken)

    seen: list[Any] = []
    with pytest.raises(openai.APIError, match=reason):
        seen.extend(asked(client, streams=streams))

    assert [choice.finish_reason for chunk in seen for choice in chunk.choices] == [None] * len(
        seen
    )


def asked(client: OpenAI, *, streams: bool) -> Iterator[Any]:
    """The chunks of a stream, or one whole answer."""
    tools = [declared("get_weather", SCHEMA)]
    answer = ask(client, tools=tools, stream=streams)
    if streams:
        yield from answer
    else:
        yield answer


PIECES = [shapes.gemini_event(shapes.gemini_object([{"text": word}], MODEL)) for word in "ab"]


@pytest.mark.parametrize("ending", ["done", "cut", "reset", "error"])
def test_d21_a_stream_without_an_ending_is_an_error(
    ending: Any, client: OpenAI, upstream: FakeUpstream
) -> None:
    """freellmapi PR#1288, CLIProxyAPI#5651, kelivo#1003: a cut answer looked like a whole one.

    Even if the connection is closed in good order ("done"): no chunk said why the answer ended.
    """
    upstream.sse(PIECES, ending)
    seen: list[Any] = []

    with pytest.raises(openai.APIError):
        seen.extend(ask(client, stream=True))

    choices = [choice for chunk in seen for choice in chunk.choices]
    assert "".join(choice.delta.content or "" for choice in choices) == "ab"
    assert not any(choice.finish_reason for choice in choices)


def test_d21_half_a_whole_answer_is_an_error(client: OpenAI, upstream: FakeUpstream) -> None:
    body = json.dumps(shapes.gemini_unary({}, MODEL)).encode()
    upstream.unary(body, cut_at=len(body) // 2)

    with pytest.raises(openai.InternalServerError):
        ask(client)


def test_d21_an_ending_in_the_middle_does_not_end_the_answer(
    client: OpenAI, upstream: FakeUpstream
) -> None:
    """rig#2328: with built-in tools Gemini says STOP after each of its own steps."""
    steps = [
        shapes.gemini_object([{"text": "I look. "}], MODEL, finishReason="STOP"),
        shapes.gemini_object([{"text": "Found."}], MODEL),
        shapes.gemini_object([{"text": ""}], MODEL, finishReason="STOP"),
    ]
    upstream.sse([shapes.gemini_event(step) for step in steps])

    chunks = [chunk for chunk in ask(client, stream=True) if chunk.choices]

    said = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert said == "I look. Found."
    endings = [chunk.choices[0].finish_reason for chunk in chunks]
    assert endings == [*[None] * (len(chunks) - 1), "stop"]
