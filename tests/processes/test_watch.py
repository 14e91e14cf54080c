"""`Watcher`: which changes it tells, and that it tells them once they rest."""

import asyncio
import shutil
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path, PosixPath
from typing import Any

import pytest
import watchfiles.main
from watchfiles._rust_notify import RustNotify, WatchfilesRustInternalError

from geminid.processes.watch import Watcher

NEVER_S = 600.0
"""Longer than any test: what is told before was told by the watch."""
SOON_S = 0.05


class Told:
    """What a watcher was told to watch, and what was in it at each of its calls."""

    def __init__(self, files: tuple[Path, ...], rest_s: float, look_s: float) -> None:
        self.files = files
        self.calls: list[bytes | None] = []
        self.watcher = Watcher(files, self._note, rest_s=rest_s, look_s=look_s)

    def _note(self) -> None:
        file = self.files[0]
        self.calls.append(file.read_bytes() if file.exists() else None)

    async def until(self, *calls: bytes | None) -> None:
        """Waits for so many calls; fails if they are others."""
        await until(lambda: len(self.calls) >= len(calls))
        assert self.calls == [*calls]


def write(file: Path, content: bytes | None) -> None:
    """As another program does; `None` deletes it."""
    if content is None:
        file.unlink()
    else:
        file.write_bytes(content)


async def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20.0
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        await asyncio.sleep(0.01)


@asynccontextmanager
async def watching(
    *files: Path, rest_s: float = 0.05, look_s: float = NEVER_S
) -> AsyncIterator[Told]:
    """A watcher at work: its watch is there before this begins."""
    told = Told(files, rest_s, look_s)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(told.watcher.run())
        await asyncio.sleep(0)  # the watch is set up in the task's first step
        yield told
        assert not task.done()
        task.cancel()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    found = tmp_path / "a.toml"
    found.write_bytes(b"0")
    return found


async def test_a_file_that_is_renamed_into_place_is_told_each_time(file: Path) -> None:
    """As editors do: what was watched is not there any more after the first time."""
    async with watching(file) as told:
        for content in (b"1", b"2", b"3"):
            other = file.with_name("a.toml~")
            write(other, content)
            other.replace(file)

            await told.until(*(b"1", b"2", b"3")[: int(content)])


async def test_a_link_that_is_swapped_is_told_each_time(tmp_path: Path) -> None:
    """As Kubernetes does: the file is a link through a link, and that one changes."""

    def put(content: bytes) -> None:
        folder = tmp_path / f"..{content.decode()}"
        folder.mkdir()
        (folder / "a.toml").write_bytes(content)
        (tmp_path / "..next").symlink_to(folder.name)
        (tmp_path / "..next").replace(tmp_path / "..data")

    put(b"0")
    (tmp_path / "a.toml").symlink_to("..data/a.toml")
    async with watching(tmp_path / "a.toml") as told:
        put(b"1")
        shutil.rmtree(tmp_path / "..0")
        await told.until(b"1")

        put(b"2")
        await told.until(b"1", b"2")


async def test_a_deletion_is_told_and_so_is_the_return(file: Path) -> None:
    async with watching(file) as told:
        write(file, None)
        await told.until(None)

        write(file, b"0")
        await told.until(None, b"0")


async def test_many_quick_writes_are_told_once_when_they_rest(file: Path) -> None:
    async with watching(file, rest_s=0.4) as told:
        for number in range(8):
            write(file, b"%d" % number)
            await asyncio.sleep(0.1)  # the writer is slow; nothing is waited for
        await told.until(b"7")

        write(file, b"8")
        await told.until(b"7", b"8")


async def test_bytes_that_are_the_same_again_are_no_change(file: Path) -> None:
    """Nor is another file beside it."""
    async with watching(file) as told:
        write(file, b"0")
        write(file.with_name("b.toml"), b"1")

        write(file, b"1")
        await told.until(b"1")


async def test_other_files_can_be_watched_instead(file: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = tmp_path / "other" / "b.toml"
    write(other, b"b0")
    async with watching(other) as told:
        told.watcher.watch_instead([file])
        write(other, b"b1")  # nobody cares for it now
        write(file, b"1")
        await told.until(b"b1")

        told.watcher.watch_instead([file, other])
        write(other, b"b2")
        await told.until(b"b1", b"b2")


class CountedPath(PosixPath):
    """Tells how often it was read."""

    reads: list[None]

    def read_bytes(self) -> bytes:
        self.reads.append(None)
        return super().read_bytes()


@pytest.fixture
def counted(file: Path) -> CountedPath:
    """`file`, with a count."""
    found = CountedPath(file)
    found.reads = []
    return found


async def seen(file: CountedPath) -> None:
    """Waits until a change just made was seen, and its rest has begun."""
    before = len(file.reads)
    await until(lambda: len(file.reads) >= before + 2)


async def test_what_becomes_what_it_was_before_it_rests_is_no_change(counted: CountedPath) -> None:
    async with watching(counted, rest_s=0.3) as told:
        write(counted, b"1")
        await seen(counted)
        write(counted, b"0")
        await seen(counted)

        write(counted, b"2")
        await told.until(b"2")


async def test_a_change_of_a_file_that_is_watched_no_more_is_not_told(
    counted: CountedPath, tmp_path: Path
) -> None:
    """Also if it was seen before, and waited for to rest: what is watched now stays so."""
    other = tmp_path / "b.toml"
    other.write_bytes(b"b0")
    async with watching(other, rest_s=0.3) as told:
        told.watcher.watch_instead([counted])
        write(counted, b"1")
        await seen(counted)

        told.watcher.watch_instead([other])
        for content in (b"b1", b"b2"):
            write(other, content)
            await told.until(*(b"b1", b"b2")[: int(content[1:])])


async def test_a_folder_that_comes_later_is_found(tmp_path: Path) -> None:
    file = tmp_path / "later" / "deep" / "a.toml"
    async with watching(file, look_s=SOON_S) as told:
        file.parent.mkdir(parents=True)
        write(file, b"1")
        await told.until(b"1")

        shutil.rmtree(tmp_path / "later")
        await told.until(b"1", None)

        file.parent.mkdir(parents=True)
        write(file, b"2")
        await told.until(b"1", None, b"2")


async def test_another_folder_in_the_place_of_one_is_watched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a checkout leaves it: the watch on the folder of before would tell nothing."""
    watches: list[object] = []
    make = RustNotify

    def noted(*arguments: Any) -> RustNotify:
        watches.append(arguments)
        return make(*arguments)

    monkeypatch.setattr(watchfiles.main, "RustNotify", noted)
    file = tmp_path / "here" / "a.toml"
    file.parent.mkdir()
    file.write_bytes(b"0")
    async with watching(file, look_s=SOON_S) as told:
        file.parent.rename(tmp_path / "before")
        file.parent.mkdir()
        write(file, b"1")

        await told.until(b"1")
        await until(lambda: len(watches) > 1)


async def test_what_no_watch_tells_is_seen_within_a_while(tmp_path: Path) -> None:
    """Here: the other end of a link is in a folder that is not watched."""
    (tmp_path / "real").mkdir()
    (tmp_path / "shown").mkdir()
    real, shown = tmp_path / "real" / "a.toml", tmp_path / "shown" / "a.toml"
    write(real, b"0")
    shown.symlink_to(real)
    async with watching(shown, look_s=SOON_S) as told:
        write(real, b"1")

        await told.until(b"1")


@pytest.mark.parametrize(
    "failure", [OSError("no space left"), WatchfilesRustInternalError("too many instances")]
)
async def test_a_system_without_watches_is_looked_at_from_time_to_time(
    file: Path, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    def refuse(*_: object) -> None:
        raise failure

    monkeypatch.setattr(watchfiles.main, "RustNotify", refuse)
    async with watching(file, look_s=SOON_S) as told:
        write(file, b"1")
        await told.until(b"1")
