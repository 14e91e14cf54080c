"""A real `geminid serve` for tests: its own home, its own port, and an end that is waited for."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

_ADDRESS = re.compile(r"http://127\.0\.0\.1:(\d+)")
_KEYS = ("GEMINI_", "GOOGLE_", "OPENROUTER_", "AIMLAPI_", "OPENAI_", "ANTHROPIC_", "INFERENCE_")
_START_S = 30.0
_STOP_S = 20.0
GEMINID = ("-m", "geminid")
Start: TypeAlias = "Callable[[str], subprocess.Popen[str]]"


class Serving:
    """A server that is up.  `url` has no path; `output` is all it printed so far.

    `start` makes its process, for a port ("0": any).
    """

    def __init__(self, start: Start) -> None:
        self._start = start
        self._begin("0")

    def _begin(self, port: str) -> None:
        self.process = self._start(port)
        self._lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.url = self._address()

    def restart(self) -> None:
        """End it and begin again: another process, the same home and address."""
        self.stop()
        self._begin(self.url.rpartition(":")[2])

    @property
    def output(self) -> str:
        return "".join(self._lines)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to end and wait for that; the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            status = self.process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            self._close()
            raise
        self._close()
        return status

    def _close(self) -> None:
        """Of a process that has ended: read the rest, and close the pipe."""
        self._reader.join(_STOP_S)
        if self.process.stdout is not None:
            self.process.stdout.close()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.append(line)

    def _address(self) -> str:
        deadline = time.monotonic() + _START_S
        while time.monotonic() < deadline:
            if found := _ADDRESS.search(self.output):
                return found[0]
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        self.process.kill()
        self.process.wait()
        self._close()
        raise AssertionError(f"geminid serve did not start:\n{self.output}")


def environment(home: Path, **more: str) -> dict[str, str]:
    """This process's environment without anybody's keys, and with a home of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_KEYS)}
    kept.pop("GEMINID_CONFIG", None)
    return kept | {"GEMINID_HOME": str(home), "PYTHONUNBUFFERED": "1"} | more


@contextlib.contextmanager
def serving(
    home: Path,
    config: str = "",
    *arguments: str,
    program: Sequence[str] = GEMINID,
    **more: str,
) -> Iterator[Serving]:
    """`geminid serve` on a free port with `config` (TOML; none means no file), until the end.

    `program` is what Python runs; `more` are further environment variables.
    """
    home.mkdir(parents=True, exist_ok=True)
    options = list(arguments)
    if config:
        file = home / "geminid.toml"
        file.write_text(config)
        options += ["--config", str(file)]

    def start(port: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, *program, "serve", "--port", port, *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment(home, **more),
            cwd=home,
        )

    server = Serving(start)
    try:
        yield server
    finally:
        server.stop()
