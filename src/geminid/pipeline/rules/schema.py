"""What the API's own check of a `Schema` finds: the OpenAPI subset, not JSON Schema.

Unknown keywords never come here: the decoder's walk has refused them.  The rows of the table have
the texts; a finding says which row, and where.
"""

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any, Final, TypeAlias, cast

import msgspec

from geminid.core.request import Request
from geminid.dialects.gemini.lines import MOST
from geminid.pipeline.rules.extra import says_anything

_ROOT: Final = "GenerateContentRequest"
_SHOWN: Final = 200
_KEPT: Final = MOST + 1
"""So many faults of one kind are kept: all that can be told, and one to see that there are more."""

_Node: TypeAlias = Mapping[str, Any]  # as the decoder's walk has left it
_Path: TypeAlias = tuple["_Path | None", str, str | int]
"""Where a node stands: what holds it, by which field, and its name or number there.

Spelled only when it is told: a body may have a hundred thousand faults at its bottom.
"""

_OBJECTS: Final = ("OBJECT", "TYPE_UNSPECIFIED")
_UNTYPED: Final = ("", "TYPE_UNSPECIFIED")
_NOTHING: Final[_Node] = {}
_FORMATS: Final = {
    "STRING": ("enum", "date-time"),
    "NUMBER": ("float", "double"),
    "INTEGER": ("int32", "int64"),
}


class Fault(msgspec.Struct, frozen=True):
    """Something that is wrong at the field `last`.

    `name` is the function's, where the fault is that its parameters are no object.
    """

    last: _Path
    name: str = ""

    def path(self) -> str:
        """What leads to the field, as the API spells it."""
        pieces: list[str] = []
        above: _Path | None = self.last
        while above is not None:
            above, field, place = above
            if place != "":
                field = f"{field}[{str(place)[:_SHOWN]}]"
            pieces.append(field)
        return "".join(reversed(pieces))


Faults: TypeAlias = dict[str, list[Fault]]
"""By finding, the parameter of the rule that they are against; of each no more than can be told."""


def faults_of(request: Request) -> Faults:
    """What is wrong with the schemas of functions and of the answer, in the order of the body.

    All functions are told as of the first tool: which tool of the body a function stood in is not
    known any more.
    """
    search = _Search()
    for number, function in enumerate(request.functions):
        where: _Path = (None, f"{_ROOT}.tools[0].function_declarations", number)
        if function.parameters is not None and not function.json_schema:
            search.parameters(_decoded(function.parameters), where, function.name)
        if function.response is not None and not function.response_json_schema:
            search.root(_decoded(function.response), (where, ".response", ""))
    output = request.output
    if output is not None and output.schema is not None and not output.json_schema:
        where = (None, f"{_ROOT}.generation_config.response_schema", "")
        search.root(_decoded(output.schema), where)
    return search.found


def has_enum(schema: msgspec.Raw) -> bool:
    """Whether the schema is a choice between values."""
    return bool(_decoded(schema).get("enum"))


def is_empty(schema: msgspec.Raw) -> bool:
    """Whether the schema says nothing, and so is the same as none."""
    return not says_anything(_decoded(schema))


def _decoded(schema: msgspec.Raw) -> _Node:
    node = msgspec.json.decode(schema)
    return cast("_Node", node) if type(node) is dict else {}


class _Search:
    """Goes through schemas and keeps what is wrong with them in `found`."""

    def __init__(self) -> None:
        self.found: Faults = {}

    def parameters(self, node: _Node, function: _Path, name: str) -> None:
        """Look through what the function `name` takes."""
        where = (function, ".parameters", "")
        if node.get("type", "OBJECT") not in _OBJECTS:
            self.found.setdefault("root", []).append(Fault((where, ".type", ""), name))
        self.root(node, where)

    def root(self, node: _Node, where: _Path) -> None:
        """Look through a whole schema; one that says nothing is none."""
        if node.get("type", "") not in _UNTYPED or says_anything(node):
            self._walk(node, where)

    def _walk(self, node: _Node, where: _Path) -> None:
        """Depth first; the decoder has bounded how deep a body is."""
        kind = node.get("type", "")
        choices = node.get("anyOf")
        if not choices and kind in _UNTYPED:
            self._note("type", where, ".type")
        if kind == "OBJECT" or "required" in node or "properties" in node:
            self._object(node, where)
        if kind == "ARRAY" and "items" not in node and not choices:
            self._note("items", where, ".items")
        if "enum" in node:
            self._enum(node, where)
        if "format" in node:
            self._format(node, where)
        for name, below in (node.get("properties") or _NOTHING).items():
            self._walk(below, (where, ".properties", name))
        if "items" in node:
            self._walk(node["items"], (where, ".items", ""))
        for number, below in enumerate(choices or ()):
            self._walk(below, (where, ".any_of", number))

    def _object(self, node: _Node, where: _Path) -> None:
        kind, properties = node.get("type", ""), node.get("properties") or _NOTHING
        if kind == "OBJECT":
            # Beside `anyOf`, google-genai itself sends an OBJECT of nothing.
            if not properties and not node.get("anyOf"):
                self._note("empty", where, ".properties")
        elif kind not in _UNTYPED:
            for name in ("properties", "required"):
                if node.get(name):
                    self._note("object_only", where, f".{name}")
        if required := node.get("required"):
            undefined = (at for at, name in enumerate(required) if name not in properties)
            self._note_all("required", where, ".required", undefined)

    def _enum(self, node: _Node, where: _Path) -> None:
        values = node["enum"]
        if values and node.get("type") != "STRING":
            self._note("enum", where, ".enum")
        self._note_all("enum_empty", where, ".enum", (at for at, v in enumerate(values) if not v))

    def _format(self, node: _Node, where: _Path) -> None:
        kind, form = node.get("type", ""), node["format"]
        if kind in _FORMATS and form and form not in _FORMATS[kind]:
            self._note(f"format.{kind}", where, ".format")
        if kind == "STRING" and form == "enum" and not node.get("enum"):
            self._note("enum_missing", where, ".enum")

    def _note(self, finding: str, where: _Path, field: str) -> None:
        kept = self.found.setdefault(finding, [])
        if len(kept) < _KEPT:
            kept.append(Fault((where, field, "")))

    def _note_all(self, finding: str, where: _Path, field: str, places: Iterable[int]) -> None:
        """The same for each of `places` in the field."""
        kept = self.found.get(finding, [])
        for place in islice(places, max(_KEPT - len(kept), 0)):
            self.found.setdefault(finding, kept).append(Fault((where, field, place)))
