"""Gemini's OpenAPI subset as JSON Schema (2020-12)."""

from typing import Final, TypeAlias

import msgspec

from geminid.core.content import Json
from geminid.core.errors import Invalid

Tree: TypeAlias = dict[str, object]

_COUNTS: Final = frozenset(
    {"minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties"}
)
_LIMITS: Final = frozenset({"minimum", "maximum"})
_TAKEN: Final = frozenset(
    {"type", "format", "nullable", "enum", "properties", "propertyOrdering", "items", "anyOf"}
    | {"example", "required"}
)
# Widths of numbers, and `enum`, mean nothing in JSON Schema.
_FORMATS: Final = frozenset({"int32", "int64", "float", "double", "enum"})
_DEPTH: Final = 64


def json_schema(schema: Json, *, already: bool) -> Json:
    """`schema` in JSON Schema; byte for byte the same if it is that `already`.

    Raises:
        Invalid: it is not a schema of Gemini's subset, or nested too deep.
    """
    return schema if already else to_json_schema(schema)


def to_json_schema(schema: Json) -> Json:
    """`schema`, in Gemini's subset, as JSON Schema.

    Types in any case become lower case, `nullable` a type or a choice of its own, counts in
    strings numbers; properties stand in the order that `propertyOrdering` asks for.

    Raises:
        Invalid: it is not a schema of Gemini's subset, or nested too deep.
    """
    try:
        tree = msgspec.json.decode(schema)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Invalid("A schema must be JSON, and not nested so deep.") from error
    return Json(msgspec.json.encode(_convert(tree, 0)))


def _convert(given: object, depth: int) -> Tree:
    if not isinstance(given, dict) or depth > _DEPTH:
        raise Invalid(f"A schema must be an object, with at most {_DEPTH} objects in each other.")
    kind = _kind(given.get("type"))
    nullable = given.get("nullable") is True
    tree: Tree = {}
    if kind:
        tree["type"] = [kind, "null"] if nullable and kind != "null" else kind
    for key, value in given.items():
        if key in _COUNTS:
            tree[key] = _count(value)
        elif key in _LIMITS:
            tree[key] = _limit(value)
        elif key == "example":
            tree["examples"] = [value]
        elif key not in _TAKEN:
            tree[key] = value
    if given.get("format") and given["format"] not in _FORMATS:
        tree["format"] = given["format"]
    if given.get("enum"):
        tree["enum"] = _values(_listed(given["enum"]), kind, nullable=nullable)
    if given.get("required"):
        tree["required"] = list(dict.fromkeys(_listed(given["required"])))
    return tree | _inner(given, depth, nullable=nullable)


def _inner(given: Tree, depth: int, *, nullable: bool) -> Tree:
    """The schemas inside."""
    tree: Tree = {}
    if "items" in given:
        tree["items"] = _convert(given["items"], depth + 1)
    if "properties" in given:
        tree["properties"] = _properties(given, depth)
    if given.get("anyOf", []) != []:
        choices = [_convert(choice, depth + 1) for choice in _listed(given["anyOf"])]
        tree["anyOf"] = [*choices, {"type": "null"}] if nullable else choices
    return tree


def _kind(value: object) -> str:
    if value is None or value == "":
        return ""
    if not isinstance(value, str):
        raise Invalid("A schema's `type` must be a name such as STRING or OBJECT.")
    kind = value.lower()
    return "" if kind == "type_unspecified" else kind


def _values(values: list[object], kind: str, *, nullable: bool) -> list[object]:
    """`enum` is a list of strings in Gemini's subset; of a number's enum they are its numbers."""
    if kind in ("integer", "number"):
        values = [_limit(value) if isinstance(value, str) else value for value in values]
    return [*values, None] if nullable and None not in values else values


def _properties(given: Tree, depth: int) -> Tree:
    properties = given["properties"]
    if not isinstance(properties, dict):
        raise Invalid("A schema's `properties` must be an object.")
    asked = _listed(given.get("propertyOrdering", []))
    first = [name for name in asked if isinstance(name, str) and name in properties]
    order = dict.fromkeys([*first, *properties])
    return {name: _convert(properties[name], depth + 1) for name in order}


def _listed(value: object) -> list[object]:
    if not isinstance(value, list):
        raise Invalid(
            "A schema's `anyOf`, `enum`, `required` and `propertyOrdering` must be arrays."
        )
    return value


def _count(value: object) -> int:
    found = _limit(value)  # int64 fields may be strings in proto3 JSON
    if found != int(found):
        raise Invalid("A schema's counts must be whole numbers.")
    return int(found)


def _limit(value: object) -> int | float:
    if type(value) is int or type(value) is float:
        return value
    try:
        found = msgspec.json.decode(str(value).encode(), type=int | float)
    except msgspec.MsgspecError as error:
        raise Invalid("A schema's limits, and values of numbers, must be numbers.") from error
    return found
