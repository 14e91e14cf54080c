"""Names of functions inside: those that Gemini takes, whatever a caller calls theirs.

Another name is cleaned, with a hash of the whole: the same in every request, so nothing is to be
remembered, and a prompt cache still hits.
"""

import hashlib
import re
from collections.abc import Iterable
from itertools import count
from typing import Final

# Gemini takes 128 characters by now, and this wire 64.
_TAKEN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,63}")
_STRANGE: Final = re.compile(r"[^A-Za-z0-9_.:-]+")
_HASH: Final = 12
_CLEANED: Final = 64 - _HASH - 2  # the hash, a line before it, and one before a wrong beginning


def inside_name(name: str, again: int = 0) -> str:
    """`name` if it is taken, or one that stands for it and for no other such name.

    `again` makes another one, if the one before is taken.
    """
    if _TAKEN.fullmatch(name) and not again:
        return name
    whole = hashlib.sha256(("\0" * again + name).encode(errors="surrogatepass")).hexdigest()
    cleaned = f"{_STRANGE.sub('_', name)[:_CLEANED]}_{whole[:_HASH]}"
    return cleaned if _TAKEN.fullmatch(cleaned) else f"_{cleaned}"


class Inside:
    """Both ways, for the functions that a request declares: no two of them are one inside."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        declared = set(names)
        self._theirs = {name: name for name in declared if inside_name(name) == name}
        for name in sorted(declared - self._theirs.keys()):  # as declared in any order
            self._theirs[self._free(name)] = name
        self._ours = {name: inside for inside, name in self._theirs.items()}

    @property
    def renamed(self) -> dict[str, str]:
        """The caller's name for each function that goes by another one inside (by that one)."""
        return {inside: name for inside, name in self._theirs.items() if inside != name}

    def declares(self, name: str) -> bool:
        """Whether the caller declares the function that they call `name`."""
        return name in self._ours

    def of(self, name: str) -> str:
        """The name inside.  A history may hold some that nobody declares."""
        return self._ours.get(name) or self._free(name)

    def _free(self, name: str) -> str:
        tries = (inside_name(name, again) for again in count())
        return next(inside for inside in tries if self._theirs.get(inside, name) == name)
