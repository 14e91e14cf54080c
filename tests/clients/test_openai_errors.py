"""How failures reach users of openai (Python): as the classes of error that they catch."""

import hashlib
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai import OpenAI
from openai.types.chat import ChatCompletionChunk

from tests.fakes.gemini_agent import in_thread
from tests.fakes.upstream import FakeUpstream
from tests.serving import Serving, serving

ENDS = ["cut", "reset", "error"]
MODELS = ["any", *(f"any-{scenario}" for scenario in (*ENDS, "429", "503", "html", "malformed"))]
KEY = "sk-ada"
HELLO: list[Any] = [{"role": "user", "content": "hello"}]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """It knows one caller; its upstream fails in the way that a model's name says."""
    with in_thread(FakeUpstream()) as upstream:
        config = (
            f'[[caller]]\nname = "ada"\nkey_sha256 = "{hashlib.sha256(KEY.encode()).hexdigest()}"\n'
            f'[[channel]]\nname = "fake"\nengine = "google"\nbase_url = "{upstream.url}"\n'
            f'key = "env:FAKE_KEY"\nmodels = {MODELS}\n'
        )
        with serving(tmp_path_factory.mktemp("errors"), config, FAKE_KEY="k") as server:
            yield server


@pytest.fixture(params=["/v1", "/api/v1", "/v1beta/openai"])
def client(request: pytest.FixtureRequest, server: Serving) -> Iterator[OpenAI]:
    address = server.url + request.param
    with OpenAI(base_url=address, api_key=KEY, max_retries=0) as client:
        yield client


def routed(client: OpenAI) -> bool:
    """Whether it asks at OpenRouter's address, where codes are numbers."""
    return "/api/v1" in str(client.base_url)


@pytest.mark.parametrize("streams", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(
    ("model", "kind", "status"),
    [
        ("gemini-nope", openai.NotFoundError, 404),
        ("any-429", openai.RateLimitError, 429),
        ("any-503", openai.InternalServerError, 503),
        ("any-html", openai.InternalServerError, 502),
        ("any-malformed", openai.InternalServerError, 502),
    ],
)
def test_what_fails_before_the_first_word_has_its_status(
    model: str, kind: type[openai.APIStatusError], status: int, streams: bool, client: OpenAI
) -> None:
    """In a stream as well: nothing of it is out yet."""
    with pytest.raises(kind) as caught:
        client.chat.completions.create(model=model, messages=HELLO, stream=streams)

    assert caught.value.status_code == status
    assert isinstance(caught.value.body, dict)
    assert caught.value.body["message"]
    assert "secret" not in str(caught.value)


def test_a_limit_says_when_to_come_back(client: OpenAI) -> None:
    with pytest.raises(openai.RateLimitError) as caught:
        client.chat.completions.create(model="any-429", messages=HELLO)

    assert caught.value.response.headers["retry-after"] == "7"
    assert caught.value.type == "rate_limit_error"


@pytest.mark.parametrize("ending", ENDS)
def test_a_stream_that_breaks_raises_and_never_ends(ending: str, client: OpenAI) -> None:
    """What was said before is there; no ending is, and the client's loop does not just stop."""
    stream = client.chat.completions.create(model=f"any-{ending}", messages=HELLO, stream=True)
    seen: list[ChatCompletionChunk] = []

    with pytest.raises(openai.APIError) as caught:
        seen.extend(stream)

    assert not isinstance(caught.value, openai.APIStatusError)
    choices = [choice for chunk in seen for choice in chunk.choices]
    assert "".join(choice.delta.content or "" for choice in choices).startswith("The fake ")
    assert [choice.finish_reason for choice in choices if choice.finish_reason] == []
    assert caught.value.message in (
        "The upstream closed before its answer had ended; try again.",
        "It broke.",
    )


@pytest.mark.parametrize("key", ["sk-eve", "nonsense key"])
def test_a_wrong_key_is_refused(key: str, client: OpenAI) -> None:
    stranger = client.with_options(api_key=key)

    with pytest.raises(openai.AuthenticationError) as caught:
        stranger.chat.completions.create(model="any", messages=HELLO)

    assert caught.value.code == ("401" if routed(client) else "invalid_api_key")
    assert key not in str(caught.value)


@pytest.mark.parametrize(
    ("asked", "param"),
    [
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages[0].role"),
        (
            {"messages": [*HELLO, {"role": "tool", "tool_call_id": "call_1", "content": "x"}]},
            "messages[1]",
        ),
        ({"messages": HELLO, "temperature": "warm"}, "temperature"),
        ({"messages": HELLO, "tools": [{"type": "function"}]}, "tools[0]"),
        ({"messages": HELLO, "tool_choice": {"type": "function", "function": {"name": "f"}}}, ""),
    ],
)
def test_a_bad_request_names_the_field(asked: dict[str, Any], param: str, client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model="any", **asked)

    assert (caught.value.param or "").startswith(param)


def test_an_error_has_every_field_that_the_api_has(client: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        client.chat.completions.create(model="gemini-nope", messages=HELLO)

    error = caught.value
    assert isinstance(error.body, dict)
    assert {"message", "type", "param", "code"} <= set(error.body)
    assert error.body["type"] == "invalid_request_error"
    assert error.body["code"] == (404 if routed(client) else "model_not_found")


def test_a_path_that_is_not_served_is_not_found(client: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError):
        client.audio.speech.create(model="any", input="x", voice="alloy")
