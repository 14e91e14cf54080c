"""Watches the files that a configuration is made of."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Final, TypeAlias

from watchfiles import awatch
from watchfiles._rust_notify import WatchfilesRustInternalError

_REST_S: Final = 0.5
_LOOK_S: Final = 2.0

_Known: TypeAlias = Mapping[Path, bytes | None]


class Watcher:
    """Calls `changed` whenever the bytes of one of `files` have changed, and rest: nobody has
    written to it for `rest_s` seconds.

    The files are small: they are read whole to be compared.

    Their folders are watched, and not they: editors and orchestrators put another file there.  What
    no watch tells (a folder that is not there yet, the other end of a link, a change while the
    watch was being set up) is seen all the same, within `look_s` seconds.
    """

    def __init__(
        self,
        files: Iterable[Path],
        changed: Callable[[], None],
        *,
        rest_s: float = _REST_S,
        look_s: float = _LOOK_S,
    ) -> None:
        self._changed = changed
        self._rest_s, self._look_s = rest_s, look_s
        self._known: _Known = {path: bytes_of(path) for path in files}
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
            await self._look()  # does not wait if nothing has changed: no gap before the watch
            folders = self._folders()
            try:
                if folders:
                    await self._watch(folders)
            except (OSError, WatchfilesRustInternalError):
                folders = {}  # one of them is gone again, or the system has no more watches
            if not folders:
                await self._pause()

    async def _watch(self, folders: Mapping[Path, object]) -> None:
        """Until other folders are to be watched."""
        changes = awatch(
            *folders,
            watch_filter=None,
            recursive=False,
            stop_event=self._other,
            rust_timeout=round(self._look_s * 1000),
            yield_on_timeout=True,
        )
        async with aclosing(changes):
            async for _ in changes:
                await self._look()
                if self._folders() != folders:
                    return

    def _folders(self) -> dict[Path, object]:
        """Those of the files, as far as there are any, and which ones they are by now."""
        found: dict[Path, object] = {}
        for folder in {path.parent for path in self._known}:
            try:
                there = folder.stat()
            except (OSError, ValueError):
                continue
            found[folder] = (there.st_dev, there.st_ino)
        return found

    async def _pause(self) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._other.wait(), self._look_s)

    async def _look(self) -> None:
        known = self._known
        if {path: bytes_of(path) for path in known} == known:
            return
        now = {path: await self._settled(path) for path in known}
        if self._known is known and now != known:
            self._known = now
            self._changed()

    async def _settled(self, path: Path) -> bytes | None:
        """The bytes of `path`, once nobody has written to it for a while."""
        now = bytes_of(path)
        while True:
            before = now
            await asyncio.sleep(self._rest_s)
            now = bytes_of(path)
            if now == before:
                return now


def bytes_of(path: Path) -> bytes | None:
    """What is in the file; `None` if nobody can tell."""
    try:
        return path.read_bytes()
    except (OSError, ValueError):
        return None
