"""Policy: thoughts are shown only to callers who ask for them (`includeThoughts`), or whose dialect
shows them unasked.

Engines always say them: they are sealed into the signature first (`signatures`).  A thought without
words, of which only its maker can read the proof, is never shown.
"""

from contextlib import aclosing

import msgspec

from geminid.core.content import Thought
from geminid.core.events import Delta, Event, Events, PartEnd, PartStart
from geminid.core.ports import Context
from geminid.core.request import Request


def wanted(request: Request, context: Context) -> bool:
    """Whether the caller is to see thoughts."""
    include = request.thinking.include if request.thinking is not None else None
    return context.shows if include is None else include


async def shown(events: Events, *, include: bool) -> Events:
    """`events` with the thoughts that the caller may see, and their parts numbered anew.

    Owns `events`.
    """
    screens: dict[int, _Screen] = {}
    async with aclosing(events):
        async for event in events:
            if isinstance(event, PartStart | Delta | PartEnd):
                screen = screens.get(event.candidate)
                if screen is None:
                    screen = screens[event.candidate] = _Screen(include=include)
                for seen in screen.take(event):
                    yield seen
            else:
                yield event


class _Screen:
    """One candidate."""

    def __init__(self, *, include: bool) -> None:
        self._include = include
        self._left_out = 0  # parts before this one
        self._hidden = False  # this one is left out, as far as it has come
        self._start: PartStart | None = None  # of a thought that has said nothing yet

    def take(self, event: PartStart | Delta | PartEnd) -> list[Event]:
        """What the caller sees of it."""
        match event:
            case PartStart():
                part = event.part
                self._hidden = isinstance(part, Thought) and not (self._include and part.text)
                self._start = event if self._hidden and self._include else None
            case Delta() if self._start is not None and event.text:
                start, self._start, self._hidden = self._start, None, False
                return [self._numbered(start), self._numbered(event)]
            case PartEnd() if self._hidden:
                self._hidden, self._start = False, None
                self._left_out += 1
                return []
            case _:
                pass
        return [] if self._hidden else [self._numbered(event)]

    def _numbered(self, event: PartStart | Delta | PartEnd) -> Event:
        if not self._left_out:
            return event
        return msgspec.structs.replace(event, index=event.index - self._left_out)
