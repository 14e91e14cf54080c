"""The engine `echo`: says the user's last words again, word by word.  For load, and for trying.

Deterministic: the same request gives the same events.  A token is a word with the space after it.
"""

import re
import time
from collections.abc import Callable, Iterable
from typing import Final

from geminid.core.content import Content, Part, Text
from geminid.core.errors import Unsupported
from geminid.core.events import Begin, Delta, End, Events, PartEnd, PartStart, Tally
from geminid.core.ports import Context, Health, TokenCount
from geminid.core.request import Request
from geminid.core.usage import Usage
from geminid.engines.pace import Pace

_WORD: Final = re.compile(r"\s*\S+\s*|\s+")


class Echo:
    """Answers with the last text of the user, cut at `max_output` words and at stop sequences.

    A streamed answer waits `pace_s` seconds before each word.  No socket, no state.
    """

    dialect = ""
    native_signatures = False

    def __init__(
        self, *, pace_s: float = 0.0, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._pace = Pace(pace_s, monotonic)

    async def answer(self, request: Request, model: str, context: Context) -> Events:
        """See `core.ports.Engine`.

        Raises:
            Unsupported: something other than text is wanted.
            DeadlinePassed: the pace was too slow for it.
        """
        words, reason = _answer(request)
        prompt = _count(request)
        yield Begin("", model)
        for index, word in enumerate(words):
            if context.stream:
                await self._pace.wait(context.deadline)
            yield Delta(0, word) if index else PartStart(0, Text(text=word))
        if words:
            yield PartEnd(0)
        yield Tally(Usage(prompt=prompt, output=len(words)))
        yield End(reason)

    async def count(self, request: Request, model: str, context: Context) -> TokenCount:
        """The words of the prompt."""
        return TokenCount(total=_count(request))

    async def input_limit(self, model: str) -> int | None:
        """None of its own."""
        return None

    async def health(self) -> Health:
        """Always ready."""
        return Health(ready=True)

    async def close(self) -> None:
        """Has nothing to give back."""


def _answer(request: Request) -> tuple[list[str], str]:
    if any(name.upper() not in ("TEXT", "MODALITY_UNSPECIFIED") for name in request.modalities):
        raise Unsupported("The echo engine answers in text only.")
    text = _last_text(request.contents)
    limits = [at for stop in request.sampling.stop if stop and (at := text.find(stop)) >= 0]
    words = _WORD.findall(text[: min(limits)] if limits else text)
    most = request.sampling.max_output
    if most is not None and len(words) > most:
        return words[:most], "MAX_TOKENS"
    return words, "STOP"


def _last_text(contents: Iterable[Content]) -> str:
    said = [text for content in contents if content.role != "model" for text in _texts(content)]
    return said[-1] if said else ""


def _count(request: Request) -> int:
    texts = [*_texts(Content("", request.system))]
    texts += [text for content in request.contents for text in _texts(content)]
    return sum(len(_WORD.findall(text)) for text in texts)


def _texts(content: Content) -> list[str]:
    parts: tuple[Part, ...] = content.parts
    return [part.text for part in parts if isinstance(part, Text)]
