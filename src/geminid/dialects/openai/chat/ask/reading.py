"""Reading a body: what is wrong with it, in OpenAI's words, and what nobody uses of it."""

import re
from collections.abc import Iterable, Mapping
from typing import Final, Literal

import msgspec

from geminid.core.errors import Malformed, Violation
from geminid.dialects.openai.chat.tree import missing, mistyped, unknown
from geminid.dialects.openai.tree import Tree

Kind = Literal["string", "number", "integer", "boolean", "object", "array"]

_SHOWN: Final = 100
"""A name is told up to this many characters."""
_MOST: Final = 100
"""So many are told one by one: a body made of nothing else must not come back a hundredfold."""
_PLACE: Final = re.compile(r"\[\d+\]")
_SERVICE: Final = frozenset({"cache_control", "include_obfuscation"})
"""Fields inside others that alter no answer."""


class Left(msgspec.Struct, frozen=True):
    """A field that is not used, by its path; `service`: it would have altered no answer."""

    field: str
    service: bool = False


class Reading:
    """What was found so far."""

    def __init__(self) -> None:
        self._wrong: list[Violation] = []
        self._more = 0
        self._left: dict[str, Left] = {}

    @property
    def left(self) -> tuple[Left, ...]:
        """The fields that are not used, in the order of the body."""
        return tuple(self._left.values())

    def check(self) -> None:
        """Raises `Malformed` with all that is wrong, if anything is."""
        if not self._wrong:
            return
        lines = [violation.description for violation in self._wrong]
        if self._more:
            lines.append(f"... and {self._more} more.")
        raise Malformed("\n".join(lines), tuple(self._wrong))

    def leave(self, path: str, *, service: bool = False) -> None:
        """The field at `path` is not used."""
        name = _PLACE.sub("", path)[:_SHOWN]
        if len(self._left) < _MOST:
            self._left.setdefault(name, Left(name, service))

    def add(self, path: str, what: str) -> None:
        """The field at `path` is wrong; `what` says how, and what to do."""
        if len(self._wrong) < _MOST:
            self._wrong.append(Violation(path, what))
        else:
            self._more += 1

    def wrong(self, path: str, kinds: tuple[Kind, ...], value: object) -> None:
        """`value` at `path` has none of the types `kinds`."""
        names = [_with_article(kind) for kind in kinds]
        expected = names[0] if len(names) == 1 else f"one of {' or '.join(names)}"
        self.add(path, mistyped(path, expected, value).detail)

    def missing(self, path: str) -> None:
        """There must be a field at `path`."""
        self.add(path, missing(path).detail)

    def empty(self, path: str, kind: Literal["string", "array"]) -> None:
        """The string or the list at `path` has nothing in it."""
        self.add(
            path,
            f"Invalid '{path}': empty {kind}. Expected {_with_article(kind)} with minimum length 1,"
            f" but got an empty {kind} instead.",
        )

    def below(self, path: str, value: object, least: float) -> None:
        """The number at `path` is too small."""
        expected = f"Expected a value >= {least}, but got {value} instead."
        self.add(path, f"Invalid '{path}': {_number(value)} below minimum value. {expected}")

    def above(self, path: str, value: object, most: float) -> None:
        """The number at `path` is too large."""
        expected = f"Expected a value <= {most}, but got {value} instead."
        self.add(path, f"Invalid '{path}': {_number(value)} above maximum value. {expected}")

    def unsupported(self, path: str, value: str, values: Iterable[str]) -> None:
        """The word at `path` is none of `values`."""
        self.add(path, unknown(path, value, values).detail)


class Node:
    """An object of the body, read field by field.  Absent and `null` are the same.

    What is of a wrong type is told to `reading`, and read as absent.
    """

    def __init__(self, tree: Tree, path: str, reading: Reading) -> None:
        self.tree, self.path, self.reading = tree, path, reading
        self._seen: set[str] = set()

    def at(self, key: str) -> str:
        """The path of the field `key`."""
        return f"{self.path}.{key}" if self.path else key

    def value(self, key: str, *kinds: Kind) -> object:
        """The value of one of `kinds`, or `None`; any at all if there are none."""
        value = self.tree.get(key)
        if value is None:
            return None
        self._seen.add(key)
        if not kinds or fits(value, kinds):
            return value
        self.reading.wrong(self.at(key), kinds, value)
        return None

    def text(self, key: str) -> str:
        """The string, or `""`."""
        value = self.value(key, "string")
        return value if isinstance(value, str) else ""

    def word(self, key: str, values: Iterable[str]) -> str:
        """The string, which must be one of `values`, or `""`."""
        value = self.text(key)
        if not value or value in values:
            return value
        self.reading.unsupported(self.at(key), value, values)
        return ""

    def flag(self, key: str) -> bool | None:
        """The boolean."""
        value = self.value(key, "boolean")
        return value if isinstance(value, bool) else None

    def number(self, key: str) -> float | None:
        """The number."""
        value = self.value(key, "number")
        return value if isinstance(value, int | float) else None

    def whole(self, key: str) -> int | None:
        """The whole number, also one written as `1.0`."""
        value = self.value(key, "integer")
        return int(value) if isinstance(value, int | float) else None

    def node(self, key: str) -> "Node | None":
        """The object."""
        value = self.value(key, "object")
        return Node(value, self.at(key), self.reading) if isinstance(value, dict) else None

    def nodes(self, key: str) -> "list[Node]":
        """The objects in the list."""
        found: list[Node] = []
        for place, item in enumerate(self.items(key)):
            path = f"{self.at(key)}[{place}]"
            if isinstance(item, dict):
                found.append(Node(item, path, self.reading))
            else:
                self.reading.wrong(path, ("object",), item)
        return found

    def texts(self, key: str) -> list[str]:
        """The strings in the list."""
        found: list[str] = []
        for place, item in enumerate(self.items(key)):
            if isinstance(item, str):
                found.append(item)
            else:
                self.reading.wrong(f"{self.at(key)}[{place}]", ("string",), item)
        return found

    def items(self, key: str) -> list[object]:
        """The list, or an empty one."""
        value = self.value(key, "array")
        return value if isinstance(value, list) else []

    def required(self, key: str) -> str:
        """The string, of which there must be something; `""` if there is not."""
        value = self.value(key, "string")
        if value == "":
            self.reading.empty(self.at(key), "string")
        elif self.tree.get(key) is None:
            self.reading.missing(self.at(key))
        return value if isinstance(value, str) else ""

    def leave_rest(self) -> None:
        """No other field than those read so far is used."""
        for key, value in self.tree.items():
            if key not in self._seen and value is not None:
                self.reading.leave(self.at(key), service=key in _SERVICE)


def fits(value: object, kinds: Iterable[Kind]) -> bool:
    """Whether the value of a field is of one of `kinds`; a whole number may be written as `1.0`."""
    known = _KINDS.get(type(value), frozenset())
    if type(value) is float and value.is_integer():
        known = _NUMBERS
    return not known.isdisjoint(kinds)


_NUMBERS: Final = frozenset[Kind]({"integer", "number"})
_KINDS: Final[Mapping[type, frozenset[Kind]]] = {
    bool: frozenset({"boolean"}),
    int: _NUMBERS,
    float: frozenset({"number"}),
    str: frozenset({"string"}),
    dict: frozenset({"object"}),
    list: frozenset({"array"}),
}


def _with_article(kind: str) -> str:
    return f"an {kind}" if kind[0] in "aio" else f"a {kind}"


def _number(value: object) -> str:
    return "integer" if isinstance(value, int) else "decimal"
