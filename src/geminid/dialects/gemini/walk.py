"""One walk over a decoded JSON body: proto3 JSON's freedoms in, canonical spelling out.

Proto3 JSON lets a client write a field in camel or snake case, a number as a string or a float, an
enum in any case, bytes in two alphabets, and `null` for "unset"; Google's server names *all*
unknown fields with their paths (gemini.md sections 0.3-0.8).  The walk follows `table`, changes no
free-form JSON, and returns new dicts whose keys are camelCase and whose values are plain.

It is on every request's path: what it costs, and what it was chosen over, is in
docs/decisions/0001-schema-table-walk.md.
"""

import re
from functools import cache
from typing import Final

import msgspec

from geminid.core.errors import Malformed, Violation
from geminid.dialects.gemini.scalars import SCALARS, Check, enum_check
from geminid.dialects.gemini.table import MESSAGES, ONEOFS, QUALIFIED
from geminid.dialects.gemini.tree import Tree
from geminid.dialects.gemini.violations import API, Path, Violations

_HALF_PAIR: Final = re.compile(rb"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])")


class _Field(msgspec.Struct, frozen=True):
    name: str
    snake: str
    check: Check
    plain: type  # a value of this very type is taken as it is


class _Message:
    """A message of `table`, ready to check with."""

    def __init__(self, name: str) -> None:
        self.name = QUALIFIED.get(name, name)
        self.fields: dict[str, _Field] = {}  # under both spellings
        self.oneof, members = ONEOFS.get(name, ("", ""))
        self.members = frozenset(members.split())

    def check(self, report: Violations, value: object, path: Path | None, left: int) -> Tree:
        """The object `value` in canonical spelling; see `Check`."""
        if type(value) is not dict:
            report.wrong(path, f"{API}{self.name}", value)
            return {}
        if left <= 0:
            raise report.too_deep()
        fields, tree = self.fields, {}
        for key, item in value.items():
            field = fields.get(key)
            if field is None:
                report.unknown(path, key)
            elif type(item) is field.plain:
                tree[field.name] = item
            elif item is not None:
                tree[field.name] = field.check(report, item, (path, field.snake, key), left - 1)
        if len(tree) > 1 and self.members:
            self._check_oneof(report, value, path)
        return tree

    def _check_oneof(self, report: Violations, value: Tree, path: Path | None) -> None:
        fields, members = self.fields, self.members
        keys = [
            key
            for key, item in value.items()
            if key in fields and fields[key].name in members and item is not None
        ]
        for key in keys[1:]:
            report.taken(path, self.oneof, key)


def walk(message: str, body: bytes, *, depth: int = 100) -> Tree:
    """The object in `body`, checked against `message` of `table`, in canonical spelling.

    Raises:
        Malformed: not JSON, not an object, or fields unknown or of a wrong type; all are listed.
        TooLarge: nested deeper than `depth`.
    """
    report = Violations(depth)
    try:
        tree = _messages()[message].check(report, _decoded(body), None, depth)
    except RecursionError as error:
        raise report.too_deep() from error
    report.check()
    return tree


def snake(camel: str) -> str:
    """`camelCase` in snake case, as Google's error paths write it."""
    return re.sub(r"(?<!^)([A-Z])", r"_\1", camel).lower()


def _decoded(body: bytes) -> object:
    if not body or body.isspace():
        return {}
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        what = f"{error}."
        if _HALF_PAIR.search(body):
            what = "A string has an escape for one half of a surrogate pair."
        text = f"Invalid JSON payload received. {what}"
        raise Malformed(text, (Violation("", text),)) from error


@cache
def _messages() -> dict[str, _Message]:
    messages = {name: _Message(name) for name in MESSAGES}  # first all: they refer to each other
    for name, message in messages.items():
        for entry in MESSAGES[name].split():
            camel, _, kind = entry.partition(":")
            check, plain = _check(kind, messages)
            field = _Field(camel, snake(camel), check, plain)
            message.fields[field.name] = message.fields[field.snake] = field
    return messages


def _check(kind: str, messages: dict[str, _Message]) -> tuple[Check, type]:
    """The check of a type as `table` writes it, and the Python type that needs none."""
    match kind[0]:
        case "[":
            return _list_of(*_check(kind[1:-1], messages)), type
        case "{":
            return _map_of(_check(kind[1:-1], messages)[0]), type
        case "@":
            return enum_check(kind[1:]), type
    return _FREE.get(kind) or SCALARS.get(kind) or (messages[kind].check, type)


def _list_of(check: Check, plain: type) -> Check:
    def check_all(report: Violations, value: object, path: Path, left: int) -> object:
        if type(value) is not list:  # Google appends a lone value to the list
            return [check(report, value, path, left)]
        return [
            item if type(item) is plain else check(report, item, (path, number, path[2]), left - 1)
            for number, item in enumerate(value)
            if item is not None
        ]

    return check_all


def _map_of(check: Check) -> Check:
    def check_all(report: Violations, value: object, path: Path, left: int) -> object:
        if type(value) is list:
            report.wrong_map(path, f"Cannot bind a list to map for field '{path[2]}'.")
            return {}
        if type(value) is not dict:
            report.wrong(path, "Map", value)
            return {}
        tree: Tree = {}
        for number, (key, item) in enumerate(value.items()):
            # Proto maps are lists of key/value entries, and Google's paths show it.
            inside: Path = ((path, number, key), "value", key)
            if type(item) is list:
                report.wrong_map(inside, f"Cannot have repeated items ('{key}') within a map.")
            else:
                tree[key] = check(report, item, inside, left - 1)
        return tree

    return check_all


def _json(report: Violations, value: object, _path: Path, left: int) -> object:
    if not _shallow(value, left):
        raise report.too_deep()
    return value


def _struct(report: Violations, value: object, path: Path, left: int) -> object:
    if type(value) is dict:
        return _json(report, value, path, left)
    report.wrong(path, "type.googleapis.com/google.protobuf.Struct", value)
    return {}


def _shallow(value: object, left: int) -> bool:
    if type(value) is dict:
        value = list(value.values())
    elif type(value) is not list:
        return True
    if left <= 0:
        return False
    for item in value:
        if (type(item) is dict or type(item) is list) and not _shallow(item, left - 1):
            return False
    return True


_FREE: Final[dict[str, tuple[Check, type]]] = {
    "json": (_json, str),
    "any": (_json, type(None)),
    "struct": (_struct, type),
}
