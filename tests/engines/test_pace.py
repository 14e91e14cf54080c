"""How slowly an engine of our own speaks."""

import time

import pytest

from geminid.core.errors import DeadlinePassed
from geminid.engines.pace import Pace


async def test_no_pace_waits_for_nothing() -> None:
    """Whatever the deadline: there is nothing to be late for."""
    await Pace(0.0, time.monotonic).wait(time.monotonic() - 1.0)


async def test_a_wait_is_as_long_as_the_pace() -> None:
    """Not shorter, or a test of a client's patience would test nothing."""
    began = time.monotonic()
    await Pace(0.02, time.monotonic).wait(began + 20.0)

    assert time.monotonic() - began >= 0.02


async def test_a_piece_that_would_come_too_late_is_the_deadline_s_end() -> None:
    """At the deadline, and not after the pace."""
    began = time.monotonic()
    with pytest.raises(DeadlinePassed):
        await Pace(60.0, time.monotonic).wait(began + 0.01)

    assert time.monotonic() - began < 20.0
