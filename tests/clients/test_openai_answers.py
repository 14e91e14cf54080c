"""openai (Python) with strict response validation: every kind of answer, whole and streamed."""

import base64
from collections.abc import Iterator
from typing import Any

import pytest
from openai import ContentFilterFinishReasonError, LengthFinishReasonError, OpenAI
from openai.types.chat import ChatCompletionStreamOptionsParam
from pydantic import BaseModel

from tests.clients.kinds import KINDS, PICTURE, SIGNATURE, Answering, Kind
from tests.fakes.gemini_agent import in_thread
from tests.fakes.upstream import FakeUpstream
from tests.serving import serving

MODEL = "any"
COUNTED: ChatCompletionStreamOptionsParam = {"include_usage": True}
OF = {kind.name: kind for kind in KINDS}


class Person(BaseModel):
    name: str
    age: int


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenAI]:
    """What does not fit the API's own types is an error for this one."""
    with in_thread(FakeUpstream(answer=Answering())) as upstream:
        config = (
            f'[[channel]]\nname = "fake"\nengine = "google"\nbase_url = "{upstream.url}"\n'
            f'key = "env:FAKE_KEY"\nmodels = ["{MODEL}"]\n'
        )
        with (
            serving(tmp_path_factory.mktemp("answers"), config, FAKE_KEY="k") as server,
            OpenAI(
                base_url=f"{server.url}/v1",
                api_key="any",
                max_retries=0,
                _strict_response_validation=True,
            ) as client,
        ):
            yield client


def asking(kind: Kind) -> dict[str, Any]:
    return {"model": MODEL, "messages": [{"role": "user", "content": kind.name}], **kind.ask}


def whole(client: OpenAI, name: str) -> Any:
    """The answer to the kind `name`."""
    return client.chat.completions.create(**asking(OF[name]))


def folded(client: OpenAI, kind: Kind) -> Any:
    """The stream as the client's own helper puts it together.

    The helper raises at a filtered answer, and at one cut by its length: it has not heard of the
    counts by then.
    """
    with client.chat.completions.stream(**asking(kind), stream_options=COUNTED) as stream:
        try:
            return stream.get_final_completion()
        except (LengthFinishReasonError, ContentFilterFinishReasonError):
            return stream.current_completion_snapshot


every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)


@every_kind
def test_a_whole_answer_is_valid(kind: Kind, client: OpenAI) -> None:
    answer = client.chat.completions.create(**asking(kind))

    assert (answer.object, answer.model) == ("chat.completion", MODEL)
    assert [choice.index for choice in answer.choices] == list(range(kind.ask.get("n", 1)))
    assert answer.usage is not None
    counted = answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert answer.usage.total_tokens == counted > 0


@every_kind
def test_every_chunk_of_a_stream_is_valid(kind: Kind, client: OpenAI) -> None:
    asked = asking(kind) | {"stream": True, "stream_options": COUNTED}
    *chunks, last = client.chat.completions.create(**asked)

    assert {chunk.object for chunk in chunks} == {"chat.completion.chunk"}
    assert len({chunk.id for chunk in [*chunks, last]}) == 1
    assert last.choices == []
    assert last.usage is not None
    endings = [choice.finish_reason for chunk in chunks for choice in chunk.choices]
    assert len([ending for ending in endings if ending]) == kind.ask.get("n", 1)


@every_kind
def test_a_stream_folds_to_the_message_of_its_twin(kind: Kind, client: OpenAI) -> None:
    """Text, calls, thoughts with their details and signatures, endings, and counts."""
    twin = client.chat.completions.create(**asking(kind))
    streamed = folded(client, kind)

    assert messages(streamed) == messages(twin)
    assert [choice.finish_reason for choice in streamed.choices] == [
        choice.finish_reason for choice in twin.choices
    ]
    assert [choice.logprobs for choice in streamed.choices] == [
        choice.logprobs for choice in twin.choices
    ]
    if streamed.usage is not None:
        assert streamed.usage == twin.usage
    assert (streamed.model, streamed.service_tier) == (twin.model, twin.service_tier)


def messages(answer: Any) -> list[dict[str, Any]]:
    """What was said, without what only a stream or the helper has.

    That is the place of a call in a list that has an order anyway, its parsed arguments, an empty
    text for none, and the identity of a sound.
    """
    found: list[dict[str, Any]] = []
    for choice in answer.choices:
        message = choice.message.model_dump(mode="json", exclude_none=True)
        for call in message.get("tool_calls", ()):
            call.pop("index", None)
            call["function"].pop("parsed_arguments", None)
        if "audio" in message:
            assert message["audio"].pop("id")
            assert message["audio"].pop("expires_at")
        found.append({name: value for name, value in message.items() if value not in ("", [])})
    return found


@pytest.mark.parametrize(
    ("name", "ending"),
    [
        ("text", "stop"),
        ("a call", "tool_calls"),
        ("parallel calls", "tool_calls"),
        ("cut by its length", "length"),
        ("filtered", "content_filter"),
        ("blocked", "content_filter"),
    ],
)
def test_endings_are_told_in_this_apis_words(name: str, ending: str, client: OpenAI) -> None:
    [choice] = whole(client, name).choices

    assert choice.finish_reason == ending


def test_an_object_is_parsed_into_its_class(client: OpenAI) -> None:
    """As `parse` and the stream helper do it, from a class."""
    asked = asking(OF["an object"]) | {"response_format": Person}

    parsed = client.chat.completions.parse(**asked).choices[0].message.parsed
    with client.chat.completions.stream(**asked) as stream:
        streamed = stream.get_final_completion().choices[0].message.parsed

    assert parsed == streamed == Person(name="Ada", age=36)


def test_parallel_calls_are_one_message_with_whole_arguments(client: OpenAI) -> None:
    [choice] = whole(client, "parallel calls").choices

    assert choice.message.content is None
    calls = [(call.type, call.id, call.function.arguments) for call in choice.message.tool_calls]
    assert calls == [
        ("function", "a1b2c3d4", '{"city":"東京"}'),
        ("function", "e5f6g7h8", '{"city":"Oslo"}'),
    ]


def test_signatures_are_in_every_carrier(client: OpenAI) -> None:
    """On the call for Google's layer and for litellm, and for OpenRouter in the message."""
    message = whole(client, "thoughts, words and a call").choices[0].message
    [call] = message.tool_calls

    assert call.model_extra["extra_content"] == {"google": {"thought_signature": SIGNATURE}}
    assert call.model_extra["provider_specific_fields"] == {"thought_signature": SIGNATURE}
    text, encrypted = message.model_extra["reasoning_details"]
    assert (text["text"], text["index"]) == ("First this. Then that.", 0)
    assert (encrypted["type"], encrypted["id"]) == ("reasoning.encrypted", call.id)
    assert (encrypted["data"], encrypted["index"]) == (SIGNATURE, 1)
    assert {text["format"], encrypted["format"]} == {"google-gemini-v1"}


def test_probabilities_are_told_for_each_token(client: OpenAI) -> None:
    content = whole(client, "probabilities").choices[0].logprobs.content

    assert [(each.token, each.logprob) for each in content] == [("Hel", -0.1), ("lo.", -0.2)]
    assert [len(each.top_logprobs) for each in content] == [2, 2]


def test_a_picture_is_a_data_address(client: OpenAI) -> None:
    [image] = whole(client, "a picture").choices[0].message.model_extra["images"]

    assert image["type"] == "image_url"
    assert image["image_url"] == {"url": f"data:image/png;base64,{PICTURE}"}


def test_sound_comes_in_the_format_that_was_asked_for(client: OpenAI) -> None:
    sound = base64.b64decode(whole(client, "sound").choices[0].message.audio.data)

    assert (sound[:4], sound[8:12], sound[-48:]) == (b"RIFF", b"WAVE", bytes(48))


def test_a_source_is_cited_at_its_words(client: OpenAI) -> None:
    [annotation] = whole(client, "grounded").choices[0].message.annotations

    cited = annotation.url_citation
    assert (annotation.type, cited.url) == ("url_citation", "https://example.com/a")
    assert (cited.start_index, cited.end_index, cited.title) == (0, 6, "A")


def test_a_block_says_why(client: OpenAI) -> None:
    message = whole(client, "blocked").choices[0].message

    assert message.content is None
    assert "PROHIBITED_CONTENT" in message.refusal
