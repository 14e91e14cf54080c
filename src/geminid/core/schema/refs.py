"""Where a `$ref` points."""

from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote

from geminid.core.schema.keywords import LISTED, NAMED, ONE
from geminid.core.schema.openapi import Tree

_ANCHORS: Final = ("$anchor", "$dynamicAnchor")


class Dangling(LookupError):
    """The address is not one inside this schema, or nothing stands there."""


class Refs:
    """The schemas of one document by address: `#`, `#/a/b` or `#anchor`."""

    def __init__(self, root: object) -> None:
        self._root = root
        self._anchors: dict[str, object] = {}
        for _, schema in walk(root):
            if isinstance(schema, dict):
                for key in _ANCHORS:
                    if isinstance(schema.get(key), str):
                        self._anchors[schema[key]] = schema

    def target(self, ref: str) -> object:
        """What `ref` names; the same object each time.

        Raises:
            Dangling: nothing does.
        """
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
        if not isinstance(found, (dict, bool)):
            raise Dangling
        return found


def walk(root: object) -> Iterator[tuple[str, object]]:
    """Every schema in `root`, itself first, with its JSON pointer.  Does not follow `$ref`."""
    waiting: list[tuple[str, object]] = [("", root)]
    while waiting:
        path, schema = waiting.pop()
        yield path, schema
        if isinstance(schema, dict):
            waiting.extend(reversed(list(children(schema, path))))


def children(schema: Tree, path: str = "") -> Iterator[tuple[str, object]]:
    """The schemas that stand directly in `schema`."""
    for key, value in schema.items():
        if key in ONE:
            yield f"{path}/{key}", value
        elif key in LISTED and isinstance(value, list):
            yield from ((f"{path}/{key}/{at}", item) for at, item in enumerate(value))
        elif key in NAMED and isinstance(value, dict):
            yield from ((f"{path}/{key}/{_escaped(name)}", item) for name, item in value.items())


def _inside(value: object, token: str) -> object:
    if isinstance(value, dict) and token in value:
        return value[token]
    if isinstance(value, list) and token.isdecimal() and int(token) < len(value):
        return value[int(token)]
    raise Dangling


def _escaped(name: object) -> str:
    return str(name).replace("~", "~0").replace("/", "~1")
