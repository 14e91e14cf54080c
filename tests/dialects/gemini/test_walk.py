"""The walk over the schema table: names, nulls and lists; and what hostile bodies may cost."""

import re
import time

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geminid.core.errors import Malformed, TooLarge, Violation
from geminid.dialects.gemini.scalars import SCALARS
from geminid.dialects.gemini.table import ENUMS, MESSAGES, ONEOFS, QUALIFIED
from geminid.dialects.gemini.walk import snake, walk
from tests.dialects.gemini.walked import walked


@pytest.mark.parametrize("message", sorted(MESSAGES))
def test_every_field_is_known_in_camel_and_in_snake_case(message: str) -> None:
    """gemini.md 0.3, at every depth: each message is walked by this one code."""
    for entry in MESSAGES[message].split():
        camel, _, kind = entry.partition(":")
        value = _sample(kind)
        expected = {camel: _sample(kind, out=True)}
        assert walked({camel: value}, message) == expected
        assert walked({snake(camel): value}, message) == expected


def _sample(kind: str, *, out: bool = False) -> object:
    """A good value of a type of `table`; with `out` as it leaves the walk."""
    scalars = {
        "string": "s", "bytes": "QQ==", "bool": True, "int32": 1, "int64": 2, "float": 0.5,
        "double": 0.25, "json": [{"a_b": 1}], "any": None, "struct": {"a_b": 1},
        "duration": "1.5s", "timestamp": "2026-11-21T00:00:00Z",
    }  # fmt: skip
    if kind[0] == "[":
        return [_sample(kind[1:-1], out=out)]
    if kind[0] == "{":
        return {"map_key": _sample(kind[1:-1], out=out)}
    if kind[0] == "@":
        value = ENUMS[kind[1:]].split()[-1]
        return value if out else value.swapcase()
    return scalars.get(kind, {})


def test_both_cases_mix_in_one_body_at_every_depth() -> None:
    """As google-genai sends them."""
    body = {
        "contents": [{"parts": [{"inlineData": {"mime_type": "a/b", "data": ""}}]}],
        "system_instruction": {"parts": [{"file_data": {"file_uri": "u", "mimeType": "a/b"}}]},
        "tools": [{"functionDeclarations": [{"name": "f", "parameters_json_schema": {"a_b": 1}}]}],
        "generation_config": {
            "speechConfig": {"voice_config": {"prebuilt_voice_config": {"voice_name": "Kore"}}},
            "response_schema": {"property_ordering": ["a_b"], "anyOf": [{"max_items": "3"}]},
        },
        "toolConfig": {"retrievalConfig": {"lat_lng": {"latitude": 1}}},
    }

    assert walked(body) == {
        "contents": [{"parts": [{"inlineData": {"mimeType": "a/b", "data": ""}}]}],
        "systemInstruction": {"parts": [{"fileData": {"fileUri": "u", "mimeType": "a/b"}}]},
        "tools": [{"functionDeclarations": [{"name": "f", "parametersJsonSchema": {"a_b": 1}}]}],
        "generationConfig": {
            "speechConfig": {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Kore"}}},
            "responseSchema": {"propertyOrdering": ["a_b"], "anyOf": [{"maxItems": 3}]},
        },
        "toolConfig": {"retrievalConfig": {"latLng": {"latitude": 1}}},
    }


FREE = {"snake_case": {"mime_type": 1, "inlineData": None}, "maxItems": "7", "list": [{"a_b": []}]}


@pytest.mark.parametrize(
    ("message", "field"),
    [
        ("FunctionCall", "args"),
        ("FunctionResponse", "response"),
        ("Part", "partMetadata"),
        ("ToolCall", "args"),
        ("ToolResponse", "response"),
        ("FunctionDeclaration", "parametersJsonSchema"),
        ("FunctionDeclaration", "responseJsonSchema"),
        ("GenerationConfig", "responseJsonSchema"),
        ("GenerationConfig", "_responseJsonSchema"),
        ("TextResponseFormat", "schema"),
        ("Schema", "default"),
        ("Schema", "example"),
    ],
)
def test_free_form_json_is_never_renamed_or_changed(message: str, field: str) -> None:
    """gemini.md 0.4."""
    assert walked({snake(field): FREE}, message) == {field: FREE}


def test_the_names_of_properties_are_the_callers_own() -> None:
    """Keys of proto maps are data, also where they look like a field's name."""
    schema = {"properties": {"max_items": {"max_items": 2}, "maxItems": {"type": "string"}}}

    assert walked(schema, "Schema") == {
        "properties": {"max_items": {"maxItems": 2}, "maxItems": {"type": "STRING"}}
    }


def test_the_table_is_consistent() -> None:
    """Each type that it names exists, and each enum has a first value for 0."""
    named = re.findall(r":[\[{]*(@?\w+)", " ".join(MESSAGES.values()))
    scalars = SCALARS.keys() | {"json", "any", "struct"}

    assert {name for name in named if name[0] != "@"} <= MESSAGES.keys() | scalars
    assert {name[1:] for name in named if name[0] == "@"} == ENUMS.keys()
    assert QUALIFIED.keys() <= MESSAGES.keys() | ENUMS.keys()
    for message, (_, members) in ONEOFS.items():
        assert set(members.split()) <= {e.partition(":")[0] for e in MESSAGES[message].split()}


def test_null_is_unset_in_every_field_and_skipped_in_lists() -> None:
    """Proto3 JSON; a `null` in a list is passed over by Google's parser."""
    body = {
        "contents": [None, {"parts": [{"text": "a", "inlineData": None, "thought": None}]}],
        "tools": None,
        "generationConfig": {"temperature": None, "stopSequences": ["a", None]},
        "labels": None,
    }

    assert walked(body) == {
        "contents": [{"parts": [{"text": "a"}]}],
        "generationConfig": {"stopSequences": ["a"]},
    }


@pytest.mark.parametrize("field", ["default", "example"])
def test_null_is_a_value_where_any_json_may_stand(field: str) -> None:
    """`default: null` and no default are not the same; a JSON null is `google.protobuf.Value`."""
    assert walked({field: None}, "Schema") == {field: None}


def test_a_lone_value_is_a_list_of_one() -> None:
    """Google appends it to the repeated field, message or scalar."""
    body = {
        "contents": {"parts": {"text": "a"}},
        "generationConfig": {"stopSequences": "X", "responseModalities": "text"},
    }

    assert walked(body) == {
        "contents": [{"parts": [{"text": "a"}]}],
        "generationConfig": {"stopSequences": ["X"], "responseModalities": ["TEXT"]},
    }


def nested(levels: int, opening: bytes, closing: bytes, core: bytes = b"1") -> bytes:
    return opening * levels + core + closing * levels


@pytest.mark.parametrize(
    "value",
    [
        nested(100_000, b"[", b"]"),
        nested(100_000, b'{"a":', b"}"),
        nested(100_000, b'{"items":', b"}", b"{}"),
    ],
)
def test_a_hundred_thousand_levels_are_an_answer_not_a_crash(value: bytes) -> None:
    for field in (b"zzz", b"contents", b"labels"):
        with pytest.raises(TooLarge, match="nested deeper than 100 levels"):
            walk("GenerateContentRequest", b'{"%b":%b}' % (field, value))


@pytest.mark.parametrize(
    ("message", "body"),
    [
        ("Schema", nested(500, b'{"items":', b"}", b"{}")),
        ("Schema", nested(300, b'{"properties":{"a":', b"}}", b"{}")),
        ("Schema", b'{"default":%b}' % nested(500, b"[", b"]")),
        ("FunctionCall", b'{"args":%b}' % nested(500, b'{"a":', b"}")),
        ("FunctionDeclaration", b'{"parametersJsonSchema":%b}' % nested(500, b'{"a":[', b"]}")),
    ],
)
def test_nesting_past_the_limit_is_told_with_the_limit(message: str, body: bytes) -> None:
    with pytest.raises(TooLarge, match="nested deeper than 100 levels"):
        walk(message, body)


@pytest.mark.parametrize("levels", range(1, 6))
def test_the_limit_is_exact(levels: int) -> None:
    """Messages, maps, lists and free JSON count alike: one per bracket, one per list entry."""
    body = b'{"args":%b}' % nested(levels, b'{"a":', b"}")

    walk("FunctionCall", body, depth=levels + 1)
    with pytest.raises(TooLarge, match=f"deeper than {levels} levels"):
        walk("FunctionCall", body, depth=levels)


def test_ten_thousand_parts_take_ten_times_as_long_as_a_thousand() -> None:
    """Linear, with room for a noisy machine: quadratic would be a hundred times."""

    def cost(parts: int) -> float:
        tree = {"contents": [{"parts": [{"text": "a", "thought": True}] * parts}]}
        body = msgspec.json.encode(tree)
        best = float("inf")
        for _ in range(5):
            began = time.process_time()
            walk("GenerateContentRequest", body)
            best = min(best, time.process_time() - began)
        return best

    assert cost(10_000) < 40 * cost(1_000)


NAMES = sorted({entry.partition(":")[0] for entry in " ".join(MESSAGES.values()).split()})
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(NAMES), inner),
)


@given(st.sampled_from(sorted(MESSAGES)), JSON)
def test_any_json_is_walked_or_refused(message: str, tree: object) -> None:
    """And what was walked once is canonical: walked again it stays as it is."""
    try:
        found = walked(tree, message)
    except (Malformed, TooLarge):
        return

    assert walked(found, message) == found


@given(st.binary(max_size=60))
def test_any_bytes_are_walked_or_refused(body: bytes) -> None:
    refused: tuple[Violation, ...] | None = None
    try:
        walk("GenerateContentRequest", body)
    except Malformed as fault:
        refused = fault.violations

    assert refused is None or refused
