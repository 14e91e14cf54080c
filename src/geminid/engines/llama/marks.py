"""A caller's words stay words: a text must not end its turn or speak as another.

llama.cpp reads the whole prompt with the model's special tokens, wherever `<|im_end|>` and its like
come from.  Where a caller's text holds one, a word joiner goes into it: it reads the same and is no
token any more.
"""

from collections.abc import Awaitable, Callable, Iterable
from typing import Final, TypeAlias

import msgspec

from geminid.core.content import Content, Part, Text, Thought
from geminid.core.errors import Unsupported
from geminid.core.request import Request

_JOINER: Final = "\u2060"
_SIGNS: Final = "<["  # every special token known begins with one of these
_ROUNDS: Final = 3
_SHORTEST: Final = 3


class Token(msgspec.Struct, frozen=True):
    """One token as `/tokenize` tells it: bytes where a piece is no text by itself."""

    id: int
    piece: str | list[int]


Tokenize: TypeAlias = Callable[[str, bool], Awaitable[list[Token]]]
"""The tokens of a text, read with special tokens or without."""


async def unmarked(request: Request, tokenize: Tokenize) -> Request:
    """`request` with no special token in its texts.

    Raises:
        Unsupported: one could not be taken out.
    """
    texts = [*_texts(request.system), *(t for c in request.contents for t in _texts(c.parts))]
    doubtful = "\n".join(text for text in texts if any(sign in text for sign in _SIGNS))
    if not doubtful:
        return request
    found: set[str] = set()
    for _ in range(_ROUNDS):
        fresh = await _special(_broken(doubtful, found), tokenize)
        if not fresh:
            return _mended(request, found) if found else request
        found |= fresh
    raise Unsupported(
        "A text holds marks of the local model's own that cannot be taken out of it; leave them"
        " out, or name a model that another channel serves."
    )


async def _special(text: str, tokenize: Tokenize) -> set[str]:
    """The special tokens that are read in `text`."""
    seen = {
        token.piece
        for token in await tokenize(text, True)  # noqa: FBT003  a callable has no keywords
        if isinstance(token.piece, str)
        and len(token.piece) >= _SHORTEST
        and token.piece[0] in _SIGNS
        and token.piece[-1] in ">]"
    }
    if not seen:
        return seen
    plain = await tokenize("\n".join(seen), False)  # noqa: FBT003  as above
    return seen - {token.piece for token in plain if isinstance(token.piece, str)}


def _broken(text: str, found: Iterable[str]) -> str:
    for mark in sorted(found, key=len, reverse=True):
        text = text.replace(mark, mark[0] + _JOINER + mark[1:])
    return text


def _mended(request: Request, found: set[str]) -> Request:
    def mend(parts: Iterable[Part]) -> tuple[Part, ...]:
        return tuple(
            msgspec.structs.replace(part, text=_broken(part.text, found))
            if isinstance(part, Text | Thought)
            else part
            for part in parts
        )

    return msgspec.structs.replace(
        request,
        system=mend(request.system),
        contents=tuple(Content(content.role, mend(content.parts)) for content in request.contents),
    )


def _texts(parts: Iterable[Part]) -> list[str]:
    return [part.text for part in parts if isinstance(part, Text | Thought)]
