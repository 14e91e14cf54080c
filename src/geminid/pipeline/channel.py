"""A channel that is in service: an engine, its names for models, and who still uses it."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

import msgspec

from geminid.core.ports import Engine


class Manner(msgspec.Struct, frozen=True, kw_only=True):
    """How a channel is used.

    A higher `priority` goes first.  `timeout_s` bounds one attempt.  `strict`: Gemini's rules are
    checked before the engine is called.  `repairs` bounds how often an answer that broke its
    contract is asked for again; with `resamples` that is the same question, else what was wrong
    is said with it.

    `origin` tells the places apart where thought signatures are valid: the kind of the engine and
    the provider's project, as far as anybody knows (`""`: the channel itself).  `provider` is who
    answers, in words.
    """

    priority: int = 0
    timeout_s: float = 600.0
    strict: bool = True
    repairs: int = 0
    resamples: bool = False
    origin: str = ""
    provider: str = "geminid"


_PLAIN: Final = Manner()


class LiveChannel:
    """A configured channel with its engine, from one reload of the configuration to another.

    `models` maps our ids to the upstream's.  `origin` is where its signatures are valid.  Once
    retired, the engine is closed by whoever leaves it last, so a reload never cuts an answer and
    nobody has to wait for one.  A request that took its state before the reload may still come
    after that; it closes the engine again.
    """

    def __init__(
        self,
        name: str,
        kind: str,
        engine: Engine,
        *,
        models: dict[str, str],
        manner: Manner = _PLAIN,
    ) -> None:
        self.name, self.kind, self.engine = name, kind, engine
        self.models, self.manner = models, manner
        self.origin = manner.origin or f"{kind}/{name}"
        self._users = 0
        self._retired = False
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def users(self) -> int:
        """Answers that are under way."""
        return self._users

    @asynccontextmanager
    async def used(self) -> AsyncGenerator[Engine, None]:
        """The engine, kept open while the context lasts."""
        self._users += 1
        self._idle.clear()
        try:
            yield self.engine
        finally:
            self._users -= 1
            try:
                await self._close_if_left()
            finally:
                if not self._users:
                    self._idle.set()

    async def retire(self) -> None:
        """Take the channel out of service: close its engine now, or when its last user leaves."""
        self._retired = True
        await self._close_if_left()

    async def left(self) -> None:
        """Wait until nobody uses the engine; if the channel is retired, it is closed then."""
        await self._idle.wait()

    async def _close_if_left(self) -> None:
        if self._retired and not self._users:
            await self.engine.close()
