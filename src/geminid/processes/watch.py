"""Watches the files that a configuration is made of."""

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from watchfiles import awatch

_REST_S: Final = 0.5
_LOOK_MS: Final = 2_000
"""How long a change may go unseen that came while the watch was being set up."""


class Watcher:
    """Calls `changed` whenever the bytes of one of `files` have changed, and rest.

    The files are small: they are read whole to be compared.

    Their folders are watched, and not they: editors and orchestrators put another file there.
    """

    def __init__(self, files: Iterable[Path], changed: Callable[[], None]) -> None:
        self._changed = changed
        self._known = {path: bytes_of(path) for path in files}
        self._other = asyncio.Event()

    def watch_instead(self, files: Iterable[Path]) -> None:
        """Watch these from now on; what changes before the watch begins is seen too."""
        found = {path: bytes_of(path) for path in files}
        if found.keys() != self._known.keys():
            self._known = found
            self._other.set()

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            self._other.clear()
            folders = {path.parent for path in self._known if path.parent.is_dir()}
            if not folders:
                await self._other.wait()
                continue
            async for _ in awatch(
                *folders,
                watch_filter=None,
                recursive=False,
                stop_event=self._other,
                rust_timeout=_LOOK_MS,
                yield_on_timeout=True,
            ):
                await self._look()

    async def _look(self) -> None:
        known = self._known
        if {path: bytes_of(path) for path in known} == known:
            return
        now = {path: await _settled(path) for path in known}
        if self._known is known and now != known:
            self._known = now
            self._changed()


def bytes_of(path: Path) -> bytes | None:
    """What is in the file; `None` if nobody can tell."""
    try:
        return path.read_bytes()
    except OSError:
        return None


async def _settled(path: Path) -> bytes | None:
    """The bytes of `path`, once nobody has written to it for half a second."""
    now = bytes_of(path)
    while True:
        before = now
        await asyncio.sleep(_REST_S)
        now = bytes_of(path)
        if now == before:
            return now
