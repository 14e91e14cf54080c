"""The fields of a chat: what they may be, what they become, what is said of wrong ones."""

import json
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geminid.core.errors import CallerFault, Malformed, TooLarge
from geminid.core.request import Sampling
from geminid.dialects.openai.chat.ask.fields import FIELDS
from geminid.dialects.openai.chat.ask.request import Chat, decode_chat
from tests.dialects.openai.chat.ask.asking import PRO, Asked, asked, chat_of
from tests.strategies import json_values

TOOL = {"type": "function", "function": {"name": "f"}}
SANE: dict[str, Any] = {
    "audio": {"voice": "Kore", "format": "wav"},
    "cache_control": {"type": "ephemeral"},
    "extra_body": {"google": {"cached_content": "cachedContents/a"}},
    "frequency_penalty": 0.5,
    "function_call": "none",
    "functions": [{"name": "f"}],
    "google": {"cached_content": "cachedContents/a"},
    "image_config": {"aspect_ratio": "1:1"},
    "include_reasoning": False,
    "logit_bias": {"1": 2},
    "logprobs": True,
    "max_completion_tokens": 5,
    "max_tokens": 5,
    "messages": [{"role": "user", "content": "ho"}],
    "metadata": {"a": "b"},
    "min_p": 0.1,
    "modalities": ["text", "image"],
    "model": "other",
    "models": ["other"],
    "moderation": {"a": 1},
    "n": 2,
    "parallel_tool_calls": False,
    "plugins": [{"id": "web"}],
    "prediction": {"type": "content", "content": "a"},
    "presence_penalty": 0.5,
    "prompt_cache_key": "a",
    "prompt_cache_options": {"a": 1},
    "prompt_cache_retention": "24h",
    "provider": {"order": ["a"]},
    "reasoning": {"effort": "low"},
    "reasoning_effort": "low",
    "repetition_penalty": 1.1,
    "response_format": {"type": "json_object"},
    "route": "other",
    "safety_identifier": "a",
    "seed": 7,
    "service_tier": "flex",
    "session_id": "a",
    "stop": ["a"],
    "store": True,
    "stream": True,
    "stream_options": {"include_usage": True},
    "structured_outputs": {"regex": "a"},
    "temperature": 0.5,
    "thinking": {"type": "disabled"},
    "tool_choice": "required",
    "tools": [TOOL],
    "top_a": 0.1,
    "top_k": 5,
    "top_logprobs": 3,
    "top_p": 0.5,
    "trace": {"a": 1},
    "transforms": ["middle-out"],
    "usage": {"include": True},
    "user": "a",
    "verbosity": "low",
    "web_search_options": {},
}
BESIDE: dict[str, dict[str, Any]] = {
    "tool_choice": {"tools": [TOOL]},
    "function_call": {"functions": [{"name": "f"}]},
    "top_logprobs": {"logprobs": True},
}
"""What a field needs beside it to mean anything."""


def refusal(**fields: Any) -> Malformed:
    """How a body with `fields` is refused."""
    with pytest.raises(Malformed) as caught:
        chat_of(**fields)
    return caught.value


def test_the_table_of_sane_values_is_that_of_all_fields() -> None:
    """So that the tests below leave none out."""
    assert SANE.keys() == FIELDS.keys()


@pytest.mark.parametrize("name", sorted(FIELDS))
def test_each_known_field_is_used_or_named(name: str) -> None:
    """Nothing disappears silently, whoever answers."""
    beside = BESIDE.get(name, {})
    with_it, without = chat_of(**{name: SANE[name]}, **beside), chat_of(**beside)
    unheard = msgspec.structs.replace(with_it, left=(), verbatim=None)

    changes = unheard != msgspec.structs.replace(without, left=(), verbatim=None)
    assert changes or any(left.field.startswith(name) for left in with_it.left)


@pytest.mark.parametrize("name", sorted(FIELDS))
def test_null_is_the_same_as_nothing(name: str) -> None:
    """Clients send every field that they know."""
    if name in ("model", "messages"):
        assert f"{name}" in refusal(**{name: None}).violations[0].field
    else:
        assert chat_of(**{name: None}) == chat_of()


@pytest.mark.parametrize("name", sorted(FIELDS))
def test_a_wrong_type_is_told_with_the_field(name: str) -> None:
    """And not as a bug of ours."""
    wrong = {"a": 1} if FIELDS[name].kinds[0] == "array" else [1]
    wrong_kind = "an object" if isinstance(wrong, dict) else "an array"
    if name == "stop":
        wrong, wrong_kind = {"a": 1}, "an object"

    fault = refusal(**{name: wrong})

    assert fault.violations[0].field == name
    assert fault.detail.startswith(f"Invalid type for '{name}': expected ")
    assert fault.detail.endswith(f"but got {wrong_kind} instead.")


def test_all_that_is_wrong_is_told_at_once() -> None:
    """In OpenAI's words, the first of them first."""
    fault = refusal(temperature="hot", top_p=3, n=1.5, max_tokens=0)

    assert fault.detail.split("\n")[:3] == [
        "Invalid type for 'temperature': expected a number, but got a string instead.",
        "Invalid 'top_p': integer above maximum value. Expected a value <= 1, but got 3 instead.",
        "Invalid type for 'n': expected an integer, but got a decimal instead.",
    ]
    assert [violation.field for violation in fault.violations] == ["temperature", "top_p", "n"]


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"model": ""}, "model", "you must provide a model parameter"),
        ({"model": None}, "model", "you must provide a model parameter"),
        ({"messages": None}, "messages", "Missing required parameter: 'messages'."),
        ({"messages": []}, "messages", "Invalid 'messages': empty array."),
        ({"max_tokens": 0}, "max_tokens", "Expected a value >= 1, but got 0 instead."),
        ({"max_completion_tokens": -2}, "max_completion_tokens", "Expected a value >= 1"),
        ({"temperature": 2.5}, "temperature", "decimal above maximum value."),
        ({"n": 0}, "n", "integer below minimum value."),
        ({"top_logprobs": 21}, "top_logprobs", "<= 20"),
        ({"top_logprobs": 2}, "top_logprobs", "only allowed when 'logprobs' is true"),
        ({"stop": list("abcdef")}, "stop", "maximum length 5"),
        ({"stop": ["a", 1]}, "stop[1]", "expected a string, but got an integer"),
        ({"models": ["a", 1]}, "models[1]", "expected a string"),
        ({"modalities": ["text", "smell"]}, "modalities[1]", "Invalid value: 'smell'."),
        ({"reasoning_effort": "much"}, "reasoning_effort", "'xhigh', and 'max'."),
        ({"reasoning": {"max_tokens": -1}}, "reasoning.max_tokens", ">= 0"),
        ({"reasoning": {"effort": 1}}, "reasoning.effort", "expected a string"),
        ({"thinking": {"type": "on"}}, "thinking.type", "Supported values are: 'enabled'"),
        ({"response_format": {}}, "response_format.type", "Missing required parameter"),
        ({"response_format": {"type": "xml"}}, "response_format.type", "'json_object'"),
        (
            {"response_format": {"type": "json_schema"}},
            "response_format.json_schema",
            "Missing required parameter",
        ),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"schema": 1}}},
            "response_format.json_schema.schema",
            "expected an object, but got an integer",
        ),
        ({"provider": {"require_parameters": 1}}, "provider.require_parameters", "a boolean"),
        ({"stream_options": {"include_usage": "y"}}, "stream_options.include_usage", "a boolean"),
        ({"plugins": ["web"]}, "plugins[0]", "expected an object"),
        ({"plugins": [{}]}, "plugins[0].id", "Missing required parameter"),
        ({"audio": {"format": "midi"}}, "audio.format", "Invalid value: 'midi'."),
        (
            {"google": {"safety_settings": [{"category": "A"}]}},
            "google.safety_settings[0].threshold",
            "Missing required parameter",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(fields: dict[str, Any], field: str, words: str) -> None:
    """With the field, and in words that say what to do."""
    fault = refusal(**fields)

    assert fault.violations[0].field == field
    assert words in fault.detail


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"1", b"\xff", b'{"a":"\\ud800"}'])
def test_what_is_no_object_is_refused(body: bytes) -> None:
    """In OpenAI's words."""
    with pytest.raises(Malformed, match="We could not parse the"):
        decode_chat(body, depth=100)


def test_a_body_that_is_nested_too_deep_is_refused() -> None:
    """Also where the interpreter itself would give up."""
    for depth, value in ((10, "[" * 12 + "]" * 12), (100, "[" * 100_000 + "]" * 100_000)):
        with pytest.raises(TooLarge, match=f"deeper than {depth} levels"):
            decode_chat(f'{{"model":"a","messages":[],"x":{value}}}'.encode(), depth=depth)


def test_a_body_as_deep_as_is_allowed_is_read() -> None:
    """The object itself is the first level."""
    messages = '"messages":[{"role":"user","content":"a"}]'
    for deep in (8, 9):
        body = f'{{"model":"a",{messages},"x":{"[" * deep}{"]" * deep}}}'.encode()
        assert decode_chat(body, depth=deep + 1).model == "a"
        with pytest.raises(TooLarge):
            decode_chat(body, depth=deep)


def test_a_key_that_comes_twice_is_what_it_was_last() -> None:
    """For us and for whoever gets the fields on: both read one value."""
    body = b'{"model":"a","messages":[{"role":"user","content":"a"}],"x":1,"x":2}'

    chat = decode_chat(body, depth=10)

    assert chat.verbatim is not None
    assert bytes(chat.verbatim) == b'{"x":2}'


def test_sampling_is_read() -> None:
    """All the knobs that both sides have; a whole number may be written as a decimal."""
    chat = chat_of(
        temperature=1,
        top_p=0.5,
        top_k=40.0,
        seed=7.0,
        stop="end",
        n=2,
        presence_penalty=-1,
        frequency_penalty=1.5,
        logprobs=True,
        top_logprobs=3,
        max_tokens=10,
        max_completion_tokens=20,
    )

    assert chat.request.sampling == Sampling(
        temperature=1,
        top_p=0.5,
        top_k=40,
        seed=7,
        stop=("end",),
        candidates=2,
        presence_penalty=-1,
        frequency_penalty=1.5,
        logprobs=True,
        top_logprobs=3,
        max_output=20,
    )


@pytest.mark.parametrize(
    "fields",
    [
        {"stop": ""},
        {"stop": []},
        {"stop": [""]},
        {"max_tokens": -1},
        {"top_k": 0},
        {"top_k": -1},
        {"logprobs": False},
        {"modalities": ["text"]},
        {"response_format": {"type": "text"}},
        {"tools": []},
        {"tool_choice": "auto"},
        {"tool_choice": "none"},
        {"plugins": []},
        {"logit_bias": {}},
        {"parallel_tool_calls": True},
        {"repetition_penalty": 1.0},
        {"store": False},
        {"service_tier": "auto"},
        {"provider": {"require_parameters": False}},
        {"models": [], "route": "fallback"},
        {"extra_body": {}},
        {"reasoning": {}},
    ],
)
def test_customary_ways_to_ask_for_nothing_ask_for_nothing(fields: dict[str, Any]) -> None:
    """And nothing is named for them."""
    plain, found = asked(), asked(**fields)

    assert found.request == plain.request
    assert found.ignored == []


def test_the_models_to_try_are_each_named_once() -> None:
    """The first may be among them."""
    both = chat_of(model="a", models=["a", "b", "b", ""])
    only = chat_of(model=None, models=["b", "c"])

    assert (both.model, both.models) == ("a", ("b",))
    assert (only.model, only.models) == ("b", ("c",))
    assert only.request.model == "b"


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        ({}, (False, False, False, True)),
        ({"stream": True, "stream_options": {"include_usage": True}}, (True, True, False, True)),
        ({"usage": {"include": True}}, (False, True, False, True)),
        ({"provider": {"require_parameters": True}}, (False, False, True, True)),
        ({"reasoning": {"exclude": True}}, (False, False, False, False)),
        ({"include_reasoning": False}, (False, False, False, False)),
    ],
)
def test_how_the_answer_is_told(
    fields: dict[str, Any], wanted: tuple[bool, bool, bool, bool]
) -> None:
    """As a stream, with counts, with every field used, with thoughts."""
    chat = chat_of(**fields)

    assert (chat.stream, chat.include_usage, chat.require, chat.shows) == wanted


@pytest.mark.parametrize(
    "form",
    [
        {"type": "json_schema", "json_schema": {"name": "a", "strict": True, "schema": {"a": 1}}},
        {"type": "json_object", "schema": {"a": 1}},
    ],
)
def test_a_schema_is_json_schema_as_it_came(form: dict[str, Any]) -> None:
    """Whatever keywords it has."""
    output = chat_of(response_format=form).request.output

    assert output is not None
    assert (output.mime, output.json_schema) == ("application/json", True)
    assert bytes(output.schema or b"") == b'{"a":1}'


def test_what_a_schema_is_for_is_told_in_it() -> None:
    """Gemini has no other place; the schema's own words go before."""
    schemas = ({"type": "object"}, {"type": "object", "description": "mine"})
    outputs = [
        chat_of(
            response_format={
                "type": "json_schema",
                "json_schema": {"name": "a", "description": "theirs", "schema": schema},
            }
        ).request.output
        for schema in schemas
    ]

    told = [json.loads(bytes(output.schema or b""))["description"] for output in outputs if output]
    assert told == ["theirs", "mine"]


def test_names_of_unknown_fields_are_bounded() -> None:
    """A header does not hold what a body holds."""
    chat = chat_of(**{f"{number:04}{'a' * 500}": 1 for number in range(1_000)})

    assert len(chat.left) == 100
    assert all(len(left.field) == 100 for left in chat.left)


@pytest.mark.parametrize("fields", [{f"{n:04}": 1 for n in range(5)}, {"a": {"b": [1, 2]}}])
def test_unknown_fields_are_named(fields: dict[str, Any]) -> None:
    """By Gemini's side; an engine of this dialect gets them as they are."""
    assert asked(**fields).ignored == list(fields)
    assert asked(dialect="openai", **fields).extra == fields


def test_what_an_engine_of_this_dialect_does_not_get_is_named() -> None:
    """Unknown fields inside of those that the core has words for."""
    found = asked(dialect="openai", reasoning={"wild": 1}, image_config={"wild": 2}, wild=3)

    assert found.ignored == ["reasoning.wild"]
    assert found.extra == {"image_config": {"wild": 2}, "wild": 3}


@given(
    st.dictionaries(
        st.sampled_from(sorted(FIELDS)), json_values | st.sampled_from(list(SANE.values()))
    )
)
def test_any_object_is_a_chat_or_a_fault(fields: dict[str, Any]) -> None:
    """Whatever a client writes, it is no bug of ours."""
    with suppress(CallerFault):
        chat = chat_of(**fields)
        for dialect in ("gemini", "openai", ""):
            with suppress(CallerFault):
                assert Asked(chat, PRO, dialect).request.contents == chat.request.contents


@given(json_values)
def test_any_json_is_a_chat_or_a_fault(value: Any) -> None:
    """The same for a whole body."""
    with suppress(CallerFault):
        assert isinstance(decode_chat(msgspec.json.encode(value), depth=100), Chat)


def test_what_is_wrong_is_told_of_a_hundred_fields_at_most() -> None:
    """A body made of mistakes does not come back a hundredfold."""
    fault = refusal(stop=[1] * 150)

    assert len(fault.violations) == 100
    assert fault.detail.endswith("\n... and 50 more.")
