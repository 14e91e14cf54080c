"""A million signatures in the vault: keeping and finding one takes what it took before."""

from pathlib import Path

import pytest

from bench.vault import Bench

BEFORE, ENTRIES, TURNS = 20_000, 1_000_000, 4_000


@pytest.mark.soak
def test_a_million_entries_slow_neither_keeping_nor_finding(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.fill(BEFORE)
    few = bench.measure(TURNS)
    bench.fill(ENTRIES - BEFORE)
    many = bench.measure(TURNS)

    for name in ("keep", "cold", "cached"):
        before, after = sorted(getattr(few, name)), sorted(getattr(many, name))
        middle = len(before) // 2
        assert after[middle] < 2 * before[middle], f"{name}\n{few.page()}\n{many.page()}"
