"""Which schemas a strict server takes, and how they are closed for it."""

from typing import Any

import jsonschema_rs
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geminid.core.content import Json
from geminid.dialects.openai.strict import strict_schema

STRING = {"type": "string"}


def closed(schema: object) -> Any:
    found = strict_schema(Json(msgspec.json.encode(schema)))
    return None if found is None else msgspec.json.decode(found)


def an_object(required: list[str] | None = None, **properties: Any) -> dict[str, Any]:
    names = list(properties) if required is None else required
    return {"type": "object", "properties": properties, "required": names}


def test_objects_are_closed_at_every_depth() -> None:
    """In properties, items, choices and definitions; nothing else changes."""
    inner = an_object(b=STRING)
    shut = inner | {"additionalProperties": False}
    listed = {"type": "array", "items": inner}
    choice = {"anyOf": [inner, {"type": "null"}]}
    schema = an_object(a=inner, l=listed, c=choice, r={"$ref": "#/$defs/d"}) | {
        "$defs": {"d": inner}
    }

    assert closed(schema) == {
        "type": "object",
        "properties": {
            "a": shut,
            "l": {"type": "array", "items": shut},
            "c": {"anyOf": [shut, {"type": "null"}]},
            "r": {"$ref": "#/$defs/d"},
        },
        "required": ["a", "l", "c", "r"],
        "additionalProperties": False,
        "$defs": {"d": shut},
    }


def test_an_object_of_nothing_is_closed() -> None:
    """A function without parameters."""
    found = closed({"type": "object", "properties": {}})
    assert found == {
        "type": "object",
        "properties": {},
        "required": [],
        "additionalProperties": False,
    }


@pytest.mark.parametrize(
    "schema",
    [
        an_object([], a=STRING),
        an_object(a=an_object([], b=STRING)),
        an_object(a={"type": "object"}),
        an_object(a={}),
        an_object(a=True),
        an_object(a=STRING) | {"additionalProperties": True},
        an_object(a=STRING) | {"additionalProperties": STRING},
        an_object(a=STRING | {"minLength": 1}),
        an_object(a={"type": "array", "items": {}}),
        an_object(a={"anyOf": [{}]}),
        an_object(a={"anyOf": 3}),
        an_object(a=STRING) | {"$defs": 3},
        an_object(a=STRING) | {"anyOf": [STRING]},
        an_object(a=STRING) | {"required": 3},
        STRING,
        {},
        [],
        True,
    ],
)
def test_what_a_strict_server_refuses_is_left_alone(schema: object) -> None:
    """What was optional must not become required: the model would invent it."""
    assert closed(schema) is None


def test_a_deep_schema_is_left_alone() -> None:
    """Servers have a limit, and so has our stack."""
    schema = an_object(a=STRING)
    for _ in range(300):
        schema = an_object(a=schema)

    assert closed(schema) is None


SCHEMAS = st.recursive(
    st.sampled_from([STRING, {"type": "integer"}, {"type": "null"}, {}, {"const": 1}]),
    lambda inner: (
        st.builds(lambda item: {"type": "array", "items": item}, inner)
        | st.builds(lambda one, two: {"anyOf": [one, two]}, inner, inner)
        | st.builds(
            lambda found, required: {
                "type": "object",
                "properties": found,
                "required": sorted(found) if required else [],
            },
            st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
            st.booleans(),
        )
    ),
    max_leaves=6,
)
VALUES = st.recursive(
    st.sampled_from([None, 1, "x"]),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("abcd"), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(SCHEMAS.map(lambda schema: an_object(a=schema)), VALUES)
def test_an_answer_to_the_closed_schema_fits_the_caller_s(schema: Any, value: object) -> None:
    """Closing only takes away."""
    found = closed(schema)
    answer = {"a": value}

    if found is not None and jsonschema_rs.is_valid(found, answer):
        assert jsonschema_rs.is_valid(schema, answer)
