"""A caller's decoded JSON, looked at field by field.

What has a wrong type is refused in the words that OpenAI's clients know, with the place as the
first violation: `messages[3].content[0].text`.
"""

from collections.abc import Iterable

from geminid.core.errors import Malformed, Violation
from geminid.dialects.openai.tree import Tree

_SHOWN = 100
_KINDS = {
    str: "a string",
    bool: "a boolean",
    int: "an integer",
    float: "a decimal",
    list: "an array",
    dict: "an object",
    type(None): "null",
}


def wrong(path: str, detail: str) -> Malformed:
    """The refusal of what stands at `path`; `detail` says what is wrong and what to do."""
    return Malformed(detail, (Violation(path, detail),))


def missing(path: str) -> Malformed:
    """The refusal of a request that lacks what belongs at `path`."""
    return wrong(path, f"Missing required parameter: '{path}'.")


def mistyped(path: str, expected: str, value: object) -> Malformed:
    """The refusal of a `value` that is not `expected` (`a string`)."""
    got = _KINDS.get(type(value), "something else")
    return wrong(path, f"Invalid type for '{path}': expected {expected}, but got {got} instead.")


def unknown(path: str, value: str, known: Iterable[str]) -> Malformed:
    """The refusal of a `value` that is none of the `known`."""
    *first, last = (f"'{name}'" for name in known)
    named = f"{', '.join(first)}, and {last}" if first else last
    return wrong(path, f"Invalid value: '{value[:_SHOWN]}'. Supported values are: {named}.")


def tree_of(value: object, path: str) -> Tree:
    """`value`, an object.

    Raises:
        Malformed: it is none.
    """
    if isinstance(value, dict):
        return value
    raise mistyped(path, "an object", value)


def tree_at(tree: Tree, key: str, path: str) -> Tree:
    """The object in field `key` of the `tree` at `path`.

    Raises:
        Malformed: there is none.
    """
    value = tree.get(key)
    if value is None:
        raise missing(f"{path}.{key}")
    return tree_of(value, f"{path}.{key}")


def text_at(tree: Tree, key: str, path: str) -> str:
    """The string in field `key` of the `tree` at `path`.

    Raises:
        Malformed: there is none.
    """
    value = tree.get(key)
    if isinstance(value, str):
        return value
    where = f"{path}.{key}"
    raise missing(where) if value is None else mistyped(where, "a string", value)


def list_at(tree: Tree, key: str, path: str) -> list[object]:
    """The array in field `key` of the `tree` at `path`; empty if it is absent or null.

    Raises:
        Malformed: it is something else.
    """
    value = tree.get(key)
    if value is None:
        return []
    if isinstance(value, list):
        return value
    raise mistyped(f"{path}.{key}", "an array", value)
