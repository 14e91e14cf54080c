"""What operators watch."""

from geminid.stores.metrics import Metrics


def test_nothing_counted_is_an_empty_page() -> None:
    assert Metrics().text() == b""


def test_both_rates_can_be_read_off() -> None:
    """How many answers kept their contract before asking again, and how many after."""
    metrics = Metrics()
    for kept in (True, False, False):
        metrics.contract(channel="door", model="m", stage="first", kept=kept)
    metrics.contract(channel="door", model="m", stage="final", kept=True)

    lines = metrics.text().decode().splitlines()

    name = "geminid_contract_answers_total"
    assert f'{name}{{channel="door",kept="no",model="m",stage="first"}} 2.0' in lines
    assert f'{name}{{channel="door",kept="yes",model="m",stage="first"}} 1.0' in lines
    assert f'{name}{{channel="door",kept="yes",model="m",stage="final"}} 1.0' in lines
