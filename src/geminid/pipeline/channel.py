"""A channel that is in service: an engine, its names for models, and who still uses it."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from geminid.core.ports import Engine


class LiveChannel:
    """A configured channel with its engine, from one reload of the configuration to another.

    `models` maps our ids to the upstream's.  Once retired, the engine is closed by whoever leaves
    it last, so a reload never cuts an answer and nobody has to wait for one.  A request that took
    its state before the reload may still come after that; it closes the engine again.
    """

    def __init__(
        self,
        name: str,
        kind: str,
        engine: Engine,
        *,
        models: dict[str, str],
        priority: int = 0,
        timeout_s: float = 600.0,
    ) -> None:
        self.name, self.kind, self.engine = name, kind, engine
        self.models, self.priority, self.timeout_s = models, priority, timeout_s
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
