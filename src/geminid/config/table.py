"""Reads one table of the file key by key, and reports what is wrong instead of stopping.

A key is known because somebody asked for it; `close` refuses the rest with the nearest known name.
So the list of known keys can never differ from what is read.
"""

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import TypeVar

from geminid.config.lines import KeyPath, dotted
from geminid.config.problems import Problem

_Number = TypeVar("_Number", int, float)

_TYPE_NAMES = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a string",
    list: "an array",
    dict: "a table",
}
_SIZE = re.compile(r"(\d{1,18}) ?(B|KiB|MiB|GiB)")
_LONGEST = 1 << 64
"""Python refuses to write far longer numbers, and nobody wants to read them."""
_UNITS = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}


class Report:
    """Gathers problems and gives each its line."""

    def __init__(self, file: str = "", lines: Mapping[KeyPath, int] | None = None) -> None:
        self.problems: list[Problem] = []
        self._wrong: set[KeyPath] = set()  # with all that something wrong stands in
        self._file = file
        self._lines = lines or {}

    def at(self, path: KeyPath, message: str) -> None:
        """`message` about the key at `path`, or about the table it is missing from."""
        self.problems.append(Problem(self._file, self.line(path), dotted(path), message))
        self._wrong.update(path[:n] for n in range(1, len(path) + 1))

    def is_wrong(self, path: KeyPath) -> bool:
        """Whether something has been said about `path`, or what is in it."""
        return path in self._wrong

    def line(self, path: KeyPath) -> int:
        """Where `path` stands, or else the table that it is missing from."""
        known = next((path[:n] for n in range(len(path), 0, -1) if path[:n] in self._lines), ())
        return self._lines.get(known, 1)

    def outside(self, key: str, message: str) -> None:
        """`message` about something that is not in the file: an option, a variable."""
        self.problems.append(Problem("", 0, key, message))


class Table:
    """One table of the file, `values`, found at `path`.

    Each reader returns the default when the key is missing or wrong, so that reading goes on and
    all problems come out together.
    """

    def __init__(self, values: Mapping[str, object], path: KeyPath, report: Report) -> None:
        self.path = path
        self.report = report
        self._values = values
        self._known: list[str] = []

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def label(self) -> str:
        """The table as a person writes it: `channel[0]`."""
        return dotted(self.path)

    def line(self) -> int:
        """The line on which the table begins."""
        return self.report.line(self.path)

    def wrong(self, key: str, message: str) -> None:
        """Report `message` about `key`."""
        self.report.at((*self.path, key), message)

    def is_wrong(self, key: str) -> bool:
        """Whether something has been said about `key`, or what is in it."""
        return self.report.is_wrong((*self.path, key))

    def lacks(self, key: str, message: str) -> None:
        """Report `message` about a `key` that says nothing, unless it was said why."""
        if not self.is_wrong(key):
            self.wrong(key, message)

    def text(self, key: str, default: str = "") -> str:
        """A string."""
        value = self._get(key, str)
        return value if isinstance(value, str) else default

    def flag(self, key: str, *, default: bool) -> bool:
        """True or false."""
        value = self._get(key, bool)
        return value if isinstance(value, bool) else default

    def integer(self, key: str, default: int, *, low: int, high: int) -> int:
        """A whole number from `low` to `high`."""
        value = self._get(key, int)
        return self._within(key, value, low, high) if isinstance(value, int) else default

    def number(self, key: str, default: float, *, low: float, high: float) -> float:
        """A number from `low` to `high`."""
        value = self._get(key, float, int)
        if not isinstance(value, (int, float)):
            return default
        within = self._within(key, value, low, high)
        return default if self.is_wrong(key) else float(within)  # too long a one would not go

    def size(self, key: str, default: int, *, low: int, high: int) -> int:
        """A size in bytes, given as a number or as text with a unit (`"20 MiB"`)."""
        value = self._get(key, int, str)
        if isinstance(value, str):
            match = _SIZE.fullmatch(value)
            if match is None:
                self.wrong(key, 'not a size; write bytes as a number, or text such as "20 MiB"')
                return default
            value = int(match[1]) * _UNITS[match[2]]
        return self._within(key, value, low, high) if isinstance(value, int) else default

    def texts(self, key: str) -> list[tuple[KeyPath, str]]:
        """An array of strings, each with its place."""
        value = self._get(key, list)
        texts = []
        for index, item in enumerate(value if isinstance(value, list) else []):
            path = (*self.path, key, index)
            if isinstance(item, str):
                texts.append((path, item))
            else:
                self._mistyped(path, item, (str,))
        return texts

    def pieces(self, key: str) -> list[tuple[KeyPath, str]]:
        """A string, or an array of strings, each with its place."""
        if isinstance(self._values.get(key), list):
            return self.texts(key)
        value = self._get(key, str, list)
        return [((*self.path, key), value)] if isinstance(value, str) else []

    def mapping(self, key: str) -> Mapping[str, object]:
        """The table `[key]` as it stands, whatever is in it."""
        value = self._get(key, dict)
        return value if isinstance(value, dict) else {}

    def table(self, key: str) -> "Table":
        """The table `[key]`, empty if it is missing."""
        return Table(self.mapping(key), (*self.path, key), self.report)

    def tables(self, key: str) -> "list[Table]":
        """The array of tables `[[key]]`."""
        if isinstance(self._values.get(key), dict):
            self._known.append(key)
            self.wrong(key, f"there may be several; write [[{key}]] with two brackets")
            return []
        value = self._get(key, list)
        tables = []
        for index, item in enumerate(value if isinstance(value, list) else []):
            path = (*self.path, key, index)
            if isinstance(item, dict):
                tables.append(Table(item, path, self.report))
            else:
                self._mistyped(path, item, (dict,))
        return tables

    def leave(self, *keys: str) -> None:
        """Let `keys` pass unread: something else that is wrong decides what they mean."""
        self._known.extend(keys)

    def close(self, elsewhere: Mapping[str, str] | None = None) -> None:
        """Refuse every key that nobody asked for; `elsewhere` says where some of them belong."""
        for key in self._values:
            if key not in self._known:
                hint = (elsewhere or {}).get(key) or nearest(key, self._known)
                self.wrong(key, f"unknown key; {hint}")

    def _get(self, key: str, *types: type) -> object:
        self._known.append(key)
        if key not in self._values:
            return None
        value = self._values[key]
        if type(value) in types:  # not isinstance: True is an int
            return value
        self._mistyped((*self.path, key), value, types)
        return None

    def _mistyped(self, path: KeyPath, value: object, types: tuple[type, ...]) -> None:
        types = (float,) if float in types else types  # a whole number is a number
        wanted = " or ".join(_TYPE_NAMES[kind] for kind in types)
        found = _TYPE_NAMES.get(type(value), "a date or time")
        self.report.at(path, f"must be {wanted}, not {found}")

    def _within(self, key: str, value: _Number, low: _Number, high: _Number) -> _Number:
        if not low <= value <= high:
            advice = f"use {low} to {high}" if low < high else f"only {low} is possible"
            told = "this number" if isinstance(value, int) and abs(value) >= _LONGEST else value
            self.wrong(key, f"{told} is out of range; {advice}")
        return value


def nearest(name: str, known: Iterable[str]) -> str:
    """The advice for an unknown `name`: the nearest of `known`, or all of them."""
    names = {each.lower(): each for each in known}
    close = get_close_matches(name.lower(), names, n=1)
    if close:
        return f'did you mean "{names[close[0]]}"?'
    return f"known here: {', '.join(names.values())}"
