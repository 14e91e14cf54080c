"""What can be told of a planned schema before the runtime is asked to hold a model to it."""

import re
from collections.abc import Iterator
from typing import Final

import msgspec

from geminid.core.errors import Unsupported
from geminid.engines.loop import LEAST

MOST_OPTIONAL: Final = 400
"""Properties of one object that may be left out: llguidance gives up at 500, in mid-answer."""

MOST_PATTERNS: Final = 600
"""By `_weight`, of all patterns in one choice, which are read side by side: llguidance died of
1,050 in mid-answer (ten of `^(.*[a-z]{9}y){9}.{90}$`) and held 525."""

_COUNT: Final = re.compile(r"\{(\d+)(?:,(\d*))?\}")
_ENDLESS: Final = re.compile(r"[*+]|\{\d+,\}")
_NO_SCHEMAS: Final = ("enum", "const", "required")


def check_burden(tree: object, where: str) -> None:
    """Refuse a planned schema under which the runtime would give up.

    Raises:
        Unsupported: too many patterns side by side, or properties that may be left out; `where`
            begins the message.
    """
    for schema in _schemas(tree):
        named = schema.get("properties")
        needed = schema.get("required")
        count = len(named) if isinstance(named, dict) else 0
        count -= len(needed) if isinstance(needed, list) else 0
        if count > MOST_OPTIONAL:
            raise Unsupported(
                f"{where}: the local model can be held to {MOST_OPTIONAL} optional properties of an"
                f" object, and one here has {count}. Make more of them `required`, or name a model"
                " that another channel serves."
            )
        branches = schema.get("anyOf")
        if isinstance(branches, list) and _patterns(branches) > MOST_PATTERNS:
            raise Unsupported(
                f"{where}: its alternatives hold more long patterns than the local model can be"
                " held to. Make them fewer, or without `*` and `+`, or name a model that another"
                " channel serves."
            )


def may_be_object(tree: object) -> bool:
    """Whether an object can satisfy a planned schema."""
    definitions = tree.get("$defs") if isinstance(tree, dict) else None
    return _object_in(tree, definitions if isinstance(definitions, dict) else {}, set())


def long_literals(tree: object) -> list[str]:
    """The values that a planned schema may force, as they are written, where they are long."""
    found: list[str] = []
    for schema in _schemas(tree):
        listed = schema.get("enum")
        values = listed if isinstance(listed, list) else []
        if "const" in schema:
            values = [*values, schema["const"]]
        written = (msgspec.json.encode(value).decode() for value in values)
        found += (text for text in written if len(text) >= LEAST)
    return found


def _object_in(tree: object, definitions: dict[str, object], seen: set[str]) -> bool:
    if not isinstance(tree, dict):
        return tree is True
    name = str(tree.get("$ref", "")).rpartition("/")[2]
    if name and name not in seen:
        return _object_in(definitions.get(name), definitions, seen | {name})
    values = [tree["const"]] if "const" in tree else tree.get("enum")
    if isinstance(values, list):
        return any(isinstance(value, dict) for value in values)
    branches = tree.get("anyOf")
    if isinstance(branches, list):
        return any(_object_in(branch, definitions, seen) for branch in branches)
    kind = tree.get("type", "object")
    return "object" in kind if isinstance(kind, list) else kind == "object"


def _schemas(tree: object) -> Iterator[dict[str, object]]:
    """Every schema in a planned one, itself first."""
    waiting = [tree]
    while waiting:
        part = waiting.pop()
        if isinstance(part, list):
            waiting.extend(part)
        elif isinstance(part, dict):
            yield part
            for key, value in part.items():
                if key in ("properties", "$defs"):
                    waiting.extend(value.values() if isinstance(value, dict) else ())
                elif key not in _NO_SCHEMAS:
                    waiting.append(value)


def _patterns(branches: list[object]) -> int:
    patterns = (schema.get("pattern") for schema in _schemas(branches))
    return sum(_weight(pattern) for pattern in patterns if isinstance(pattern, str))


def _weight(pattern: str) -> int:
    """How much a pattern has to remember: what it counts, for each repetition without an end."""
    counted = sum(int(most or least) for least, most in _COUNT.findall(pattern))
    return len(_ENDLESS.findall(pattern)) * (1 + counted)
