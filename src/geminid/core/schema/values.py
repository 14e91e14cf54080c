"""Single values against the keywords that speak of single values."""

import json
from fractions import Fraction
from typing import Final

from geminid.core.schema.openapi import Tree

_JUDGED: Final = frozenset(
    {"type", "enum", "const", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}
    | {"multipleOf", "minLength", "maxLength", "required", "minItems", "maxItems"}
)


def kind_of(value: object) -> str:
    """The JSON type of `value`; `integer` for whole numbers, however they are written."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "integer" if value.is_integer() else "number"
        case str():
            return "string"
        case list():
            return "array"
        case _:
            return "object"


def spelled(value: object) -> str:
    """The same text for values that JSON Schema takes for equal: 1 is 1.0, and order is nothing."""
    return json.dumps(_whole(value), sort_keys=True)


def fits(value: object, schema: Tree) -> bool:
    """Whether `value` breaks none of the keywords that `judged` names."""
    kind = kind_of(value)
    wanted = schema.get("type")
    if wanted is not None:
        kinds = wanted if isinstance(wanted, list) else [wanted]
        if kind not in kinds and not (kind == "integer" and "number" in kinds):
            return False
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _number_fits(value, schema)
    if isinstance(value, str):
        return _size_fits(len(value), schema, "Length")
    if isinstance(value, list):
        return _size_fits(len(value), schema, "Items")
    if isinstance(value, dict):
        required = schema.get("required")
        return not isinstance(required, list) or all(name in value for name in required)
    return True


def judged(key: str) -> bool:
    """Whether `fits` sees to the keyword `key`."""
    return key in _JUDGED


def _whole(value: object) -> object:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_whole(item) for item in value]
    if isinstance(value, dict):
        return {name: _whole(item) for name, item in value.items()}
    return value


def _number_fits(value: float, schema: Tree) -> bool:
    exact = Fraction(str(value))
    step = number(schema, "multipleOf")
    if step is not None and (exact / step).denominator != 1:
        return False
    low, high = number(schema, "minimum"), number(schema, "maximum")
    above, below = number(schema, "exclusiveMinimum"), number(schema, "exclusiveMaximum")
    return (
        (low is None or exact >= low)
        and (high is None or exact <= high)
        and (above is None or exact > above)
        and (below is None or exact < below)
    )


def _size_fits(size: int, schema: Tree, what: str) -> bool:
    low, high = number(schema, f"min{what}"), number(schema, f"max{what}")
    return (low is None or size >= low) and (high is None or size <= high)


def number(schema: Tree, key: str) -> Fraction | None:
    """The number at `key`, as it is written in decimals; `None` without one."""
    value = schema.get(key)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return Fraction(str(value)) if isinstance(value, float) else Fraction(value)
