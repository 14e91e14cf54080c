"""What the answer must be, from what the request says."""

import msgspec
import pytest

from geminid.core.content import Json
from geminid.core.errors import CallerFault, Invalid, Unsupported
from geminid.core.request import FunctionTool, OutputFormat, Request, ToolChoice
from geminid.engines.llama.grammar import Goal, goal

TOOL = FunctionTool(name="f")
OBJECT = Json(b'{"type":"OBJECT","properties":{"b":{"type":"STRING"},"a":{"type":"STRING"}}}')


def aim(**fields: object) -> Goal:
    """The goal of a request with these fields."""
    return goal(msgspec.structs.replace(Request(model="m", contents=()), **fields))


def what(found: Goal) -> tuple[bool, bool, str]:
    """Whether it is held by a grammar, may be calls, and of which form besides."""
    return bool(found.grammar), found.calls, found.form


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, (False, False, "text")),
        ({"output": OutputFormat("text/plain")}, (False, False, "text")),
        ({"functions": (TOOL,), "tool_choice": ToolChoice("NONE")}, (False, False, "text")),
        ({"functions": (TOOL,)}, (True, True, "text")),
        ({"functions": (TOOL,), "tool_choice": ToolChoice("VALIDATED")}, (True, True, "text")),
        ({"functions": (TOOL,), "tool_choice": ToolChoice("ANY")}, (True, True, "")),
        ({"tool_choice": ToolChoice("ANY")}, (False, False, "text")),
        ({"output": OutputFormat("application/json")}, (True, False, "json")),
        ({"output": OutputFormat(schema=OBJECT)}, (True, False, "json")),
        (
            {"functions": (TOOL,), "output": OutputFormat("application/json", OBJECT)},
            (True, True, "json"),
        ),
        (
            {
                "functions": (TOOL,),
                "tool_choice": ToolChoice("ANY"),
                "output": OutputFormat("application/json", OBJECT),
            },
            (True, True, ""),
        ),
    ],
)
def test_the_request_says_what_the_answer_may_be(
    fields: dict[str, object], expected: tuple[bool, bool, str]
) -> None:
    assert what(aim(**fields)) == expected


@pytest.mark.parametrize(
    "schema", [None, b'{"type":"OBJECT"}', b'{"type":"OBJECT","properties":{}}']
)
def test_a_function_without_parameters_takes_an_empty_object(schema: bytes | None) -> None:
    tool = FunctionTool(name="f", parameters=Json(schema) if schema else None)

    assert '\nargs0: "{}"\n' in aim(functions=(tool,)).grammar


def test_objects_take_no_names_but_their_own() -> None:
    found = aim(output=OutputFormat("application/json", OBJECT)).grammar

    assert found.count('"additionalProperties":false') == 1


def test_a_choice_is_made_of_literals() -> None:
    schema = Json(b'{"type":"STRING","enum":["a","b\\"\\u007f"]}')

    found = aim(output=OutputFormat("text/x.enum", schema))

    assert 'answer: "a" | "b\\"\\u007f"\n' in found.grammar
    assert what(found) == (True, False, "enum")


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"output": OutputFormat("image/png")}, Unsupported),
        ({"output": OutputFormat("text/x.enum")}, Invalid),
        ({"output": OutputFormat("text/x.enum", Json(b"true"), True)}, Invalid),
        ({"functions": (TOOL,), "tool_choice": ToolChoice("ANY", ("g",))}, Invalid),
        ({"output": OutputFormat(schema=Json(b'{"not":{}}'), json_schema=True)}, Unsupported),
    ],
)
def test_what_cannot_be_held_to_is_refused(
    fields: dict[str, object], fault: type[Exception]
) -> None:
    with pytest.raises(fault):
        aim(**fields)


# Whose schema it is, and what the runtime could not take -----------------------------------------


@pytest.mark.parametrize(
    ("schema", "already"), [(b'{"not":{}}', True), (b'{"type":"BANANA"}', False), (b"[]", False)]
)
def test_a_refusal_names_whose_schema_it_is(schema: bytes, already: bool) -> None:
    """Also of a schema that was refused for another before."""
    tool = FunctionTool(name="get_x", parameters=Json(schema), json_schema=already)

    for _ in range(2):
        with pytest.raises(CallerFault, match=r"^The response schema: ") as first:
            aim(output=OutputFormat("application/json", Json(schema), already))
        with pytest.raises(
            CallerFault, match=r"^The parameters of the function 'get_x': "
        ) as second:
            aim(functions=(tool,))
        assert type(first.value) is type(second.value)


def test_a_goal_says_what_it_was_made_of() -> None:
    found = aim(functions=(TOOL,), output=OutputFormat("application/json", OBJECT))

    assert found.held == "the parameters of the functions 'f' or the response schema"


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "array", "items": {}},
        {"type": "string"},
        {"enum": [1, "a"]},
        {"anyOf": [{"type": "string"}, {"type": "integer"}]},
        {"$ref": "#/$defs/a", "$defs": {"a": {"type": "array", "items": {"$ref": "#/$defs/a"}}}},
    ],
)
def test_parameters_that_no_object_fits_are_refused(schema: object) -> None:
    with pytest.raises(Invalid, match=r"function 'f': arguments are an object"):
        aim(functions=(taking(schema),))


@pytest.mark.parametrize(
    "schema",
    [
        True,
        {},
        {"enum": [1, {"a": 1}]},
        {"anyOf": [{"type": "string"}, {"type": "object"}]},
        {"type": ["object", "null"], "properties": {"a": {"type": "string"}}},
        {"$ref": "#/$defs/a", "$defs": {"a": {"properties": {"b": {"$ref": "#/$defs/a"}}}}},
    ],
)
def test_parameters_that_an_object_may_fit_are_taken(schema: object) -> None:
    assert aim(functions=(taking(schema),)).calls


def patterned(count: int, pattern: str) -> dict[str, object]:
    """A choice of `count` strings."""
    return {"anyOf": [{"type": "string", "pattern": pattern % n} for n in range(1, count + 1)]}


def optional(count: int) -> dict[str, object]:
    """An object of so many properties that may be left out, beside one that may not."""
    named = {f"p{n}": {"type": "string"} for n in range(count + 1)}
    return {"type": "object", "properties": named, "required": ["p0"]}


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        (patterned(10, "^(.*[a-z]{%d}y){9}.{90}$"), "long patterns"),
        ({"items": patterned(10, "^(.*[a-z]{%d}y){9}.{90}$")}, "long patterns"),
        (optional(401), "optional properties"),
    ],
)
def test_what_the_runtime_would_give_up_on_is_refused_before(schema: object, words: str) -> None:
    """It would do so in mid-answer, and say so only in its log."""
    output = OutputFormat("application/json", Json(msgspec.json.encode(schema)), json_schema=True)

    with pytest.raises(Unsupported, match=f"^The response schema: .*{words}"):
        aim(output=output)


@pytest.mark.parametrize(
    "schema",
    [patterned(5, "^(.*[a-z]{%d}y){9}.{90}$"), patterned(90, "^x%d[a-z]+$"), optional(400)],
)
def test_what_it_can_take_is_not(schema: object) -> None:
    output = OutputFormat("application/json", Json(msgspec.json.encode(schema)), json_schema=True)

    assert aim(output=output).form == "json"


def test_long_texts_that_it_may_force_are_known() -> None:
    long, short = "x" * 500, "y"
    schema = {"type": "object", "properties": {"a": {"const": long}, "b": {"enum": [short, long]}}}
    output = OutputFormat("application/json", Json(msgspec.json.encode(schema)), json_schema=True)
    choice = OutputFormat("text/x.enum", Json(msgspec.json.encode({"enum": [short, long]})), True)

    assert set(aim(output=output).literals) == {f'"{long}"'}
    assert set(aim(functions=(taking(schema),)).literals) == {f'"{long}"'}
    assert aim(output=choice).literals == (long,)


def taking(schema: object) -> FunctionTool:
    """A function `f` with these parameters."""
    return FunctionTool(name="f", parameters=Json(msgspec.json.encode(schema)), json_schema=True)
