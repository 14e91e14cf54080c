"""The order of things: start, check, warm, load in rounds, latency, streams, memory.

Raises `Invalid`, with the peer's name and last words, as soon as a figure would mean nothing.
"""

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import msgspec

from bench import cpu, latency, load, streams
from bench.client import Connection, free_port, whole
from bench.figures import Result, Round, Streams, Window, reference, unary
from bench.machine import Cores
from bench.problem import Invalid
from bench.process import Program, running, wait_for
from bench.proxies import LONG, REFERENCE, SHORT, Peer, Site, gemini_stream, gemini_unary
from bench.upstream import Upstream, upstream
from bench.wire import Call, Reply

_START_S = 60.0
_REFUSALS = (400, 401, 403)


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How long to look: seconds of each window, and how often each thing is done."""

    warm_s: int = 1
    reference_s: int = 1
    target_s: int = 2
    rounds: int = 5
    pairs: int = 1000
    stream_pairs: int = 100
    stream_rounds: int = 5
    starts: int = 3


QUICK = Plan(target_s=1, rounds=1, pairs=200, stream_pairs=20, stream_rounds=1, starts=1)
"""Enough to see that all of it works; its figures are rough."""


class Running(msgspec.Struct, frozen=True):
    """A peer that serves on `port`, started in `start_s`."""

    peer: Peer
    port: int
    program: Program
    folder: Path
    start_s: float


def measure(peers: Sequence[Peer], plan: Plan, cores: Cores) -> list[Result]:
    """The reference's figures, then each peer's."""
    with upstream(cores.load) as mock, _serving(REFERENCE, mock, cores) as plain:
        bench = _Bench(plan, mock, cores, plain)
        first, rounds = bench.whole(peers[0])
        results = [first, *(bench.whole(peer)[0] for peer in peers[1:])]
        return [bench.reference(rounds), *results]


class _Bench:
    def __init__(self, plan: Plan, mock: Upstream, cores: Cores, plain: Running) -> None:
        self._plan, self._mock, self._cores, self._plain = plan, mock, cores, plain
        self._idle = cpu.memory(plain.program.pid)

    def whole(self, peer: Peer) -> tuple[Result, list[Round]]:
        """Everything about one peer, and its rounds of load."""
        starts = [self._start(peer) for _ in range(self._plan.starts - 1)]
        with _serving(peer, self._mock, self._cores) as here:
            self._check(here)
            idle = cpu.memory(here.program.pid)
            self._window(self._plain, self._plan.warm_s)
            self._window(here, self._plan.warm_s)
            rounds = [self._round(here) for _ in range(self._plan.rounds)]
            start = median([*starts, here.start_s])
            return self._result(here, rounds, idle, start), rounds

    def reference(self, rounds: Sequence[Round]) -> Result:
        """The reference's own row."""
        plain = self._plain
        result = self._result(plain, rounds, self._idle, plain.start_s)
        return msgspec.structs.replace(result, unary=reference(rounds))

    def _start(self, peer: Peer) -> float:
        with _serving(peer, self._mock, self._cores) as here:
            return here.start_s

    def _round(self, here: Running) -> Round:
        before = self._window(self._plain, self._plan.reference_s)
        return Round(before, self._window(here, self._plan.target_s))

    def _window(self, here: Running, seconds: int) -> Window:
        pid = here.program.pid
        before, core_before = cpu.rest(pid), cpu.core_busy(self._cores.target)
        with _named(here):
            counted = load.press(here.peer.unary, here.port, seconds, here.folder)
            core_used = cpu.core_busy(self._cores.target) - core_before
            ours = cpu.spent(pid).since(before)
            used = cpu.rest(pid).since(before)
        wall = counted.us / 1e6
        return Window(
            requests=counted.requests,
            seconds=wall,
            cpu_s=used.servers,
            supervisor_s=used.supervisor,
            others=max(core_used - ours.servers - ours.supervisor, 0.0) / wall,
        )

    def _result(
        self, here: Running, rounds: Sequence[Round], idle: cpu.Memory, start_s: float
    ) -> Result:
        peer, ports, plan = here.peer, (self._mock.port, here.port), self._plan
        paced = self._mock.streams
        with _named(here):
            cpu.rest(here.program.pid)
            return Result(
                name=peer.name,
                start_s=start_s,
                idle=idle,
                unary=unary(rounds),
                latency=latency.answers(gemini_unary(), peer.unary, ports, plan.pairs),
                streams=self._streams(here) if paced else None,
                first_byte=latency.first_bytes(
                    gemini_stream(SHORT), peer.stream(SHORT), ports, plan.stream_pairs
                )
                if paced
                else None,
                loaded=cpu.memory(here.program.pid),
            )

    def _streams(self, here: Running) -> Streams:
        peer, pid = here.peer, here.program.pid
        call, each, took = peer.stream(LONG), [], []
        streams.together(call, here.port, LONG, peer.ending)  # opens every connection on the way
        for _ in range(self._plan.stream_rounds):
            before = cpu.rest(pid)
            took.append(streams.together(call, here.port, LONG, peer.ending))
            used = cpu.rest(pid).since(before)
            each.append(used.servers / (streams.STREAMS * LONG) * 1e6)
        return Streams(median(each), max(took) * 1e3)

    def _check(self, here: Running) -> None:
        """Before anything is timed: good answers, whole streams, and a key that is looked at."""
        peer = here.peer
        with _named(here), Connection(here.port) as connection:
            if peer.text not in whole(connection.call(peer.unary)).body:
                raise Invalid("its answer is not the upstream's")
            if self._mock.streams:
                body = bytes(whole(connection.call(peer.stream(SHORT))).body)
                if peer.ending not in body or body.count(b"data:") < SHORT:
                    raise Invalid("its stream is not the upstream's")
        if peer.keyed:
            with _named(here), Connection(here.port) as connection:
                status = connection.call(_without_key(peer.unary)).status
                if status not in _REFUSALS:
                    raise Invalid(f"it answered {status} to a call without a key")


@contextmanager
def _serving(peer: Peer, mock: Upstream, cores: Cores) -> Iterator[Running]:
    """`peer`, from before its start until the context ends."""
    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        site = Site(folder, free_port(), mock.port)
        words = peer.command(site)
        begun = time.perf_counter()
        with running(words, core=cores.target, folder=folder) as program:
            here = Running(peer, site.port, program, folder, 0.0)
            with _named(here):
                wait_for(_answers(here), _START_S)
            yield msgspec.structs.replace(here, start_s=time.perf_counter() - begun)


def _answers(here: Running) -> Iterator[bool]:
    """Whether it gives its first good answer now.  Raises `Invalid` when it refuses the call."""
    while True:
        here.program.check()
        reply = _asked(here)
        if reply is not None and 400 <= reply.status < 500:
            whole(reply)
        yield reply is not None and reply.status == 200


def _asked(here: Running) -> Reply | None:
    try:
        with Connection(here.port) as connection:
            return connection.call(here.peer.unary)
    except (OSError, Invalid):  # it does not listen yet, or not yet in earnest
        return None


@contextmanager
def _named(here: Running) -> Iterator[None]:
    """Whatever is invalid inside is told with the peer's name and its last words."""
    try:
        yield
    except Invalid as problem:
        words = here.program.output()
        said = f"\nIt wrote last:\n{words}" if words and words not in str(problem) else ""
        raise Invalid(f"{here.peer.name}: {problem}{said}") from problem


def _without_key(call: Call) -> Call:
    kept = tuple((name, value) for name, value in call.headers if name == "content-type")
    return msgspec.structs.replace(call, headers=kept)
