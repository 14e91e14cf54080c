"""Names of functions on a wire that takes fewer of them.

Gemini's may hold dots and colons and be 128 characters long, and those in a history may be
anything; here they are `[A-Za-z0-9_-]`, 64 at most.  Another name goes out cleaned, with a hash of
the whole: the same in every request, so nothing is to be remembered, and a prompt cache still hits.
"""

import hashlib
import re
from collections.abc import Iterable
from typing import Final

from geminid.core.request import FunctionTool

_PLAIN: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_STRANGE: Final = re.compile(r"[^A-Za-z0-9_-]+")
_HASH: Final = 12
_CLEANED: Final = 64 - _HASH - 1


def wire_name(name: str) -> str:
    """`name` as servers take it: itself, or one that stands for it and for no other."""
    if _PLAIN.fullmatch(name):
        return name
    whole = hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()
    return f"{_STRANGE.sub('_', name)[:_CLEANED]}_{whole[:_HASH]}"


class Names:
    """The way back, for the functions that a request declares."""

    def __init__(self, functions: Iterable[FunctionTool] = ()) -> None:
        pairs = ((wire_name(tool.name), tool.name) for tool in functions)
        self._ours = {sent: name for sent, name in pairs if sent != name}

    def ours(self, sent: str) -> str:
        """The declared name that `sent` stands for; what stands for none is itself."""
        return self._ours.get(sent, sent)
