"""Findings about one request, told together a line each, as the real API lists them."""

from typing import Final

import msgspec

from geminid.core.errors import Invalid

MOST: Final = 1_000
"""So many lines are told: a body made of mistakes must not come back a hundredfold."""

_ROOM: Final = 64_000
"""All lines together, in bytes as they are sent."""
_LONGEST: Final = 8_000
"""Of a line that would not fit even by itself, so many characters are told."""
_MORE: Final = "... and more.\n"


class Lines:
    """What was found so far."""

    def __init__(self) -> None:
        self._told: list[str] = []
        self._room = _ROOM

    def add(self, line: str) -> None:
        """Take a finding, without a line's end.

        Raises:
            Invalid: there is no room for it; told is what came before.  Who looks for findings may
                stop.
        """
        size = len(msgspec.json.encode(line)) + 2
        if len(self._told) < MOST and size <= self._room:
            self._told.append(f"{line}\n")
            self._room -= size
            return
        if not self._told:
            self._told.append(f"{line[:_LONGEST]}\n")
        raise Invalid("".join(self._told) + _MORE)

    def check(self) -> None:
        """Raises `Invalid` with all that was found, if anything was."""
        if self._told:
            raise Invalid("".join(self._told))
