"""Two schemas as one."""

import pytest

from geminid.core.schema.merge import Apart, merge
from tests.schemas import Schema


@pytest.mark.parametrize(
    ("first", "second", "wanted"),
    [
        ({"minimum": 1, "maxLength": 5}, {"minimum": 3, "maxLength": 9},
         {"minimum": 3, "maxLength": 5}),
        ({"type": ["number", "string"]}, {"type": "integer"}, {"type": "integer"}),
        ({"type": "string"}, {"type": "null"}, False),
        ({"enum": [1, "a"]}, {"enum": ["a", 2]}, {"enum": ["a"]}),
        ({"enum": [1]}, {"enum": [2]}, False),
        ({"const": 1}, {"const": 2}, False),
        ({"const": None}, {"const": None}, {"const": None}),
        ({"const": 1}, {"const": 1.0}, {"const": 1}),
        ({"const": 1}, {"const": True}, False),
        ({"enum": [1, 2]}, {"enum": [1.0]}, {"enum": [1]}),
        ({"enum": [None, {"a": 1, "b": 2}]}, {"enum": [{"b": 2.0, "a": 1}]},
         {"enum": [{"a": 1, "b": 2}]}),
        ({"multipleOf": 4}, {"multipleOf": 6}, {"multipleOf": 12}),
        ({"multipleOf": 0.5}, {"multipleOf": 0.2}, {"multipleOf": 1}),
        ({"uniqueItems": False}, {"uniqueItems": True}, {"uniqueItems": True}),
        ({"required": ["a"]}, {"required": ["b", "a"]}, {"required": ["a", "b"]}),
        ({"properties": {"a": {}}}, {"additionalProperties": False},
         {"properties": {"a": False}, "additionalProperties": False}),
        ({"properties": {"a": {"type": "null"}}}, {"properties": {"a": {"minLength": 1}}},
         {"properties": {"a": {"allOf": [{"type": "null"}, {"minLength": 1}]}}}),
        ({"anyOf": [{"type": "null"}]}, {"anyOf": [{"minLength": 1}]},
         {"anyOf": [{"allOf": [{"type": "null"}, {"minLength": 1}]}]}),
        ({"title": "a", "default": 1}, {"description": "b", "x-y": 1}, {}),
    ],
)  # fmt: skip
def test_both_hold(first: Schema, second: Schema, wanted: Schema | bool) -> None:
    """The tighter limit, what both name, what either requires; notes are left out."""
    checked: set[str] = set()

    assert merge(first, second, checked) == wanted
    assert not checked


@pytest.mark.parametrize("key", ["pattern", "format"])
def test_what_cannot_be_both_is_checked(key: str) -> None:
    """The first is kept."""
    checked: set[str] = set()

    assert merge({key: "date"}, {key: "time"}, checked) == {key: "date"}
    assert checked == {key}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"prefixItems": [{}]}, {"items": {}}),
        ({"anyOf": [{}] * 9}, {"anyOf": [{}] * 9}),
    ],
)
def test_what_cannot_be_merged_is_said(first: Schema, second: Schema) -> None:
    """Tuples, and alternatives that multiply."""
    with pytest.raises(Apart):
        merge(first, second, set())
