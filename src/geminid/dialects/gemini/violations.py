"""What is wrong with a body, in the words of Google's server and with its paths (gemini.md 0.8)."""

from typing import Final, TypeAlias

import msgspec

from geminid.core.errors import Malformed, TooLarge, Violation

Path: TypeAlias = tuple["Path | None", "str | int", str]
"""Where a value stands: what holds it, its name or number there, its name as it was written."""

API: Final = "type.googleapis.com/google.ai.generativelanguage.v1beta."

_SHOWN: Final = 200
"""A wrong value or name is quoted up to this many characters."""
_MOST: Final = 1_000
"""So many are told one by one: a body made of nothing else must not come back a hundredfold."""


class Violations:
    """What was found so far.  `depth` is the nesting allowed."""

    def __init__(self, depth: int) -> None:
        self.depth = depth
        self._found: list[Violation] = []
        self._more = 0

    def check(self) -> None:
        """Raises `Malformed` with all that was found, if anything was."""
        if not self._found:
            return
        lines = [violation.description for violation in self._found]
        if self._more:
            lines.append(f"... and {self._more} more.")
        raise Malformed("\n".join(lines), tuple(self._found))

    def too_deep(self) -> TooLarge:
        """The fault to raise when nesting has passed `depth`."""
        return TooLarge(f"The request is nested deeper than {self.depth} levels; flatten it.")

    def wrong(self, path: Path | None, expected: str, value: object, why: str = "") -> None:
        """`value` at `path` is not `expected`; `why` replaces the quoted value."""
        if path is None:
            self._name(None, "", "Root element must be a message.")
        elif type(value) is list:
            self._name(path[0], path[2], "Proto field is not repeating, cannot start list.")
        elif type(value) is dict and not why:
            what = f"({path[1]}), Starting an object on a scalar field"
            self._add(path[0], f"Invalid value{_at(path[0])} {what}")
        else:
            told = why or _quoted(value)
            self._add(path, f"Invalid value{_at(path)} ({expected}), {told}")

    def unknown(self, path: Path | None, key: str) -> None:
        """The object at `path` has no field `key`."""
        self._name(path, key, "Cannot find field.")

    def wrong_map(self, path: Path, what: str) -> None:
        """The map at `path`, or an entry's value there, is a list."""
        self._add(path, f"Invalid value{_at(path)} (Map), {what}")

    def taken(self, path: Path | None, oneof: str, key: str) -> None:
        """The caller's `key` is a second field of `oneof` in the object at `path`."""
        what = f"oneof field '{oneof}' is already set. Cannot set '{key}'"
        self._add(path, f"Invalid value{_at(path)} (oneof), {what}")

    def _name(self, path: Path | None, name: str, what: str) -> None:
        text = f'Unknown name "{name[:_SHOWN]}"{_at(path)}: {what}'
        self._add(path, f"Invalid JSON payload received. {text}")

    def _add(self, path: Path | None, description: str) -> None:
        if len(self._found) < _MOST:
            self._found.append(Violation(_spell(path), description))
        else:
            self._more += 1


def _quoted(value: object) -> str:
    return msgspec.json.encode(value).decode()[:_SHOWN]


def _at(path: Path | None) -> str:
    return f" at '{_spell(path)}'" if path is not None else ""


def _spell(path: Path | None) -> str:
    names: list[str] = []
    while path is not None:
        name = path[1]
        names.append(f"[{name}]" if type(name) is int else f".{name}")
        path = path[0]
    return "".join(reversed(names)).removeprefix(".")
