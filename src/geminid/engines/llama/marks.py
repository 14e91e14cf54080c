"""A caller's words stay words: a text must not end its turn or speak as another.

llama.cpp reads the whole prompt with the model's special tokens, wherever `<|im_end|>` and its like
come from.  Where a caller's text holds one, a word joiner goes into it: it reads the same and is no
token any more.
"""

import re
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Final, TypeAlias

import msgspec

from geminid.core.content import Content, Part, Text, Thought
from geminid.core.errors import Unsupported
from geminid.core.request import Request

_JOINER: Final = "\u2060"
_SIGNS: Final = "<["  # every special token known begins with one of these
_ROUNDS: Final = 3
_SHORTEST: Final = 3
_PIECE: Final = (
    32_768  # characters asked about at once: each token costs the process some 300 bytes
)
_OVERLAP: Final = 256  # longer than any mark, so that each is whole in one of two neighbours
_LIKE: Final = re.compile(r'<[^<>\s"]{1,80}>|\[(?![-\d])[^\[\]\s",{}]{1,80}\]')


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
    doubtful = "\n".join(text for text in texts(request) if any(sign in text for sign in _SIGNS))
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


def pieces(text: str, overlap: int = 0) -> Iterator[str]:
    """`text` in pieces that are cheap to ask about, with `overlap` characters of the next one."""
    for start in range(0, len(text), _PIECE):
        yield text[start : start + _PIECE + overlap]


def texts(request: Request) -> list[str]:
    """Whatever `request` has to say."""
    return [*_texts(request.system), *(t for c in request.contents for t in _texts(c.parts))]


async def check_names(grammar: str, tokenize: Tokenize) -> None:
    """Refuse a grammar that makes the model write one of its own marks as if it were words.

    Raises:
        Unsupported: a name or a value has such a mark; names it.
    """
    marks = await _special("\n".join(sorted(set(_LIKE.findall(grammar)))), tokenize)
    if marks:
        raise Unsupported(
            f"A name or a value in a schema or a function holds {min(marks)!r}, a mark of the"
            " local model's own, which it cannot write; leave it out, or name a model that another"
            " channel serves."
        )


async def _special(text: str, tokenize: Tokenize) -> set[str]:
    """The special tokens that are read in `text`."""
    seen: set[str] = set()
    for piece in pieces(text, _OVERLAP):
        seen |= await _read(piece, tokenize)
    if not seen:
        return seen
    plain = await tokenize("\n".join(seen), False)  # noqa: FBT003  a callable has no keywords
    return seen - {token.piece for token in plain if isinstance(token.piece, str)}


async def _read(text: str, tokenize: Tokenize) -> set[str]:
    return {
        token.piece
        for token in await tokenize(text, True)  # noqa: FBT003  a callable has no keywords
        if isinstance(token.piece, str)
        and len(token.piece) >= _SHORTEST
        and token.piece[0] in _SIGNS
        and token.piece[-1] in ">]"
    }


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
