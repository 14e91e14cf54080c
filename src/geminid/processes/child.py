"""One process that we started, and the three lines it is led by.

It gets its task as one JSON line on stdin; says `ready` on stdout when it can do it; and stops when
stdin closes.  The kernel closes stdin when we are killed, so no child outlives us.
"""

import asyncio
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import IO

READY = b"ready\n"
"""What a child writes to stdout, once."""

OWN_STREAM = None
"""For `output`: the child writes its errors to where we write ours."""


def module(name: str, *arguments: str) -> tuple[str, ...]:
    """The command that runs the Python module `name` in this environment."""
    return (sys.executable, "-m", name, *arguments)


class Child:
    """A running process.  Make it with `spawn`; whoever does waits for it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def spawn(
        cls,
        command: Sequence[str],
        task: bytes,
        *,
        pass_fds: tuple[int, ...] = (),
        output: IO[bytes] | None = OWN_STREAM,
    ) -> "Child":
        """Starts `command` and tells it `task`, which must hold no line end.

        It runs in a session of its own: a Ctrl-C in the terminal is ours alone to handle.
        """
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=output,
            pass_fds=pass_fds,
            start_new_session=True,
        )
        assert process.stdin is not None
        process.stdin.write(task + b"\n")
        return cls(process)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    async def ready(self) -> bool:
        """Waits until it says so; false if it ends before."""
        assert self._process.stdout is not None
        return await self._process.stdout.readline() == READY

    async def wait(self) -> int:
        """Waits for its end; the exit code, or minus the number of the signal that ended it."""
        return await self._process.wait()

    def ask_to_end(self) -> None:
        """Closes its stdin: it ends what it is at, then itself."""
        assert self._process.stdin is not None
        self._process.stdin.close()

    def send(self, what: signal.Signals) -> None:
        """Sends a signal, if it still runs."""
        with suppress(ProcessLookupError):
            self._process.send_signal(what)

    def kill(self) -> None:
        """Ends it at once."""
        self.send(signal.SIGKILL)


def ending(code: int) -> str:
    """How a process ended, in words: `exit code 3` or `killed by SIGKILL`."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"
