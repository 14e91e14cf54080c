"""A caller's own body, and what an upstream of the same dialect is asked: nothing gets lost.

Through the caller's side of the dialect and the engine's, as a server runs them.
"""

from typing import Any

import msgspec
import pytest

from geminid import catalog
from geminid.catalog import Model
from geminid.dialects.openai.chat.ask.aim import asked_of
from geminid.dialects.openai.chat.ask.request import decode_chat
from geminid.dialects.openai.flavor import FLAVORS
from geminid.dialects.openai.request import encode_request

PRO = catalog.load().names["gemini-3-pro-preview"]
HI = {"role": "user", "content": "hi"}


def sent(
    flavor: str, body: dict[str, Any], facts: Model | None = PRO
) -> tuple[dict[str, Any], list[str]]:
    """The body that goes up, and what is told to be left out."""
    ignored: list[str] = []
    chat = decode_chat(msgspec.json.encode({"model": "a", "messages": [HI]} | body), depth=50)
    native = bool(FLAVORS[flavor].signatures)
    request = asked_of(chat, "m", facts, dialect="openai", native=native, ignore=ignored.append)
    written = encode_request(request, "m", FLAVORS[flavor], stream=False, ignore=ignored.append)
    return msgspec.json.decode(written, type=dict[str, Any]), ignored


def test_openrouter_gets_its_whole_surface() -> None:
    """All that spec/dialects.md section 2.4 lists but the models to fall back on."""
    fields: dict[str, Any] = {
        "cache_control": {"type": "ephemeral"},
        "image_config": {"aspect_ratio": "16:9", "image_size": "2K"},
        "logit_bias": {"50256": -100},
        "metadata": {"a": "b"},
        "min_p": 0.1,
        "modalities": ["text", "image"],
        "plugins": [{"id": "web", "max_results": 3}, {"id": "response-healing"}],
        "prediction": {"type": "content", "content": "x"},
        "provider": {"order": ["Google AI Studio"], "sort": "price", "max_price": {"prompt": 1}},
        "reasoning": {"effort": "high"},
        "repetition_penalty": 1.1,
        "seed": 7,
        "service_tier": "flex",
        "session_id": "s",
        "temperature": 0.5,
        "top_a": 0.2,
        "top_k": 5,
        "transforms": ["middle-out"],
        "user": "ada",
        "verbosity": "low",
        "web_search_options": {"search_context_size": "low"},
    }
    body, ignored = sent("openrouter", fields | {"models": ["b"], "route": "fallback"})

    assert body == {"model": "m", "messages": [HI]} | fields
    assert ignored == []


@pytest.mark.parametrize("flavor", ["openrouter", "aimlapi"])
def test_details_go_back_as_their_makers_gave_them(flavor: str) -> None:
    """Another maker's word for word; Gemini's signature under the id of its call."""
    claude = {
        "type": "reasoning.text",
        "text": "hm",
        "signature": "c2ln",
        "format": "anthropic-claude-v1",
        "index": 0,
    }
    call = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    result = {"role": "tool", "tool_call_id": "call_1", "content": "x"}

    def details(*given: dict[str, Any]) -> list[dict[str, Any]]:
        answer = {"role": "assistant", "content": None, "tool_calls": [call]}
        history = [HI, answer | {"reasoning_details": given}, result]
        body, _ = sent(flavor, {"messages": history}, None)
        found: list[dict[str, Any]] = body["messages"][1]["reasoning_details"]
        return found

    google = {
        "type": "reasoning.encrypted",
        "data": "c2lnbmF0dXJl",
        "id": "call_1",
        "format": "google-gemini-v1",
        "index": 0,
    }
    assert details(claude) == [claude]
    assert details(google) == [google]


def test_a_model_s_suffix_searches_where_the_server_can() -> None:
    """OpenRouter has a plugin for it."""
    body, ignored = sent("openrouter", {"model": "google/gemini-3-pro-preview:online"})

    assert body["plugins"] == [{"id": "web"}]
    assert ignored == []


def test_google_s_layer_gets_gemini_s_words() -> None:
    """And none of the fields for which it would refuse the request."""
    google = {
        "thinking_config": {"thinking_level": "low", "include_thoughts": True},
        "cached_content": "cachedContents/a",
    }
    body, ignored = sent(
        "google",
        {"extra_body": {"google": google}, "logit_bias": {"1": 1}, "user": "ada", "top_k": 5}
        | {"presence_penalty": 0.1},
        None,
    )

    assert body == {"model": "m", "messages": [HI], "extra_body": {"google": google}}
    assert set(ignored) == {
        "generationConfig.presencePenalty",
        "generationConfig.topK",
        "logit_bias",
        "user",
    }
