"""One TOML file, read and parsed, with the line of each of its keys."""

import re
import tomllib
from codecs import BOM_UTF8
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import msgspec

from geminid.config.lines import KeyPath, key_lines, line_of_long_key, line_of_long_number
from geminid.config.paths import reason, shortened
from geminid.config.problems import ConfigError, Problem

DEEPEST: Final = 100
"""Levels: names and arrays that lead to a value."""

_SYNTAX: Final = re.compile(r"(?P<what>.*) \(at line (?P<line>\d+), column \d+\)")


class Document(msgspec.Struct, frozen=True):
    """What a file holds.  `name` is the file as `shown` names it."""

    name: str
    values: Mapping[str, object]
    lines: Mapping[KeyPath, int]


EMPTY = Document("", {}, {})
"""No file at all."""


def read(source: Path) -> Document:
    """The document in the file `source`.

    Raises:
        ConfigError: it cannot be read, is not UTF-8 or not TOML; with the line.
    """
    text = _text(source)
    return Document(shown(source), _values(text, source), key_lines(text))


def shown(source: Path) -> str:
    """The file as a person would name it: relative when it is below the current folder."""
    try:
        here = Path.cwd()
    except OSError:  # it is gone
        return str(source)
    return str(source.relative_to(here) if source.is_relative_to(here) else source)


def _text(source: Path) -> str:
    """What is in the file, line ends as one character, without the mark that some editors begin a
    file with.
    """
    try:
        data = source.read_bytes().removeprefix(BOM_UTF8)
    except (OSError, ValueError) as error:
        problem = Problem(shortened(shown(source)), 0, "", f"cannot be read ({reason(error)})")
        raise ConfigError((problem,)) from error
    try:
        return data.decode().replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        problem = Problem(shown(source), line, "", "is not UTF-8; save the file as UTF-8")
        raise ConfigError((problem,)) from error


def _values(text: str, source: Path) -> dict[str, object]:
    # Before it is parsed: the time for one key grows with the square of its length.
    line = line_of_long_key(text, DEEPEST)
    if not line:
        try:
            values = tomllib.loads(text)
        except RecursionError:
            pass
        except ValueError as error:  # TOMLDecodeError, and numbers too long for int()
            raise ConfigError((_not_toml(error, text, source),)) from error
        else:
            if not _is_deep(values):
                return values
    message = f"is nested too deeply; {DEEPEST} levels are the most"
    raise ConfigError((Problem(shown(source), line, "", message),))


def _not_toml(error: ValueError, text: str, source: Path) -> Problem:
    if match := _SYNTAX.fullmatch(str(error)):
        line, what = int(match["line"]), match["what"]
    elif line := line_of_long_number(text):
        what = "a number of more digits than can be read; write it as a string"
    else:
        line = text.rstrip("\n").count("\n") + 1
        what = str(error).removesuffix(" (at end of document)")
    return Problem(shown(source), line, "", f"is not TOML: {what}")


def _is_deep(values: object) -> bool:
    """Whether something stands deeper than `DEEPEST`.  Looked at level by level, not by recursion,
    which such a file would be the end of.
    """
    level = [values]
    for _ in range(DEEPEST + 1):
        level = [inner for value in level for inner in _inside(value)]
    return bool(level)


def _inside(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()
