"""Hypothesis strategies for schemas: what callers send as JSON Schema, and as Gemini's subset."""

from collections.abc import Callable
from typing import Any, TypeAlias

from hypothesis import strategies as st

Schema: TypeAlias = dict[str, Any]

NAMES = st.sampled_from(["a", "b", "name", "größe", "x-y", "*", "", 'q"', "a]"])
PATTERNS = [
    r"^[a-z]{2,4}$",
    r"^\d{3}-\d{2}$",
    r"^(yes|no)$",
    r"[0-9]",
    r"^a+b?",
    r"\w\s\w",
    r"^[^/]+/[^/]+$",
    r"^\S+@\S+$",
    r"^€{1,3}$",
    r"^.{2,5}$",
]
FORMATS = ["date", "time", "date-time", "uuid", "email", "ipv4", "duration", "uri", "int64", "x"]

DOUBLING: dict[str, Callable[[Schema], Schema]] = {
    "allOf": lambda ref: {"properties": {"x": {"allOf": [ref, ref]}}},
    "anyOf": lambda ref: {"properties": {"x": {"anyOf": [ref, ref]}}},
    "oneOf": lambda ref: {"properties": {"x": {"oneOf": [ref, ref]}}},
    "not": lambda ref: {"properties": {"x": {"allOf": [{"not": {"not": ref}}] * 2}}},
    "if": lambda ref: {"properties": {"x": {"if": ref, "then": ref, "else": ref}}},
    "around": lambda ref: {"anyOf": [{"properties": {"x": ref}}, {"properties": {"x": ref}}]},
    "patternProperties": lambda ref: {"properties": {"x": ref}, "patternProperties": {"^x": ref}},
    "unevaluatedProperties": lambda ref: {
        "patternProperties": {"^x": ref},
        "unevaluatedProperties": ref,
    },
    "dependentSchemas": lambda ref: {
        "dependentSchemas": {"x": {"properties": {"x": ref}}},
        "properties": {"x": ref},
    },
    "dependencies": lambda ref: {
        "dependencies": {"x": {"properties": {"x": ref}}},
        "properties": {"x": ref},
    },
    "contains": lambda ref: {"items": ref, "contains": ref},
}
"""How one value comes to be looked at twice: a member that `ref` speaks of in two ways.

The member is `x`; of `contains` the first item.
"""


def doubled(name: str, levels: int) -> Schema:
    """Definitions of which each is twice the next, `levels` of them, and the last a string."""
    named = {f"d{n}": DOUBLING[name]({"$ref": f"#/$defs/d{n + 1}"}) for n in range(levels)}
    return {"$ref": "#/$defs/d0", "$defs": {**named, f"d{levels}": {"type": "string"}}}


_counts = st.integers(0, 4)
_limits = st.integers(-20, 20) | st.sampled_from([0.5, -1.25, 100, 1e3])


def _some(fields: dict[str, st.SearchStrategy[Any]], **always: object) -> st.SearchStrategy[Schema]:
    """Any of `fields`, beside `always`."""
    return st.fixed_dictionaries({}, optional=fields).map(lambda drawn: {**always, **drawn})


def leaves() -> st.SearchStrategy[Schema]:
    """Schemas without a schema inside."""
    values = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "a", "ü", 1.5])
    return st.one_of(
        _some({"description": st.just("d")}, type="boolean"),
        st.just({"type": "null"}),
        _some({"minLength": _counts, "maxLength": _counts}, type="string"),
        st.sampled_from(PATTERNS).map(lambda pattern: {"type": "string", "pattern": pattern}),
        st.sampled_from(FORMATS).map(lambda form: {"type": "string", "format": form}),
        _some({"minimum": _limits, "maximum": _limits}, type="integer"),
        _some({"exclusiveMinimum": _limits, "multipleOf": st.integers(1, 7)}, type="integer"),
        _some({"minimum": _limits, "exclusiveMaximum": _limits}, type="number"),
        _some({"multipleOf": st.sampled_from([0.5, 2, 0.1])}, type="number"),
        st.lists(values, min_size=1, max_size=4).map(lambda drawn: {"enum": drawn}),
        values.map(lambda value: {"const": value}),
        st.just({"type": ["string", "null"], "maxLength": 3}),
        st.just({"type": "array", "minItems": 3, "maxItems": 1}),
    )


def schemas() -> st.SearchStrategy[Schema]:
    """JSON Schemas of the keywords that are enforced or checked; few contradict themselves.

    `$ref` leads to the two definitions `#/$defs/leaf` and `#/$defs/node`; the second refers to
    itself.  Definitions are there whether or not anything refers to them.
    """
    inner = st.recursive(
        leaves() | st.sampled_from([{"$ref": "#/$defs/leaf"}, {"$ref": "#/$defs/node"}]),
        _around,
        max_leaves=6,
    )
    node: Schema = {
        "type": "object",
        "properties": {"value": {"type": "integer"}, "next": {"$ref": "#/$defs/node"}},
        "required": ["value"],
    }
    return st.builds(
        lambda top, leaf: {**top, "$defs": {"leaf": leaf, "node": node}}, inner, leaves()
    )


def _around(inner: st.SearchStrategy[Schema]) -> st.SearchStrategy[Schema]:
    named = st.dictionaries(NAMES, inner, min_size=1, max_size=3)
    several = st.lists(inner, min_size=1, max_size=3)
    return st.one_of(
        named.flatmap(_object),
        _some({"minItems": _counts, "maxItems": _counts, "uniqueItems": st.booleans()}).flatmap(
            lambda sizes: inner.map(lambda items: {"type": "array", "items": items, **sizes})
        ),
        several.map(lambda places: {"type": "array", "prefixItems": places}),
        several.map(lambda choices: {"anyOf": choices}),
        several.map(lambda choices: {"oneOf": choices}),
        st.lists(inner, min_size=1, max_size=2).map(lambda parts: {"allOf": parts}),
        inner.map(lambda value: {"type": "object", "additionalProperties": value}),
    )


def _object(named: dict[str, Schema]) -> st.SearchStrategy[Schema]:
    names = st.lists(st.sampled_from(sorted(named)), unique=True)
    return _some(
        {
            "required": names,
            "propertyOrdering": names,
            "additionalProperties": st.booleans(),
            "minProperties": st.integers(0, 2),
        },
        type="object",
        properties=named,
    )


def gemini_schemas() -> st.SearchStrategy[Schema]:
    """Schemas in Gemini's OpenAPI subset: `parameters` and `responseSchema`."""
    kinds = st.sampled_from(["STRING", "string", "NUMBER", "Integer", "BOOLEAN"])
    leaf = st.builds(
        lambda kind, extra: {"type": kind, **extra},
        kinds,
        _some(
            {
                "nullable": st.booleans(),
                "description": st.just("d"),
                "format": st.sampled_from(["int64", "double", "date-time", "enum"]),
                "example": st.just("e"),
            }
        ),
    ) | st.just({"type": "STRING", "enum": ["a", "b"], "format": "enum"})

    def around(inner: st.SearchStrategy[Schema]) -> st.SearchStrategy[Schema]:
        named = st.dictionaries(st.sampled_from(["a", "type", "nullable"]), inner, min_size=1)
        return st.one_of(
            named.flatmap(
                lambda properties: st.permutations(sorted(properties)).map(
                    lambda order: {
                        "type": "OBJECT",
                        "properties": properties,
                        "required": order[:1],
                        "propertyOrdering": order,
                    }
                )
            ),
            inner.map(lambda items: {"type": "ARRAY", "items": items, "maxItems": "3"}),
            st.lists(inner, min_size=1, max_size=2).map(lambda choices: {"anyOf": choices}),
        )

    return st.recursive(leaf, around, max_leaves=5)
