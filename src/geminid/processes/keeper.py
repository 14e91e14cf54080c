"""Keeps one process alive: starts it, starts it again when it dies, ends it when asked."""

import asyncio
import signal
from collections.abc import Awaitable, Callable

import msgspec

from geminid.processes.child import Child

FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 10.0
HEALTHY_S = 30.0
EARLY_S = 10.0


class Care(msgspec.Struct, frozen=True, kw_only=True):
    """How to keep one process.

    `died` puts an exit code into words; the flag tells whether it was ready before.  `patience` is
    for how many seconds it may go on after it was asked to end; 0 ends it at once.  After
    `early_deaths` deaths in a row, each within 10 seconds of its start, it is given up (0: never);
    and at once if it ends with a code in `final` before it was ever ready.
    """

    start: Callable[[], Awaitable[Child]]
    ready: Callable[[], None]
    died: Callable[[int, bool], str]
    say: Callable[[str], None]
    patience: float = 0.0
    early_deaths: int = 0
    final: frozenset[int] = frozenset()


class Keeper:
    """One kept process.  Await `run` in a task of your own; `stop` ends it."""

    def __init__(self, care: Care) -> None:
        self._care = care
        self._child: Child | None = None
        self._stopping = asyncio.Event()
        self._ready = self._was_ready = False
        self.code = 0
        """How its last life ended, as `Child.wait` says it."""

    @property
    def ready(self) -> bool:
        """Whether the process said that it can work, and has not died since."""
        return self._ready

    async def run(self) -> bool:
        """Until `stop`: true; or until it is given up: false.  The process is gone then."""
        deaths = early = 0
        while not self._stopping.is_set():
            begun = asyncio.get_running_loop().time()
            said = await self._live()
            if self._stopping.is_set():
                break
            if self.code in self._care.final and not self._was_ready:
                return False  # it has said why itself
            lived = asyncio.get_running_loop().time() - begun
            deaths = 1 if lived >= HEALTHY_S else deaths + 1
            early = early + 1 if lived < EARLY_S else 0
            if self._care.early_deaths and early >= self._care.early_deaths:
                self._care.say(f"{said} That was the {early}th time in a row: giving up.")
                return False
            pause = min(FIRST_PAUSE_S * 2 ** (deaths - 1), LONGEST_PAUSE_S)
            self._care.say(f"{said} Starting it again in {pause:g} s.")
            await self._pause(pause)
        return True

    def stop(self) -> None:
        """Asks the process to end; `run` returns when it has, at most `patience` seconds later."""
        if self._stopping.is_set():
            return
        self._stopping.set()
        if self._child is not None:
            self._end(self._child)

    def hurry(self) -> None:
        """Ends the process at once, after `stop`."""
        if self._child is not None:
            self._child.kill()

    def send(self, what: signal.Signals) -> None:
        """Sends the process a signal, if it is ready for one."""
        if self._child is not None and self._ready:
            self._child.send(what)

    async def _live(self) -> str:
        """One life of the process; how it ended, in words."""
        try:
            child = await self._care.start()
        except OSError as error:
            return f"A process cannot be started ({error.strerror})."
        self._child = child
        try:
            if self._stopping.is_set():  # asked while it was being started
                self._end(child)
            self._ready = was_ready = await child.ready()
            if was_ready:
                self._was_ready = True
                self._care.ready()
            self.code = await child.wait()
        finally:
            self._child, self._ready = None, False
            child.kill()
        return self._care.died(self.code, was_ready)

    def _end(self, child: Child) -> None:
        if not self._care.patience:
            child.kill()
            return
        child.ask_to_end()
        # A process that is gone by then is not hit: `kill` knows it has ended.
        asyncio.get_running_loop().call_later(self._care.patience, child.kill)

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return
