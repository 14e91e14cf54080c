"""Two schemas that hold for one value, as one schema.

What `allOf`, and keywords beside `$ref` or `anyOf`, mean.  One level deep: schemas of the same
property become an `allOf` of their own, to be merged when they are reached.
"""

from collections.abc import Callable
from fractions import Fraction
from math import gcd, lcm
from typing import Final

from geminid.core.schema.keywords import KEYWORDS
from geminid.core.schema.openapi import Tree
from geminid.core.schema.values import spelled

_BRANCHES: Final = 64
"""Alternatives that two `anyOf` may have together: they multiply."""


class Apart(ValueError):
    """The two cannot be said as one; the text is the keyword that stands in the way."""


class _Never(Exception):
    """Nothing can be both."""


def merge_all(schemas: list[Tree], checked: set[str]) -> Tree | bool:
    """As `merge`, for one schema or more: in pairs, so that each is copied few times.

    Raises:
        Apart: as `merge`.
    """
    while len(schemas) > 1:
        pairs: list[Tree] = []
        for at in range(0, len(schemas) - 1, 2):
            found = merge(schemas[at], schemas[at + 1], checked)
            if not isinstance(found, dict):
                return False
            pairs.append(found)
        schemas = pairs + schemas[len(pairs) * 2 :]
    return schemas[0]


def merge(first: Tree, second: Tree, checked: set[str]) -> Tree | bool:
    """A schema for what both allow, or wider: what was left out is named in `checked`.

    `False` if nothing can be both.  Neither may have a `$ref` or an `allOf`.

    Raises:
        Apart: they cannot be merged.
    """
    merged: Tree = {key: value for key, value in first.items() if _matters(key)}
    for key, value in second.items():
        if not _matters(key) or key in ("properties", "additionalProperties"):
            continue
        if key in ("items", "prefixItems") and ("prefixItems" in first or "prefixItems" in second):
            raise Apart("prefixItems")
        if key not in merged:
            merged[key] = value
            continue
        try:
            merged[key] = _both(key, merged[key], value, checked)
        except _Never:
            return False
    return merged | _properties(first, second)


def _matters(key: str) -> bool:
    keyword = KEYWORDS.get(key)
    return keyword is not None and (keyword.how != "ignored" or key == "propertyOrdering")


def _both(key: str, one: object, other: object, checked: set[str]) -> object:
    """What `key` says when it says `one` and `other`.

    Raises:
        _Never: they exclude each other.
    """
    join = _JOINS.get(key)
    if join is not None:
        return join(one, other)
    if spelled(one) == spelled(other):
        return one
    if key == "const":
        raise _Never
    checked.add(key)  # the first is kept: pattern, format, dependentRequired, propertyNames
    return one


def _larger(one: object, other: object) -> object:
    return max(_number(one), _number(other))


def _smaller(one: object, other: object) -> object:
    return min(_number(one), _number(other))


def _number(value: object) -> int | float:
    return value if isinstance(value, (int, float)) else 0


def _words(one: object, other: object) -> object:
    return list(dict.fromkeys([*_list(one), *_list(other)]))


def _items(one: object, other: object) -> object:
    return _all(one, other)


def _branches(one: object, other: object) -> object:
    if len(_list(one)) * len(_list(other)) > _BRANCHES:
        raise Apart("anyOf")
    return [{"allOf": [left, right]} for left in _list(one) for right in _list(other)]


def _multiple(one: object, other: object) -> object:
    first, second = (Fraction(str(_number(value))) for value in (one, other))
    # The least that is a multiple of both: of fractions in lowest terms.
    found = Fraction(
        lcm(first.numerator, second.numerator), gcd(first.denominator, second.denominator)
    )
    return found.numerator if found.denominator == 1 else float(found)


def _either(one: object, other: object) -> object:
    return one is True or other is True


def _types(one: object, other: object) -> object:
    ours = one if isinstance(one, list) else [one]
    theirs = other if isinstance(other, list) else [other]
    found = [kind for kind in ours if kind in theirs]
    if "number" in ours and "integer" in theirs:
        found.append("integer")
    if "integer" in ours and "integer" not in found and "number" in theirs:
        found.append("integer")
    found = list(dict.fromkeys(found))
    if not found:
        raise _Never
    return found if len(found) > 1 else found[0]


def _values(one: object, other: object) -> object:
    theirs = {spelled(value) for value in _list(other)}
    found = [value for value in _list(one) if spelled(value) in theirs]
    if not found:
        raise _Never
    return found


def _properties(first: Tree, second: Tree) -> Tree:
    found: Tree = {}
    if "additionalProperties" in first or "additionalProperties" in second:
        rest = [first.get("additionalProperties", True), second.get("additionalProperties", True)]
        found["additionalProperties"] = _all(*rest)
    ours, theirs = first.get("properties"), second.get("properties")
    if isinstance(ours, dict) or isinstance(theirs, dict):
        ours = ours if isinstance(ours, dict) else {}
        theirs = theirs if isinstance(theirs, dict) else {}
        found["properties"] = {
            name: _all(
                ours.get(name, first.get("additionalProperties", True)),
                theirs.get(name, second.get("additionalProperties", True)),
            )
            for name in dict.fromkeys([*ours, *theirs])
        }
    return found


def _all(one: object, other: object) -> object:
    if one is False or other is False:
        return False
    if one is True:
        return other
    if other is True or one is other:
        return one
    parts = [*_parts(one), *_parts(other)]
    return parts[0] if all(part == parts[0] for part in parts) else {"allOf": parts}


def _parts(schema: object) -> list[object]:
    """One list, however many were merged: in each other they would be too deep to read."""
    if isinstance(schema, dict) and len(schema) == 1 and isinstance(schema.get("allOf"), list):
        return _list(schema["allOf"])
    return [schema]


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


_JOINS: Final[dict[str, Callable[[object, object], object]]] = {
    **dict.fromkeys(("minimum", "exclusiveMinimum"), _larger),
    **dict.fromkeys(("minLength", "minItems", "minProperties"), _larger),
    **dict.fromkeys(("maximum", "exclusiveMaximum"), _smaller),
    **dict.fromkeys(("maxLength", "maxItems", "maxProperties"), _smaller),
    **dict.fromkeys(("required", "propertyOrdering"), _words),
    **dict.fromkeys(("anyOf", "oneOf"), _branches),
    "type": _types,
    "enum": _values,
    "items": _items,
    "multipleOf": _multiple,
    "uniqueItems": _either,
}
