"""One walk over a decoded JSON body: proto3 JSON's freedoms in, canonical spelling out.

Proto3 JSON lets a client write a field in camel or snake case, a number as a string or a float, an
enum in any case, bytes in two alphabets, and `null` for "unset"; Google's server names *all*
unknown fields with their paths (gemini.md sections 0.3-0.8).  The walk follows `table`, changes no
free-form JSON, and returns new dicts whose keys are camelCase and whose values are plain.
"""

import binascii
import re
from collections.abc import Callable
from functools import cache
from typing import Final, TypeAlias, cast

import msgspec

from geminid.core.errors import Malformed, TooLarge, Violation
from geminid.dialects.gemini.table import ENUMS, MESSAGES, ONEOFS

Tree: TypeAlias = dict[str, object]
"""A JSON object with canonical keys; lives only between the walk and the structs."""

_Path: TypeAlias = tuple["_Path | None", str]
_Check: TypeAlias = Callable[["_Walk", object, _Path], object]

_API: Final = "type.googleapis.com/google.ai.generativelanguage.v1beta."
_DURATION: Final = re.compile(r"-?\d+(\.\d{1,9})?s")
_TIMESTAMP: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)")
_URL_SAFE: Final = str.maketrans("-_", "+/")
_INT32: Final = 1 << 31
_INT64: Final = 1 << 63
_SHOWN: Final = 200
"""A wrong value is quoted up to this many characters."""


class _Field(msgspec.Struct, frozen=True):
    name: str
    snake: str
    check: _Check


class _Message(msgspec.Struct, frozen=True):
    name: str
    fields: dict[str, _Field]
    oneof: str
    members: frozenset[str]


def walk(message: str, body: bytes, *, depth: int = 100) -> Tree:
    """The object in `body`, checked against `message` of `table`, in canonical spelling.

    Raises:
        Malformed: not JSON, not an object, or fields unknown or of a wrong type; all are listed.
        TooLarge: nested deeper than `depth`.
    """
    try:
        value = msgspec.json.decode(body) if body.strip() else {}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        what = "Nested too deeply." if isinstance(error, RecursionError) else f"{error}."
        text = f"Invalid JSON payload received. {what}"
        raise Malformed(text, (Violation("", text),)) from error
    visit = _Walk(depth)
    tree = visit.message(_message(message), value, None, depth)
    if visit.violations:
        shown = "\n".join(violation.description for violation in visit.violations)
        raise Malformed(shown, tuple(visit.violations))
    return tree


def snake(camel: str) -> str:
    """`camelCase` in snake case, as Google's error paths write it."""
    return re.sub(r"(?<!^)([A-Z])", r"_\1", camel).lower()


class _Walk:
    """Holds what went wrong so far; the walk goes on after each violation to find them all."""

    def __init__(self, depth: int) -> None:
        self.depth = depth
        self.violations: list[Violation] = []

    def message(self, kind: _Message, value: object, path: _Path | None, left: int) -> Tree:
        if type(value) is not dict:
            self.invalid(path, f"{_API}{kind.name}", value)
            return {}
        if left <= 0:
            raise TooLarge(f"The request is nested deeper than {self.depth} levels; flatten it.")
        fields, tree = kind.fields, {}
        for key, item in value.items():
            field = fields.get(key)
            if field is None:
                self.unknown(path, key)
            elif item is not None:
                tree[field.name] = field.check(self, item, (path, field.snake))
        if kind.members and len(kind.members & tree.keys()) > 1:
            self.several(kind, path, tree)
        return tree

    def invalid(self, path: _Path | None, expected: str, value: object) -> None:
        shown = msgspec.json.encode(value).decode()[:_SHOWN]
        where = _spell(path)
        self.violations.append(
            Violation(where, f"Invalid value at '{where}' ({expected}), {shown}"),
        )

    def unknown(self, path: _Path | None, key: str) -> None:
        where = _spell(path)
        at = f" at '{where}'" if where else ""
        text = f'Invalid JSON payload received. Unknown name "{key}"{at}: Cannot find field.'
        self.violations.append(Violation(where, text))

    def several(self, kind: _Message, path: _Path | None, tree: Tree) -> None:
        where = _spell(path)
        for name in [key for key in tree if key in kind.members][1:]:
            text = (
                f"Invalid value at '{where}' (oneof), oneof field '{kind.oneof}' is already set."
                f" Cannot set '{name}'"
            )
            self.violations.append(Violation(where, text))


def _spell(path: _Path | None) -> str:
    names: list[str] = []
    while path is not None:
        path, name = path
        names.append(name)
    return ".".join(reversed(names)).replace(".[", "[")


def _depth(path: _Path | None) -> int:
    count = 0
    while path is not None:
        path = path[0]
        count += 1
    return count


@cache
def _message(name: str) -> _Message:
    fields: dict[str, _Field] = {}
    for entry in MESSAGES[name].split():
        camel, _, kind = entry.partition(":")
        field = _Field(camel, snake(camel), _check(kind))
        fields[field.name] = fields[field.snake] = field
    oneof, members = ONEOFS.get(name, ("", ""))
    return _Message(name, fields, oneof, frozenset(members.split()))


def _check(kind: str) -> _Check:
    if kind.startswith("["):
        return _list_of(_check(kind[1:-1]), kind[1:-1])
    if kind.startswith("{"):
        return _map_of(_check(kind[1:-1]))
    if kind.startswith("@"):
        return _enum(kind[1:])
    return _SCALARS.get(kind) or _sub(kind)


def _sub(name: str) -> _Check:
    def check(walk: _Walk, value: object, path: _Path) -> object:
        # Looked up on use: messages refer to themselves (Schema, FunctionResponse).
        return walk.message(_message(name), value, path, walk.depth - _depth(path))

    return check


def _list_of(check: _Check, kind: str) -> _Check:
    def check_all(walk: _Walk, value: object, path: _Path) -> object:
        if type(value) is not list:
            if kind in MESSAGES and type(value) is dict:
                value = [value]  # Google reads a lone message as a list of one
            else:
                walk.invalid(path, _expected(kind), value)
                return []
        return [
            check(walk, item, (path, f"[{n}]"))
            for n, item in enumerate(cast("list[object]", value))
        ]

    return check_all


def _map_of(check: _Check) -> _Check:
    def check_all(walk: _Walk, value: object, path: _Path) -> object:
        if type(value) is not dict:
            walk.invalid(path, "Map", value)
            return {}
        parent, name = path
        entries = cast("Tree", value).items()
        # Proto maps are lists of key/value entries, and Google's paths show it.
        return {
            key: check(walk, item, ((parent, f"{name}[{n}]"), "value"))
            for n, (key, item) in enumerate(entries)
        }

    return check_all


def _enum(name: str) -> _Check:
    values = {value: value for value in ENUMS[name].split()}
    folded = {value.upper(): value for value in values}

    def check(walk: _Walk, value: object, path: _Path) -> object:
        if type(value) is str:
            found = values.get(value) or folded.get(value.upper())
            if found is not None:
                return found
        walk.invalid(path, f"{_API}{name}", value)
        return ""

    return check


def _expected(kind: str) -> str:
    return f"{_API}{kind}" if kind in MESSAGES else f"TYPE_{kind.lstrip('@').upper()}"


def _string(walk: _Walk, value: object, path: _Path) -> object:
    if type(value) is str:
        return value
    walk.invalid(path, "TYPE_STRING", value)
    return ""


def _bytes(walk: _Walk, value: object, path: _Path) -> object:
    if type(value) is str:
        try:
            return base64_text(value)
        except ValueError:
            where = _spell(path)
            shown = f'Base64 decoding failed for "{value[:_SHOWN]}"'
            text = f"Invalid value at '{where}' (TYPE_BYTES), {shown}"
            walk.violations.append(Violation(where, text))
            return ""
    walk.invalid(path, "TYPE_BYTES", value)
    return ""


def base64_text(value: str) -> str:
    """`value` in standard base64 with padding, whichever alphabet and padding it came in.

    Raises:
        ValueError: it is not base64.
    """
    if "-" in value or "_" in value:
        value = value.translate(_URL_SAFE)
    if len(value) % 4:
        value = value.rstrip("=")
        value += "=" * (-len(value) % 4)
    binascii.a2b_base64(value, strict_mode=True)
    return value


def _bool(walk: _Walk, value: object, path: _Path) -> object:
    if type(value) is bool:
        return value
    if value in ("true", "false"):
        return value == "true"
    walk.invalid(path, "TYPE_BOOL", value)
    return False


def _integer(bound: int, expected: str) -> _Check:
    def check(walk: _Walk, value: object, path: _Path) -> object:
        number = _whole(value)
        if number is not None and -bound <= number < bound:
            return number
        walk.invalid(path, expected, value)
        return 0

    return check


def _whole(value: object) -> int | None:
    if type(value) is int:
        return value
    try:
        if type(value) is float and value.is_integer():
            return int(value)
        if type(value) is str:
            return int(value) if value.lstrip("-").isdecimal() else _whole(float(value))
    except (ValueError, OverflowError):
        pass
    return None


def _number(expected: str) -> _Check:
    def check(walk: _Walk, value: object, path: _Path) -> object:
        if type(value) in (int, float):
            return value
        if type(value) is str:
            try:
                return float(value)
            except ValueError:
                pass
        walk.invalid(path, expected, value)
        return 0

    return check


def _pattern(pattern: re.Pattern[str], expected: str) -> _Check:
    def check(walk: _Walk, value: object, path: _Path) -> object:
        if type(value) is str and pattern.fullmatch(value):
            return value
        walk.invalid(path, expected, value)
        return ""

    return check


def _json(walk: _Walk, value: object, path: _Path) -> object:
    limit = walk.depth - _depth(path)
    if not _shallow(value, limit):
        raise TooLarge(f"The request is nested deeper than {walk.depth} levels; flatten it.")
    return value


def _struct(walk: _Walk, value: object, path: _Path) -> object:
    if type(value) is dict:
        return _json(walk, value, path)
    walk.invalid(path, "type.googleapis.com/google.protobuf.Struct", value)
    return {}


def _shallow(value: object, left: int) -> bool:
    if type(value) is dict:
        return left > 0 and all(_shallow(item, left - 1) for item in value.values())
    if type(value) is list:
        return left > 0 and all(_shallow(item, left - 1) for item in value)
    return True


_SCALARS: Final[dict[str, _Check]] = {
    "string": _string,
    "bytes": _bytes,
    "bool": _bool,
    "int32": _integer(_INT32, "TYPE_INT32"),
    "int64": _integer(_INT64, "TYPE_INT64"),
    "float": _number("TYPE_FLOAT"),
    "double": _number("TYPE_DOUBLE"),
    "duration": _pattern(_DURATION, "type.googleapis.com/google.protobuf.Duration"),
    "timestamp": _pattern(_TIMESTAMP, "type.googleapis.com/google.protobuf.Timestamp"),
    "json": _json,
    "struct": _struct,
}
