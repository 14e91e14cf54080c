"""How large, deep and tangled a schema may be, and that it is one.

What passes here is safe to compile and to validate with, whatever it says: no address outside
itself, no loop that never reaches a value, no way to make little text mean much work.
"""

from collections.abc import Callable
from typing import Final, NoReturn

import msgspec

from geminid.core.content import Json
from geminid.core.errors import Invalid
from geminid.core.schema.contradiction import Contradictions
from geminid.core.schema.keywords import LISTED, NAMED, ONE
from geminid.core.schema.looks import Looks
from geminid.core.schema.openapi import Tree
from geminid.core.schema.pattern import LONGEST, BadPattern, narrow
from geminid.core.schema.refs import REFERENCES, Dangling, Refs, in_place, walk

MAX_BYTES: Final = 256 * 1024
"""Of one schema: ten times the largest that SDKs make, and compiled in well under a second."""

MAX_NODES: Final = 20_000
"""JSON values in it; each may become a rule of the grammar."""

MAX_DEPTH: Final = 100
"""Objects and arrays in each other: some 50 schemas, far below any reader's recursion limit."""

MAX_CHAIN: Final = 64
"""References, `allOf` and the like that lead from one to the next without a value between."""

MAX_EVALUATIONS: Final = 10_000
"""Schemas that one value meets through `$ref`, `allOf` and the like: doubling references (`a` is
twice `b`, `b` twice `c`, ...) make few lines into millions."""

MAX_LOOKS: Final = 1_000_000
"""The same through properties and items too, where no circle of references is."""

MAX_PATTERNS: Final = 500
"""Different ones; each is an automaton of its own."""

MAX_COMPARED: Final = 1000
"""JSON values in one `enum` with objects, arrays or fractions: they are compared one by one."""

TYPES: Final = frozenset({"object", "array", "string", "integer", "number", "boolean", "null"})


def check_bounds(schema: Json, where: str) -> None:
    """Refuse what is not a schema, or not a safe one.  Takes time linear in its bytes.

    `where` is the field that the schema came in, for the message.

    Raises:
        Invalid: names the place inside and what to do.
    """
    _Check(where).run(schema)


class _Check:
    def __init__(self, where: str) -> None:
        self._where = where
        self._patterns: set[str] = set()

    def run(self, schema: Json) -> None:
        size = len(bytes(schema))
        if size > MAX_BYTES:
            self._refuse("", f"it has {size} bytes, and at most {MAX_BYTES} may be", "Shorten it.")
        try:
            root = msgspec.json.decode(schema)
        except RecursionError:
            self._deep()
        except msgspec.DecodeError as error:
            raise Invalid(f"{self._where}: it is not JSON: {error}.") from error
        self._measure(root)
        refs = Refs(root)
        for path, each in walk(root):
            if isinstance(each, dict):
                self._shape(path, each)
                self._compared(path, each)
                self._pattern(path, each)
                self._reference(path, each, refs)
            elif not isinstance(each, bool):
                self._refuse(path, "a schema must be an object or a boolean", "Write one.")
        self._untangle(root, refs)
        looks = Looks(root, refs)
        if looks.remembering() > MAX_LOOKS and not looks.loose:
            self._refuse("", "its references multiply", "Name each thing once.")
        if Contradictions(refs).hold(root):
            self._refuse("", "nothing can satisfy it", "Look for limits that exclude each other.")

    def _measure(self, root: object) -> None:
        waiting: list[tuple[object, int]] = [(root, 1)]
        nodes = 0
        while waiting:
            value, depth = waiting.pop()
            nodes += 1
            if depth > MAX_DEPTH:
                self._deep()
            if nodes > MAX_NODES:
                self._refuse("", f"it has more than {MAX_NODES} values", "Make it smaller.")
            if isinstance(value, dict):
                waiting.extend((item, depth + 1) for item in value.values())
            elif isinstance(value, list):
                waiting.extend((item, depth + 1) for item in value)

    def _shape(self, path: str, schema: Tree) -> None:
        for key, value in schema.items():
            shape = _SHAPES.get(key)
            if shape is None:
                continue
            fits, wanted = shape
            if not fits(value):
                self._refuse(f"{path}/{key}", f"it must be {wanted}", "Write it so.")
        if path and "$id" in schema:
            self._refuse(f"{path}/$id", "`$id` may stand at the top only", "Leave it out.")

    def _compared(self, path: str, schema: Tree) -> None:
        values = schema.get("enum")
        if not isinstance(values, list) or all(_is_plain(value) for value in values):
            return
        if _size(values, MAX_COMPARED + 1) > MAX_COMPARED:
            self._refuse(
                f"{path}/enum",
                f"it has more than {MAX_COMPARED} values, and not only strings and whole numbers",
                "Offer fewer, or say what they have in common.",
            )

    def _pattern(self, path: str, schema: Tree) -> None:
        named = schema.get("patternProperties")
        found = [schema.get("pattern"), *(named if isinstance(named, dict) else ())]
        for pattern in found:
            if not isinstance(pattern, str) or pattern in self._patterns:
                continue
            self._patterns.add(pattern)
            if len(self._patterns) > MAX_PATTERNS:
                self._refuse(path, f"it has more than {MAX_PATTERNS} patterns", "Use fewer.")
            if len(pattern) > LONGEST:
                self._refuse(
                    path, f"a pattern has more than {LONGEST} characters", "Use `enum`, or less."
                )
            try:
                narrow(pattern)
            except BadPattern as error:
                raise Invalid(
                    f"{self._where}: {_place(path)}: the pattern {pattern[:60]!r} is not one:"
                    f" {error}. Correct it."
                ) from error

    def _reference(self, path: str, schema: Tree, refs: Refs) -> None:
        for key in REFERENCES:
            ref = schema.get(key)
            if not isinstance(ref, str):
                continue
            if not ref.startswith("#"):
                self._refuse(
                    path,
                    f"`{key}` {ref[:100]!r} names another document, and none is ever fetched",
                    "Put what it names under `$defs`, and write `#/$defs/...`.",
                )
            try:
                refs.target(ref)
            except Dangling as error:
                raise Invalid(
                    f"{self._where}: {_place(path)}: `{key}` {ref[:100]!r} leads nowhere."
                    " Name a schema inside this one."
                ) from error

    def _untangle(self, root: object, refs: Refs) -> None:
        """Counts what one value meets, and finds references that only lead to each other."""
        counts: dict[int, int] = {}
        heights: dict[int, int] = {}
        open_: set[int] = set()
        for path, start in walk(root):
            waiting = [start]
            while waiting:
                schema = waiting[-1]
                if id(schema) in counts:
                    waiting.pop()
                    continue
                inner = list(in_place(schema, refs))
                if id(schema) in open_:
                    open_.discard(id(schema))
                    counts[id(schema)] = 1 + sum(counts[id(each)] for each in inner)
                    heights[id(schema)] = 1 + max((heights[id(each)] for each in inner), default=0)
                    if counts[id(schema)] > MAX_EVALUATIONS or heights[id(schema)] > MAX_CHAIN:
                        self._refuse(path, "its references multiply", "Name each thing once.")
                    continue
                open_.add(id(schema))
                if any(id(each) in open_ for each in inner):
                    self._refuse(
                        path,
                        "its references lead in a circle without a property or item between",
                        "Say what the value is.",
                    )
                waiting.extend(each for each in inner if id(each) not in counts)

    def _deep(self) -> NoReturn:
        self._refuse("", f"it is nested more than {MAX_DEPTH} deep", "Use `$defs` and `$ref`.")

    def _refuse(self, path: str, what: str, advice: str) -> NoReturn:
        raise Invalid(f"{self._where}: {_place(path)}: {what}. {advice}")


def _place(path: str) -> str:
    return f"at #{path[:200]}" if path else "at the top"


def _is_count(value: object) -> bool:
    whole = type(value) is int or (isinstance(value, float) and value.is_integer())
    return whole and isinstance(value, (int, float)) and value >= 0


def _is_number(value: object) -> bool:
    return type(value) in (int, float)


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_words(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _is_type(value: object) -> bool:
    kinds = value if isinstance(value, list) else [value]
    return bool(kinds) and all(isinstance(kind, str) and kind in TYPES for kind in kinds)


def _is_positive(value: object) -> bool:
    return isinstance(value, (int, float)) and type(value) is not bool and value > 0


def _is_plain(value: object) -> bool:
    return value is None or isinstance(value, (str, int))


def _size(value: object, most: int) -> int:
    """JSON values in `value`, itself not counted; no further than `most`."""
    found, waiting = 0, [value]
    while waiting and found <= most:
        each = waiting.pop()
        inner = each.values() if isinstance(each, dict) else each if isinstance(each, list) else ()
        found += len(inner)
        waiting.extend(inner)
    return found


_COUNT: Final = (_is_count, "a whole number, not below 0")
_NUMBER: Final = (_is_number, "a number")
_TEXT: Final = (_is_text, "a string")
_WORDS: Final = (_is_words, "an array of strings")
_SOME: Final = (lambda value: isinstance(value, list) and bool(value), "an array, and not empty")
_OBJECT: Final = (lambda value: isinstance(value, dict), "an object")
_SCHEMA: Final = (lambda value: isinstance(value, (dict, bool)), "one schema")
_SHAPES: Final[dict[str, tuple[Callable[[object], bool], str]]] = {
    **dict.fromkeys(ONE, _SCHEMA),
    **dict.fromkeys(LISTED, _SOME),
    **dict.fromkeys(NAMED, _OBJECT),
    **dict.fromkeys(("minItems", "maxItems", "minLength", "maxLength"), _COUNT),
    **dict.fromkeys(("minProperties", "maxProperties", "minContains", "maxContains"), _COUNT),
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), _NUMBER),
    **dict.fromkeys(("pattern", "format", "$ref", "$id", "$anchor", "$schema"), _TEXT),
    **dict.fromkeys(("$dynamicRef", "$dynamicAnchor"), _TEXT),
    **dict.fromkeys(("required", "propertyOrdering"), _WORDS),
    "multipleOf": (_is_positive, "a number above 0"),
    "enum": _SOME,
    "dependentRequired": _OBJECT,
    "uniqueItems": (lambda value: isinstance(value, bool), "true or false"),
    "type": (_is_type, f"one of {', '.join(sorted(TYPES))}, in lower case, or an array of them"),
}
