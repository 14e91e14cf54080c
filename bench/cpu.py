"""What a tree of processes has used: CPU time to the nanosecond, and memory.

Linux only.  CPU time is read from each process's own CPU clock, which counts all its threads, also
those that have ended; `/proc/PID/stat` would count in steps of 10 ms.
"""

import os
import time
from pathlib import Path
from typing import Final

import msgspec

from bench.problem import Invalid

_PROC: Final = Path("/proc")
_REST_SHARE: Final = 0.02
_LOOK_S: Final = 0.1


class Spent(msgspec.Struct, frozen=True):
    """CPU seconds of a tree so far, by process id; the root is the first."""

    seconds: dict[int, float]

    def since(self, before: "Spent") -> "Share":
        """What has been used since `before`.

        Raises:
            Invalid: a process came or went, so that the difference is not the work's cost.
        """
        if before.seconds.keys() != self.seconds.keys():
            raise Invalid("a process came or went in the middle of a window")
        used = [self.seconds[pid] - before.seconds[pid] for pid in self.seconds]
        if len(used) == 1:
            return Share(servers=used[0], supervisor=0.0)
        return Share(servers=sum(used[1:]), supervisor=used[0])


class Share(msgspec.Struct, frozen=True):
    """CPU seconds of the processes that serve, and of the one above them if there is one."""

    servers: float
    supervisor: float


class Memory(msgspec.Struct, frozen=True):
    """Resident MB (10^6 bytes): of what serves, of what is above it, and of both together.

    `whole` counts a shared page once, so it is less than the sum of the two.
    """

    servers: float
    supervisor: float
    whole: float


def parents(stats: list[str]) -> dict[int, int]:
    """Process ids and their parents', from texts of `/proc/PID/stat`."""
    found: dict[int, int] = {}
    for stat in stats:
        head, _, rest = stat.rpartition(")")  # a command's name may hold spaces and brackets
        if rest:
            found[int(head.partition(" ")[0])] = int(rest.split()[1])
    return found


def descent(root: int, parent: dict[int, int]) -> tuple[int, ...]:
    """`root` and everything below it, nearest first."""
    tree = [root]
    for pid in tree:
        tree += sorted(child for child, above in parent.items() if above == pid)
    return tuple(tree)


def tree(root: int) -> tuple[int, ...]:
    """The processes of the tree under `root` now, `root` first."""
    stats = (_text(path) for path in _PROC.glob("[0-9]*/stat"))
    return descent(root, parents([stat for stat in stats if stat]))


def spent(root: int) -> Spent:
    """What the tree under `root` has used so far.

    Raises:
        Invalid: it is not there any more.
    """
    try:
        return Spent({pid: time.clock_gettime(_cpu_clock(pid)) for pid in tree(root)})
    except OSError as error:
        raise Invalid("the process died while it was measured") from error


def memory(root: int) -> Memory:
    """What the tree under `root` holds now."""
    rolls = [rollup(_text(_PROC / str(pid) / "smaps_rollup")) for pid in tree(root)]
    resident = [roll.get("Rss", 0.0) for roll in rolls]
    whole = sum(roll.get("Pss", 0.0) for roll in rolls)
    if len(resident) == 1:
        return Memory(servers=resident[0], supervisor=0.0, whole=whole)
    return Memory(servers=sum(resident[1:]), supervisor=resident[0], whole=whole)


def rollup(text: str) -> dict[str, float]:
    """The sums in a `smaps_rollup`, in MB."""
    found = {}
    for line in text.splitlines():
        words = line.split()
        if len(words) == 3 and words[2] == "kB":
            found[words[0].rstrip(":")] = int(words[1]) * 1024 / 1e6
    return found


def rest(root: int, patience_s: float = 10.0) -> Spent:
    """What the tree has used once it is at rest: work left over from one window is not the next's.

    At rest is a tenth of a second with less than 2 % of a core.  After `patience_s` it is taken to
    be as quiet as it gets.
    """
    end = time.monotonic() + patience_s
    now = spent(root)
    while time.monotonic() < end:
        before = now
        time.sleep(_LOOK_S)
        now = spent(root)
        if sum(now.seconds.values()) - sum(before.seconds.values()) < _REST_SHARE * _LOOK_S:
            break
    return now


def core_busy(core: int) -> float:
    """Seconds that `core` has worked since the machine started, for whomever."""
    return busy(_text(_PROC / "stat"), core)


def busy(stat: str, core: int) -> float:
    """The same from the text of `/proc/stat`; 0 if the core is not in it."""
    for line in stat.splitlines():
        name, *ticks = line.split()
        if name == f"cpu{core}":
            idle, waiting = int(ticks[3]), int(ticks[4])
            return (sum(map(int, ticks[:8])) - idle - waiting) / os.sysconf("SC_CLK_TCK")
    return 0.0


def cores() -> tuple[int, ...]:
    """The cores that this process may use."""
    return tuple(sorted(os.sched_getaffinity(0)))


def _cpu_clock(pid: int) -> int:
    return (~pid << 3) | 2  # clock_getcpuclockid(3), which Python has for threads only


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:  # it has ended since it was listed
        return ""
