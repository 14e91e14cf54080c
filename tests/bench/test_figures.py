"""The arithmetic between what was counted and what is reported."""

import pytest

from bench.figures import Round, Window, added, quantile, reference, unary


def _window(rps: int, cpu_us: float, supervisor_us: float = 0.0) -> Window:
    return Window(
        requests=rps * 2,
        seconds=2.0,
        cpu_s=cpu_us * rps * 2 / 1e6,
        supervisor_s=supervisor_us * rps * 2 / 1e6,
        others=supervisor_us / 10,
    )


ROUNDS = [
    Round(_window(40_000, 20), _window(4_000, 200, 1)),
    Round(_window(20_000, 22), _window(3_000, 240, 2)),
    Round(_window(30_000, 21), _window(6_000, 150, 3)),
]


def test_every_figure_is_the_median_of_its_own_rounds() -> None:
    """One disturbed window must not decide, and a ratio belongs to one round."""
    figures = unary(ROUNDS)

    assert figures.rps == pytest.approx(4_000)
    assert figures.ratio == pytest.approx(0.15)  # of .10, .15, .20
    assert figures.cpu_us == pytest.approx(200)
    assert figures.supervisor_us == pytest.approx(2)
    assert figures.others == pytest.approx(0.2)  # of .1, .2, .3
    assert figures.busy == pytest.approx(0.8)  # of .80, .72, .90


def test_the_reference_is_one_of_itself() -> None:
    """Its row comes from its own windows."""
    figures = reference(ROUNDS)

    assert figures.ratio == pytest.approx(1)
    assert figures.rps == pytest.approx(30_000)
    assert figures.cpu_us == pytest.approx(21)


@pytest.mark.parametrize(
    ("q", "expected"), [(0.0, 1), (0.5, 50), (0.99, 99), (0.991, 100), (1.0, 100)]
)
def test_a_quantile_is_a_value_that_was_measured(q: float, expected: int) -> None:
    """Nearest rank: nothing is made up between two values."""
    assert quantile([*range(100, 0, -1)], q) == expected


def test_added_time_is_the_difference_of_the_percentiles_in_ms() -> None:
    """Seconds in, ms out."""
    direct, proxied = [0.001] * 98 + [0.002] * 2, [0.003] * 98 + [0.009] * 2

    figures = added(direct, proxied)

    assert figures.p50_ms == pytest.approx(2)
    assert figures.p99_ms == pytest.approx(7)
    assert figures.direct_ms == pytest.approx(1)
