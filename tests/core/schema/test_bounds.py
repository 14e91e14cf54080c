"""Schemas that are refused before anything is compiled."""

import time
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings

from geminid.core.content import Json
from geminid.core.errors import Invalid
from geminid.core.schema import check_bounds
from geminid.core.schema.bounds import MAX_BYTES, MAX_COMPARED, MAX_NODES, MAX_PATTERNS
from tests.schemas import Schema, schemas


def nested(levels: int, key: str = "items") -> Json:
    return Json(b'{"%s":' % key.encode() * levels + b"{}" + b"}" * levels)


def laughs(levels: int, width: int = 10) -> Schema:
    """The billion laughs: each definition is `width` times the next."""
    named: Schema = {
        f"a{n}": {"allOf": [{"$ref": f"#/$defs/a{n + 1}"}] * width} for n in range(levels)
    }
    return {"$ref": "#/$defs/a0", "$defs": {**named, f"a{levels}": {"type": "object"}}}


def chain(length: int) -> Schema:
    named: Schema = {f"a{n}": {"$ref": f"#/$defs/a{n + 1}"} for n in range(length)}
    return {"$ref": "#/$defs/a0", "$defs": {**named, f"a{length}": {}}}


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        (Json(b'{"enum":["' + b"x" * MAX_BYTES + b'"]}'), "bytes"),
        ({"enum": [1] * MAX_NODES}, "values"),
        (nested(100), "deep"),
        (nested(100_000), "bytes"),
        (nested(20_000), "deep"),
        (Json(b'{"anyOf":[' * 20_000 + b"{}" + b"]}" * 20_000), "deep"),
        (Json(b"{"), "not JSON"),
        ([], "an object or a boolean"),
        ({"properties": {"a": 3}}, "#/properties/a"),
        ({"items": [{}]}, "#/items"),
        ({"type": "STRING"}, "lower case"),
        ({"minItems": -1}, "#/minItems"),
        ({"minItems": 1.5}, "#/minItems"),
        ({"maximum": "3"}, "#/maximum"),
        ({"required": [1]}, "#/required"),
        ({"enum": []}, "#/enum"),
        ({"anyOf": []}, "#/anyOf"),
        ({"pattern": "("}, "the pattern"),
        ({"pattern": "a" * 1001}, "1000"),
        ({"properties": {"a": {"$id": "x"}}}, "$id"),
        ({"$ref": "http://127.0.0.1/x"}, "another document"),
        ({"$ref": "file:///etc/passwd"}, "another document"),
        ({"$ref": "other.json#/$defs/a"}, "another document"),
        ({"items": {"$ref": "#/$defs/gone"}}, "at #/items"),
        ({"$ref": "#/properties"}, "nowhere"),
        ({"$ref": "#gone"}, "nowhere"),
        ({"$ref": "#"}, "circle"),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}}, "circle"),
        ({"$defs": {"a": {"anyOf": [{}, {"allOf": [{"$ref": "#/$defs/a"}]}]}}}, "circle"),
        ({"$defs": {"a": {"not": {"$ref": "#/$defs/a"}}}}, "circle"),
        ({"$ref": "#/default", "default": {}}, "nowhere"),
        ({"$ref": "#/default", "default": {"$ref": "http://127.0.0.1/x"}}, "nowhere"),
        ({"$ref": "#/default/items", "default": {"items": {"type": "text"}}}, "nowhere"),
        ({"$ref": "#/x-foo", "x-foo": {"minItems": "x"}}, "nowhere"),
        ({"$ref": "#/x-foo", "x-foo": True}, "nowhere"),
        ({"$ref": "#/enum/0", "enum": [{}]}, "nowhere"),
        ({"$ref": "#/const", "const": {}}, "nowhere"),
        ({"$ref": "#/examples/0", "examples": [{}]}, "nowhere"),
        ({"$ref": "#/uniqueItems", "uniqueItems": True}, "nowhere"),
        ({"$ref": "#/required/0", "required": ["a"]}, "nowhere"),
        ({"anyOf": [{}, {"$ref": "#/anyOf/" + "9" * 5000}]}, "nowhere"),
        ({"anyOf": [{}, {"$ref": "#/anyOf/00"}]}, "nowhere"),
        ({"anyOf": [{}, {"$ref": "#/anyOf/\u0660"}]}, "nowhere"),
        ({"anyOf": [{}, {"$ref": "#/anyOf/²"}]}, "nowhere"),
        ({"$dynamicRef": "#gone"}, "nowhere"),
        ({"items": {"$dynamicRef": "http://127.0.0.1/x"}}, "another document"),
        ({"$dynamicAnchor": "a", "$dynamicRef": "#a"}, "circle"),
        ({"dependencies": {"a": {"minItems": -1}}}, "#/dependencies/a/minItems"),
        ({"dependencies": {"a": {"$ref": "#"}}}, "circle"),
        ({"properties": {str(n): {"pattern": f"a{n}"} for n in range(MAX_PATTERNS + 1)}},
         "patterns"),
        ({"patternProperties": {f"a{n}": {} for n in range(MAX_PATTERNS + 1)}}, "patterns"),
        ({"items": {"enum": [{"a": n} for n in range(MAX_COMPARED)]}}, "#/items/enum"),
        ({"enum": [n + 0.5 for n in range(MAX_COMPARED + 1)]}, "#/enum"),
        (laughs(9), "multiply"),
        (chain(1000), "multiply"),
    ],
)  # fmt: skip
def test_what_is_refused_and_why(schema: Any, said: str) -> None:
    """The message names the field, the place inside, and the reason; it comes at once."""
    raw = schema if isinstance(schema, msgspec.Raw) else Json(msgspec.json.encode(schema))
    begun = time.process_time()

    with pytest.raises(Invalid) as caught:
        check_bounds(raw, "tools[0].parameters")

    assert caught.value.detail.startswith("tools[0].parameters: ")
    assert said in caught.value.detail
    assert len(caught.value.detail) < 600
    assert time.process_time() - begun < 2


@pytest.mark.parametrize(
    "schema",
    [
        True,
        {"$id": "https://example.com/x", "$anchor": "a", "$ref": "#/$defs/x", "$defs": {"x": {}}},
        {"definitions": {"x y": {}}, "items": {"$ref": "#/definitions/x%20y"}},
        {"properties": {"$ref": {"type": "string"}, "type": {"items": {"$ref": "#"}}}},
        {"enum": [{"$ref": "http://127.0.0.1/"}], "propertyOrdering": ["a"], "x-mine": [[]]},
        {"default": {"pattern": "("}, "minItems": 1.0},
        {"$ref": "#/items/anyOf/1", "items": {"anyOf": [False, True]}},
        {"$ref": "#/$defs/a~1b/items", "$defs": {"a/b": {"items": True}}},
        {"$ref": "#/properties/default", "properties": {"default": {}, "items": {}}},
        {"dependencies": {"a": ["b"], "c": {"required": ["a"]}}},
        {"$dynamicAnchor": "a", "items": {"$dynamicRef": "#a"}},
        {"enum": [str(n) for n in range(5000)] + [None]},
        {"properties": {str(n): {"pattern": "a"} for n in range(MAX_PATTERNS + 1)}},
        laughs(3),
        chain(60),
        msgspec.json.decode(nested(98)),
    ],
)
def test_what_is_fine(schema: Any) -> None:
    """Recursion through a value, data that looks like keywords, properties named like them."""
    check_bounds(Json(msgspec.json.encode(schema)), "x")


@settings(deadline=None)
@given(schemas())
def test_what_callers_send_is_within_bounds(schema: Schema) -> None:
    """No bound is met by a schema that a person wrote, unless it contradicts itself."""
    said = ""
    try:
        check_bounds(Json(msgspec.json.encode(schema)), "x")
    except Invalid as fault:
        said = fault.detail

    assert not said or "nothing can satisfy it" in said
