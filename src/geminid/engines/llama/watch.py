"""Sees one pass of the model go by: what it has cost, and whether it only repeats itself."""

import re
from typing import Final

from geminid.core.content import Text, Thought
from geminid.core.events import Delta, End, Event, PartEnd, PartStart, Tally
from geminid.engines.loop import LoopWatch

_COUNTS: Final = re.compile(rb'"cache_n":(\d+),"prompt_n":(\d+).{0,300}?"predicted_n":(\d+)')


class Watch:
    """The counts of one pass, by the process's own account.

    `prompt` includes `cached`, `output` includes `thoughts`, the tokens of thoughts that the model
    wrote before its words.  `looped` is set once it only repeats itself, unless one of the texts
    `spared` does, which it is made to write; `reason` once it ended.
    """

    def __init__(self, spared: tuple[str, ...] = ()) -> None:
        self.prompt = self.cached = self.output = self.thoughts = 0
        self.looped = False
        self.reason = ""
        self._thinking = self._spoke = False
        self._spared = spared
        self._loop = LoopWatch(spared)

    def see(self, event: Event) -> None:
        """Takes one event of the pass."""
        match event:
            case PartStart(part=Text() | Thought() as part):
                if isinstance(part, Text) and self.thoughts and not self._spoke:
                    self.thoughts = self.output - 1  # what closed them is no word of the answer
                self._thinking = isinstance(part, Thought)
                self._spoke |= not self._thinking
                self._loop = LoopWatch(self._spared)
                self._grow(part.text)
            case Delta():
                self._grow(event.text)
            case PartEnd():
                self._thinking = False
            case Tally():
                self.prompt, self.cached = event.usage.prompt, event.usage.cached
                self.output = event.usage.output + event.usage.thoughts
                if self.thoughts and not self._spoke:
                    self.thoughts = self.output
            case End():
                self.reason = event.reason
            case _:
                pass

    def count(self, line: bytes) -> None:
        """Takes one line of the stream, before the events that it makes."""
        found = _COUNTS.search(line)
        if found is not None:
            cached, read, self.output = (int(count) for count in found.groups())
            self.prompt, self.cached = cached + read, cached

    def _grow(self, text: str) -> None:
        self.looped |= self._loop.feed(text)
        if self._thinking:
            self.thoughts = self.output
