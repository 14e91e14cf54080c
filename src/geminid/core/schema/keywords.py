"""What becomes of each keyword of JSON Schema when a grammar holds the answer.

Measured against xllamacpp 2026.10.11549, whose server turns a `response_format` into GBNF.  The
engine `llama` hands the same plan to llguidance, which is in there too and holds more; what both
hold is what is promised (docs/decisions/0008-one-grammar-by-llguidance.md).
"""

from typing import Final, Literal, TypeAlias

import msgspec

How: TypeAlias = Literal["enforced", "checked", "refused", "ignored"]


class Keyword(msgspec.Struct, frozen=True):
    """One keyword.

    `how` it is dealt with: `enforced` by the grammar, `checked` on the whole answer (and asked for
    again if it fails), `refused` before anything is asked, or `ignored` because it says nothing
    about what is valid.  `note` says under which conditions, or why.
    """

    name: str
    how: How
    note: str = ""


_ENFORCED: Final = (
    ("$ref", "inside the schema only; `#` too"),
    ("$defs", ""),
    ("definitions", "the older name of `$defs`"),
    ("$anchor", ""),
    ("type", ""),
    ("enum", "at most 1,000 values"),
    ("const", ""),
    ("properties", "none but these are written, whatever `additionalProperties` allows"),
    ("required", "written first, in the order of `properties`; the others follow"),
    ("additionalProperties", "checked where it is all there is: names may come twice"),
    ("items", ""),
    ("prefixItems", "all of them, and as many more as `minItems` asks for"),
    ("minItems", "refused above 500"),
    ("maxItems", "checked above 500"),
    ("minLength", "refused above 1,000; checked beside `pattern` or `format`"),
    ("maxLength", "checked above 1,000, and beside `pattern` or `format`"),
    ("pattern", "checked where it looks around or back, or counts past 500"),
    (
        "format",
        "`uuid`, `time`, `ipv4`, `email` and `duration`; `date` and `date-time` are also checked,"
        " for months have different lengths; others are ignored",
    ),
    ("minimum", "of integers; of other numbers checked"),
    ("maximum", "of integers; of other numbers checked"),
    ("exclusiveMinimum", "of integers; of other numbers checked"),
    ("exclusiveMaximum", "of integers; of other numbers checked"),
    ("anyOf", ""),
    ("allOf", "merged into one schema; what cannot be merged is checked or refused"),
)
_CHECKED: Final = (
    ("oneOf", "enforced as `anyOf`; that no second one matches is checked, unless types differ"),
    ("multipleOf", "enforced where at most 200 integers remain"),
    ("uniqueItems", ""),
    ("minProperties", "refused where the named properties cannot be enough"),
    ("maxProperties", ""),
    ("dependentRequired", ""),
    ("propertyNames", "refused where no `properties` are named"),
)
_REFUSED: Final = (
    ("not", ""),
    ("if", ""),
    ("then", ""),
    ("else", ""),
    ("patternProperties", ""),
    ("dependentSchemas", ""),
    ("dependencies", "write `dependentRequired`"),
    ("unevaluatedProperties", "write `additionalProperties`"),
    ("unevaluatedItems", "write `items` beside `prefixItems`"),
    ("additionalItems", "write `items` beside `prefixItems`"),
    ("contains", ""),
    ("minContains", ""),
    ("maxContains", ""),
    ("$dynamicRef", "write `$ref`"),
    ("$recursiveRef", "write `$ref`"),
)
_IGNORED: Final = (
    ("$schema", "every schema is read as draft 2020-12"),
    ("$id", "at the top only"),
    ("$comment", ""),
    ("$vocabulary", ""),
    ("$dynamicAnchor", ""),
    ("$recursiveAnchor", ""),
    ("title", ""),
    ("description", ""),
    ("default", ""),
    ("deprecated", ""),
    ("readOnly", ""),
    ("writeOnly", ""),
    ("examples", ""),
    ("contentEncoding", ""),
    ("contentMediaType", ""),
    ("contentSchema", ""),
    ("propertyOrdering", "Gemini's: the order in which `properties` are written"),
)

_TABLE: Final[tuple[tuple[How, tuple[tuple[str, str], ...]], ...]] = (
    ("enforced", _ENFORCED),
    ("checked", _CHECKED),
    ("refused", _REFUSED),
    ("ignored", _IGNORED),
)

KEYWORDS: Final = {name: Keyword(name, how, note) for how, rows in _TABLE for name, note in rows}
"""Every keyword by its name.  What is not in it is no keyword, and ignored as JSON Schema wants."""

REFUSED: Final = frozenset(name for name, keyword in KEYWORDS.items() if keyword.how == "refused")

# Where schemas stand inside a schema.
ONE: Final = frozenset(
    {"items", "additionalProperties", "propertyNames", "not", "if", "then", "else", "contains"}
    | {"unevaluatedItems", "unevaluatedProperties", "additionalItems", "contentSchema"}
)
LISTED: Final = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
NAMED: Final = frozenset(
    {"properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "dependencies"}
)
IN_PLACE: Final = frozenset({"not", "if", "then", "else", "allOf", "anyOf", "oneOf"})
"""Those that speak of the same value as the schema around them, as `$ref` does."""
