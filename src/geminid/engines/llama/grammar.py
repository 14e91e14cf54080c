"""The grammar that holds the model to the form of its answer.

It is written in the language of llguidance, which llama.cpp's sampler reads: alternatives of
literals, a regex, and JSON Schemas, in one grammar.  So calls or words, or calls or JSON, are
decided by the model itself as it writes, in one pass.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

import msgspec

from geminid.core.content import Json
from geminid.core.errors import Invalid, Unsupported
from geminid.core.request import FunctionTool, OutputFormat, Request, ToolChoice
from geminid.core.schema.openapi import json_schema
from geminid.core.schema.plan import plan
from geminid.engines.llama.planned import check_burden, long_literals, may_be_object
from geminid.engines.loop import LEAST

MARK: Final = "CALL "
"""What stands before calls, in the answer as in the history.  A JSON array follows."""

_MOST_CALLS: Final = 4
"""In one answer.  A small model left alone calls on and on."""

_SOME: Final = "the schema"
_SHOWN: Final = 300
_NAMED: Final = 3
_HEAD: Final = "%llguidance {}\nstart: "
# After `CALL ` only `[` can follow, so that no half call is taken for words.
_TEXT: Final = r"TEXT: /(.|\n)+/ & ~/CALL (.|\n)*/"
# No blanks between tokens: a small model loops in them.  Keywords that the grammar cannot hold are
# skipped, and left to whoever checks the answer.
_GUIDE: Final = {"whitespace_flexible": False, "lenient": True}
_ANY_JSON: Final = {"type": ["object", "array"]}
_HOLDING: Final = ("properties", "additionalProperties", "anyOf", "$ref", "enum", "const")
"""The keywords of a plan that let an object have something in it."""


class Goal(msgspec.Struct, frozen=True, kw_only=True):
    """What the answer must be: free text if `grammar` is empty.

    It may be `calls`.  Besides, or instead, it may be of a `form`: `text`, `json`, or `enum`, one
    of a choice of words.  `held` says what the grammar was made of, for messages; `literals` are
    the long texts that it may force the model to write.
    """

    grammar: str = ""
    calls: bool = False
    form: str = ""
    held: str = ""
    literals: tuple[str, ...] = ()

    @property
    def must_call(self) -> bool:
        """Whether nothing but calls will do."""
        return self.calls and not self.form


def goal(request: Request) -> Goal:
    """What the answer to `request` must be.

    Raises:
        Unsupported: a format, or a schema, that the model cannot be held to.
        Invalid: a schema that is none, or no function is left to be called.
    """
    functions = offered(request)
    mode = request.tool_choice.mode if request.tool_choice is not None else ""
    form = output_form(request.output)
    must = bool(functions) and mode == "ANY"
    starts: list[str] = []
    rules: list[str] = []
    held: list[str] = []
    literals: list[str] = []
    if functions:
        starts.append("calls")
        rules += _calls(functions, literals)
        names = ", ".join(repr(tool.name[:_SHOWN]) for tool in functions[:_NAMED])
        held.append(f"the parameters of the functions {names}{', …' * (len(functions) > _NAMED)}")
    if not must and request.output is not None and form:
        starts.append("answer")
        rules.append(f"answer: {_answer(request.output, form, literals)}")
        held.append("the response schema")
    elif not must and functions:
        starts.append("TEXT")
        rules.append(_TEXT)
    if not starts:
        return Goal(form="text")
    return Goal(
        grammar="\n".join([_HEAD + " | ".join(starts), *rules, ""]),
        calls=bool(functions),
        form="" if must else form or "text",
        held=" or ".join(held),
        literals=tuple(literals),
    )


def offered(request: Request) -> tuple[FunctionTool, ...]:
    """The functions that may be called.

    Raises:
        Invalid: `allowedFunctionNames` leaves none.
    """
    choice = request.tool_choice or ToolChoice()
    if choice.mode == "NONE":
        return ()
    if not choice.allowed or choice.mode not in ("ANY", "VALIDATED"):
        return request.functions
    left = tuple(tool for tool in request.functions if tool.name in choice.allowed)
    if request.functions and not left:
        raise Invalid("`allowedFunctionNames` names none of the functions that are declared.")
    return left


def output_form(output: OutputFormat | None) -> str:
    """`json`, `enum`, or nothing for words.

    Raises:
        Unsupported: the mime type is another.
    """
    mime = output.mime if output is not None else ""
    match mime:
        case "application/json":
            return "json"
        case "text/x.enum":
            return "enum"
        case "" | "text/plain":
            return "json" if output is not None and output.schema is not None else ""
        case _:
            raise Unsupported(
                f"The local model cannot answer in {mime}; use application/json with a schema, or"
                " name a model that another channel serves."
            )


def choices(output: OutputFormat) -> list[str]:
    """The texts of which an answer in `text/x.enum` is one.

    Raises:
        Invalid: the schema lists none.
    """
    schema = json_schema(output.schema or Json(b"{}"), already=output.json_schema)
    found = msgspec.json.decode(schema)
    listed = found.get("enum") if isinstance(found, dict) else None
    texts = [text for text in listed or () if isinstance(text, str) and text]
    if not texts:
        raise Invalid("The response type text/x.enum needs a schema with an `enum` of strings.")
    return texts


def _answer(output: OutputFormat, form: str, literals: list[str]) -> str:
    if form == "enum":
        texts = choices(output)
        literals += (text for text in texts if len(text) >= LEAST)
        return " | ".join(_literal(text) for text in texts)
    if output.schema is None:
        return _json(_ANY_JSON)
    tree = _planned(output.schema, "The response schema", already=output.json_schema)
    literals += long_literals(tree)
    return _json(tree)


def _calls(functions: tuple[FunctionTool, ...], literals: list[str]) -> Iterable[str]:
    names = " | ".join(f"call{number}" for number in range(len(functions)))
    more = f'("," call){{0,{_MOST_CALLS - 1}}}'
    yield f'calls: {_literal(MARK + "[")} call {more} "]"'
    yield f"call: {names}"
    for number, tool in enumerate(functions):
        name = msgspec.json.encode(tool.name).decode()
        start = _literal(f'{{"name":{name},"args":')
        yield f'call{number}: {start} args{number} "}}"'
        yield f"args{number}: {_arguments(tool, literals)}"


def _arguments(tool: FunctionTool, literals: list[str]) -> str:
    if tool.parameters is None:
        return _literal("{}")
    where = f"The parameters of the function {tool.name[:_SHOWN]!r}"
    tree = _planned(tool.parameters, where, already=tool.json_schema)
    if not may_be_object(tree):
        raise Invalid(f"{where}: arguments are an object. Write a schema of the type object.")
    literals += long_literals(tree)
    if not isinstance(tree, dict) or not any(tree.get(name) for name in _HOLDING):
        return _literal("{}")
    return _json(tree if "type" in tree else {"type": "object"} | tree)


def _planned(schema: Json, where: str, *, already: bool) -> object:
    try:
        tree = msgspec.json.decode(_plan_of(bytes(schema), already))
    except (Invalid, Unsupported) as fault:
        raise type(fault)(f"{where}: {fault.detail.removeprefix(f'{_SOME}: ')}") from fault
    check_burden(tree, where)
    return tree


@lru_cache(maxsize=64)  # a large schema takes 60 ms, and comes with every request of an agent
def _plan_of(schema: bytes, already: bool) -> bytes:  # noqa: FBT001  a cache's key
    # Whose schema it is stands in messages only, so the same one of another is found as well.
    return bytes(plan(json_schema(Json(schema), already=already), _SOME).grammar)


def _json(tree: object) -> str:
    closed = _closed(tree)
    guided = {"x-guidance": _GUIDE} | closed if isinstance(closed, dict) else closed
    return f"%json {msgspec.json.encode(guided).decode()}"


def _closed(tree: object) -> object:
    """`tree` with no more properties in its objects than they name, unless they say otherwise.

    A model that may invent properties does.  Branches of an `allOf` name a part of them each.
    """
    if isinstance(tree, list):
        return [_closed(item) for item in tree]
    if not isinstance(tree, dict) or "allOf" in tree:
        return tree
    found = {
        key: value if key in ("enum", "const", "required") else _closed_in(key, value)
        for key, value in tree.items()
    }
    if isinstance(found.get("properties"), dict) and not found.keys() & {
        "additionalProperties",
        "patternProperties",
        "unevaluatedProperties",
    }:
        found["additionalProperties"] = False
    return found


def _closed_in(key: str, value: object) -> object:
    if key in ("properties", "$defs", "definitions", "patternProperties"):
        named = value if isinstance(value, dict) else {}
        return {name: _closed(found) for name, found in named.items()}
    return _closed(value)


def _literal(text: str) -> str:
    """`text` as a literal of the grammar, which is a JSON string without DEL."""
    return msgspec.json.encode(text).decode().replace("\x7f", "\\u007f")
