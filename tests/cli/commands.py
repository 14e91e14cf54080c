"""Running the command: inside this process, or as a person at a terminal."""

import asyncio
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Mapping
from fcntl import ioctl
from pathlib import Path

import msgspec
import pytest

from geminid.cli import main
from tests.serving import environment


class Ran(msgspec.Struct, frozen=True):
    """How one command ended, and what it wrote."""

    code: int
    out: str
    err: str


async def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> Ran:
    """`geminid ARGUMENTS` through `main`, while this loop goes on serving whoever it asks."""
    capsys.readouterr()
    code = await asyncio.to_thread(main, arguments)
    out, err = capsys.readouterr()
    return Ran(code, out, err)


def plain(seen: str) -> str:
    """What a person reads: `seen` without colours."""
    return re.sub(r"\x1b\[[\d;]*m", "", seen)


def at_terminal(
    home: Path, *arguments: str, columns: int = 80, more: Mapping[str, str] | None = None
) -> tuple[int, str]:
    """`geminid ARGUMENTS` in a window of that width; the exit code and all that appeared there."""
    screen, terminal = pty.openpty()
    ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    env = environment(home, TERM="xterm-256color", **(more or {}))
    for name in ("COLUMNS", "LINES", "NO_COLOR"):
        if name not in (more or {}):
            env.pop(name, None)
    process = subprocess.Popen(
        [sys.executable, "-m", "geminid", *arguments],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        env=env,
        cwd=home,
    )
    os.close(terminal)
    seen = b""
    while True:
        try:
            piece = os.read(screen, 4096)
        except OSError:  # how Linux says that nobody holds the terminal any more
            break
        if not piece:
            break
        seen += piece
    os.close(screen)
    return process.wait(20), seen.decode().replace("\r\n", "\n")
