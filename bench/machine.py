"""Where it was measured, so that a figure can be compared with another."""

import os
import platform
import subprocess
import time
from pathlib import Path

import msgspec

from bench import nginx
from bench.load import wrk


class Cores(msgspec.Struct, frozen=True):
    """The core of the load (driver, `wrk`, upstream) and that of the target."""

    load: int
    target: int


class Machine(msgspec.Struct, frozen=True):
    """What the figures depend on.  `loop_ms`: see `loop`."""

    processor: str
    cores: int
    system: str
    python: str
    loop_ms: float
    nginx: str
    wrk: str


def machine() -> Machine:
    """This machine.  Raises `Missing` if a tool is not there."""
    return Machine(
        processor=_processor(_read("/proc/cpuinfo")),
        cores=os.cpu_count() or 1,
        system=f"{platform.system()} {platform.release()}",
        python=f"{platform.python_implementation()} {platform.python_version()}",
        loop_ms=min(loop() for _ in range(3)),
        nginx=_said(nginx.program(), "-v").partition("/")[2],
        wrk=_said(wrk(), "-v").partition(" [")[0].removeprefix("wrk ").removeprefix("debian/"),
    )


def cores(usable: tuple[int, ...]) -> Cores:
    """The first usable core for the load and the second for the target; one for both if need be."""
    return Cores(usable[0], usable[min(1, len(usable) - 1)])


def loop() -> float:
    """CPU ms of two million steps of plain Python: builds of one version differ by a third."""
    begun, total = time.process_time(), 0
    for step in range(2_000_000):
        total += step * step % 7
    return (time.process_time() - begun) * 1e3


def _processor(cpuinfo: str) -> str:
    for line in cpuinfo.splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()


def _said(*words: str) -> str:
    """The first line that a program prints; `wrk -v` ends with an error status."""
    run = subprocess.run(words, check=False, capture_output=True, text=True)
    return (run.stdout + run.stderr).strip().partition("\n")[0]


def _read(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""
