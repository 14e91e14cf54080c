"""Gemini's schemas as JSON Schema."""

from typing import Any

import msgspec
import pytest

from geminid.core.content import Json
from geminid.core.errors import Invalid
from geminid.core.schema import json_schema


def convert(schema: Any) -> Any:
    return msgspec.json.decode(json_schema(Json(msgspec.json.encode(schema)), already=False))


@pytest.mark.parametrize(
    ("schema", "wanted"),
    [
        ({}, {}),
        ({"type": "TYPE_UNSPECIFIED"}, {}),
        ({"type": "String", "minLength": "3"}, {"type": "string", "minLength": 3}),
        ({"type": "INTEGER", "format": "int64", "minimum": 1}, {"type": "integer", "minimum": 1}),
        ({"type": "STRING", "format": "date-time"}, {"type": "string", "format": "date-time"}),
        (
            {"type": "STRING", "enum": ["a"], "format": "enum", "nullable": True},
            {"type": ["string", "null"], "enum": ["a", None]},
        ),
        (
            {"type": "NUMBER", "example": 2, "default": 1},
            {"type": "number", "default": 1, "examples": [2]},
        ),
        (
            {"anyOf": [{"type": "STRING"}, {"type": "NUMBER"}], "nullable": True},
            {"anyOf": [{"type": "string"}, {"type": "number"}, {"type": "null"}]},
        ),
        ({"type": "NUMBER", "minimum": "0.5"}, {"type": "number", "minimum": 0.5}),
        ({"type": "INTEGER", "enum": ["1", "2"]}, {"type": "integer", "enum": [1, 2]}),
        ({"type": "NULL", "nullable": True}, {"type": "null"}),
        ({"required": ["a", "a"]}, {"required": ["a"]}),
        (
            {"type": "ARRAY", "items": {"type": "BOOLEAN"}, "maxItems": "2", "title": "t"},
            {"type": "array", "items": {"type": "boolean"}, "maxItems": 2, "title": "t"},
        ),
    ],
)
def test_each_keyword(schema: dict[str, Any], wanted: dict[str, Any]) -> None:
    """Types in lower case, int64 as numbers, null where it is allowed, widths left out."""
    assert convert(schema) == wanted


def test_properties_keep_their_names_and_take_the_order_asked_for() -> None:
    """A property may be called like a keyword, and models write in the order they read."""
    properties = {name: {"type": "STRING"} for name in ("type", "nullable", "z")}
    schema = {
        "type": "OBJECT",
        "properties": properties,
        "required": ["z"],
        "propertyOrdering": ["z", "gone", "type"],
    }

    found = convert(schema)
    assert list(found["properties"]) == ["z", "type", "nullable"]
    assert found == {
        "type": "object",
        "required": ["z"],
        "properties": {name: {"type": "string"} for name in properties},
    }


def test_json_schema_is_not_touched() -> None:
    """Byte for byte: it is free-form."""
    raw = Json(b'{"type" : "object", "$ref":"#/$defs/a"}')

    assert json_schema(raw, already=True) is raw


def deep(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {}
    for _ in range(levels):
        schema = {"items": schema}
    return schema


@pytest.mark.parametrize(
    "schema",
    [
        *([], {"items": 3}, {"properties": []}, {"anyOf": {}}, {"maxItems": "many"}, deep(100)),
        *({"type": 3}, {"maxItems": 1.5}, {"enum": "a"}, {"required": "a"}, {"minimum": "low"}),
        *({"type": "INTEGER", "enum": ["a"]}, {"propertyOrdering": "a", "properties": {}}),
    ],
)
def test_what_is_no_schema_is_the_caller_s_fault(schema: Any) -> None:
    """And is said before anything is sent."""
    with pytest.raises(Invalid):
        convert(schema)
