"""What the answer must be, from what the request says."""

import msgspec
import pytest

from geminid.core.content import Json
from geminid.core.errors import Invalid, Unsupported
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
