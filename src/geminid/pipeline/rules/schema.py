"""What the API's own check of a `Schema` finds: the OpenAPI subset, not JSON Schema.

Unknown keywords never come here: the decoder's walk has refused them.  The rows of the table have
the texts; a finding says which row, and where.
"""

from collections.abc import Mapping
from typing import Any, Final, TypeAlias, cast

import msgspec

from geminid.core.request import Request

_ROOT: Final = "GenerateContentRequest"
_SHOWN: Final = 200

_Node: TypeAlias = Mapping[str, Any]  # as the decoder's walk has left it
_Path: TypeAlias = tuple["_Path | None", str]
"""Where a node stands: what holds it, and what follows to it.  Spelled only for a fault."""

_OBJECTS: Final = ("OBJECT", "TYPE_UNSPECIFIED")
_UNTYPED: Final = ("", "TYPE_UNSPECIFIED")
_NOTHING: Final[_Node] = {}
_FORMATS: Final = {
    "STRING": ("enum", "date-time"),
    "NUMBER": ("float", "double"),
    "INTEGER": ("int32", "int64"),
}


class Fault(msgspec.Struct, frozen=True):
    """`finding` is the parameter of the rule that it is against; `path` leads to the field.

    `name` is the function's, where the fault is that its parameters are no object.
    """

    finding: str
    path: str
    name: str = ""


def faults_of(request: Request) -> list[Fault]:
    """What is wrong with the schemas of functions and of the answer, in the order of the body.

    All functions are told as of the first tool: which tool of the body a function stood in is not
    known any more.
    """
    found: list[Fault] = []
    for number, function in enumerate(request.functions):
        where = (None, f"{_ROOT}.tools[0].function_declarations[{number}]")
        if function.parameters is not None and not function.json_schema:
            node, path = _decoded(function.parameters), (where, ".parameters")
            if node.get("type", "OBJECT") not in _OBJECTS:
                found.append(Fault("root", _spell(path, ".type"), function.name))
            _walk(node, path, found)
        if function.response is not None and not function.response_json_schema:
            _walk(_decoded(function.response), (where, ".response"), found)
    output = request.output
    if output is not None and output.schema is not None and not output.json_schema:
        where = (None, f"{_ROOT}.generation_config.response_schema")
        _walk(_decoded(output.schema), where, found)
    return found


def has_enum(schema: msgspec.Raw) -> bool:
    """Whether the schema is a choice between values."""
    return bool(_decoded(schema).get("enum"))


def _decoded(schema: msgspec.Raw) -> _Node:
    node = msgspec.json.decode(schema)
    return cast("_Node", node) if type(node) is dict else {}


def _spell(path: _Path, field: str) -> str:
    pieces = [field]
    above: _Path | None = path
    while above is not None:
        above, piece = above
        pieces.append(piece)
    return "".join(reversed(pieces))


def _walk(node: _Node, path: _Path, found: list[Fault]) -> None:
    """Depth first; the decoder has bounded how deep a body is."""
    kind = node.get("type", "")
    choices = node.get("anyOf")
    if not choices and kind in _UNTYPED:
        found.append(Fault("type", _spell(path, ".type")))
    if kind == "OBJECT" or "required" in node or "properties" in node:
        _object(node, path, found)
    if kind == "ARRAY" and "items" not in node and not choices:
        found.append(Fault("items", _spell(path, ".items")))
    if "enum" in node:
        _enum(node, path, found)
    if "format" in node:
        _format(node, path, found)
    for name, below in (node.get("properties") or _NOTHING).items():
        _walk(below, (path, f".properties[{name[:_SHOWN]}]"), found)
    if "items" in node:
        _walk(node["items"], (path, ".items"), found)
    for number, below in enumerate(choices or ()):
        _walk(below, (path, f".any_of[{number}]"), found)


def _object(node: _Node, path: _Path, found: list[Fault]) -> None:
    kind, properties = node.get("type", ""), node.get("properties") or _NOTHING
    if kind == "OBJECT":
        # Beside `anyOf`, google-genai itself sends an OBJECT of nothing.
        if not properties and not node.get("anyOf"):
            found.append(Fault("empty", _spell(path, ".properties")))
    elif kind not in _UNTYPED:
        names = (name for name in ("properties", "required") if node.get(name))
        found.extend(Fault("object_only", _spell(path, f".{name}")) for name in names)
    for number, name in enumerate(node.get("required") or ()):
        if name not in properties:
            found.append(Fault("required", _spell(path, f".required[{number}]")))


def _enum(node: _Node, path: _Path, found: list[Fault]) -> None:
    if node["enum"] and node.get("type") != "STRING":
        found.append(Fault("enum", _spell(path, ".enum")))
    for number, value in enumerate(node["enum"]):
        if not value:
            found.append(Fault("enum_empty", _spell(path, f".enum[{number}]")))


def _format(node: _Node, path: _Path, found: list[Fault]) -> None:
    kind, form = node.get("type", ""), node["format"]
    if kind in _FORMATS and form and form not in _FORMATS[kind]:
        found.append(Fault(f"format.{kind}", _spell(path, ".format")))
    if kind == "STRING" and form == "enum" and not node.get("enum"):
        found.append(Fault("enum_missing", _spell(path, ".enum")))
