"""JSON as some servers write it, which the standard does not allow: numbers that are none (`NaN`),
and letters cut in half, as `\\ud83d` without the `\\ude00` that belongs to it.

An answer that was paid for is not thrown away for that.
"""

import json
import math
import re
from typing import Final

_HALF: Final = re.compile("[\ud800-\udfff]")
_CUT: Final = frozenset({"content", "reasoning", "reasoning_content", "arguments"})
"""Fields that a stream brings in pieces: the other half may come with the next."""


def loosely(payload: bytes) -> object:
    """What `payload` says.  Numbers that are none are `None`, and half a letter is U+FFFD, but
    where the other half may follow: there it is left, for `Letters`.

    Raises:
        ValueError: it is no JSON at all.
        RecursionError: it is nested too deeply.
    """
    return _mended(json.loads(payload), cut=False)


def joined(text: str) -> str:
    """`text` with halves that stand together made one letter, and each other half U+FFFD."""
    if not _HALF.search(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


class Letters:
    """The words of one field, piece by piece; a letter may have been cut between two."""

    def __init__(self) -> None:
        self._half = ""

    def feed(self, text: str) -> str:
        """All of it but a first half at its end, which waits for what comes next."""
        if not text:
            return text
        text, self._half = self._half + text, ""
        if "\ud800" <= text[-1] <= "\udbff":
            text, self._half = text[:-1], text[-1]
        return joined(text)

    def finish(self) -> str:
        """U+FFFD for a half whose other half never came."""
        return joined(self._half)


def _mended(value: object, *, cut: bool) -> object:
    match value:
        case dict():
            return {joined(key): _mended(inner, cut=key in _CUT) for key, inner in value.items()}
        case list():
            return [_mended(inner, cut=False) for inner in value]
        case str():
            return value if cut else joined(value)
        case float() if not math.isfinite(value):
            return None
        case _:
            return value
