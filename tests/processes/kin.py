"""Looks at real processes: whose children they are, whether they are gone."""

import time
from collections.abc import Callable
from pathlib import Path


def children(pid: int, module: str) -> list[int]:
    """The children of `pid` that run the Python module `module`."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            command = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:  # it ended while we looked
            continue
        if parent == pid and module.encode() in command:
            found.append(int(folder.name))
    return found


def gone(pid: int) -> bool:
    """Whether the process has ended; one that nobody has waited for yet has."""
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def until(condition: Callable[[], bool], what: str, patience: float = 20.0) -> None:
    """Waits until `condition` holds; fails with `what` if it does not in time."""
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        time.sleep(0.02)
