"""Gemini's OpenAPI subset as JSON Schema, which is what this dialect takes."""

from typing import Final, TypeAlias

import msgspec

from geminid.core.content import Json
from geminid.core.errors import Invalid

Tree: TypeAlias = dict[str, object]

_COUNTS: Final = frozenset(
    {"minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties"}
)
_TAKEN: Final = frozenset(
    {"type", "format", "nullable", "enum", "properties", "propertyOrdering", "items", "anyOf"}
    | {"example"}
)
# Widths of numbers, and `enum`, mean nothing in JSON Schema.
_FORMATS: Final = frozenset({"int32", "int64", "float", "double", "enum"})
_DEPTH: Final = 64


def json_schema(schema: Json, *, already: bool) -> Json:
    """`schema` in JSON Schema; untouched if it is that `already`.

    Raises:
        Invalid: it is not a schema of Gemini's subset, or nested too deep.
    """
    if already:
        return schema
    return Json(msgspec.json.encode(_convert(msgspec.json.decode(schema), 0)))


def _convert(given: object, depth: int) -> Tree:
    if not isinstance(given, dict) or depth > _DEPTH:
        raise Invalid(f"A schema must be an object, with at most {_DEPTH} objects in each other.")
    tree: Tree = {}
    kind = str(given.get("type") or "").lower()
    nullable = given.get("nullable") is True
    if kind and kind != "type_unspecified":
        tree["type"] = [kind, "null"] if nullable else kind
    for key, value in given.items():
        if key in _COUNTS:
            tree[key] = _count(value)
        elif key not in _TAKEN:
            tree[key] = value
    if given.get("format") and given["format"] not in _FORMATS:
        tree["format"] = given["format"]
    if given.get("enum"):
        tree["enum"] = [*given["enum"], None] if nullable else given["enum"]
    if "example" in given:
        tree["examples"] = [given["example"]]
    if "items" in given:
        tree["items"] = _convert(given["items"], depth + 1)
    if "properties" in given:
        tree["properties"] = _properties(given, depth)
    if "anyOf" in given:
        choices = [_convert(choice, depth + 1) for choice in _listed(given["anyOf"])]
        tree["anyOf"] = [*choices, {"type": "null"}] if nullable and not kind else choices
    return tree


def _properties(given: Tree, depth: int) -> Tree:
    properties = given["properties"]
    if not isinstance(properties, dict):
        raise Invalid("A schema's `properties` must be an object.")
    first = [name for name in _listed(given.get("propertyOrdering", [])) if name in properties]
    order = dict.fromkeys([*first, *properties])
    return {name: _convert(properties[name], depth + 1) for name in order}


def _listed(value: object) -> list[object]:
    if not isinstance(value, list):
        raise Invalid("A schema's `anyOf` and `propertyOrdering` must be arrays.")
    return value


def _count(value: object) -> int:
    # int64 fields may be strings in proto3 JSON.
    try:
        return int(value)  # type: ignore[call-overload, no-any-return]  # that is what is tried
    except (TypeError, ValueError) as error:
        raise Invalid("A schema's limits must be whole numbers.") from error
