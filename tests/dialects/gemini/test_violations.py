"""What is wrong with a body: all of it, at Google's paths, in Google's words (gemini.md 0.8)."""

import msgspec
import pytest

from geminid.core.errors import Malformed
from geminid.dialects.gemini.walk import walk
from tests.dialects.gemini.walked import API, complaints, walked


def at(path: str) -> str:
    return f" at '{path}'" if path else ""


def test_all_unknown_names_are_told_with_their_paths() -> None:
    """gemini.md 0.8: snake case, list numbers, and maps as lists of entries."""
    schema = {
        "properties": {"a": {"foo": 1}, "b": {"items": {"bar": 2, "anyOf": [{}, {"baz": [1]}]}}}
    }
    body = {
        "zero": 1,
        "contents": [{"parts": [{"text": "a"}, {"text": "b", "one": {}}]}],
        "tools": [{}, {"functionDeclarations": [{"name": "f", "parameters": schema}]}],
    }
    parameters = "tools[1].function_declarations[0].parameters"

    expected = [
        ("zero", ""),
        ("one", "contents[0].parts[1]"),
        ("foo", f"{parameters}.properties[0].value"),
        ("bar", f"{parameters}.properties[1].value.items"),
        ("baz", f"{parameters}.properties[1].value.items.any_of[1]"),
    ]
    assert complaints(body) == [
        (
            path,
            f'Invalid JSON payload received. Unknown name "{name}"{at(path)}: Cannot find field.',
        )
        for name, path in expected
    ]


def test_different_faults_are_told_together_in_the_order_of_the_body() -> None:
    body = {"contents": [{"role": 5}], "x": 1, "generationConfig": {"topK": "a", "y": 1}}

    assert [text for _, text in complaints(body)] == [
        "Invalid value at 'contents[0].role' (TYPE_STRING), 5",
        'Invalid JSON payload received. Unknown name "x": Cannot find field.',
        "Invalid value at 'generation_config.top_k' (TYPE_INT32), \"a\"",
        "Invalid JSON payload received. Unknown name \"y\" at 'generation_config':"
        " Cannot find field.",
    ]


@pytest.mark.parametrize(
    ("body", "field", "text"),
    [
        # The most frequent of all: JSON Schema's list of types in an OpenAPI schema.
        ({"generationConfig": {"responseSchema": {"type": ["string", "null"]}}},
         "generation_config.response_schema",
         'Invalid JSON payload received. Unknown name "type" at'
         " 'generation_config.response_schema': Proto field is not repeating, cannot start list."),
        ({"contents": [{"parts": [{"functionCall": {"args": []}}]}]},
         "contents[0].parts[0].function_call",
         'Invalid JSON payload received. Unknown name "args" at'
         " 'contents[0].parts[0].function_call': Proto field is not repeating, cannot start list."),
        ({"systemInstruction": []}, "",
         'Invalid JSON payload received. Unknown name "systemInstruction":'
         " Proto field is not repeating, cannot start list."),
        ({"contents": [{"parts": [{"text": {"a": 1}}]}]}, "contents[0].parts[0]",
         "Invalid value at 'contents[0].parts[0]' (text), Starting an object on a scalar field"),
        ({"generationConfig": {"mediaResolution": {}}}, "generation_config",
         "Invalid value at 'generation_config' (media_resolution),"
         " Starting an object on a scalar field"),
        ({"cachedContent": {}}, "",
         "Invalid value (cached_content), Starting an object on a scalar field"),
        ({"contents": "hello"}, "contents",
         f"Invalid value at 'contents' ({API}Content), \"hello\""),
        ({"contents": ["hello"]}, "contents[0]",
         f"Invalid value at 'contents[0]' ({API}Content), \"hello\""),
        ({"tools": [{"googleSearch": True}]}, "tools[0].google_search",
         f"Invalid value at 'tools[0].google_search' ({API}Tool.GoogleSearch), true"),
        ({"contents": [{"parts": [{"functionCall": {"args": "{}"}}]}]},
         "contents[0].parts[0].function_call.args",
         "Invalid value at 'contents[0].parts[0].function_call.args'"
         ' (type.googleapis.com/google.protobuf.Struct), "{}"'),
        ({"labels": [1]}, "labels",
         "Invalid value at 'labels' (Map), Cannot bind a list to map for field 'labels'."),
        ({"labels": {"a": ["b"]}}, "labels[0].value",
         "Invalid value at 'labels[0].value' (Map),"
         " Cannot have repeated items ('a') within a map."),
        ({"labels": {"a": "b", "c": 5}}, "labels[1].value",
         "Invalid value at 'labels[1].value' (TYPE_STRING), 5"),
        ({"labels": "x"}, "labels", "Invalid value at 'labels' (Map), \"x\""),
        ({"generationConfig": {"stopSequences": ["a", 5]}}, "generation_config.stop_sequences[1]",
         "Invalid value at 'generation_config.stop_sequences[1]' (TYPE_STRING), 5"),
    ],
)  # fmt: skip
def test_a_value_of_a_wrong_type_is_told_as_google_does(
    body: object, field: str, text: str
) -> None:
    assert complaints(body) == [(field, text)]


@pytest.mark.parametrize(
    ("part", "names"),
    [
        ({"text": "a", "inlineData": {}}, ["inlineData"]),
        ({"inline_data": {}, "text": "a"}, ["text"]),
        ({"text": "a", "function_call": {}, "fileData": {}}, ["function_call", "fileData"]),
    ],
)
def test_two_payloads_in_one_part_are_refused(part: object, names: list[str]) -> None:
    at = "contents[0].parts[0]"

    assert complaints({"contents": [{"parts": [part]}]}) == [
        (at, f"Invalid value at '{at}' (oneof), oneof field 'data' is already set. Cannot set"
             f" '{name}'")
        for name in names
    ]  # fmt: skip


def test_a_payload_beside_modifiers_is_no_second_payload() -> None:
    part = {"text": "a", "thought": True, "thoughtSignature": "QQ==", "partMetadata": {}}

    assert walked(part, "Part") == part


@pytest.mark.parametrize("body", [b"[]", b"5", b"null", b'"x"', b"true"])
def test_a_body_that_is_no_object(body: bytes) -> None:
    text = 'Invalid JSON payload received. Unknown name "": Root element must be a message.'

    assert complaints(body) == [("", text)]


@pytest.mark.parametrize("body", [b"", b"  \r\n\t"])
def test_no_body_is_an_empty_message(body: bytes) -> None:
    """google-genai sends none when there is nothing to say (gemini.md 0.13)."""
    assert walk("GenerateContentRequest", body) == {}


@pytest.mark.parametrize(
    "body",
    [
        b"{", b'{"a"', b'{"a":}', b"{,}", b"{]", b'{"store":tru}', b"{'store':true}", b"\xff",
        b'{"a":"\xff"}', b'{"a":NaN}', b'{"a":Infinity}', b'{"a":-Infinity}', b'{"a":1e400}',
        b'{"a":01}', b'{"a":"\x00"}', b'{"store":true}{}', b'{"store":true}x', b"\xef\xbb\xbf{}",
        b'{"a":' + b"9" * 5000 + b"}", '{"a":1}'.encode("utf-16"),
    ],
)  # fmt: skip
def test_what_is_not_json_is_one_violation_without_a_field(body: bytes) -> None:
    [(field, text)] = complaints(body)

    assert field == ""
    assert text.startswith("Invalid JSON payload received. ")
    assert len(text) > len("Invalid JSON payload received. ") + 3


@pytest.mark.parametrize("text", [r"\ud800", r"\udBFF", r"\ud83dx", r"a\ud83d\u0041", r"\udc00"])
def test_half_a_surrogate_pair_is_refused(text: str) -> None:
    r"""A text cut in the middle of an emoji arrives as `"\ud83d"`: no UTF-8 can say that."""
    [(_, told)] = complaints(b'{"cachedContent":"%b"}' % text.encode())

    assert "surrogate" in told


def test_a_whole_surrogate_pair_is_text() -> None:
    assert walk("GenerateContentRequest", rb'{"cachedContent":"\ud83d\ude00"}') == {
        "cachedContent": "😀"
    }


def test_of_a_key_given_twice_the_last_counts() -> None:
    assert walk("GenerationConfig", b'{"topK":1,"topK":2}') == {"topK": 2}
    assert walk("GenerationConfig", b'{"topK":1,"top_k":2}') == {"topK": 2}


def test_a_body_of_faults_is_not_answered_a_hundredfold() -> None:
    """All violations are listed, but a megabyte of them must not become a gigabyte of answer."""
    body = msgspec.json.encode({f"key{number}": 1 for number in range(5_000)})

    with pytest.raises(Malformed) as caught:
        walk("GenerateContentRequest", body)

    assert len(caught.value.violations) == 1_000
    assert caught.value.detail.endswith("\n... and 4000 more.")


def test_long_names_and_values_are_quoted_in_part() -> None:
    long = "x" * 100_000

    for body in ({long: 1}, {"store": long}, {"tools": [{"codeExecution": long}]}):
        [(_, text)] = complaints(body)
        assert len(text) < 500
