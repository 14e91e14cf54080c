"""What users of other gateways complained of, each named by where they did (spec/pains.md).

The tool loops beside this file are tests of the first and the loudest, litellm#16893, for every
client; here is what it takes beyond them.
"""

import base64
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from google import genai
from google.genai import types
from openai import OpenAI

from tests.clients.agents import PARALLEL, TWO
from tests.clients.desk import TOOLS
from tests.clients.test_openai_python import by_hand, calls_of
from tests.fakes import gemini_rules, shapes
from tests.fakes.gemini_agent import GeminiAgent, in_thread
from tests.fakes.upstream import FakeUpstream
from tests.serving import Serving, serving

MODEL = "gemini-3-pro-preview"
ISSUED = {base64.b64decode(shapes.SIGNATURE)}
STRANGER = base64.b64encode(b"\x12a signature that nobody here has made").decode()
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": shapes.CALL_NAME,
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}
HELLO: Any = {"role": "user", "content": "How is the weather?"}


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeUpstream]:
    with in_thread(FakeUpstream()) as upstream:
        yield upstream


@pytest.fixture
def upstream(fake: FakeUpstream) -> FakeUpstream:
    """Google and an OpenAI-like server in one; its requests are those of this test."""
    fake.requests.clear()
    return fake


@pytest.fixture(scope="module")
def server(fake: FakeUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    config = (
        f'[[channel]]\nname = "google"\nengine = "google"\nbase_url = "{fake.url}"\n'
        f'key = "env:FAKE_KEY"\nmodels = ["{MODEL}", "any-503"]\n'
        f'[[channel]]\nname = "other"\nengine = "openai"\nbase_url = "{fake.url}/v1"\n'
        f'key = "env:FAKE_KEY"\nmodels = ["gpt"]\n'
    )
    with serving(tmp_path_factory.mktemp("pains"), config, FAKE_KEY="k") as server:
        yield server


@pytest.fixture
def client(server: Serving) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{server.url}/v1", api_key="any", max_retries=0) as client:
        yield client


def called(id_: str, **more: Any) -> Any:
    """An assistant's message with one call."""
    function = {"name": shapes.CALL_NAME, "arguments": json.dumps(shapes.CALL_ARGS)}
    call = {"id": id_, "type": "function", "function": function}
    return {"role": "assistant", "content": None, "tool_calls": [call | more]}


def answered(id_: str, content: str = '{"temp": "15C"}') -> Any:
    return {"role": "tool", "tool_call_id": id_, "content": content}


def sent(upstream: FakeUpstream) -> dict[str, Any]:
    """The last request, which a Gemini 3 that made `shapes.SIGNATURE` would not refuse."""
    [*_, request] = upstream.requests
    asked = request.json()
    gemini_rules.check(asked, MODEL, ISSUED)
    return asked


def ask(client: OpenAI, *messages: Any, **more: Any) -> Any:
    asked = {"model": MODEL, "messages": [HELLO, *messages], "tools": [WEATHER]} | more
    return client.chat.completions.with_raw_response.create(**asked)


def test_a1_a_history_that_was_never_here_is_served(client: OpenAI, upstream: FakeUpstream) -> None:
    """litellm#16893, portkey#1442, opencode#4832, Roo-Code#9499, n8n#31303, ollama#15785.

    A hundred messages of another server's, without a signature anywhere.
    """
    past: list[Any] = []
    for number in range(25):
        id_ = f"call_{number}"
        past += [
            {"role": "user", "content": f"How is the weather on day {number}?"},
            called(id_),
            answered(id_),
            {"role": "assistant", "content": "15C."},
        ]

    reply = ask(client, messages=past[:-1])

    assert reply.headers["x-geminid-signature"] == "bypassed"
    assert reply.parse().choices[0].message.content == "".join(shapes.WORDS)
    assert len(sent(upstream)["contents"]) == len(past) - 1


def test_a2_an_id_is_short_and_has_nothing_in_it(client: OpenAI, upstream: FakeUpstream) -> None:
    """litellm#41534: a signature in the id made it 949 characters, where OpenAI takes 64."""
    bare = {"functionCall": {"name": shapes.CALL_NAME, "args": {}}}
    signed = bare | {"thoughtSignature": base64.b64encode(bytes(640)).decode()}
    upstream.reply(200, shapes.gemini_object([signed, bare], MODEL, finishReason="STOP"))

    calls = ask(client).parse().choices[0].message.tool_calls

    assert len({call.id for call in calls}) == 2
    assert all(re.fullmatch(r"call_[A-Za-z0-9]{24}", call.id) for call in calls)


def test_a2_an_id_with_a_signature_in_it_does_not_reach_another_engine(
    client: OpenAI, upstream: FakeUpstream
) -> None:
    """litellm#41534, litellm#18160: the fallback from Gemini to OpenAI died of it."""
    id_ = f"call_0123456789__thought__{base64.b64encode(bytes(690)).decode()}"
    assert len(id_) > 900

    ask(client, called(id_), answered(id_), model="any-503", extra_body={"models": ["gpt"]})

    *_, last = upstream.requests
    assert last.path == "/v1/chat/completions"
    assert b"__thought__" not in last.body
    _, call, result = last.json()["messages"]
    assert call["tool_calls"][0]["id"] == result["tool_call_id"] == "call_0123456789"


def test_a2_the_signature_in_such_an_id_is_read(client: OpenAI, upstream: FakeUpstream) -> None:
    """litellm#16895: histories that its proxy wrote are worth what they say."""
    ask(client)  # so that the signature is known here
    id_ = f"call_0123456789__thought__{shapes.SIGNATURE}"

    reply = ask(client, called(id_), answered(id_))

    assert reply.headers["x-geminid-signature"] == "native"
    [_, model, _] = sent(upstream)["contents"]
    assert model["parts"][0]["thoughtSignature"] == shapes.SIGNATURE


SEARCHED: dict[str, Any] = {
    "toolCall": {"id": "s1s1s1s1", "toolType": "GOOGLE_SEARCH_WEB", "args": {"queries": ["x"]}},
    "thoughtSignature": shapes.SIGNATURE,
}
FOUND: dict[str, Any] = {
    "toolResponse": {"id": "s1s1s1s1", "toolType": "GOOGLE_SEARCH_WEB", "response": {"a": 1}},
    "thoughtSignature": shapes.SIGNATURE,
}
CALLED: dict[str, Any] = {
    "functionCall": {"name": shapes.CALL_NAME, "args": shapes.CALL_ARGS, "id": "c1c1c1c1"},
    "thoughtSignature": shapes.SIGNATURE,
}


@pytest.mark.parametrize("streams", [False, True], ids=["whole", "streamed"])
def test_a4_search_and_functions_mix(streams: bool, client: OpenAI, upstream: FakeUpstream) -> None:
    """CLIProxyAPI#5652: the server's own tools are signed, too, and the next turn was a 400.

    This API has no word for them: the call keeps its own signature.
    """
    answer = shapes.gemini_object([SEARCHED, FOUND, CALLED], MODEL, finishReason="STOP")
    if streams:
        upstream.sse([shapes.gemini_event(answer)])
        with client.chat.completions.stream(
            model=MODEL, messages=[HELLO], tools=[WEATHER], extra_body={"plugins": [{"id": "web"}]}
        ) as stream:
            [choice] = stream.get_final_completion().choices
    else:
        upstream.reply(200, answer)
        [choice] = ask(client, extra_body={"plugins": [{"id": "web"}]}).parse().choices

    assert choice.finish_reason == "tool_calls"
    offered = {name for tool in sent(upstream)["tools"] for name in tool}
    assert offered == {"functionDeclarations", "googleSearch"}
    [call] = choice.message.tool_calls or []
    ask(client, called(call.id), answered(call.id))
    [_, model, _] = sent(upstream)["contents"]
    assert model["parts"][-1]["thoughtSignature"] == shapes.SIGNATURE


def test_a4_in_its_own_api_every_part_comes_back_signed(
    server: Serving, upstream: FakeUpstream
) -> None:
    """CLIProxyAPI#5652, by google-genai: what the model sent is what it gets, in each part."""
    answer = shapes.gemini_object([SEARCHED, FOUND, CALLED], MODEL, finishReason="STOP")
    upstream.reply(200, answer)
    options = types.HttpOptions(base_url=server.url)
    result = types.Part.from_function_response(name=shapes.CALL_NAME, response={"temp": "15C"})
    config = types.GenerateContentConfig(
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True)
    )

    with genai.Client(api_key="any", http_options=options) as native:
        chat = native.chats.create(model=MODEL, config=config)
        chat.send_message("Look and call.")
        chat.send_message(result)

    [_, model, _] = sent(upstream)["contents"]
    signatures = [part.get("thoughtSignature") for part in model["parts"]]
    assert signatures == [shapes.SIGNATURE] * 3


CLAUDES: list[dict[str, Any]] = [
    {
        "reasoning_details": [
            {
                "type": "reasoning.text",
                "text": "Let me think.",
                "signature": STRANGER,
                "format": "anthropic-claude-v1",
                "index": 0,
            }
        ]
    },
    {
        "reasoning_details": [
            {
                "type": "reasoning.encrypted",
                "data": STRANGER,
                "id": "toolu_1",
                "format": "openai-responses-v1",
                "index": 0,
            }
        ]
    },
    {"extra_content": {"google": {"thought_signature": STRANGER}}},
    {"provider_specific_fields": {"thought_signature": STRANGER}},
    {"thought_signature": STRANGER},
]


@pytest.mark.parametrize("carried", CLAUDES, ids="/".join)
def test_a5_another_models_signature_never_goes_upstream(
    carried: dict[str, Any], client: OpenAI, upstream: FakeUpstream
) -> None:
    """OmniRoute#1410, 9router#4136: Claude, then Gemini, in one chat."""
    message = called("toolu_1") | carried
    if "reasoning_details" not in carried:
        message["tool_calls"][0] |= carried

    ask(client, message, answered("toolu_1"))

    assert STRANGER not in json.dumps(sent(upstream))


@pytest.fixture(scope="module")
def two_projects(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Serving, GeminiAgent]]:
    """A server that has its models from two projects; each model knows only its own signatures."""
    agent = GeminiAgent({loop.model: loop.turns() for loop in (TWO, PARALLEL)})
    with in_thread(FakeUpstream(answer=agent)) as upstream:
        config = "".join(
            f'[[channel]]\nname = "{name}"\nengine = "google"\nbase_url = "{upstream.url}"\n'
            f'key = "env:FAKE_KEY_{name.upper()}"\nmodels = ["{loop.model}"]\n'
            for name, loop in (("one", TWO), ("two", PARALLEL))
        )
        keys = {"FAKE_KEY_ONE": "k1", "FAKE_KEY_TWO": "k2"}
        with serving(tmp_path_factory.mktemp("projects"), config, **keys) as server:
            yield server, agent


@pytest.mark.parametrize("keeps", [True, False], ids=["kept", "dropped"])
def test_a5_a_change_of_model_in_the_middle_sends_no_foreign_signature(
    keeps: bool, two_projects: tuple[Serving, GeminiAgent]
) -> None:
    """OmniRoute#1410, gemini-cli#13467: both models are Gemini's, and each knows only its own.

    Whether the client brings the signature along, or it would be put back.
    """
    server, agent = two_projects
    messages: list[Any] = [{"role": "user", "content": TWO.asked}]
    with OpenAI(base_url=f"{server.url}/v1", api_key="any", max_retries=0) as client:
        for model, told in ((TWO.model, None), (PARALLEL.model, PARALLEL.told), (TWO.model, None)):
            answer = client.chat.completions.create(model=model, messages=messages, tools=TOOLS)
            message = answer.choices[0].message
            if told is not None:
                assert message.content == told
                continue
            [call] = message.tool_calls or []
            messages += [
                message if keeps else by_hand(message.content or "", calls_of(message)),
                answered(call.id),
            ]

    assert agent.refused == []
    first, second, third = agent.accepted[-3:]
    bypass = base64.urlsafe_b64decode(gemini_rules.BYPASSES[1])
    assert [each.data for each in second.signatures] == [bypass]
    assert [each.data for each in third.signatures] == agent.issued[TWO.model][-2:-1]
    assert first.signatures == ()
