"""The form of the answer's text (`response_format`)."""

from typing import Final

import msgspec

from geminid.core.content import Json
from geminid.core.request import OutputFormat
from geminid.dialects.openai.chat.ask.reading import Node
from geminid.dialects.openai.tree import Tree

_JSON: Final = "application/json"
_TYPES: Final = ("text", "json_object", "json_schema")
_ELSEWHERE: Final = ("grammar", "python")
"""What only some servers of this dialect can hold an answer to."""


class Form(msgspec.Struct, frozen=True):
    """`output` is in the core's words; `elsewhere` is a type that the core has no word for."""

    output: OutputFormat | None = None
    elsewhere: str = ""


def read_form(root: Node) -> Form:
    """What `response_format` asks for."""
    node = root.node("response_format")
    if node is None:
        return Form()
    match node.required("type"):
        case "" | "text":
            return Form()
        case "json_object":  # some servers take a schema here
            return Form(OutputFormat(_JSON, *_schema(node)))
        case "json_schema":
            inner = node.node("json_schema")
            if inner is None:
                node.reading.missing(node.at("json_schema"))
                return Form()
            return Form(OutputFormat(_JSON, *_schema(inner)))
        case kind if kind in _ELSEWHERE:
            return Form(elsewhere=kind)
        case kind:
            node.reading.unsupported(node.at("type"), kind, _TYPES)
            return Form()


def _schema(node: Node) -> tuple[Json | None, bool]:
    """The schema, and whether there is one; what the format is for is told in it."""
    found = node.value("schema", "object")
    if not isinstance(found, dict) or not found:
        return None, False
    tree: Tree = found
    description = node.text("description")
    if description and "description" not in tree:
        tree = {"description": description, **tree}
    return Json(msgspec.json.encode(tree)), True
