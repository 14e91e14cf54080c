"""Strings and numbers as llama.cpp's grammar can hold them.

Each function takes the keywords of one type, gives the schema to hand over or `None` if nothing
fits, and adds what the grammar does not hold to `checked`.
"""

from collections.abc import Iterable
from fractions import Fraction
from math import ceil, floor
from typing import Final

from geminid.core.schema.openapi import Tree
from geminid.core.schema.pattern import narrow
from geminid.core.schema.values import fits, judged, number

MOST_VALUES: Final = 1000
"""Of one `enum`: 5,000 took llama.cpp 8 s for 20 tokens, 1,000 take 1.4."""

MOST_CHARACTERS: Final = 1000
"""That `minLength` and `maxLength` may count: `minLength` fails to parse above 2,000."""

_MOST_MULTIPLES: Final = 200
_FAR: Final = 10**15 - 1  # llama.cpp writes 16 digits at most, and bounds of 64 bits go wrong
_MONTHS_DIFFER: Final = frozenset({"date", "date-time"})  # 31 February passes the grammar
_NATIVE: Final = frozenset({"date", "time", "date-time", "uuid"})
_BYTE: Final = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9][0-9]|[0-9])"
_PATTERNS: Final = {
    "ipv4": rf"^{_BYTE}\.{_BYTE}\.{_BYTE}\.{_BYTE}$",
    "email": r"^[a-z0-9_]([a-z0-9_-]|\.[a-z0-9_]){0,40}@([a-z0-9]{1,30}\.){1,3}[a-z]{2,10}$",
    "duration": r"^P([0-9]{1,4}W|[0-9]{1,4}D(T[0-9]{1,4}[HMS])?|T[0-9]{1,4}H([0-9]{1,4}M)?"
    r"|T[0-9]{1,4}[MS]|[0-9]{1,4}[YM])$",
}
FORMATS: Final = frozenset(_NATIVE | _PATTERNS.keys())
"""Formats that are enforced and that the validator asserts; the others are annotations."""


class Beyond(ValueError):
    """More than a grammar holds here; the text says what, and what to do."""


def string(schema: Tree, checked: set[str]) -> Tree | None:
    """llama.cpp takes `pattern`, `format` or the lengths, the first that is there.

    Raises:
        Beyond: it must be longer than a grammar can count.
    """
    low, high = counts(schema, "Length")
    if high is not None and low > high:
        return None
    tree: Tree = {"type": "string"}
    pattern = schema.get("pattern")
    shape = narrow(pattern) if isinstance(pattern, str) and pattern else None
    form = schema.get("format")
    if isinstance(pattern, str) and pattern and shape is None:
        checked.add("pattern")
    if shape is not None:
        tree["pattern"] = shape
        if form in FORMATS:
            checked.add("format")
    elif isinstance(form, str) and form in FORMATS:
        tree |= {"pattern": _PATTERNS[form]} if form in _PATTERNS else {"format": form}
        if form in _MONTHS_DIFFER:
            checked.add("format")
    else:
        return tree | counted("Length", low, high, MOST_CHARACTERS, checked)
    if low:
        checked.add("minLength")
    if high is not None:
        checked.add("maxLength")
    return tree


def counted(what: str, low: int, high: int | None, most: int, checked: set[str]) -> Tree:
    """`minWhat` and `maxWhat`, as far as a grammar stays small.

    Raises:
        Beyond: `low` is more than it can count.
    """
    tree: Tree = {}
    if low > most:
        raise Beyond(
            f"`min{what}` {low} is more than a grammar can count here ({most}); ask for less."
        )
    if low:
        tree[f"min{what}"] = low
    if high is not None and high <= most:
        tree[f"max{what}"] = high
    elif high is not None:
        checked.add(f"max{what}")
    return tree


def integer(schema: Tree, checked: set[str]) -> Tree | None:
    """Always between two bounds, or without any: with one alone, llama.cpp writes zeros before."""
    low, high = _whole(schema)
    if low is None and high is None:
        if "multipleOf" in schema:
            checked.add("multipleOf")
        return {"type": "integer"}
    if low is not None and high is not None and low > high:
        return None
    first = -_FAR if low is None else max(low, -_FAR)
    last = _FAR if high is None else min(high, _FAR)
    if first > last:
        raise Beyond(f"Integers beyond {_FAR} cannot be asked for here; use a string.")
    step = number(schema, "multipleOf")
    if step is not None:
        step = Fraction(step.numerator)  # the least integer that is a multiple of it
        begin, end = ceil(first / step), floor(last / step)
        if begin > end:
            return None
        if end - begin < _MOST_MULTIPLES:
            return {"enum": [int(step * at) for at in range(begin, end + 1)]}
        checked.add("multipleOf")
    return {"type": "integer", "minimum": first, "maximum": last}


def decimal(schema: Tree, checked: set[str]) -> Tree | None:
    """A number: nothing but that it is one can be enforced."""
    low, high = number(schema, "minimum"), number(schema, "maximum")
    above, below = number(schema, "exclusiveMinimum"), number(schema, "exclusiveMaximum")
    lows = [bound for bound in (low, above) if bound is not None]
    highs = [bound for bound in (high, below) if bound is not None]
    if lows and highs:
        least, most = max(lows), min(highs)
        if least > most or (least == most and (least == above or most == below)):
            return None
    step = number(schema, "multipleOf")
    if step is not None and step.denominator == 1:
        return integer(schema, checked)
    checked.update(
        key
        for key in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
        if key in schema
    )
    return {"type": "number"}


def listed(values: Iterable[object], schema: Tree, checked: set[str]) -> Tree | None:
    """`enum` or `const`, less the values that another keyword of `schema` forbids.

    Raises:
        Beyond: more values than a grammar can choose from.
    """
    found = [value for value in values if fits(value, schema)]
    if not found:
        return None
    if any(type(value) is int and abs(value) > _FAR for value in found):
        raise Beyond(f"Integers beyond {_FAR} cannot be asked for here; use strings.")
    if len(found) > MOST_VALUES:
        raise Beyond(
            f"An `enum` of {len(found)} values is more than a grammar can hold here"
            f" ({MOST_VALUES}); offer fewer."
        )
    checked.update(key for key in schema if not judged(key) and key in _SAY_MORE)
    return {"enum": found}


_SAY_MORE: Final = frozenset(
    {"pattern", "format", "properties", "additionalProperties", "items", "prefixItems"}
    | {"uniqueItems", "minProperties", "maxProperties", "propertyNames", "dependentRequired"}
)


def counts(schema: Tree, what: str) -> tuple[int, int | None]:
    """`minWhat` and `maxWhat` of `schema`: 0 and `None` where it has none."""
    low, high = number(schema, f"min{what}"), number(schema, f"max{what}")
    return int(low or 0), None if high is None else int(high)


def _whole(schema: Tree) -> tuple[int | None, int | None]:
    low, high = number(schema, "minimum"), number(schema, "maximum")
    above, below = number(schema, "exclusiveMinimum"), number(schema, "exclusiveMaximum")
    lows = [ceil(low)] if low is not None else []
    highs = [floor(high)] if high is not None else []
    if above is not None:
        lows.append(floor(above) + 1)
    if below is not None:
        highs.append(ceil(below) - 1)
    return max(lows, default=None), min(highs, default=None)
