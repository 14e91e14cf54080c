"""How often a schema has one value looked at."""

import msgspec
import pytest

from geminid.core.content import Json
from geminid.core.errors import Invalid
from geminid.core.schema import Looks, Refs, check_bounds
from geminid.core.schema.looks import ENDLESS
from tests.schemas import DOUBLING, Schema, doubled

SELF: Schema = {"$ref": "#"}


def looks(schema: Schema) -> Looks:
    return Looks(schema, Refs(schema))


@pytest.mark.parametrize("name", DOUBLING)
def test_definitions_that_double_each_other_are_refused(name: str) -> None:
    """Forty levels of any of these took jsonschema-rs longer than anybody waits."""
    with pytest.raises(Invalid, match="multiply"):
        check_bounds(Json(msgspec.json.encode(doubled(name, 40))), "x")


@pytest.mark.parametrize("name", DOUBLING)
def test_a_few_levels_are_fine(name: str) -> None:
    """As people write them."""
    check_bounds(Json(msgspec.json.encode(doubled(name, 3))), "x")


def test_schemas_in_each_other_that_look_for_what_was_not_evaluated_are_refused() -> None:
    """Each such has everything inside judged again, and again in there."""
    schema: Schema = {}
    for _ in range(30):
        schema = {"allOf": [schema], "unevaluatedProperties": False}

    with pytest.raises(Invalid, match="multiply"):
        check_bounds(Json(msgspec.json.encode(schema)), "x")


@pytest.mark.parametrize(
    ("schema", "most"),
    [
        ({"type": "object"}, 1),
        ({"items": {"anyOf": [{}, {}]}}, 4),
        ({"properties": {"a": {}, "b": {}}}, 2),
        ({"properties": {"a": {}}, "patternProperties": {"a": {}}}, 3),
        ({"properties": {"next": SELF}}, 3),
        ({"items": {"enum": ["a", "b"]}}, 2),
        ({"items": {"enum": [[], 1]}}, 18),
    ],
)
def test_alternatives_add_up_and_names_do_not(schema: Schema, most: int) -> None:
    """One member has one name; comparing has a price."""
    assert looks(schema).remembering() == most
    assert not looks(schema).loose


def test_a_definition_with_many_kinds_of_itself_stays_small() -> None:
    """The usual shape of a tree: all circles lead through one definition."""
    kinds = [{"properties": {"kind": {"const": n}, "of": SELF}} for n in range(20)]

    assert looks({"anyOf": kinds}).remembering() < 100


def test_circles_in_circles_are_not_told_exactly() -> None:
    """Nor refused: how deep a value is decides."""
    names = "abcdefgh"
    schema: Schema = {
        "$defs": {
            name: {"items": {"anyOf": [{"$ref": f"#/$defs/{each}"} for each in names]}}
            for name in names
        },
        "$ref": "#/$defs/a",
    }

    found = looks(schema)
    assert (found.remembering(), found.loose) == (ENDLESS, True)
    assert found.forgetting([1, 1, 1], 10**6) < 1000
    assert found.forgetting([1] * 20, 10**6) > 10**6
    check_bounds(Json(msgspec.json.encode(schema)), "x")
