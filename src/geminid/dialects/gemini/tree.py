"""A decoded JSON object, and look-ups in it that trust nobody.

What a caller sends has been walked (`walk`), what an upstream answers has not: these raise
`TypeError` for a value of another type, which the decoders of answers turn into
`UpstreamMalformed`.  An absent value and `null` are the same, as in proto3 JSON.
"""

from typing import TypeAlias, cast

Tree: TypeAlias = dict[str, object]
"""A JSON object with canonical keys; lives only between the bytes and the structs."""


def text_at(tree: Tree, key: str) -> str:
    """The string at `key`, or `""`."""
    value = tree.get(key)
    if type(value) is str:
        return value
    if value is None:
        return ""
    raise TypeError(f"{key} is not a string")


def tree_at(tree: Tree, key: str) -> Tree:
    """The object at `key`, or an empty one."""
    value = tree.get(key)
    if type(value) is dict:
        return value
    if value is None:
        return {}
    raise TypeError(f"{key} is not an object")


def trees_at(tree: Tree, key: str) -> list[Tree]:
    """The objects in the list at `key`, or none."""
    values = tree.get(key)
    if values is None:
        return []
    if type(values) is not list or not all(type(value) is dict for value in values):
        raise TypeError(f"{key} is not a list of objects")
    return cast("list[Tree]", values)


def count_at(tree: Tree, key: str) -> int:
    """The whole number at `key`, also one written as a string, or 0."""
    value = tree.get(key)
    if type(value) is int:
        return value
    if value is None:
        return 0
    if (type(value) is float and value.is_integer()) or type(value) is str:
        return int(value)
    raise TypeError(f"{key} is not a number")
