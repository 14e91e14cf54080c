"""What one model can take of a chat: used, fitted, named, or refused."""

from typing import Any

import msgspec
import pytest

from geminid.core.errors import Unsupported
from geminid.core.ports import Context
from geminid.core.request import BuiltinTool, Request
from geminid.dialects.gemini.request import decode_request, encode_request
from geminid.dialects.openai.chat.ask.aim import asked_of
from tests.dialects.openai.chat.ask.asking import (
    CATALOG,
    PRO,
    Asked,
    asked,
    broken,
    chat_of,
    facts_of,
)

FLASH = "gemini-2.5-flash"
IMAGE = "gemini-3-pro-image"
SPEECH = "gemini-2.5-flash-preview-tts"
TOOLS = [{"type": "function", "function": {"name": "f"}}]
SCHEMA = {
    "type": "json_schema",
    "json_schema": {"name": "a", "schema": {"type": "object", "$defs": {}}},
}
ORDINARY: dict[str, Any] = {
    "temperature": 1.7,
    "top_p": 0.9,
    "top_k": 40,
    "n": 1,
    "seed": 1 << 40,
    "stop": ["a", ""],
    "max_tokens": 1 << 40,
    "presence_penalty": 0.3,
    "frequency_penalty": 0.3,
    "logprobs": True,
    "top_logprobs": 5,
    "reasoning_effort": "medium",
    "user": "u",
    "store": True,
    "metadata": {"a": "b"},
    "parallel_tool_calls": False,
    "logit_bias": {"50256": -100},
    "tool_choice": "auto",
}
"""What a program written for OpenAI may send to any model, its author not knowing which."""


def sampled(model: str, dialect: str = "gemini", **fields: Any) -> tuple[Any, list[str]]:
    """The sampling that is asked of `model`, and what is named."""
    found = asked(model, dialect, **fields)
    return found.request.sampling, found.ignored


@pytest.mark.parametrize(
    "model", [model.id for model in CATALOG.models if model.kind != "embedding"]
)
@pytest.mark.parametrize("beside", [{}, {"n": 4}, {"web_search_options": {}}])
def test_an_ordinary_request_breaks_no_rule_of_any_model(
    model: str, beside: dict[str, Any]
) -> None:
    """And goes to Google in a form that its server can read."""
    if beside and "googleSearch" not in (facts_of(model) or CATALOG.models[0]).tools:
        return
    found = asked(model, **ORDINARY | beside)

    assert broken(found.request, model) == []
    sent = decode_request(encode_request(found.request), model)
    assert sent.sampling == found.request.sampling
    assert sent.thinking == found.request.thinking
    assert {"user", "logit_bias", "parallel_tool_calls"} <= set(found.ignored)


def test_functions_a_schema_and_a_search_go_together() -> None:
    """Gemini 3 allows all three, if it is told that its own calls may be seen."""
    found = asked(tools=TOOLS, response_format=SCHEMA, web_search_options={})

    assert broken(found.request) == []
    assert found.extra == {"toolConfig": {"includeServerSideToolInvocations": True}}
    assert b'"responseJsonSchema":{"type":"object","$defs":{}}' in encode_request(found.request)


def test_penalties_that_a_model_has_not_are_left_out() -> None:
    """Zero is no wish."""
    sampling, ignored = sampled(PRO, presence_penalty=0.5, frequency_penalty=0)

    assert (sampling.presence_penalty, sampling.frequency_penalty) == (None, None)
    assert ignored == ["presence_penalty"]


def test_penalties_go_to_a_model_that_nobody_knows() -> None:
    """It may have them."""
    sampling, ignored = sampled("gemini-9", presence_penalty=0.5)

    assert sampling.presence_penalty == 0.5
    assert ignored == []


def test_logprobs_that_a_model_has_not_are_left_out() -> None:
    """Also how many."""
    sampling, ignored = sampled(PRO, logprobs=True, top_logprobs=2)

    assert (sampling.logprobs, sampling.top_logprobs) == (None, None)
    assert ignored == ["logprobs"]


@pytest.mark.parametrize(
    ("model", "dialect", "wanted", "gets"),
    [
        (PRO, "gemini", 3, 1),
        (PRO, "openai", 3, 1),
        (FLASH, "gemini", 3, 3),
        (FLASH, "gemini", 12, 8),
        ("gemini-9", "gemini", 12, 8),
        ("gemini-9", "", 2, 1),
        (PRO, "gemini", 1, 1),
    ],
)
def test_no_more_candidates_are_asked_for_than_there_are(
    model: str, dialect: str, wanted: int, gets: int
) -> None:
    """Fewer answers than asked for are named."""
    sampling, ignored = sampled(model, dialect, n=wanted)

    assert sampling.candidates == gets
    assert ignored == (["n"] if gets < wanted else [])


@pytest.mark.parametrize(("seed", "sent"), [(5, 5), (-5, -5), (1 << 31, 0), ((1 << 40) + 7, 7)])
def test_a_seed_fits_gemini(seed: int, sent: int) -> None:
    """The same one always becomes the same; an engine of this dialect gets it whole."""
    assert sampled(PRO, seed=seed)[0].seed == sent
    assert sampled(PRO, "openai", seed=seed)[0].seed == seed


def test_bounds_of_the_model_are_kept() -> None:
    """As many tokens as it has are as many as can be said; a cut temperature is named."""
    assert sampled(PRO, max_tokens=10**9) == (sampled(PRO, max_tokens=65536)[0], [])
    sampling, ignored = sampled(IMAGE, temperature=1.5)
    assert sampling.temperature == 1.0
    assert ignored == ["temperature"]


def test_pictures_are_asked_for_in_gemini_s_words() -> None:
    """Pain B9: `imageConfig` is not lost on any way in."""
    body: dict[str, Any] = {
        "modalities": ["image", "text"],
        "image_config": {"aspect_ratio": "16:9", "image_size": "2K"},
    }
    found = asked(IMAGE, **body)

    assert found.request.modalities == ("IMAGE", "TEXT")
    assert found.extra == {
        "generationConfig": {"imageConfig": {"aspectRatio": "16:9", "imageSize": "2K"}}
    }
    assert found.ignored == []
    assert broken(found.request, IMAGE) == []
    assert asked(IMAGE, "openai", **body).extra == {"image_config": body["image_config"]}


@pytest.mark.parametrize(
    ("model", "named"),
    [
        (PRO, ["image_config.aspect_ratio", "image_config.image_size"]),
        ("gemini-2.5-flash-image", ["image_config.image_size"]),
        (IMAGE, []),
    ],
)
def test_a_shape_for_a_model_that_has_none_is_named(model: str, named: list[str]) -> None:
    """Clients have one setting for all models."""
    found = asked(model, image_config={"aspect_ratio": "1:1", "image_size": "1K"})

    assert found.ignored == named
    assert broken(found.request, model) == []


def test_sound_is_asked_for_in_gemini_s_words() -> None:
    """Its models for speech give no words beside it; OpenAI's voices are none of theirs."""
    body: dict[str, Any] = {
        "modalities": ["text", "audio"],
        "audio": {"voice": "Kore", "format": "wav"},
    }
    found = asked(SPEECH, **body)
    theirs = asked(SPEECH, **body | {"audio": {"voice": "alloy", "format": "pcm16"}})

    assert found.request.modalities == ("AUDIO",)
    voice = {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Kore"}}}
    assert found.extra == {"generationConfig": {"speechConfig": voice}}
    assert theirs.extra is None
    assert theirs.ignored == ["audio.voice"]
    assert chat_of(**body).audio_format == "wav"


def test_sound_goes_to_an_engine_of_this_dialect_as_it_was_asked_for() -> None:
    """It has the fields itself."""
    body: dict[str, Any] = {
        "modalities": ["text", "audio"],
        "audio": {"voice": {"id": "v"}, "format": "mp3"},
    }
    found = asked("gpt-audio", "openai", **body)

    assert found.request.modalities == ()
    assert found.extra == body


def test_a_format_of_sound_that_cannot_be_made_is_refused() -> None:
    """Another one would not play."""
    with pytest.raises(Unsupported, match=r"Sound cannot be had as mp3.*ask for wav or pcm16"):
        asked(SPEECH, modalities=["audio"], audio={"voice": "Kore", "format": "mp3"})


def test_a_voice_without_sound_is_named() -> None:
    """No rule of Gemini's refuses the request for it."""
    found = asked(audio={"voice": "Kore", "format": "wav"})

    assert found.ignored == ["audio"]
    assert broken(found.request) == []


@pytest.mark.parametrize(
    ("fields", "settings", "named"),
    [
        ({"web_search_options": {}}, b"{}", []),
        (
            {"web_search_options": {"search_context_size": "low"}},
            b"{}",
            ["web_search_options.search_context_size"],
        ),
        (
            {"plugins": [{"id": "web", "max_results": 3, "exclude_domains": ["a.b"]}]},
            b'{"excludeDomains":["a.b"]}',
            ["plugins.web.max_results"],
        ),
        ({"plugins": [{"id": "file-parser"}, {"id": "web"}]}, b"{}", ["plugins.file-parser"]),
        ({"model": f"{PRO}:online"}, b"{}", []),
    ],
)
def test_the_web_is_searched_by_gemini(
    fields: dict[str, Any], settings: bytes, named: list[str]
) -> None:
    """However it is asked for; an engine of this dialect gets the fields themselves."""
    found = asked(**fields)

    [tool] = found.request.builtins
    assert (tool.kind, bytes(tool.settings)) == ("googleSearch", settings)
    assert found.ignored == named
    others = asked(dialect="openai", **fields)
    assert others.extra == (fields if "model" not in fields else None)
    assert [tool.kind for tool in others.request.builtins] == (
        ["googleSearch"] if "model" in fields else []
    )


@pytest.mark.parametrize("plugins", [[{"id": "web", "enabled": False}], [{"id": "moderation"}]])
def test_other_plugins_search_nothing(plugins: list[dict[str, Any]]) -> None:
    """Nor does one that is turned off."""
    assert asked(plugins=plugins).request.builtins == ()


@pytest.mark.parametrize(
    ("name", "served", "named"),
    [
        (f"google/{PRO}:nitro", PRO, ["model:nitro"]),
        (f"{PRO}:free", PRO, ["model:free"]),
        (f"{PRO}:thinking", PRO, []),
        (PRO, PRO, []),
        ("qwen:free", "qwen:free", []),
        ("gemini-pro-latest:floor", PRO, ["model:floor"]),
    ],
)
def test_a_suffix_that_means_nothing_here_is_named(
    name: str, served: str, named: list[str]
) -> None:
    """Unless it belongs to the model's own name."""
    assert asked(served, model=name).ignored == named


def test_the_suffix_is_that_of_the_model_that_is_asked() -> None:
    """Of several that are tried in turn."""
    chat = chat_of(model="other", models=["gemini-2.5-flash:online", f"{PRO}:nitro"])

    assert Asked(chat, PRO).ignored == ["model:nitro"]
    assert Asked(chat, FLASH).request.builtins == (BuiltinTool("googleSearch", Raw(b"{}")),)
    assert Asked(chat, "other").ignored == []


Raw = msgspec.Raw


def test_gemini_s_own_fields_go_to_gemini() -> None:
    """As its layer takes them, and in canonical spelling."""
    settings = [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "OFF"}]
    google = {"cached_content": "cachedContents/a", "safetySettings": settings, "wild": 1}
    found = asked(IMAGE, extra_body={"google": google | {"aspect_ratio": "4:3"}, "x": 1})

    assert found.extra == {
        "cachedContent": "cachedContents/a",
        "safetySettings": settings,
        "generationConfig": {"imageConfig": {"aspectRatio": "4:3"}},
    }
    assert found.ignored == ["extra_body.google.wild", "extra_body.x"]
    assert broken(found.request, IMAGE) == []


def test_gemini_s_own_fields_go_to_its_layer() -> None:
    """But for how to think, which the core has words for."""
    google = {"cached_content": "c", "thinking_config": {"thinking_level": "low"}}
    found = asked(dialect="openai", extra_body={"google": google, "x": 1})

    assert found.extra == {"extra_body": {"google": {"cached_content": "c"}, "x": 1}}


def test_a_cached_content_is_not_left_out() -> None:
    """The answer would be to another question."""
    with pytest.raises(Unsupported, match="cached content"):
        asked(dialect="", google={"cached_content": "cachedContents/a"})


@pytest.mark.parametrize(
    ("tier", "dialect", "extra", "named"),
    [
        ("flex", "gemini", {"serviceTier": "flex"}, []),
        ("priority", "gemini", {"serviceTier": "priority"}, []),
        ("scale", "gemini", None, ["service_tier"]),
        ("auto", "gemini", None, []),
        ("default", "", None, []),
        ("flex", "", None, ["service_tier"]),
        ("flex", "openai", {"service_tier": "flex"}, []),
    ],
)
def test_a_tier_of_service_is_gemini_s(
    tier: str, dialect: str, extra: Any, named: list[str]
) -> None:
    """Where it has that tier."""
    found = asked(dialect=dialect, service_tier=tier)

    assert (found.extra, found.ignored) == (extra, named)


def test_our_own_engines_name_what_they_have_no_use_for() -> None:
    """In the caller's words."""
    body: dict[str, Any] = {
        "image_config": {"image_size": "1K"},
        "audio": {"format": "wav"},
        "google": {"safety_settings": [{"category": "A", "threshold": "B"}]},
    }

    assert asked(dialect="", **body).ignored == ["safety_settings", "image_config", "audio"]


@pytest.mark.parametrize("kind", ["grammar", "python"])
def test_a_form_that_only_others_can_keep_to_is_theirs(kind: str) -> None:
    """An answer in another form would be of no use."""
    form = {"type": kind, "grammar": "root ::= x"}

    assert asked(dialect="openai", response_format=form).extra == {"response_format": form}
    for dialect in ("gemini", ""):
        with pytest.raises(Unsupported, match=f"of the type '{kind}'"):
            asked(dialect=dialect, response_format=form)


def required(**fields: Any) -> Request:
    """What is asked where every field is required."""
    chat = chat_of(provider={"require_parameters": True, "order": ["a"]}, **fields)
    context = Context(request_id="r", caller="a", deadline=1.0, stream=False, require=chat.require)
    return asked_of(chat, PRO, facts_of(PRO), dialect="gemini", native=True, ignore=context.ignore)


@pytest.mark.parametrize(
    "fields", [{"logit_bias": {"1": 2}}, {"n": 2}, {"wild": 1}, {"reasoning": {"wild": 1}}]
)
def test_who_requires_every_field_is_refused_for_one(fields: dict[str, Any]) -> None:
    """That is what `require_parameters` is for."""
    with pytest.raises(Unsupported, match="`require_parameters` asks for all of them"):
        required(**fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"user": "a", "metadata": {"a": "b"}, "store": True, "session_id": "a"},
        {"stream": True, "stream_options": {"include_usage": True, "include_obfuscation": False}},
        {"model": f"{PRO}:nitro"},
        {"service_tier": "scale"},
        {"cache_control": {"type": "ephemeral"}, "prompt_cache_key": "a"},
    ],
)
def test_matters_of_the_service_are_not_among_those(fields: dict[str, Any]) -> None:
    """They alter no answer."""
    assert required(**fields).model == PRO
