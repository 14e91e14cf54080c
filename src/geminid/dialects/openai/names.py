"""Names of functions on a wire that takes fewer of them.

Gemini's may hold dots and colons and be 128 characters long, and those in a history may be
anything; here they are `[A-Za-z0-9_-]`, 64 at most.  Another name goes out cleaned, with a hash of
the whole: the same in every request, so nothing is to be remembered, and a prompt cache still hits.
"""

import hashlib
import re
from collections.abc import Iterable
from itertools import count
from typing import Final

from geminid.core.request import FunctionTool

_PLAIN: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_STRANGE: Final = re.compile(r"[^A-Za-z0-9_-]+")
_HASH: Final = 12
_CLEANED: Final = 64 - _HASH - 1


def wire_name(name: str, again: int = 0) -> str:
    """`name` as servers take it: itself, or one that stands for it and for no other such name.

    `again` makes another one, if the one before is taken.
    """
    if _PLAIN.fullmatch(name) and not again:
        return name
    whole = hashlib.sha256(("\0" * again + name).encode(errors="surrogatepass")).hexdigest()
    return f"{_STRANGE.sub('_', name)[:_CLEANED]}_{whole[:_HASH]}"


class Names:
    """Both ways, for the functions that a request declares: no two of them are one on the wire,
    though someone may have declared just the name that another one is sent by.
    """

    def __init__(self, functions: Iterable[FunctionTool] = ()) -> None:
        names = {tool.name for tool in functions}
        self._ours = {name: name for name in names if wire_name(name) == name}
        for name in sorted(names - self._ours.keys()):  # as declared in any order
            self._ours[self._free(name)] = name
        self._sent = {name: sent for sent, name in self._ours.items()}

    def sent(self, name: str) -> str:
        """What stands for `name` on the wire.  A history may hold some that nobody declares."""
        return self._sent.get(name) or self._free(name)

    def ours(self, sent: str) -> str:
        """The declared name that `sent` stands for; what stands for none is itself."""
        return self._ours.get(sent, sent)

    def _free(self, name: str) -> str:
        tries = (wire_name(name, again) for again in count())
        return next(sent for sent in tries if self._ours.get(sent, name) == name)
