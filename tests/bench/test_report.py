"""The page that people read."""

import msgspec
import pytest

from bench.cpu import Memory
from bench.figures import Added, Result, Streams, Unary
from bench.machine import Cores, Machine, cores
from bench.measure import QUICK
from bench.plot import bars
from bench.report import Setting, page, verdict

MACHINE = Machine("A processor", 2, "Linux 6", "CPython 3.11.2", 65.4, "1.22.1", "4.1.0")


def _result(name: str, cpu_us: float, streams: Streams | None, supervisor_mb: float = 0) -> Result:
    return Result(
        name=name,
        start_s=0.5,
        idle=Memory(70.2, supervisor_mb, 80.0),
        loaded=Memory(75.0, supervisor_mb, 85.0),
        unary=Unary(4321, 0.1234, cpu_us, 0.5, 0.98, 0.02),
        latency=Added(0.31, 0.52, 0.05),
        streams=streams,
        first_byte=Added(0.4, 0.9, 0.1) if streams else None,
    )


REFERENCE = _result("nginx", 21, Streams(9.9, 151))


def _page(*results: Result, where: Cores | None = None, paced: bool = True) -> str:
    setting = Setting(MACHINE, where or Cores(0, 1), QUICK, "2026-11-21", paced)
    return page([REFERENCE, *results], setting)


def test_a_row_holds_each_figure() -> None:
    """In the order of the head."""
    text = _page(_result("geminid", 199.6, Streams(14.2, 160), 30))

    row = next(line for line in text.splitlines() if line.startswith("| geminid |"))
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    expected = ["geminid", "4,321", "0.123", "200", "98", "0.31/0.52", "14.2", "0.40", "70", "0.50"]
    assert cells == expected


def test_the_supervisor_is_told_apart() -> None:
    """It is not in the row, so it must be below it; who has none is not said to have one."""
    notes = [line for line in _page(_result("x", 1, None, 30)).splitlines() if line[:2] == "- "]

    assert "supervisor" not in notes[0]
    assert "its supervisor 30 MB and 0.50 CPU µs" in notes[1]


def test_without_a_paced_upstream_streams_are_left_out_and_said_to_be() -> None:
    """A dash, never a zero."""
    text = _page(_result("geminid", 100, None), paced=False)

    assert "streams are not measured" in text
    assert "| – |" in text
    assert "SSE event passed" not in text.partition("| budget")[2]


def test_one_core_is_said_to_be_one() -> None:
    """Its rates mean nothing beside another report's."""
    assert "One core only" in _page(where=cores((3,)))
    assert "One core only" not in _page(where=cores((0, 1)))


def test_a_disturbed_core_is_said_to_be_disturbed() -> None:
    """A reader must not compare times that somebody else's work has stretched."""
    calm = _result("geminid", 100, None)
    unary = msgspec.structs.replace(calm.unary, others=0.3)

    assert "other programs took 30 %" in _page(msgspec.structs.replace(calm, unary=unary))
    assert "Not a quiet machine" not in _page(calm)


@pytest.mark.parametrize(
    ("value", "limit", "expected"), [(250, 250, "kept"), (250.1, 250, "over"), (1, None, "–")]
)
def test_a_budget_is_kept_up_to_its_limit(value: float, limit: float | None, expected: str) -> None:
    """The limit itself is still kept."""
    assert verdict(value, limit) == expected


def test_budgets_are_held_against_geminid_alone() -> None:
    """nginx has promised nothing."""
    over = _page(_result("geminid", 300, None))

    assert "CPU µs per unary request, same dialect | 300 | ≤ 250, over | ≤ 60, over |" in over
    assert "| budget |" not in _page()


def test_the_picture_has_a_bar_for_each_and_escapes_names() -> None:
    """The longest belongs to the dearest."""
    picture = bars([REFERENCE, _result("a & b", 210, None)])

    assert picture.count("<rect") == 3
    assert "a &amp; b" in picture
    assert 'width="420.0"' in picture
    assert 'width="42.0"' in picture
