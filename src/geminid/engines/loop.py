"""Finds out when a small model says the same thing over and over."""

from typing import Final

LONGEST: Final = 300
"""The longest cycle looked for, in characters: a sentence or two."""

_REPEATS: Final = 5
LEAST: Final = 400
"""Characters of nothing but repetition, however short the cycle: a wide table's rule or twenty rows
of one word are no loop yet."""

_SEED: Final = 24
_EVERY: Final = 32
_WINDOW: Final = max(_REPEATS * LONGEST, LEAST)


class LoopWatch:
    """Watches a growing text for a tail that is one cycle again and again.

    A loop is `_REPEATS` times the same up to `LONGEST` characters, 400 characters at least.  Keeps
    a bounded tail and looks every 32 characters, with string searches only: about a microsecond.
    What repeats itself in one of the texts `spared` is none.
    """

    def __init__(self, spared: tuple[str, ...] = ()) -> None:
        self._tail = ""
        self._spared = spared
        self._fresh = 0

    def feed(self, text: str) -> bool:
        """Takes more text; true once it has become a loop."""
        self._tail = (self._tail + text)[-_WINDOW:]
        self._fresh += len(text)
        if self._fresh < _EVERY:
            return False
        self._fresh = 0
        return self._loops()

    def _loops(self) -> bool:
        tail = self._tail
        if len(tail) < LEAST:
            return False
        end = len(tail) - _SEED
        seed = tail[end:]
        before = tail.rfind(seed, 0, len(tail) - 1)
        while before >= 0 and (period := end - before) <= LONGEST:
            need = max(LEAST, _REPEATS * period)
            repeated = tail[-need:]
            if len(repeated) == need and repeated[period:] == repeated[:-period]:
                return not any(repeated in text for text in self._spared)
            before = tail.rfind(seed, 0, before + _SEED - 1)
        return False
