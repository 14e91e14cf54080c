"""How slowly an engine of our own speaks, when it is told to."""

import asyncio
from collections.abc import Callable

from geminid.core.errors import DeadlinePassed


class Pace:
    """Waits `seconds` before each piece of an answer; none at all if that is 0.

    `monotonic` is the clock that deadlines are on.
    """

    def __init__(self, seconds: float, monotonic: Callable[[], float]) -> None:
        self._seconds, self._monotonic = seconds, monotonic

    async def wait(self, deadline: float) -> None:
        """Once.

        Raises:
            DeadlinePassed: the next piece would come after `deadline`; that has been waited for.
        """
        if not self._seconds:
            return
        left = deadline - self._monotonic()
        await asyncio.sleep(max(min(self._seconds, left), 0.0))
        if left <= self._seconds:
            raise DeadlinePassed("The deadline passed before the answer ended.")
