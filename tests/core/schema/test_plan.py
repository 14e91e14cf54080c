"""What llama.cpp is handed, and what is left to check."""

import time
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings

from geminid.core.content import Json
from geminid.core.errors import Fault, Invalid, Unsupported
from geminid.core.schema import Plan, plan
from geminid.core.schema.keywords import KEYWORDS
from geminid.core.schema.plan import MOST_RULES
from geminid.core.schema.refs import walk
from tests.schemas import Schema, schemas

# What the converter of xllamacpp 2026.10.11549 was seen to do rightly, for each type.
KNOWN = {
    "object": {"type", "properties", "required", "additionalProperties"},
    "array": {"type", "items", "prefixItems", "minItems", "maxItems"},
    "string": {"type", "pattern", "format", "minLength", "maxLength"},
    "integer": {"type", "minimum", "maximum"},
    "number": {"type"},
    "boolean": {"type"},
    "null": {"type"},
}


def planned(schema: Any) -> tuple[Any, tuple[str, ...]]:
    found = plan(Json(msgspec.json.encode(schema)))
    return msgspec.json.decode(found.grammar), found.checked


CLOSED = {"additionalProperties": False}


@pytest.mark.parametrize(
    ("schema", "grammar", "checked"),
    [
        ({"type": "string"}, {"type": "string"}, ()),
        ({"minLength": 3}, {"type": "string", "minLength": 3}, ()),
        ({"type": "integer", "exclusiveMinimum": 2, "maximum": 9.5},
         {"type": "integer", "minimum": 3, "maximum": 9}, ()),
        ({"type": "integer", "maximum": -5},
         {"type": "integer", "minimum": -(10**15) + 1, "maximum": -5}, ()),
        ({"type": "integer", "minimum": 0, "maximum": 12, "multipleOf": 5},
         {"enum": [0, 5, 10]}, ()),
        ({"type": "integer", "multipleOf": 7}, {"type": "integer"}, ("multipleOf",)),
        ({"type": "number", "minimum": 0, "maximum": 1},
         {"type": "number"}, ("maximum", "minimum")),
        ({"type": "number", "multipleOf": 2, "minimum": 1, "maximum": 5}, {"enum": [2, 4]}, ()),
        ({"type": "string", "pattern": r"^\d{3}$"},
         {"type": "string", "pattern": "^[0-9]{3}$"}, ()),
        ({"type": "string", "pattern": "^(?=a)b$"}, {"type": "string"}, ("pattern",)),
        ({"type": "string", "pattern": "^a+$", "maxLength": 4},
         {"type": "string", "pattern": "^a+$"}, ("maxLength",)),
        ({"type": "string", "format": "date"}, {"type": "string", "format": "date"}, ("format",)),
        ({"type": "string", "format": "uri"}, {"type": "string"}, ()),
        ({"type": "string", "maxLength": 10**6}, {"type": "string"}, ("maxLength",)),
        ({"type": ["string", "null"], "minLength": 2},
         {"anyOf": [{"type": "string", "minLength": 2}, {"type": "null"}]}, ()),
        ({"type": "string", "enum": ["a", 1]}, {"enum": ["a"]}, ()),
        ({"const": {"a": [1]}}, {"enum": [{"a": [1]}]}, ()),
        ({"type": "array", "items": {"enum": [1, 2]}, "uniqueItems": True},
         {"type": "array", "items": {"enum": [1, 2]}, "maxItems": 2}, ("uniqueItems",)),
        ({"type": "array", "items": False}, {"type": "array", "items": {"type": "null"},
                                             "maxItems": 0}, ()),
        ({"type": "array", "items": {"type": "null"}, "maxItems": 10**9},
         {"type": "array", "items": {"type": "null"}}, ("maxItems",)),
        ({"prefixItems": [{"type": "null"}], "items": {"type": "boolean"}, "minItems": 2},
         {"type": "array", "prefixItems": [{"type": "null"}, {"type": "boolean"}], "minItems": 2,
          "maxItems": 2}, ()),
        ({"type": "object", "properties": {"a": False, "b": {"type": "null"}}},
         {"type": "object", "properties": {"b": {"type": "null"}}, **CLOSED}, ()),
        ({"type": "object", "required": ["x"], "additionalProperties": {"type": "null"}},
         {"type": "object", "properties": {"x": {"type": "null"}}, "required": ["x"], **CLOSED},
         ()),
        ({"type": "object", "additionalProperties": {"type": "null"}},
         {"type": "object", "additionalProperties": {"type": "null"}}, ("additionalProperties",)),
        ({"type": "object", "properties": {"*": {"type": "null"}, "a": {"type": "null"}}},
         {"type": "object", "properties": {"a": {"type": "null"}}, **CLOSED}, ()),
        ({"oneOf": [{"type": "string"}, {"type": "integer"}]},
         {"anyOf": [{"type": "string"}, {"type": "integer"}]}, ()),
        ({"oneOf": [{"minLength": 3}, {"type": "integer"}]},
         {"anyOf": [{"type": "string", "minLength": 3}, {"type": "integer"}]}, ("oneOf",)),
        ({"anyOf": [False, {"type": "null"}]}, {"type": "null"}, ()),
        ({"allOf": [{"properties": {"a": {"type": "integer"}}, "required": ["a"]},
                    {"properties": {"a": {"minimum": 1, "maximum": 2}}}]},
         {"type": "object", "properties": {"a": {"type": "integer", "minimum": 1, "maximum": 2}},
          "required": ["a"], **CLOSED}, ()),
    ],
)  # fmt: skip
def test_each_kind_of_schema(schema: Schema, grammar: Schema, checked: tuple[str, ...]) -> None:
    """Narrowed to what llama.cpp does rightly; what it does not do is named."""
    assert planned(schema) == (grammar, checked)


def test_properties_keep_the_order_asked_for() -> None:
    """JSON objects have no order for most, but a model writes what comes first, first."""
    named = {name: {"type": "null"} for name in "abc"}
    grammar, _ = planned({"type": "object", "properties": named, "propertyOrdering": ["c", "x"]})

    assert list(grammar["properties"]) == ["c", "a", "b"]


@pytest.mark.parametrize("address", ["#", "#/$defs/a~1b", "#here", "#/properties/deep"])
def test_every_local_address_becomes_a_definition(address: str) -> None:
    """llama.cpp refuses `#` and anchors, and does not unescape."""
    schema = {
        "type": "object",
        "properties": {"again": {"$ref": address}, "deep": {"type": "null"}},
        "$defs": {"a/b": {"type": "null"}, "x": {"$anchor": "here", "type": "boolean"}},
    }

    grammar, checked = planned(schema)

    assert grammar["properties"]["again"] == {"$ref": "#/$defs/d0"}
    assert list(grammar["$defs"]) == ["d0"]
    assert checked == ()


def test_what_stands_beside_anyof_holds_in_each_branch() -> None:
    """llama.cpp forgets it."""
    named = {"a": {"type": "null"}, "b": {"type": "null"}}
    schema = {
        "type": "object",
        "properties": named,
        "anyOf": [{"required": ["a"]}, {"required": ["b"]}],
    }

    grammar, _ = planned(schema)

    assert [branch["required"] for branch in grammar["anyOf"]] == [["a"], ["b"]]
    assert all(branch["properties"] == named for branch in grammar["anyOf"])


def test_a_definition_without_a_finite_value_is_cut_off() -> None:
    """A model would write for ever; where another way is left, it is taken."""
    endless = {"type": "object", "properties": {"a": {"$ref": "#/$defs/e"}}, "required": ["a"]}
    schema = {
        "properties": {"x": {"$ref": "#/$defs/e"}, "y": {"type": "null"}},
        "$defs": {"e": endless},
    }

    grammar, _ = planned(schema)

    assert grammar["properties"] == {"y": {"type": "null"}}
    assert "$defs" not in grammar
    with pytest.raises(Invalid, match="nothing can satisfy"):
        planned({"$ref": "#/$defs/e", "$defs": {"e": endless}})


@pytest.mark.parametrize(
    "schema",
    [
        False,
        {"type": "array", "minItems": 3, "maxItems": 2},
        {"type": "string", "minLength": 5, "maxLength": 2},
        {"type": "integer", "minimum": 5, "maximum": 3},
        {"type": "integer", "minimum": 1, "maximum": 3, "multipleOf": 4},
        {"type": "number", "minimum": 1, "exclusiveMaximum": 1},
        {"type": "integer", "enum": ["a"]},
        {"allOf": [{"type": "string"}, {"type": "integer"}]},
        {"type": "object", "required": ["a"], "additionalProperties": False},
        {"type": "object", "properties": {"a": False}, "required": ["a"]},
        {"type": "object", "minProperties": 1, "additionalProperties": False},
        {"type": "array", "items": {"enum": [1]}, "uniqueItems": True, "minItems": 2},
        {"anyOf": [{"type": "null"}], "type": "string"},
    ],
)
def test_contradictions_are_refused_up_front(schema: Any) -> None:
    """Of the first, llama.cpp made a grammar of 3,000,000,000 items and took all memory."""
    with pytest.raises(Invalid, match="nothing can satisfy"):
        planned(schema)


REFUSED = {name: keyword for name, keyword in KEYWORDS.items() if keyword.how == "refused"}


@pytest.mark.parametrize("name", REFUSED)
def test_a_refused_keyword_is_named_with_its_place(name: str) -> None:
    """Also behind a reference and in a branch."""
    values: dict[str, Any] = {
        **dict.fromkeys(("$dynamicRef", "$recursiveRef"), "#"),
        **dict.fromkeys(("minContains", "maxContains"), 1),
    }
    bad = {name: values.get(name, {})}

    for schema in (
        {"properties": {"a": bad}},
        {"properties": {"a": {"allOf": [bad]}}},
        {"properties": {"a": {"anyOf": [bad, {"type": "null"}], "type": "string"}}},
    ):
        with pytest.raises(Unsupported) as caught:
            planned(schema)
        assert f"`{name}`" in caught.value.detail
        assert "#/properties/a" in caught.value.detail


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "array", "minItems": 501},
        {"type": "string", "minLength": 1001},
        {"enum": list(range(1001))},
        {"type": "integer", "minimum": 10**16},
        {"const": 10**30},
        {"type": "object", "minProperties": 2, "properties": {"a": {}}},
        {"type": "object", "propertyNames": {"maxLength": 3}},
    ],
)
def test_more_than_a_grammar_can_hold_is_refused(schema: Schema) -> None:
    """With llama.cpp these end in an error without words, or in minutes of work."""
    with pytest.raises(Unsupported):
        planned({"properties": {"a": schema}})


def test_schemas_that_merge_without_end_are_refused_soon() -> None:
    """Each is bounded by itself; together they have no first repetition."""
    schema = {
        "$defs": {
            name: {"properties": {"x": {"$ref": f"#/$defs/{name}"}}, "anyOf": [{}, {}, {}]}
            for name in "ab"
        },
        "allOf": [{"$ref": "#/$defs/a"}, {"$ref": "#/$defs/b"}],
    }
    begun = time.process_time()

    with pytest.raises(Unsupported):
        planned(schema)

    assert time.process_time() - begun < 5


@pytest.mark.parametrize(
    "schema",
    [
        {"items": {"allOf": [{"required": ["c"]}, {"additionalProperties": False}]}, "minItems": 1,
         "type": "array"},
        {"minItems": 3, "maxItems": 2},
        {"minLength": 3, "maxLength": 2},
        {"properties": {"a": {"$ref": "#"}}, "required": ["a"]},
    ],
)  # fmt: skip
def test_what_is_lost_by_taking_one_type_is_not_called_impossible(schema: Schema) -> None:
    """Values of other types satisfy each of these."""
    with pytest.raises(Unsupported, match="Name the `type`"):
        planned(schema)


def test_no_plan_has_more_rules_than_a_grammar_can_hold() -> None:
    """Each place counts."""
    named = {f"p{n}": {"type": "null"} for n in range(MOST_RULES)}

    with pytest.raises(Unsupported, match="multiply"):
        planned({"type": "object", "properties": named})
    named.popitem()
    grammar, _ = planned({"type": "object", "properties": named})
    assert len(grammar["properties"]) == MOST_RULES - 1


def test_many_schemas_of_one_thing_are_merged_into_one() -> None:
    """However many: in pairs they would be in each other, too deep to read."""
    for key in ("items", "additionalProperties"):
        grammar, _ = planned({"allOf": [{key: {"minLength": n % 900}} for n in range(2500)]})
        assert grammar[key] == {"type": "string", "minLength": 899}
    grammar, _ = planned(
        {"allOf": [{"properties": {"a": {"minLength": n % 900}}} for n in range(2500)]}
    )

    assert grammar["properties"] == {"a": {"type": "string", "minLength": 899}}


def chained(length: int) -> Schema:
    named: Schema = {
        f"d{n}": {"properties": {"x": {"$ref": f"#/$defs/d{n + 1}"}}, "required": ["x"]}
        for n in range(length)
    }
    return {"$ref": "#/$defs/d0", "$defs": {**named, f"d{length}": {"type": "string"}}}


@pytest.mark.parametrize(
    "schema",
    [
        chained(990),
        {"allOf": [{"properties": {f"a{n}": {"minLength": 1}}} for n in range(4000)]},
        {"type": "object", "allOf": [{"required": [f"a{n}"]} for n in range(6000)]},
        {
            "properties": {f"p{n}": {"$ref": "#/$defs/a", "minLength": 1} for n in range(1000)},
            "$defs": {"a": {"allOf": [{"minLength": n} for n in range(2500)]}},
        },
    ],
)
def test_a_plan_takes_time_linear_in_the_schema(schema: Schema) -> None:
    """Chains, many small parts, and large parts that are named many times."""
    begun = time.process_time()

    with suppress(Unsupported):
        planned(schema)

    assert time.process_time() - begun < 3


def parts(tree: Any) -> list[Any]:
    return [each for _, each in walk(tree)]


@settings(deadline=None)
@given(schemas())
def test_a_grammar_holds_nothing_but_what_is_known_to_work(schema: Schema) -> None:
    """One type at a time, with its own keywords; or one combination; references that exist."""
    try:
        grammar, _ = planned(schema)
    except (Invalid, Unsupported):
        return
    definitions = grammar.pop("$defs", {})

    for part in [*parts(grammar), *(each for tree in definitions.values() for each in parts(tree))]:
        if isinstance(part, bool):
            assert part is False
        elif "$ref" in part:
            assert part["$ref"].removeprefix("#/$defs/") in definitions
        elif "type" in part:
            assert set(part) <= KNOWN[part["type"]]
        else:
            assert len(part) == 1
            assert set(part) <= {"anyOf", "enum", "description"}


@settings(deadline=None)
@given(schemas())
def test_a_plan_of_a_plan_says_the_same(schema: Schema) -> None:
    """What was narrowed once needs no narrowing: no step undoes another."""
    try:
        grammar, _ = planned(schema)
    except Fault:
        return
    again, _ = planned(grammar)

    assert len(parts(again)) <= len(parts(grammar))


def test_a_plan_is_a_value() -> None:
    """Plans are compared and kept."""
    assert plan(Json(b"{}")) == Plan(
        Json(b'{"description":"any value"}'), ("additionalProperties",)
    )
