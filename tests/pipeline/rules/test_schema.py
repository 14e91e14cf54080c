"""What is wrong with a schema is told with the path that the API uses."""

import tracemalloc

import pytest

from geminid.core.errors import Invalid
from geminid.core.ports import Context
from tests.pipeline.rules.bodies import FUNCTION, OLD, PRO, WHERE, Tree, config, declared, function
from tests.pipeline.rules.test_every_rule import BOOK, decoded, notices, refusal

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


def test_a_hundred_thousand_faults_at_the_bottom_are_neither_kept_nor_told() -> None:
    """Spelled in full, half a megabyte of them made a reply of eight, and took a gigabyte."""
    schema: Tree = {"type": "OBJECT", "required": ["a"] * 100_000}
    for _ in range(40):
        schema = {"type": "OBJECT", "properties": {"x" * 200: schema}}
    request = decoded(declared(function(parameters=schema)))

    tracemalloc.start()
    with pytest.raises(Invalid) as caught:
        BOOK.check(request, None, Context(request_id="r", caller="", deadline=0.0, stream=False))
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert caught.value.detail.endswith("\n... and more.\n")
    assert len(caught.value.detail) < 64_000
    assert most < 8_000_000


def test_a_schema_with_many_faults_of_one_kind_is_looked_at_for_others() -> None:
    tree = wrapped(required=["a"] * 100, properties={"b": BAD})

    told = refusal(tree)

    assert told.count("property is not defined") == 100
    assert f"{FUNCTION}.parameters.properties[b].items: missing field." in told
