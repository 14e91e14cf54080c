"""One TOML file, read and parsed, with the line of each of its keys."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

import msgspec

from geminid.config.lines import KeyPath, key_lines
from geminid.config.problems import ConfigError, Problem

_SYNTAX = re.compile(r"(?P<what>.*) \(at line (?P<line>\d+), column \d+\)")


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
    here = Path.cwd()
    return str(source.relative_to(here) if source.is_relative_to(here) else source)


def _text(source: Path) -> str:
    try:
        return source.read_text("utf-8")
    except OSError as error:
        problem = Problem(shown(source), 0, "", f"cannot be read ({error.strerror})")
    except UnicodeDecodeError as error:
        line = source.read_bytes().count(b"\n", 0, error.start) + 1
        problem = Problem(shown(source), line, "", "is not UTF-8; save the file as UTF-8")
    raise ConfigError((problem,))


def _values(text: str, source: Path) -> dict[str, object]:
    try:
        return tomllib.loads(text)
    except RecursionError:
        problem = Problem(shown(source), 0, "", "is nested too deeply")
    except ValueError as error:  # TOMLDecodeError, and numbers too long for int()
        match = _SYNTAX.fullmatch(str(error))
        line = int(match["line"]) if match else text.count("\n") + 1
        what = match["what"] if match else str(error).removesuffix(" (at end of document)")
        problem = Problem(shown(source), line, "", f"is not TOML: {what}")
    raise ConfigError((problem,))
