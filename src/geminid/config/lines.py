"""On which line of a TOML text each key and each array element stands.

`tomllib` gives values without places.  This walks the same text once more for the places only, so
it relies on the text being valid: parse it with `tomllib` first.
"""

import re
import tomllib
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from typing import TypeAlias

KeyPath: TypeAlias = tuple[str | int, ...]
"""Names and, inside arrays, positions from 0: `("channel", 1, "engine")`."""

_BLANK = re.compile(r"(?:[ \t\n]|#[^\n]*)*")
_KEY = re.compile(r"""[A-Za-z0-9_-]+|"(?:\\.|[^"\\])*"|'[^']*'""")
_DOT = re.compile(r"[ \t]*\.[ \t]*")
_EQUALS = re.compile(r"[ \t]*=[ \t]*")
# Three quotes end a multi-line string, and up to two more before them belong to it.
_STRINGS = (
    r'"""(?:[^"\\]++|\\[\s\S]|"{1,2}(?!"))*+"""(?:"{0,2})'
    r"|'''[\s\S]*?'''(?:'{0,2})"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'"
)
_SCALAR = re.compile(
    rf"{_STRINGS}"
    r"|\d{4}-\d\d-\d\d[Tt ]\d\d:[^\s,\]}#]*"
    r"|[^\s,\]}#]+"
)

# What is no key and no number: the longer alternatives come before it.
_ELSE = rf"|{_STRINGS}|#[^\n]*+|[A-Za-z0-9_-]++"
_LONG_KEY = r"""((?:(?:[A-Za-z0-9_-]++|"(?:\\.|[^"\\\n])*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){%d})"""
_LONG_NUMBER = r"([0-9](?:_?[0-9]){4300,})"


def line_of_long_key(text: str, most: int) -> int:
    """Where a key of more than `most` names stands, 0 if there is none.  `text` need not be valid.

    Takes a time that is proportional to the length of `text`.
    """
    return _line_of(_LONG_KEY % most, text)


def line_of_long_number(text: str) -> int:
    """Where a number stands that has more digits than `int` takes, 0 if there is none."""
    return _line_of(_LONG_NUMBER, text)


def _line_of(pattern: str, text: str) -> int:
    for match in re.finditer(pattern + _ELSE, text):
        if match[1]:
            return text.count("\n", 0, match.start()) + 1
    return 0


def key_lines(text: str) -> Mapping[KeyPath, int]:
    """The line, counted from 1, of every key and array element of the valid TOML `text`."""
    scanner = _Scanner(text.replace("\r\n", "\n"))
    scanner.document()
    return scanner.lines


def dotted(path: KeyPath) -> str:
    """`path` as a person writes it: `channel[1].engine`."""
    pieces = [f"[{step}]" if isinstance(step, int) else f".{_bare(step)}" for step in path]
    return "".join(pieces).removeprefix(".")


def _bare(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else repr(name)


class _Scanner:
    def __init__(self, text: str) -> None:
        self.lines: dict[KeyPath, int] = {}
        self._text = text
        self._at = 0
        self._newlines = [match.start() for match in re.finditer("\n", text)]
        self._tables_in: dict[KeyPath, int] = {}  # arrays of tables: how many so far

    def document(self) -> None:
        table: KeyPath = ()
        while self._skip_blank():
            if self._text.startswith("[", self._at):
                table = self._header()
            else:
                self._pair(table)

    def _header(self) -> KeyPath:
        """`[a.b]` or `[[a.b]]`: the path that the pairs below it hang from."""
        is_array = self._text.startswith("[[", self._at)
        line = self._line()
        self._at += 2 if is_array else 1
        self._skip_blank()
        path: KeyPath = ()
        for name in self._key():
            path = (*self._newest(path), name)
            self.lines.setdefault(path, line)
        self._skip_blank()
        self._at += 2 if is_array else 1
        if is_array:
            self._tables_in[path] = self._tables_in.get(path, 0) + 1
            path = self._newest(path)
        self.lines[path] = line
        return path

    def _newest(self, path: KeyPath) -> KeyPath:
        """`path`, or the last table in it if it is an array of tables."""
        count = self._tables_in.get(path)
        return (*path, count - 1) if count else path

    def _pair(self, table: KeyPath) -> None:
        line = self._line()
        path = table
        for name in self._key():
            path = (*path, name)
            self.lines.setdefault(path, line)
        self._take(_EQUALS)
        self._value(path)

    def _value(self, path: KeyPath) -> None:
        if self._text.startswith("[", self._at):
            for index in self._items("]"):
                self.lines[*path, index] = self._line()
                self._value((*path, index))
        elif self._text.startswith("{", self._at):
            for _ in self._items("}"):
                self._pair(path)
        else:
            self._take(_SCALAR)

    def _items(self, closing: str) -> Iterator[int]:
        """Stand before each item of a bracketed list in turn; end behind `closing`."""
        self._at += 1
        self._skip_blank()
        index = 0
        while not self._text.startswith(closing, self._at):
            yield index
            index += 1
            self._skip_blank()
            if self._text.startswith(",", self._at):
                self._at += 1
                self._skip_blank()
        self._at += 1

    def _key(self) -> list[str]:
        names = [self._name()]
        while dot := _DOT.match(self._text, self._at):
            self._at = dot.end()
            names.append(self._name())
        return names

    def _name(self) -> str:
        raw = self._take(_KEY)
        return next(iter(tomllib.loads(f"{raw} = 0"))) if raw[0] in "\"'" else raw

    def _take(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self._text, self._at)
        if match is None:
            raise ValueError(f"line {self._line()}: not the TOML that tomllib accepted")
        self._at = match.end()
        return match.group()

    def _skip_blank(self) -> bool:
        """Pass white space and comments; whether anything is left."""
        self._take(_BLANK)
        return self._at < len(self._text)

    def _line(self) -> int:
        return bisect_left(self._newlines, self._at) + 1
