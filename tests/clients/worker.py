"""A client in a process of its own: another language, or an environment of its own.

It is told in lines of JSON which conversation to hold and in which way; it answers with lines of
JSON: a function to be called, whose result it waits for, and at last a text or an error.
"""

import json
import os
import queue
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from tests.clients.agents import Loop
from tests.clients.desk import TOOLS, Desk

PATIENCE_S = 50.0


class Failed(Exception):
    """What the client raised, or the end of its process."""


class Worker:
    """`with Worker([...], cwd) as worker:`, then `worker.hold(...)`, one conversation at a time."""

    def __init__(self, command: Sequence[str], cwd: Path, **more: str) -> None:
        self._process = subprocess.Popen(
            command,
            cwd=cwd,
            env=os.environ | more,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(PATIENCE_S)
        self._process.stdout.close()

    def hold(self, way: str, address: str, loop: Loop, desk: Desk) -> str:
        """The text that the conversation came to.

        Raises:
            Failed: the client raised, or its process ended.
        """
        wish = {"way": way, "url": address, "model": loop.model, "asked": loop.asked}
        self._tell(wish | {"tools": TOOLS})
        while True:
            said = self._heard()
            if "name" in said:
                self._tell(desk.do(said["name"], said["arguments"]))
            elif "error" in said:
                raise Failed(said["error"])
            else:
                return str(said["text"])

    def _tell(self, message: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(message) + "\n")
        self._process.stdin.flush()

    def _heard(self) -> dict[str, Any]:
        other: list[str] = []
        while True:
            try:
                line = self._lines.get(timeout=PATIENCE_S)
            except queue.Empty:
                raise Failed(f"Nothing came from the client.\n{''.join(other)}") from None
            if line is None:
                raise Failed(f"The client's process ended.\n{''.join(other)}")
            if line.startswith("{"):
                heard: dict[str, Any] = json.loads(line)
                return heard
            other.append(line)  # what a client has to say to its user's terminal

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put(None)
