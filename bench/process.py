"""Programs under measurement: started on a core of their own, ended with all their children."""

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from bench.cpu import tree
from bench.problem import Invalid

_PATIENCE_S: Final = 10.0


class Program:
    """A program that runs.  `output` gives the end of what it wrote, for when it goes wrong."""

    def __init__(self, child: subprocess.Popen[bytes], written: IO[bytes]) -> None:
        self.pid = child.pid
        self._child, self._written = child, written

    def check(self) -> None:
        """Raises `Invalid` with the program's last words if it has ended."""
        if (status := self._child.poll()) is not None:
            raise Invalid(f"it ended with status {status}: {self.output()}")

    def output(self) -> str:
        """The last of what it wrote."""
        self._written.seek(0)
        return self._written.read().decode(errors="replace")[-2000:].strip()

    def stop(self) -> None:
        """Ask it to end; after ten seconds end whatever is left of its tree."""
        pids = tree(self.pid)
        self._child.terminate()
        try:
            self._child.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            for pid in pids:
                _kill(pid)
            self._child.wait(_PATIENCE_S)


@contextmanager
def running(words: Sequence[str], *, core: int, folder: Path) -> Iterator[Program]:
    """`words` as a program on `core`, in `folder`, until the context ends.

    It gets a bare environment: a key that lies in ours must not make it talk to the world.
    """
    environment = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(folder), "LANG": "C"}
    with tempfile.TemporaryFile() as written:
        with on_core(core):
            child = subprocess.Popen(
                words,
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=written,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        program = Program(child, written)
        try:
            yield program
        finally:
            program.stop()


@contextmanager
def on_core(core: int) -> Iterator[None]:
    """This process on one core while the context lasts; what it starts stays there."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def wait_for(condition: Iterator[bool], patience_s: float, *, pause_s: float = 0.002) -> None:
    """Ask until `condition` gives true.

    Raises:
        Invalid: it did not within `patience_s`.
    """
    end = time.monotonic() + patience_s
    for held in condition:
        if held:
            return
        if time.monotonic() > end:
            raise Invalid(f"it was not ready within {patience_s:.0f} s")
        time.sleep(pause_s)


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
