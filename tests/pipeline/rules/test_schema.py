"""What is wrong with a schema is told with the path that the API uses."""

import pytest

from tests.pipeline.rules.bodies import FUNCTION, OLD, PRO, WHERE, Tree, config, declared, function
from tests.pipeline.rules.test_every_rule import notices, refusal

BAD: Tree = {"type": "ARRAY"}


def wrapped(**schema: object) -> Tree:
    return declared(function(parameters={"type": "OBJECT", **schema}))


@pytest.mark.parametrize(
    ("tree", "path"),
    [
        (wrapped(properties={"a": BAD}), f"{FUNCTION}.parameters.properties[a].items"),
        (
            wrapped(properties={"a": {"type": "ARRAY", "items": BAD}}),
            f"{FUNCTION}.parameters.properties[a].items.items",
        ),
        (
            wrapped(properties={"a": {"anyOf": [{"type": "NULL"}, BAD]}}),
            f"{FUNCTION}.parameters.properties[a].any_of[1].items",
        ),
        (
            wrapped(properties={"a": {"type": "OBJECT", "properties": {"b c": BAD}}}),
            f"{FUNCTION}.parameters.properties[a].properties[b c].items",
        ),
        (declared(function(response=BAD)), f"{FUNCTION}.response.items"),
        (
            config(responseMimeType="application/json", responseSchema=BAD),
            f"{WHERE}.response_schema.items",
        ),
    ],
)
def test_the_path_leads_to_the_field(tree: Tree, path: str) -> None:
    assert refusal(tree) == f"{path}: missing field.\n"


def test_the_second_function_is_told_as_the_second() -> None:
    tree = declared(function("a"), function("b", parameters=BAD))

    assert refusal(tree).startswith(
        "* GenerateContentRequest.tools[0].function_declarations[1].parameters.items:"
    )


def test_everything_that_is_wrong_is_told() -> None:
    tree = wrapped(properties={"a": BAD, "b": {"enum": ["x", ""]}}, required=["a", "c"])

    assert sorted(refusal(tree).splitlines()) == [
        f"{FUNCTION}.parameters.properties[a].items: missing field.",
        f"{FUNCTION}.parameters.properties[b].enum: only allowed for STRING type",
        f"{FUNCTION}.parameters.properties[b].enum[1]: cannot be empty",
        f"{FUNCTION}.parameters.properties[b].type: must be specified when not using one_of,"
        " any_of or all_of fields",
        f"{FUNCTION}.parameters.required[1]: property is not defined",
    ]


@pytest.mark.parametrize("model", [PRO, OLD])
@pytest.mark.parametrize(
    "tree",
    [
        # What google-genai makes of `int | str | None`, of a list, of an enum and of a dict.
        wrapped(
            properties={
                "a": {"type": "OBJECT", "nullable": True, "anyOf": [{"type": "INTEGER"}]},
                "b": {"type": "ARRAY", "items": {"type": "NUMBER"}, "minItems": "1"},
                "c": {"type": "STRING", "enum": ["x"], "default": "x"},
            },
            required=["a"],
        ),
        # JSON Schema is another language, with rules of its own.
        declared(function(parametersJsonSchema={"type": ["array", "null"], "enum": [1]})),
        config(responseMimeType="application/json", responseJsonSchema={"$ref": "#/$defs/a"}),
        # Lower case is the same.
        wrapped(properties={"a": {"type": "string"}}),
    ],
)
def test_what_is_sound_passes(tree: Tree, model: str) -> None:
    assert notices(tree, model) == []


@pytest.mark.parametrize("schema", [{"type": "OBJECT"}, {"type": "OBJECT", "properties": {}}])
def test_an_object_of_nothing_passes_on_gemini_3(schema: Tree) -> None:
    """Servers of tools declare functions without parameters so."""
    assert notices(declared(function(parameters=schema))) == []


def test_a_deep_schema_is_looked_at_to_its_bottom() -> None:
    schema = BAD
    for _ in range(15):
        schema = {"type": "OBJECT", "properties": {"a": schema}}

    told = refusal(declared(function(parameters=schema)))

    assert told.count(".properties[a]") == 15
    assert told.endswith(".items: missing field.\n")


def test_the_name_of_a_property_is_quoted_but_not_at_any_length() -> None:
    told = refusal(wrapped(properties={"größe" * 1_000: BAD}))

    assert "properties[größe" in told
    assert len(told) < 500
