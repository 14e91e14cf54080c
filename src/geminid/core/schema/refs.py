"""Where a `$ref` points."""

from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote

from geminid.core.schema.keywords import IN_PLACE, LISTED, NAMED, ONE
from geminid.core.schema.openapi import Tree

REFERENCES: Final = ("$ref", "$dynamicRef")
"""`$dynamicRef` is the same as `$ref` here: below the top there is no `$id` to choose by."""

_ANCHORS: Final = ("$anchor", "$dynamicAnchor")
_SHOWN: Final = 300  # characters of a path: it is for messages, and names may be long
_DIGITS: Final = 6
"""Of a place in an array: no schema has room for more."""


class Dangling(LookupError):
    """The address is not one inside this schema, or no schema stands there."""


class Refs:
    """The schemas of one document by address: `#`, `#/a/b` or `#anchor`."""

    def __init__(self, root: object) -> None:
        self._root = root
        self._anchors: dict[str, object] = {}
        # By identity, with what it is: what no walk comes to was never looked at as a schema.
        self._schemas: dict[int, object] = {}
        self._found: dict[str, object] = {}
        for _, schema in walk(root):
            if isinstance(schema, dict):
                self._schemas[id(schema)] = schema
                for key in _ANCHORS:
                    if isinstance(schema.get(key), str):
                        self._anchors[schema[key]] = schema

    def target(self, ref: str) -> object:
        """What `ref` names; the same object each time.

        Raises:
            Dangling: nothing does, or what it names does not stand where schemas stand.
        """
        if ref not in self._found:
            self._found[ref] = self._look(ref)
        return self._found[ref]

    def named(self) -> Iterator[object]:
        """Every schema that a reference in a schema leads to."""
        for schema in self._schemas.values():
            if isinstance(schema, dict):
                yield from referred(schema, self)

    def _look(self, ref: str) -> object:
        if not ref.startswith("#"):
            raise Dangling
        fragment = unquote(ref[1:])
        if fragment and not fragment.startswith("/"):
            if fragment not in self._anchors:
                raise Dangling
            return self._anchors[fragment]
        found = self._root
        for token in fragment.split("/")[1:]:
            found = _inside(found, token.replace("~1", "/").replace("~0", "~"))
        if isinstance(found, dict) and id(found) in self._schemas:
            return found
        if isinstance(found, bool) and (not fragment or self._holds(fragment)):
            return found
        raise Dangling

    def _holds(self, fragment: str) -> bool:
        """Whether a schema stands at `fragment`: `true` has no identity of its own."""
        tokens = fragment.split("/")[1:]
        schema: object = self._root
        while tokens:
            if id(schema) not in self._schemas or not isinstance(schema, dict):
                return False
            key = tokens.pop(0)
            schema = schema.get(key)
            if key in ONE:
                continue
            if not tokens or not (key in LISTED or key in NAMED):
                return False
            try:
                schema = _inside(schema, tokens.pop(0).replace("~1", "/").replace("~0", "~"))
            except Dangling:
                return False
        return True


def referred(schema: Tree, refs: Refs) -> Iterator[object]:
    """What the references that stand in `schema` lead to.

    Raises:
        Dangling: one leads nowhere.
    """
    for key in REFERENCES:
        ref = schema.get(key)
        if isinstance(ref, str):
            yield refs.target(ref)


def in_place(schema: object, refs: Refs) -> Iterator[object]:
    """The schemas that speak of the same value as `schema`."""
    if not isinstance(schema, dict):
        return
    yield from referred(schema, refs)
    for key in IN_PLACE:
        value = schema.get(key)
        yield from value if isinstance(value, list) else [value] if key in schema else ()
    for key in ("dependentSchemas", "dependencies"):
        named = schema.get(key)
        if isinstance(named, dict):
            yield from (each for each in named.values() if not isinstance(each, list))


def walk(root: object) -> Iterator[tuple[str, object]]:
    """Every schema in `root`, itself first, with its JSON pointer, cut where that is long.

    Does not follow `$ref`.
    """
    waiting: list[tuple[str, object]] = [("", root)]
    while waiting:
        path, schema = waiting.pop()
        yield path, schema
        if isinstance(schema, dict):
            waiting.extend(reversed(list(children(schema, path))))


def children(schema: Tree, path: str = "") -> Iterator[tuple[str, object]]:
    """The schemas that stand directly in `schema`."""
    path = path[:_SHOWN]
    for key, value in schema.items():
        if key in ONE:
            yield f"{path}/{key}", value
        elif key in LISTED and isinstance(value, list):
            yield from ((f"{path}/{key}/{at}", item) for at, item in enumerate(value))
        elif key in NAMED and isinstance(value, dict):
            yield from (
                (f"{path}/{key}/{_escaped(name)}", item)
                for name, item in value.items()
                if key != "dependencies" or not isinstance(item, list)
            )


def _inside(value: object, token: str) -> object:
    if isinstance(value, dict) and token in value:
        return value[token]
    if isinstance(value, list) and _is_place(token) and int(token) < len(value):
        return value[int(token)]
    raise Dangling


def _is_place(token: str) -> bool:
    """Digits as RFC 6901 wants them: `0`, or without a zero before."""
    plain = len(token) <= _DIGITS and token.isascii() and token.isdigit()
    return plain and (len(token) == 1 or not token.startswith("0"))


def _escaped(name: object) -> str:
    return str(name)[:_SHOWN].replace("~", "~0").replace("/", "~1")
