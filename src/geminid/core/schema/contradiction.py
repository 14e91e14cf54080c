"""Schemas that certainly nothing satisfies.

Only what is plain: limits of a named type that exclude each other, no value of an `enum` or
`const` that its other keywords allow, a required part that nothing satisfies, no branch left.
What is found is so for every validator and every model; there is more that is not looked for.
"""

from fractions import Fraction
from math import ceil, floor
from typing import Final

from geminid.core.schema.openapi import Tree
from geminid.core.schema.refs import Refs, referred
from geminid.core.schema.values import fits, number

_DEEPEST: Final = 100  # schemas that need each other; what is further in is not looked at


class Contradictions:
    """Those of one schema that `check_bounds` found to be one."""

    def __init__(self, refs: Refs) -> None:
        self._refs = refs
        self._known: dict[int, bool] = {}
        self._depth = 0

    def hold(self, schema: object) -> bool:
        """Whether certainly no value satisfies `schema`."""
        if not isinstance(schema, dict):
            return schema is False
        found = self._known.get(id(schema))
        if found is not None:
            return found
        self._known[id(schema)] = False  # until it is known: what needs itself is not looked for
        if self._depth < _DEEPEST:
            self._depth += 1
            self._known[id(schema)] = self._is_one(schema)
            self._depth -= 1
        return self._known[id(schema)]

    def _is_one(self, schema: Tree) -> bool:
        if any(
            self.hold(each) for each in (*referred(schema, self._refs), *_listed(schema, "allOf"))
        ):
            return True
        for key in ("anyOf", "oneOf"):
            if key in schema and all(self.hold(each) for each in _listed(schema, key)):
                return True
        if _no_value(schema):
            return True
        kind = schema.get("type")
        kinds = kind if isinstance(kind, list) else [kind]
        return all(self._excluded(each, schema) for each in kinds)

    def _excluded(self, kind: object, schema: Tree) -> bool:
        match kind:
            case "string":
                return _upside_down(schema, "Length")
            case "number" | "integer":
                return _no_number(schema, whole=kind == "integer")
            case "array":
                return _upside_down(schema, "Items") or self._no_item(schema)
            case "object":
                return _upside_down(schema, "Properties") or self._no_property(schema)
        return False

    def _no_item(self, schema: Tree) -> bool:
        low = number(schema, "minItems") or 0
        places = _listed(schema, "prefixItems")
        if any(self.hold(place) for at, place in enumerate(places) if at < low):
            return True
        return low > len(places) and self.hold(schema.get("items", True))

    def _no_property(self, schema: Tree) -> bool:
        required = {name for name in _listed(schema, "required") if isinstance(name, str)}
        most = number(schema, "maxProperties")
        if most is not None and len(required) > most:
            return True
        named = schema.get("properties")
        named = named if isinstance(named, dict) else {}
        rest = True if "patternProperties" in schema else schema.get("additionalProperties", True)
        return any(self.hold(named.get(name, rest)) for name in required)


def _no_value(schema: Tree) -> bool:
    if "const" in schema and not fits(schema["const"], schema):
        return True
    return "enum" in schema and not any(fits(each, schema) for each in _listed(schema, "enum"))


def _upside_down(schema: Tree, what: str) -> bool:
    low, high = number(schema, f"min{what}"), number(schema, f"max{what}")
    return low is not None and high is not None and low > high


def _no_number(schema: Tree, *, whole: bool) -> bool:
    low, high = number(schema, "minimum"), number(schema, "maximum")
    above, below = number(schema, "exclusiveMinimum"), number(schema, "exclusiveMaximum")
    least = [each for each in (low, above) if each is not None]
    most = [each for each in (high, below) if each is not None]
    if not least or not most:
        return False
    first, last = max(least), min(most)
    if whole:
        begin = floor(first) + 1 if first == above else ceil(first)
        return begin > (ceil(last) - 1 if last == below else floor(last))
    return _meet(first, last, open_=first == above or last == below)


def _meet(first: Fraction, last: Fraction, *, open_: bool) -> bool:
    return first > last or (first == last and open_)


def _listed(schema: Tree, key: str) -> list[object]:
    value = schema.get(key)
    return value if isinstance(value, list) else []
