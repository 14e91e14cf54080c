"""What nothing satisfies, for any engine."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geminid.core.content import Json
from geminid.core.errors import Invalid
from geminid.core.schema import Refs, check_bounds
from geminid.core.schema.contradiction import Contradictions
from tests.schemas import Schema, schemas

DEAD: Schema = {"type": "array", "minItems": 3, "maxItems": 1}


@pytest.mark.parametrize(
    "schema",
    [
        False,
        DEAD,
        {"type": "string", "minLength": 2, "maxLength": 1},
        {"type": "object", "minProperties": 2, "maxProperties": 1},
        {"type": "number", "minimum": 2, "maximum": 1},
        {"type": "number", "minimum": 1, "exclusiveMaximum": 1},
        {"type": "number", "exclusiveMinimum": 1, "maximum": 1},
        {"type": "integer", "exclusiveMinimum": 1, "exclusiveMaximum": 2},
        {"type": "integer", "minimum": 1.2, "maximum": 1.8},
        {"type": ["string", "array"], "minLength": 2, "maxLength": 1, "minItems": 2, "maxItems": 1},
        {"type": "integer", "enum": ["a", 1.5]},
        {"type": "string", "const": 1},
        {"enum": [1, 2], "minimum": 3},
        {"type": "object", "required": ["a"], "properties": {"a": False}},
        {"type": "object", "required": ["a"], "properties": {"a": DEAD}},
        {"type": "object", "required": ["a"], "additionalProperties": False},
        {"type": "object", "required": ["a", "b"], "maxProperties": 1},
        {"type": "array", "minItems": 1, "items": False},
        {"type": "array", "minItems": 2, "prefixItems": [{}, DEAD]},
        {"allOf": [{}, DEAD]},
        {"anyOf": [DEAD, False]},
        {"oneOf": [DEAD]},
        {"$ref": "#/$defs/a", "$defs": {"a": DEAD}},
    ],
)
def test_a_plain_contradiction_is_refused_before_anything_is_asked(schema: Any) -> None:
    """By the check that every schema passes, whoever is to answer."""
    with pytest.raises(Invalid, match=r"field x: .*nothing can satisfy it"):
        check_bounds(Json(msgspec.json.encode(schema)), "field x")


@pytest.mark.parametrize(
    "schema",
    [
        {"minLength": 2, "maxLength": 1},
        {"type": ["array", "null"], "minItems": 3, "maxItems": 1},
        {"type": "number", "minimum": 1, "maximum": 1},
        {"type": "integer", "exclusiveMinimum": 1, "maximum": 2},
        {"type": "integer", "enum": [1.0]},
        {"type": "object", "properties": {"a": DEAD}},
        {"type": "object", "required": ["a"], "patternProperties": {"a": {}},
         "additionalProperties": False},
        {"required": ["a"], "additionalProperties": False},
        {"type": "array", "items": False},
        {"type": "array", "minItems": 1, "prefixItems": [{}, DEAD]},
        {"anyOf": [DEAD, {}]},
        {"not": DEAD},
        {"$defs": {"a": DEAD}},
        {"type": "object", "required": ["a"], "properties": {"a": {"$ref": "#"}}},
    ],
)  # fmt: skip
def test_what_is_not_certain_is_let_pass(schema: Schema) -> None:
    """Another type, another branch, a property that may be left out, a circle."""
    check_bounds(Json(msgspec.json.encode(schema)), "x")


def test_a_long_chain_of_needs_ends() -> None:
    """What is too far in is not looked at."""
    named: Schema = {
        f"d{n}": {
            "type": "object",
            "properties": {"x": {"$ref": f"#/$defs/d{n + 1}"}},
            "required": ["x"],
        }
        for n in range(1500)
    }
    check_bounds(
        Json(msgspec.json.encode({"$ref": "#/$defs/d0", "$defs": {**named, "d1500": False}})), "x"
    )


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from([0.5, "", "a", "ab"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b"]), inner),
    max_leaves=4,
)


@settings(deadline=None)
@given(schemas(), VALUES)
def test_what_is_called_impossible_has_no_value(schema: Schema, value: object) -> None:
    """Judged by the library alone, without the check."""
    import jsonschema_rs  # noqa: PLC0415  the check is not to load it

    if Contradictions(Refs(schema)).hold(schema):
        assert not jsonschema_rs.Draft202012Validator(schema).is_valid(value)
