"""Functions that a chat declares, and how they may be called."""

import json
from typing import Any

import pytest

from geminid.core.content import Call
from geminid.core.errors import Malformed
from geminid.core.request import FunctionTool, ToolChoice
from geminid.dialects.gemini.request import write_request
from geminid.pipeline.enforce import contract_of
from geminid.pipeline.validator import Validators
from tests.dialects.openai.chat.ask.asking import Asked, asked, broken, chat_of

RECURSIVE = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {
        "node": {"$ref": "#/$defs/node"},
        "kind": {"const": "a"},
        "tags": {"type": "array", "items": {"type": "string"}, "uniqueItems": True},
        "any": {"oneOf": [{"type": "string"}, {"type": "integer"}]},
    },
    "propertyNames": {"pattern": "^[a-z]+$"},
    "additionalProperties": False,
    "$defs": {
        "node": {
            "type": "object",
            "properties": {"next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]}},
        }
    },
}


def tool(name: str, **fields: Any) -> dict[str, Any]:
    """A tool as `tools` has it."""
    return {"type": "function", "function": {"name": name, **fields}}


def refusal(**fields: Any) -> Malformed:
    """How a body with `fields` is refused."""
    with pytest.raises(Malformed) as caught:
        chat_of(**fields)
    return caught.value


def test_a_schema_goes_to_gemini_as_json_schema_and_whole() -> None:
    """Pain A6: `$schema`, `$ref`, `additionalProperties`, `propertyNames`, `uniqueItems`, `const`:
    each gateway strips one keyword per bug; here none is touched, and no rule refuses it.
    """
    found = asked(tools=[tool("f", description="d", parameters=RECURSIVE)])
    sent: Any = write_request(found.request)
    [declaration] = sent["tools"][0]["functionDeclarations"]

    assert Asked(chat_of(tools=[tool("f", parameters=RECURSIVE)])).ignored == []
    assert declaration.keys() == {"name", "description", "parametersJsonSchema"}
    assert json.loads(bytes(declaration["parametersJsonSchema"])) == RECURSIVE
    assert broken(found.request) == []
    assert contract_of(found.request, Validators()).bounds_answer


def test_a_functions_name_that_gemini_refuses_is_another_one_inside() -> None:
    """Pain A6, names: the caller is told their own again; one that is taken never changes."""
    long, digit = "x" * 65, "9lives"
    found = Asked(
        chat := chat_of(
            tools=[tool("plain"), tool(long), tool(digit)],
            messages=[
                {"role": "user", "content": "a"},
                {
                    "role": "assistant",
                    "tool_calls": [
                        {
                            "id": "c",
                            "type": "function",
                            "function": {"name": digit, "arguments": "{}"},
                        }
                    ],
                },
                {"role": "tool", "tool_call_id": "c", "content": "ok"},
            ],
        )
    )

    plain, *others = [function.name for function in found.request.functions]
    assert plain == "plain"
    assert [chat.functions.theirs(name) for name in others] == [long, digit]
    assert broken(found.request) == []
    call = found.request.contents[1].parts[0]
    assert isinstance(call, Call)
    assert call.name == others[1]


@pytest.mark.parametrize("parameters", [None, {}])
def test_a_function_may_take_nothing(parameters: Any) -> None:
    """An empty schema is the same as none."""
    [function] = chat_of(tools=[tool("f", parameters=parameters)]).request.functions

    assert function == FunctionTool(name="f")


def test_a_custom_tool_is_a_function_of_one_text() -> None:
    """A grammar cannot be enforced: it is told to the model, and named."""
    grammar = {"type": "grammar", "grammar": {"syntax": "lark", "definition": "start: X"}}
    custom = {"type": "custom", "custom": {"name": "sh", "description": "Runs.", "format": grammar}}
    found = Asked(chat := chat_of(tools=[custom, tool("f")]))

    first, second = found.request.functions
    assert chat.functions.custom == {"sh"}
    assert b'"required":["input"]' in bytes(first.parameters or b"")
    assert first.description == "Runs.\nThe input keeps to this lark grammar:\nstart: X"
    assert second == FunctionTool(name="f")
    assert found.ignored == ["tools.custom.format"]


def test_functions_of_old_are_answered_as_they_were() -> None:
    """`functions` and `function_call`."""
    chat = chat_of(functions=[{"name": "f"}, {"name": "g"}], function_call={"name": "g"})

    assert chat.functions.legacy
    assert not chat_of(tools=[tool("f")]).functions.legacy
    assert chat.request.tool_choice == ToolChoice("ANY", ("g",))


@pytest.mark.parametrize(
    ("choice", "wanted"),
    [
        ("auto", None),
        ("none", ToolChoice("NONE")),
        ("required", ToolChoice("ANY")),
        ({"type": "function", "function": {"name": "f"}}, ToolChoice("ANY", ("f",))),
        ({"type": "custom", "custom": {"name": "c"}}, ToolChoice("ANY", ("c",))),
        (
            {
                "type": "allowed_tools",
                "allowed_tools": {
                    "mode": "required",
                    "tools": [
                        {"type": "function", "function": {"name": "f"}},
                        {"type": "custom", "custom": {"name": "c"}},
                    ],
                },
            },
            ToolChoice("ANY", ("f", "c")),
        ),
        (
            {
                "type": "allowed_tools",
                "allowed_tools": {
                    "mode": "auto",
                    "tools": [{"type": "function", "function": {"name": "f"}}],
                },
            },
            ToolChoice("VALIDATED", ("f",)),
        ),
    ],
)
def test_a_choice_is_gemini_s(choice: Any, wanted: ToolChoice | None) -> None:
    """Every form that there is; no rule refuses any."""
    custom = {"type": "custom", "custom": {"name": "c"}}
    found = asked(tools=[tool("f"), tool("g"), custom], tool_choice=choice)

    assert found.request.tool_choice == wanted
    assert broken(found.request) == []


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"tool_choice": "required"}, "tool_choice", "only allowed when 'tools'"),
        (
            {"tool_choice": {"type": "function", "function": {"name": "f"}}},
            "tool_choice",
            "only allowed when 'tools'",
        ),
        ({"function_call": {"name": "f"}}, "function_call", "only allowed when 'functions'"),
        ({"tools": [tool("f")], "tool_choice": "any"}, "tool_choice", "'none', 'auto', and"),
        (
            {
                "tools": [tool("f")],
                "tool_choice": {"type": "function", "function": {"name": "g"}},
            },
            "tool_choice",
            "the function 'g' of 'tool_choice' is not among those that are declared",
        ),
        (
            {"tools": [tool("f")], "tool_choice": {"type": "function"}},
            "tool_choice.function",
            "Missing required parameter",
        ),
        (
            {
                "tools": [tool("f")],
                "tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto"}},
            },
            "tool_choice.allowed_tools.tools",
            "empty array",
        ),
        ({"tools": [tool("f"), tool("f")]}, "tools[1].function.name", "is declared twice"),
        ({"tools": [tool("")]}, "tools[0].function.name", "empty string"),
        ({"tools": [{"type": "function"}]}, "tools[0].function", "Missing required parameter"),
        ({"tools": [{"type": "web"}]}, "tools[0].type", "'function', and 'custom'"),
        ({"tools": ["f"]}, "tools[0]", "expected an object"),
        (
            {"tools": [tool("f", parameters="{}")]},
            "tools[0].function.parameters",
            "expected an object, but got a string",
        ),
        ({"tools": [tool("f")], "functions": [{"name": "f"}]}, "functions", "Only one of"),
    ],
)
def test_what_makes_no_sense_is_refused(fields: Any, field: str, words: str) -> None:
    """With the field, and what to do."""
    fault = refusal(**fields)

    assert fault.violations[0].field == field
    assert words in fault.detail


@pytest.mark.parametrize(
    ("dialect", "choice", "named"),
    [("gemini", None, ["tools.function.strict"]), ("", None, []), ("openai", "VALIDATED", [])],
)
def test_strict_is_kept_where_it_can_be(dialect: str, choice: str | None, named: list[str]) -> None:
    """Our own engines keep to schemas anyway; Google's would refuse schemas that it takes."""
    found = asked(dialect=dialect, tools=[tool("f", strict=True)])

    assert found.ignored == named
    assert (found.request.tool_choice or ToolChoice()).mode == (choice or "")


def test_strict_does_not_undo_a_choice() -> None:
    """A function that must not be called needs no schema."""
    found = asked(dialect="openai", tools=[tool("f", strict=True)], tool_choice="none")

    assert found.request.tool_choice == ToolChoice("NONE")


def test_what_a_tool_carries_besides_is_named() -> None:
    """Caching alters no answer; other things may."""
    chat = chat_of(tools=[tool("f", wild=1) | {"cache_control": {"type": "ephemeral"}}])

    assert {(left.field, left.service) for left in chat.left} == {
        ("tools.function.wild", False),
        ("tools.cache_control", True),
    }
