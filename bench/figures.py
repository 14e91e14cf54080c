"""The arithmetic: windows and times in, the figures of the report out."""

import statistics
from collections.abc import Iterable, Sequence

import msgspec

from bench.cpu import Memory


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """One stretch of load: whole answers, wall seconds, and CPU seconds used for it.

    `others` is the share of the core that went to programs that are not measured.
    """

    requests: int
    seconds: float
    cpu_s: float
    supervisor_s: float = 0.0
    others: float = 0.0

    @property
    def rps(self) -> float:
        """Answers per second."""
        return self.requests / self.seconds

    @property
    def cpu_us(self) -> float:
        """CPU µs per answer of what serves."""
        return self.cpu_s / self.requests * 1e6

    @property
    def supervisor_us(self) -> float:
        """CPU µs per answer of the process above it."""
        return self.supervisor_s / self.requests * 1e6


class Round(msgspec.Struct, frozen=True):
    """The reference and the target, one right after the other."""

    reference: Window
    target: Window


class Unary(msgspec.Struct, frozen=True):
    """Load with 64 connections: medians over the rounds.

    `ratio` is to the reference's rps, `busy` and `others` are shares of the core: what serves, and
    programs that are not measured.
    """

    rps: float
    ratio: float
    cpu_us: float
    supervisor_us: float
    busy: float
    others: float


class Added(msgspec.Struct, frozen=True):
    """What the way through a proxy adds, in ms, at two percentiles; and the direct way's median."""

    p50_ms: float
    p99_ms: float
    direct_ms: float


class Streams(msgspec.Struct, frozen=True):
    """CPU µs per event, and the longest that 64 streams took, in ms."""

    event_us: float
    took_ms: float


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """Everything measured of one peer.  Without a paced upstream, nothing of streams."""

    name: str
    start_s: float
    idle: Memory
    loaded: Memory
    unary: Unary
    latency: Added
    streams: Streams | None
    first_byte: Added | None


def unary(rounds: Sequence[Round]) -> Unary:
    """The medians of the targets' windows."""
    targets = [one.target for one in rounds]
    return Unary(
        rps=_median(window.rps for window in targets),
        ratio=_median(one.target.rps / one.reference.rps for one in rounds),
        cpu_us=_median(window.cpu_us for window in targets),
        supervisor_us=_median(window.supervisor_us for window in targets),
        busy=_median(window.cpu_s / window.seconds for window in targets),
        others=_median(window.others for window in targets),
    )


def reference(rounds: Sequence[Round]) -> Unary:
    """The medians of the reference's windows; its ratio is 1."""
    return unary([Round(one.reference, one.reference) for one in rounds])


def added(direct: Sequence[float], proxied: Sequence[float]) -> Added:
    """The difference of the two ways' percentiles; seconds in, ms out."""
    p50, p99 = (quantile(proxied, q) - quantile(direct, q) for q in (0.5, 0.99))
    return Added(p50 * 1e3, p99 * 1e3, quantile(direct, 0.5) * 1e3)


def quantile(values: Sequence[float], q: float) -> float:
    """The smallest value that at least `q` of all are not above (nearest rank)."""
    ordered = sorted(values)
    rank = -(-len(ordered) * q // 1)
    return ordered[max(int(rank), 1) - 1]


def _median(values: Iterable[float]) -> float:
    return statistics.median(values)
