"""The tokenizer of a running model, asked in pieces: a whole long prompt took it gigabytes."""

from typing import Final

import msgspec

from geminid.core.request import Request
from geminid.engines.llama.marks import Token, pieces, texts
from geminid.engines.llama.process import Process

_LONGEST: Final = 128
"""Bytes of a token.  The longest are runs of one sign; no text has as many of each on average."""

_COUNTED: Final = 2 << 20
"""Characters that are counted of a prompt that does not fit; the rest is taken to be like them."""


class _Ids(msgspec.Struct):
    tokens: list[msgspec.Raw]


class _Pieces(msgspec.Struct):
    tokens: list[Token]


class Tokens:
    """What `process` takes for tokens, asked until `deadline`.  Its questions raise `Fault`."""

    def __init__(self, process: Process, deadline: float) -> None:
        self._process, self._deadline = process, deadline

    async def read(self, text: str, special: bool) -> list[Token]:  # noqa: FBT001  one of two
        """A `marks.Tokenize`."""
        body = {"content": text, "parse_special": special, "with_pieces": True}
        encoded = msgspec.json.encode(body)
        found = await self._process.ask("/tokenize", encoded, self._deadline, _Pieces)
        return found.tokens

    async def about(self, request: Request) -> int:
        """About how many tokens the texts of `request` have.

        Approximate: a token that a cut between two pieces goes through counts twice, the template
        is not counted, and of what is past two million characters nothing is.
        """
        text = "\n".join(texts(request))
        count = 0
        for piece in pieces(text[:_COUNTED]):
            encoded = msgspec.json.encode({"content": piece, "parse_special": False})
            found = await self._process.ask("/tokenize", encoded, self._deadline, _Ids)
            count += len(found.tokens)
        return count if len(text) <= _COUNTED else count * len(text) // _COUNTED


def too_long(request: Request, size: int) -> bool:
    """Whether the texts of `request` cannot be `size` tokens, whatever is in them."""
    most = size * _LONGEST
    left = most
    for text in texts(request):
        # No text has fewer bytes than characters: a very long one need not be encoded to know.
        left -= len(text) if len(text) > most else len(text.encode())
        if left < 0:
            return True
    return False
