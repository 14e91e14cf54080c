"""The engine itself: plays the turns of a script, statelessly."""

import time
from collections.abc import Callable

from geminid.config import Script
from geminid.core.errors import Unsupported
from geminid.core.events import Delta, Events, PartStart
from geminid.core.ports import Context, Health, TokenCount
from geminid.core.request import Request
from geminid.engines.pace import Pace
from geminid.engines.script.cue import find_turn
from geminid.engines.script.tokens import prompt_tokens
from geminid.engines.script.turn import events_of


class Player:
    """Answers with what `script` says.

    Deterministic: the same request gives the same events, whoever else asks.  A streamed answer
    waits `pace_s` seconds before each of its pieces.  Signatures and call ids that the script does
    not give are left to the server.  No socket, no state.
    """

    dialect = ""
    native_signatures = False

    def __init__(
        self,
        script: Script,
        *,
        pace_s: float = 0.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._script = script
        self._pace = Pace(pace_s, monotonic)

    async def answer(self, request: Request, model: str, context: Context) -> Events:
        """See `core.ports.Engine`.

        Raises:
            Unsupported: the script has no answer to it, or several are wanted.
            DeadlinePassed: the pace was too slow for it.
        """
        if (request.sampling.candidates or 1) > 1:
            raise Unsupported("The script engine gives one candidate; leave candidateCount out.")
        for event in events_of(find_turn(self._script, request, model), request, model):
            if context.stream and isinstance(event, PartStart | Delta):
                await self._pace.wait(context.deadline)
            yield event

    async def count(self, request: Request, model: str, context: Context) -> TokenCount:
        """What the answer would tell as its prompt; exact, as a token is what is counted here."""
        try:
            given = find_turn(self._script, request, model).usage.prompt
        except Unsupported:  # a prompt has its tokens also where nobody would answer it
            given = None
        return TokenCount(total=prompt_tokens(request) if given is None else given)

    async def input_limit(self, model: str) -> int | None:
        """None of its own."""
        return None

    async def health(self) -> Health:
        """Always ready: the script was read with the configuration."""
        return Health(ready=True)

    async def close(self) -> None:
        """Has nothing to give back."""
