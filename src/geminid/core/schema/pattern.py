"""A regular expression as one that llama.cpp's grammar holds exactly.

llama.cpp reads few patterns, some of them wrongly (11549): it takes what is not anchored, `\\d`,
`\\w` and much else for any string; lets `[^a]` write a bare quote; fails on a quantifier behind a
character outside ASCII; never comes back from `a{3,1}` nor from a repeated part that may be empty.
So a pattern is read here, and written again with nothing but literals, classes, groups, `|` and
counted repetition.
"""

from collections.abc import Iterable
from typing import Final, TypeAlias

import msgspec

Span: TypeAlias = tuple[int, int]

LONGEST: Final = 1000
"""Characters of one pattern: more is a list of words, and `enum` says that better."""

_DEEPEST: Final = 16
_MOST: Final = 500  # repetitions of one part: llama.cpp refuses from 2,000 copies on
_MOST_TOGETHER: Final = 10_000  # of parts in repeated parts; 27,000 still took only 0.5 s
# What may stand in a JSON string as it is, less C1 controls and line separators, which `.` may not
# match, and less quote and backslash, which the grammar would write bare.
_ANY: Final[tuple[Span, ...]] = (
    (0x20, 0x21),
    (0x23, 0x5B),
    (0x5D, 0x7E),
    (0xA1, 0x2027),
    (0x202A, 0xD7FF),
    (0xE000, 0x10FFFF),
)
_SPACES: Final[tuple[Span, ...]] = (
    (0x20, 0x20),
    (0xA0, 0xA0),
    (0x1680, 0x1680),
    (0x2000, 0x200A),
    (0x2028, 0x2029),
    (0x202F, 0x202F),
    (0x205F, 0x205F),
    (0x3000, 0x3000),
    (0xFEFF, 0xFEFF),
)
_ASCII: Final[tuple[Span, ...]] = ((0x20, 0x21), (0x23, 0x5B), (0x5D, 0x7E))
_DIGITS: Final[tuple[Span, ...]] = ((0x30, 0x39),)
_WORD: Final[tuple[Span, ...]] = ((0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A))
_SPECIAL: Final = frozenset(".^$*+?()[]{}|")


class BadPattern(ValueError):
    """It is no regular expression; the text says why."""


class _Beyond(Exception):
    """It is one, and a grammar cannot hold it."""


class _Piece(msgspec.Struct, frozen=True):
    text: str
    empty: bool = False
    """It also matches nothing."""
    copies: int = 1


def narrow(pattern: str) -> str | None:
    """A pattern that matches some of what `pattern` matches, and nothing else.

    Begins with `^` and ends with `$`.  `None` if there is no such that a grammar can hold.

    Raises:
        BadPattern: parentheses, brackets, ranges or repetitions that cannot be.
    """
    try:
        return _Reader(pattern).whole()
    except _Beyond:
        return None


class _Reader:
    """Reads ECMA 262's syntax, and writes as it goes."""

    def __init__(self, text: str) -> None:
        self._text, self._at, self._depth = text, 0, 0

    def whole(self) -> str:
        found = self._choice(outermost=True)
        if self._at < len(self._text):
            raise BadPattern("a `)` closes nothing")
        return f"^{found.text}$"

    # Parts --------------------------------------------------------------------------------------

    def _choice(self, *, outermost: bool = False) -> _Piece:
        branches = [self._branch(outermost=outermost)]
        while self._took("|"):
            branches.append(self._branch(outermost=outermost))
        text = "|".join(branch.text for branch in branches)
        return _Piece(
            f"({text})" if len(branches) > 1 and outermost else text,
            any(branch.empty for branch in branches),
            sum(branch.copies for branch in branches),
        )

    def _branch(self, *, outermost: bool) -> _Piece:
        pieces: list[_Piece] = []
        begun, ended = self._took("^"), False
        while self._at < len(self._text) and self._text[self._at] not in "|)":
            if self._took("$"):
                ended = True
                continue
            if ended or self._text[self._at] == "^":
                raise _Beyond  # what stands behind the end can only match nothing
            pieces.append(self._repeated(self._atom()))
        if not outermost and (begun or ended):
            raise _Beyond
        if outermost:
            free = _Piece(_class(_ANY) + "*", empty=True)
            pieces = [*([] if begun else [free]), *pieces, *([] if ended else [free])]
        return _Piece(
            "".join(piece.text for piece in pieces),
            all(piece.empty for piece in pieces),
            sum(piece.copies for piece in pieces),
        )

    def _atom(self) -> _Piece:
        char = self._next()
        if char == "(":
            return self._group()
        if char == "[":
            return _Piece(_class(self._set()))
        if char == ".":
            return _Piece(_class(_ANY))
        if char in "*+?":
            raise BadPattern(f"`{char}` repeats nothing")
        if char in "{}]":
            raise _Beyond  # a literal to some readers, an error to others
        if char == "\\":
            found = self._escape()
            return _Piece(_literal(found) if isinstance(found, str) else _class(found))
        return _Piece(_literal(char))

    def _group(self) -> _Piece:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise _Beyond
        if self._took("?") and not self._took(":"):
            self._name()
        inner = self._choice()
        if not self._took(")"):
            raise BadPattern("a `(` is not closed")
        self._depth -= 1
        return _Piece(f"({inner.text})", inner.empty, inner.copies)

    def _name(self) -> None:
        """Skips a group's name; what else may follow `(?` looks around or sets a flag."""
        if not (self._took("P<") or self._took("<")) or self._text[self._at : self._at + 1] in "=!":
            raise _Beyond
        end = self._text.find(">", self._at)
        if end < 0:
            raise BadPattern("a group's name is not closed")
        self._at = end + 1

    def _repeated(self, piece: _Piece) -> _Piece:
        low, high, text = 1, 1, ""
        if self._took("*"):
            low, high, text = 0, -1, "*"
        elif self._took("+"):
            low, high, text = 1, -1, "+"
        elif self._took("?"):
            low, high, text = 0, 1, "?"
        elif self._text[self._at : self._at + 1] == "{":
            low, high, text = self._counted()
        if not text:
            return piece
        self._took("?")  # lazy: the same strings
        if self._text[self._at : self._at + 1] in ("*", "+", "?", "{"):
            raise _Beyond
        copies = piece.copies * max(low, high, 1)
        if (piece.empty and high != 1) or max(low, high) > _MOST or copies > _MOST_TOGETHER:
            raise _Beyond
        if high == 0:
            return _Piece("", empty=True)
        return _Piece(piece.text + text, piece.empty or low == 0, copies)

    def _counted(self) -> tuple[int, int, str]:
        end = self._text.find("}", self._at)
        inner = self._text[self._at + 1 : end] if end > 0 else ""
        low, comma, high = inner.partition(",")
        if not _is_count(low) or (high and not _is_count(high)):
            raise _Beyond  # a literal brace to some readers, an error to others
        self._at = end + 1
        least = int(low)
        most = (int(high) if high else -1) if comma else least
        if 0 <= most < least:
            raise BadPattern(f"`{{{inner}}}` asks for more than it allows")
        return least, most, f"{{{inner}}}"

    # Characters ---------------------------------------------------------------------------------

    def _set(self) -> tuple[Span, ...]:
        spans: list[Span] = []
        negated = self._took("^")
        first = True
        while first or self._text[self._at : self._at + 1] != "]":
            if self._text[self._at : self._at + 1] in ("", "["):
                raise BadPattern("a `[` is not closed") if self._at >= len(self._text) else _Beyond
            if first and self._text[self._at] == "]":
                raise _Beyond  # empty to some readers, the beginning of a class to others
            first = False
            spans.extend(self._span())
        self._at += 1
        found = _without(_ANY, spans) if negated else _within(_ANY, spans)
        if not found:
            raise _Beyond
        return found

    def _span(self) -> Iterable[Span]:
        low = self._member()
        if not isinstance(low, str):
            return low
        rest = self._text[self._at : self._at + 2]
        if rest[:1] == "-" and rest not in ("-", "-]"):
            self._at += 1
            high = self._member()
            if not isinstance(high, str):
                raise _Beyond
            if high < low:
                raise BadPattern(f"the range `{low}-{high}` is upside down")
            return [(ord(low), ord(high))]
        if rest in ("&&", "--", "~~"):
            raise _Beyond  # set operations to some readers
        return [(ord(low), ord(low))]

    def _member(self) -> str | tuple[Span, ...]:
        char = self._next()
        return self._escape() if char == "\\" else char

    def _escape(self) -> str | tuple[Span, ...]:
        """The character, or the class of them, behind a backslash."""
        char = self._next()
        match char:
            case "d":
                return _DIGITS
            case "w":
                return _WORD
            case "s":
                return _SPACES
            case "D":
                return _without(_ASCII, _DIGITS)
            case "W":
                return _without(_ASCII, _WORD)
            case "S":
                return _without(_ANY, _SPACES)
            case "n" | "r" | "t" | "f" | "v":
                return {"n": "\n", "r": "\r", "t": "\t", "f": "\f", "v": "\v"}[char]
            case "x":
                return self._hex(2)
            case "u":
                return self._hex(4)
        if char.isalnum():
            raise _Beyond  # a boundary, a reference back, a Unicode property
        return char

    def _hex(self, digits: int) -> str:
        found = self._text[self._at : self._at + digits]
        if len(found) < digits or not all(char in "0123456789abcdefABCDEF" for char in found):
            raise _Beyond
        self._at += digits
        return chr(int(found, 16))

    def _next(self) -> str:
        if self._at >= len(self._text):
            raise BadPattern("it ends too soon")
        self._at += 1
        return self._text[self._at - 1]

    def _took(self, text: str) -> bool:
        if not self._text.startswith(text, self._at):
            return False
        self._at += len(text)
        return True


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= len(str(_MOST)) + 3


def _within(universe: Iterable[Span], spans: Iterable[Span]) -> tuple[Span, ...]:
    wanted = list(spans)
    return tuple(
        (max(low, first), min(high, last))
        for low, high in universe
        for first, last in sorted(wanted)
        if max(low, first) <= min(high, last)
    )


def _without(universe: Iterable[Span], spans: Iterable[Span]) -> tuple[Span, ...]:
    left = list(universe)
    for first, last in spans:
        left = [
            part
            for low, high in left
            for part in ((low, min(high, first - 1)), (max(low, last + 1), high))
            if part[0] <= part[1]
        ]
    return tuple(left)


def _literal(char: str) -> str:
    if not _within(_ANY, [(ord(char), ord(char))]):
        raise _Beyond
    if char in _SPECIAL:
        return "\\" + char
    return char if char.isascii() else f"({char})"


def _class(spans: Iterable[Span]) -> str:
    """`^` and `-` stand last, where they mean themselves: GBNF has no escape for them."""
    plain: list[str] = []
    last: set[str] = set()
    for low, high in spans:
        for first, final in _without([(low, high)], [(0x2D, 0x2D), (0x5E, 0x5E)]):
            plain.append(_bound(first) + (f"-{_bound(final)}" if first < final else ""))
        last.update(char for char in "^-" if low <= ord(char) <= high)
    if not plain and "^" in last:
        return "(\\^|-)" if "-" in last else "\\^"
    return f"[{''.join(plain)}{'^' * ('^' in last)}{'-' * ('-' in last)}]"


def _bound(code: int) -> str:
    char = chr(code)
    return "\\" + char if char in "[]" else char
