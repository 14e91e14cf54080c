"""Fields that the core has no word for, to each kind of server what it takes."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geminid.core.content import Call, Content, Json, Result, Text, Thought
from geminid.core.errors import Unsupported
from geminid.core.request import BuiltinTool, Extra, FunctionTool, OutputFormat, Request, Thinking
from geminid.dialects.openai.flavor import FLAVORS
from geminid.dialects.openai.request import encode_request

HI = (Content("user", (Text(text="hi"),)),)
GRAMMAR = {"type": "grammar", "grammar": 'root ::= "a"'}


def asked(
    flavor: str, dialect: str, fields: dict[str, Any], **more: Any
) -> tuple[dict[str, Any], list[str]]:
    """What the body holds beside model and messages, and what is told to be left out."""
    ignored: list[str] = []
    extra = Extra(dialect, Json(msgspec.json.encode(fields)))
    request = Request(model="m", contents=HI, extra=extra, **more)
    body = encode_request(request, "theirs", FLAVORS[flavor], stream=False, ignore=ignored.append)
    tree = msgspec.json.decode(body, type=dict[str, Any])
    assert tree.pop("model") == "theirs"
    del tree["messages"]
    return tree, ignored


def own(flavor: str, fields: dict[str, Any], **more: Any) -> tuple[dict[str, Any], list[str]]:
    return asked(flavor, "openai", fields, **more)


def gemini(flavor: str, fields: dict[str, Any], **more: Any) -> tuple[dict[str, Any], list[str]]:
    return asked(flavor, "gemini", fields, **more)


@pytest.mark.parametrize(
    ("flavor", "taken"),
    [
        ("openai", {"user", "store", "metadata", "verbosity", "prediction", "service_tier"}),
        (
            "openrouter",
            {"user", "metadata", "min_p", "top_a", "verbosity", "prediction", "service_tier"}
            | {"provider", "plugins", "transforms", "session_id"},
        ),
        ("aimlapi", {"min_p", "top_a", "prediction"}),
        ("generic", {"user", "min_p"}),
        ("vllm", {"min_p"}),
        ("llama", {"min_p"}),
        ("google", set()),
        ("ollama", set()),
    ],
)
def test_each_server_is_sent_what_it_takes_and_the_rest_is_named(
    flavor: str, taken: set[str]
) -> None:
    """OpenAI and Google refuse a request for one field that they do not know."""
    fields: dict[str, Any] = {
        "user": "ada",
        "store": True,
        "metadata": {"a": "b"},
        "min_p": 0.1,
        "top_a": 0.2,
        "verbosity": "low",
        "prediction": {"type": "content", "content": "x"},
        "service_tier": "flex",
        "provider": {"order": ["Google AI Studio"], "require_parameters": True},
        "plugins": [{"id": "response-healing"}],
        "transforms": ["middle-out"],
        "session_id": "s",
        "of_tomorrow": 1,
    }
    body, ignored = own(flavor, fields)

    assert body == {name: fields[name] for name in taken}
    named = {name.removesuffix(".order") for name in ignored}
    assert named == fields.keys() - taken
    assert "provider.require_parameters" not in ignored


def test_what_the_core_has_a_word_for_comes_from_the_core() -> None:
    """A caller's field never stands over what was made of it."""
    body, ignored = own("openai", {"model": "other", "verbosity": "low"})

    assert body == {"verbosity": "low"}
    assert ignored == []


@pytest.mark.parametrize("flavor", FLAVORS)
def test_the_next_models_to_try_never_go_up(flavor: str) -> None:
    """Falling back is done here; upstream it would be done, and paid, twice."""
    assert own(flavor, {"models": ["a", "b"], "route": "fallback"}) == ({}, [])


def test_parallel_calls_are_spoken_of_only_where_there_are_tools() -> None:
    """OpenAI refuses the field without them."""
    tool = FunctionTool(name="f")

    assert own("openai", {"parallel_tool_calls": False}) == ({}, [])
    body, _ = own("openai", {"parallel_tool_calls": False}, functions=(tool,))
    assert body["parallel_tool_calls"] is False


def test_a_sampler_goes_under_the_server_s_own_name() -> None:
    """llama.cpp would take no notice of the other one."""
    assert own("llama", {"repetition_penalty": 1.1}) == ({"repeat_penalty": 1.1}, [])
    assert own("vllm", {"repetition_penalty": 1.1}) == ({"repetition_penalty": 1.1}, [])


@pytest.mark.parametrize(
    ("flavor", "written"),
    [
        ("openrouter", {"response_format": GRAMMAR}),
        ("vllm", {"structured_outputs": {"grammar": 'root ::= "a"'}}),
        ("llama", {"grammar": 'root ::= "a"'}),
    ],
)
def test_a_grammar_goes_in_the_server_s_own_form(flavor: str, written: dict[str, Any]) -> None:
    assert own(flavor, {"response_format": GRAMMAR}) == (written, [])


@pytest.mark.parametrize(
    ("flavor", "fields"),
    [
        ("openai", {"response_format": GRAMMAR}),
        ("vllm", {"response_format": {"type": "python"}}),
        ("generic", {"structured_outputs": {"regex": "a+"}}),
        ("openai", {"modalities": ["text", "audio"], "audio": {"voice": "ash"}}),
        ("openrouter", {"extra_body": {"google": {"cached_content": "cachedContents/a"}}}),
    ],
)
def test_a_field_that_makes_the_question_is_not_left_out(
    flavor: str, fields: dict[str, Any]
) -> None:
    """An answer in free words is none to a question for a grammar."""
    with pytest.raises(Unsupported):
        own(flavor, fields)


def test_formats_that_the_core_knows_are_not_sent_twice() -> None:
    """Its own word for them is in the body already."""
    output = OutputFormat("application/json", Json(b'{"type":"object"}'), json_schema=True)
    body, ignored = own("vllm", {"response_format": {"type": "json_schema"}}, output=output)

    assert body["response_format"]["json_schema"]["schema"] == {"type": "object"}
    assert ignored == []


def test_google_s_layer_gets_its_own_words() -> None:
    """In one `extra_body`, with how to think."""
    layer = {"google": {"cached_content": "cachedContents/a", "safety_settings": [{"a": "b"}]}}
    thinking = Thinking("LOW", include=True)
    thought = {"thinking_config": {"include_thoughts": True, "thinking_level": "low"}}
    whole = {"extra_body": {"google": layer["google"] | thought}}
    fields = {"cachedContent": "cachedContents/a", "safetySettings": [{"a": "b"}]}

    assert own("google", {"extra_body": layer}, thinking=thinking) == (whole, [])
    assert gemini("google", fields, thinking=thinking) == (whole, [])


def test_words_for_google_s_layer_are_named_elsewhere() -> None:
    """One by one, but for what has become the core's own."""
    google = {"thinking_config": {"thinking_level": "low"}, "aspect_ratio": "1:1"}
    body, ignored = own("vllm", {"extra_body": {"google": google, "more": 1}})

    assert (body, ignored) == ({}, ["extra_body.google.aspect_ratio", "extra_body.more"])


def test_penalties_are_kept_from_google_s_layer() -> None:
    """It knows no such field and refuses the whole request."""
    request = Request(model="m", contents=HI)
    request = msgspec.structs.replace(
        request, sampling=msgspec.structs.replace(request.sampling, presence_penalty=0.5)
    )
    ignored: list[str] = []
    body = encode_request(request, "m", FLAVORS["google"], stream=False, ignore=ignored.append)

    assert b"penalty" not in body
    assert ignored == ["generationConfig.presencePenalty"]


def test_fields_of_gemini_alone_are_named() -> None:
    """With their whole path."""
    fields = {
        "safetySettings": [{}],
        "labels": {"a": "b"},
        "generationConfig": {"mediaResolution": "x", "imageConfig": {}},
        "toolConfig": {"retrievalConfig": {}},
        "serviceTier": "flex",
    }
    ignored = [
        "safetySettings",
        "labels",
        "generationConfig.mediaResolution",
        "generationConfig.imageConfig",
        "toolConfig.retrievalConfig",
        "serviceTier",
    ]

    assert gemini("generic", fields) == ({}, ignored)


@pytest.mark.parametrize(("theirs", "sent"), [("flex", "flex"), ("standard", "default")])
def test_a_service_tier_has_another_name_here(theirs: str, sent: str) -> None:
    """Paid for at the price of that tier."""
    for flavor in ("openai", "openrouter"):
        assert gemini(flavor, {"serviceTier": theirs}) == ({"service_tier": sent}, [])


SEARCH = (BuiltinTool("googleSearch", Json(b"{}")),)


def test_a_search_becomes_openrouter_s_plugin() -> None:
    """With the sites that are to be left out; what it cannot say is named."""
    settings = {
        "excludeDomains": ["a.example"],
        "searchTypes": {"webSearch": {}},
        "timeRangeFilter": {"startTime": "x"},
    }
    search = (BuiltinTool("googleSearch", Json(msgspec.json.encode(settings))),)
    plugin = {"id": "web", "exclude_domains": ["a.example"]}

    assert gemini("openrouter", {}, builtins=search) == (
        {"plugins": [plugin]},
        ["tools.googleSearch.timeRangeFilter"],
    )


def test_a_caller_s_own_plugins_go_as_they_are() -> None:
    """The search that was made of one of them is not asked for again."""
    web, healing = {"id": "web", "max_results": 3}, {"id": "response-healing"}

    body, _ = own("openrouter", {"plugins": [web, healing]}, builtins=SEARCH)
    assert body == {"plugins": [web, healing]}
    body, _ = own("openrouter", {"plugins": [healing]}, builtins=SEARCH)
    assert body == {"plugins": [healing, {"id": "web"}]}


def test_a_search_is_asked_of_openai_with_its_options() -> None:
    """Those of the caller, where there are any."""
    options = {"search_context_size": "low"}

    assert own("openai", {}, builtins=SEARCH) == ({"web_search_options": {}}, [])
    body, _ = own("openai", {"web_search_options": options}, builtins=SEARCH)
    assert body == {"web_search_options": options}


@pytest.mark.parametrize(
    ("flavor", "kind"), [("vllm", "googleSearch"), ("openrouter", "codeExecution")]
)
def test_a_tool_that_the_server_has_not_is_refused(flavor: str, kind: str) -> None:
    """The answer would be made without what it was to rest on."""
    with pytest.raises(Unsupported, match=kind):
        gemini(flavor, {}, builtins=(BuiltinTool(kind, Json(b"{}")),))


def test_who_requires_every_parameter_is_not_refused_for_matters_of_the_service() -> None:
    """Nor for what former answers carried; the caller asked for neither with this one."""
    turn = (
        *HI,
        Content("model", (Thought(text="hm"), Call(name="f", id="c", signature="c2ln"))),
        Content("user", (Result(name="f", id="c"),)),
    )
    fields = b'{"user":"ada","service_tier":"flex","provider":{"sort":"price"},"top_a":0.1}'
    request = Request(model="m", contents=turn, extra=Extra("openai", Json(fields)))
    ignored: list[str] = []
    mentioned: list[str] = []
    encode_request(
        request,
        "m",
        FLAVORS["ollama"],
        stream=False,
        ignore=ignored.append,
        mention=mentioned.append,
    )

    assert ignored == ["top_a"]
    assert mentioned == [
        "contents.parts.thoughtSignature",
        "user",
        "service_tier",
        "provider.sort",
    ]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)
NAMES = sorted(set().union(*(flavor.takes for flavor in FLAVORS.values())) | {"extra_body"})


@given(
    flavor=st.sampled_from(sorted(FLAVORS)),
    fields=st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=4), JSON, max_size=4),
)
def test_every_field_is_sent_or_told(flavor: str, fields: dict[str, Any]) -> None:
    """Nothing that a caller sent disappears silently, whatever its form."""
    fields = {name: value for name, value in fields.items() if name not in ("model", "messages")}
    dealt_with = {"parallel_tool_calls", "provider", "extra_body", "response_format"}
    try:
        body, ignored = own(flavor, fields)
    except Unsupported:
        return
    renamed = FLAVORS[flavor].renamed

    for name in fields.keys() - dealt_with - {"models", "route"}:
        sent = renamed.get(name, name)
        assert (sent in body) != (name in ignored)
        assert name in ignored or body[sent] == fields[name] or sent in fields
