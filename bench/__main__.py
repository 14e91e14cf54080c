"""`python -m bench`: measure, print the report, keep it in bench/report.md and bench/report.svg."""

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from bench.cpu import cores as usable
from bench.machine import cores, machine
from bench.measure import QUICK, Plan, measure
from bench.plot import bars
from bench.problem import Invalid, Missing
from bench.process import on_core
from bench.proxies import PEERS
from bench.report import Setting, page

FOLDER = Path(__file__).parent


def main(words: list[str]) -> int:
    """0 when measured, 1 when a figure would mean nothing, 2 when something is not installed."""
    plan = _plan(words)
    if sys.platform != "linux":
        print("bench: it reads CPU time from Linux; run it there", file=sys.stderr)
        return 2
    where = cores(usable())
    try:
        here = machine()
        with on_core(where.load):
            results = measure(PEERS, plan, where)
    except Missing as problem:
        print(f"bench: {problem}", file=sys.stderr)
        return 2
    except Invalid as problem:
        print(f"bench: not measured: {problem}", file=sys.stderr)
        return 1
    paced = results[0].streams is not None
    setting = Setting(here, where, plan, datetime.now(UTC).date().isoformat(), paced)
    report = page(results, setting)
    (FOLDER / "report.md").write_text(report)
    (FOLDER / "report.svg").write_text(bars(results))
    print(report)
    return 0


def _plan(words: list[str]) -> Plan:
    parser = argparse.ArgumentParser("python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a rough look, under 20 s")
    parser.add_argument("--rounds", type=int, metavar="N", help="rounds of load [5]")
    given = parser.parse_args(words)
    plan = QUICK if given.quick else Plan()
    return msgspec.structs.replace(plan, rounds=given.rounds) if given.rounds else plan


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
