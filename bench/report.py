"""The figures as a page: one table, and the budgets that geminid has given itself."""

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from bench.figures import Added, Result
from bench.machine import Cores, Machine
from bench.measure import Plan

_COLUMNS: Final = (
    "one core",
    "RPS c64",
    "× nginx",
    "CPU µs/req",
    "core busy %",
    "added p50/p99 ms",
    "SSE µs/event",
    "added first byte ms",
    "MB",
    "start s",
)

_NOISE: Final = 0.05
"""The share of the core that other programs may take before the report warns."""


class Budget(msgspec.Struct, frozen=True):
    """A figure of geminid's, the most it may be now, and where it is to go (DESIGN section 8)."""

    name: str
    of: Callable[[Result], float | None]
    now: float | None
    goal: float
    digits: int


BUDGETS: Final = (
    Budget("CPU µs per unary request, same dialect", lambda r: r.unary.cpu_us, 250.0, 60.0, 0),
    Budget(
        "CPU µs per SSE event passed",
        lambda r: r.streams.event_us if r.streams else None,
        None,
        15.0,
        1,
    ),
    Budget("MB resident, idle, what serves", lambda r: r.idle.servers, None, 80.0, 0),
    Budget("s from start to the first answer", lambda r: r.start_s, 2.0, 1.0, 2),
)


class Setting(msgspec.Struct, frozen=True):
    """Under what circumstances, and when (ISO date)."""

    machine: Machine
    cores: Cores
    plan: Plan
    day: str
    paced: bool


def page(results: Sequence[Result], setting: Setting) -> str:
    """The report, in Markdown.  The first result is the reference."""
    rows = [_row(result) for result in results]
    parts = [
        "# geminid measured",
        _circumstances(results, setting),
        _table(_COLUMNS, rows),
        _notes(results),
    ]
    parts += [_budgets(result) for result in results if result.name == "geminid"]
    return "\n\n".join(parts) + "\n"


def verdict(value: float, limit: float | None) -> str:
    """Whether `value` keeps to `limit`."""
    if limit is None:
        return "–"
    return "kept" if value <= limit else "over"


def _circumstances(results: Sequence[Result], setting: Setting) -> str:
    here, plan, cores = setting.machine, setting.plan, setting.cores
    lines = [
        f"{setting.day}. {here.processor}, {here.cores} cores, {here.system}; {here.python}"
        f" (2 million steps of a loop in {here.loop_ms:.0f} ms),"
        f" nginx {here.nginx}, wrk {here.wrk}.",
        f"Load and upstream on core {cores.load}, what is measured on core {cores.target}."
        f" {plan.rounds} rounds of {{nginx {plan.reference_s} s, target {plan.target_s} s}},"
        " 64 connections, a prompt of 1.1 KB, an answer of 539 bytes; medians.",
    ]
    if not setting.paced:
        lines.append("No C compiler: the upstream is nginx, and streams are not measured.")
    if cores.load == cores.target:
        lines.append("**One core only**: load and target share it; only CPU µs can be compared.")
    elif (others := max(result.unary.others for result in results)) >= _NOISE:
        lines.append(
            f"**Not a quiet machine**: other programs took {others * 100:.0f} % of the core under"
            " measurement. CPU µs are less certain then, and times and rates mean little."
        )
    return "\n".join(lines)


def _row(result: Result) -> tuple[str, ...]:
    unary, streams = result.unary, result.streams
    return (
        result.name,
        f"{unary.rps:,.0f}",
        f"{unary.ratio:.3g}",
        f"{unary.cpu_us:,.0f}",
        f"{unary.busy * 100:.0f}",
        f"{_added(result.latency)}/{result.latency.p99_ms:.2f}",
        f"{streams.event_us:.1f}" if streams else "–",
        _added(result.first_byte),
        f"{result.idle.servers:.0f}",
        f"{result.start_s:.2f}",
    )


def _added(added: Added | None) -> str:
    return f"{added.p50_ms:.2f}" if added else "–"


def _notes(results: Sequence[Result]) -> str:
    lines = []
    for one in results:
        line = f"- {one.name}: {one.loaded.servers:.0f} MB after the load"
        if one.idle.supervisor:
            line += (
                f"; its supervisor {one.idle.supervisor:.0f} MB and"
                f" {one.unary.supervisor_us:.2f} CPU µs per request, not counted above"
                f" ({one.idle.whole:.0f} MB for both, shared pages once)"
            )
        if one.streams:
            line += f"; 64 streams of 150 events took {one.streams.took_ms:.0f} ms instead of 149"
        lines.append(line + ".")
    return "\n".join(lines)


def _budgets(result: Result) -> str:
    rows = []
    for budget in BUDGETS:
        value = budget.of(result)
        if value is None:
            continue
        now = "–" if budget.now is None else f"≤ {budget.now:g}, {verdict(value, budget.now)}"
        goal = f"≤ {budget.goal:g}, {verdict(value, budget.goal)}"
        rows.append((budget.name, f"{value:.{budget.digits}f}", now, goal))
    return _table(("budget", "measured", "now", "goal"), rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
