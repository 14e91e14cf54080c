"""Whose CPU time and memory is counted."""

import os
import time

import pytest

from bench.cpu import Share, Spent, busy, core_busy, descent, memory, parents, rollup, spent
from bench.problem import Invalid

STATS = ["1 (init) S 0 1 1", "70 (a) b (c)) R 1 70 70", "71 (x) S 70 70", "72 (y) S 71 70", ""]


def test_names_of_commands_may_hold_anything() -> None:
    """A process may call itself `) R 1`; the last bracket ends the name."""
    assert parents(STATS) == {1: 0, 70: 1, 71: 70, 72: 71}


def test_a_tree_is_the_root_and_all_below_it() -> None:
    """A serving process is a child, and what it starts belongs to it."""
    assert descent(70, parents(STATS)) == (70, 71, 72)
    assert descent(72, parents(STATS)) == (72,)


def test_the_process_above_is_counted_apart() -> None:
    """The supervisor touches no request; its cost must not hide in theirs."""
    before, after = Spent({7: 1.0, 8: 2.0, 9: 0.0}), Spent({7: 1.5, 8: 4.0, 9: 0.25})

    assert after.since(before) == Share(servers=2.25, supervisor=0.5)


def test_a_lone_process_serves() -> None:
    """nginx without a master has nothing above it."""
    assert Spent({7: 3.0}).since(Spent({7: 1.0})) == Share(servers=2.0, supervisor=0.0)


def test_a_process_that_was_replaced_makes_the_window_invalid() -> None:
    """A crashed server's time would be lost, and its requests look cheap."""
    with pytest.raises(Invalid, match="came or went"):
        Spent({7: 1.0, 9: 1.0}).since(Spent({7: 1.0, 8: 5.0}))


def test_work_of_this_process_is_seen() -> None:
    """The kernel's clock of another process is really its CPU clock."""
    before, end = spent(os.getpid()), time.process_time() + 0.05
    while time.process_time() < end:
        pass
    now = spent(os.getpid())

    used = now.seconds[os.getpid()] - before.seconds[os.getpid()]
    assert 0.05 <= used < 5.0


def test_a_process_that_is_gone_is_invalid() -> None:
    """Nobody has the largest id."""
    with pytest.raises(Invalid, match="died"):
        spent(2**22 + 1)


def test_a_core_is_busy_unless_it_idles_or_waits() -> None:
    """The kernel counts in ticks: user nice system idle iowait irq softirq steal guest ..."""
    stat = "cpu  9 9 9 9 9 9 9 9 9 9\ncpu0 1 1 1 1 1 1 1 1 1 1\ncpu1 100 0 50 700 90 0 20 30 5 5\n"

    assert busy(stat, 1) * os.sysconf("SC_CLK_TCK") == pytest.approx(200)
    assert busy(stat, 7) == 0
    assert core_busy(min(os.sched_getaffinity(0))) > 0


def test_memory_is_read_in_megabytes() -> None:
    """Kilobytes of 1024 in, megabytes of 10^6 out."""
    text = (
        "5581-7ffc ---p 00000000 00:00 0 [rollup]\nRss:   1000 kB\nPss:    500 kB\nLocked: 0 kB\n"
    )

    assert rollup(text) == {"Rss": 1.024, "Pss": 0.512, "Locked": 0.0}
    assert memory(os.getpid()).servers > 1
