"""google-genai (Python), as its users call it, on both API versions that it defaults to."""

import pytest
from google import genai
from google.genai import errors, types

from tests.serving import Serving

MODEL = "gemini-3-pro-preview"


@pytest.fixture(params=["default", "v1beta", "v1alpha"])
def client(request: pytest.FixtureRequest, embedded: Serving) -> genai.Client:
    """A client that differs from anybody's only in its address."""
    version = None if request.param == "default" else request.param
    options = types.HttpOptions(base_url=embedded.url, api_version=version)
    return genai.Client(api_key="any", http_options=options)


def test_generate_answers_and_counts(client: genai.Client) -> None:
    response = client.models.generate_content(
        model=MODEL,
        contents="Say hello.",
        config=types.GenerateContentConfig(max_output_tokens=16, seed=1, temperature=0),
    )

    assert response.text
    assert response.candidates is not None
    assert response.candidates[0].finish_reason in ("STOP", "MAX_TOKENS")
    usage = response.usage_metadata
    assert usage is not None
    assert usage.prompt_token_count
    assert usage.candidates_token_count
    assert usage.total_token_count == usage.prompt_token_count + usage.candidates_token_count
    assert "smoke" in (response.model_version or "")


def test_stream_comes_in_pieces_and_ends_with_a_reason(client: genai.Client) -> None:
    chunks = list(
        client.models.generate_content_stream(
            model=MODEL,
            contents="Count from one to ten.",
            config=types.GenerateContentConfig(max_output_tokens=24),
        )
    )

    assert len(chunks) > 2
    assert "".join(chunk.text or "" for chunk in chunks)
    reasons = [chunk.candidates[0].finish_reason for chunk in chunks if chunk.candidates]
    assert reasons[-1] in ("STOP", "MAX_TOKENS")
    assert not any(reasons[:-1])
    assert len({chunk.response_id for chunk in chunks}) == 1


def test_chat_sends_its_history(client: genai.Client) -> None:
    """What was said before counts into the next prompt."""
    config = types.GenerateContentConfig(max_output_tokens=8)
    chat = client.chats.create(model=MODEL, config=config)

    first = chat.send_message("My name is Ada.")
    second = chat.send_message("What is my name?")

    assert first.usage_metadata is not None
    assert second.usage_metadata is not None
    before, after = first.usage_metadata, second.usage_metadata
    assert (after.prompt_token_count or 0) > (before.prompt_token_count or 0)
    assert [content.role for content in chat.get_history()] == ["user", "model", "user", "model"]


def test_chat_streams(client: genai.Client) -> None:
    chat = client.chats.create(model=MODEL)
    config = types.GenerateContentConfig(max_output_tokens=8)

    pieces = [chunk.text or "" for chunk in chat.send_message_stream("Hello!", config=config)]

    assert "".join(pieces)


def test_system_instruction_is_part_of_the_prompt(client: genai.Client) -> None:
    plain = client.models.generate_content(
        model=MODEL, contents="Hi", config=types.GenerateContentConfig(max_output_tokens=4)
    )
    told = client.models.generate_content(
        model=MODEL,
        contents="Hi",
        config=types.GenerateContentConfig(
            max_output_tokens=4, system_instruction="You are a pirate. " * 20
        ),
    )

    assert plain.usage_metadata is not None
    assert told.usage_metadata is not None
    assert (told.usage_metadata.prompt_token_count or 0) > 60
    assert (plain.usage_metadata.prompt_token_count or 0) < 60


def test_a_stop_sequence_ends_the_answer_and_is_not_in_it(client: genai.Client) -> None:
    response = client.models.generate_content(
        model=MODEL,
        contents="Count: 1, 2, 3, 4, 5, 6, 7, 8. Now you count.",
        config=types.GenerateContentConfig(
            max_output_tokens=64, temperature=0, stop_sequences=["3"]
        ),
    )

    assert "3" not in (response.text or "")


def test_count_tokens_agrees_with_usage(client: genai.Client) -> None:
    counted = client.models.count_tokens(model=MODEL, contents="How many tokens is this?")
    answered = client.models.generate_content(
        model=MODEL,
        contents="How many tokens is this?",
        config=types.GenerateContentConfig(max_output_tokens=2),
    )

    assert answered.usage_metadata is not None
    assert counted.total_tokens == answered.usage_metadata.prompt_token_count


def test_list_pages_and_get(client: genai.Client) -> None:
    models = list(client.models.list(config={"page_size": 3}))
    one = client.models.get(model=MODEL)

    names = [model.name for model in models]
    assert f"models/{MODEL}" in names
    assert len(names) == len(set(names)) > 3
    assert one.name == f"models/{MODEL}"
    assert one.input_token_limit == 4095  # a slot of the embedded model less one token of answer
    assert "generateContent" in (one.supported_actions or [])


def test_errors_are_the_clients_own_exceptions(client: genai.Client) -> None:
    with pytest.raises(errors.ClientError) as unknown:
        client.models.generate_content(model="gemini-nope", contents="hi")
    with pytest.raises(errors.ClientError) as too_long:
        client.models.generate_content(model=MODEL, contents="word " * 9000)
    with pytest.raises(errors.ClientError) as streamed:
        list(client.models.generate_content_stream(model="gemini-nope", contents="hi"))

    assert (unknown.value.code, unknown.value.status) == (404, "NOT_FOUND")
    assert "is not found for API version" in (unknown.value.message or "")
    assert (too_long.value.code, too_long.value.status) == (400, "INVALID_ARGUMENT")
    assert "input token count" in (too_long.value.message or "")
    assert streamed.value.code == 404


async def test_the_async_client_generates_and_streams(embedded: Serving) -> None:
    client = genai.Client(api_key="any", http_options=types.HttpOptions(base_url=embedded.url))
    config = types.GenerateContentConfig(max_output_tokens=8)

    async with client.aio as aio:
        whole = await aio.models.generate_content(model=MODEL, contents="Hi", config=config)
        stream = await aio.models.generate_content_stream(model=MODEL, contents="Hi", config=config)
        pieces = [chunk.text or "" async for chunk in stream]

    assert whole.text
    assert "".join(pieces)
