"""Schemas that a server can hold an answer to (`strict: true`).

Such a server wants every object closed and every property required.  Closing an object narrows what
may be said, so an answer still fits the caller's schema; requiring what was optional would make the
model invent values, so a schema with anything optional is not strict here.

Source: OpenAI's guide to structured outputs, November 2026.
"""

from typing import Final

import msgspec

from geminid.core.content import Json
from geminid.dialects.openai.tree import Tree

_TAKEN: Final = frozenset(
    {"type", "title", "description", "properties", "required", "additionalProperties", "items"}
    | {"enum", "const", "anyOf", "$ref", "$defs", "pattern", "format", "minItems", "maxItems"}
    | {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}
)
_KINDS: Final = frozenset({"type", "enum", "const", "anyOf", "$ref"})
_DEPTH: Final = 10


def strict_schema(schema: Json) -> Json | None:
    """`schema` with its objects closed, or `None` if a strict server would refuse it."""
    found = msgspec.json.decode(schema)
    if not isinstance(found, dict) or found.get("type") != "object" or "anyOf" in found:
        return None
    closed = _closed(found, 0)
    return None if closed is None else Json(msgspec.json.encode(closed))


def _closed(found: object, depth: int) -> Tree | None:
    if not isinstance(found, dict) or depth > _DEPTH or not _TAKEN.issuperset(found):
        return None
    if _KINDS.isdisjoint(found):
        return None
    tree: Tree = dict(found)
    kind = found.get("type")
    if kind == "object" or (isinstance(kind, list) and "object" in kind) or "properties" in found:
        if not _may_be_closed(found):
            return None
        tree |= {"required": found.get("required", []), "additionalProperties": False}
    return tree if _close_inner(tree, depth) else None


def _may_be_closed(found: Tree) -> bool:
    # Without `properties` it is an object of anything, and closed it would be one of nothing.
    properties, required = found.get("properties"), found.get("required", [])
    if not isinstance(properties, dict) or not isinstance(required, list):
        return False
    if found.get("additionalProperties", False) is not False:
        return False
    return set(map(str, required)) == set(properties)


def _close_inner(tree: Tree, depth: int) -> bool:
    for key in ("properties", "$defs"):
        inner = tree.get(key, {})
        if not isinstance(inner, dict):
            return False
        closed = {name: _closed(value, depth + 1) for name, value in inner.items()}
        if None in closed.values():
            return False
        if key in tree:
            tree[key] = closed
    if "items" in tree:
        tree["items"] = _closed(tree["items"], depth + 1)
    if "anyOf" in tree:
        choices = tree["anyOf"]
        if not isinstance(choices, list):
            return False
        tree["anyOf"] = listed = [_closed(choice, depth) for choice in choices]
        if None in listed:
            return False
    return tree.get("items", {}) is not None
