"""A fake upstream, the engine `google` pointed at it, and what a test runs with."""

import pytest

from geminid.pipeline.compile import Need
from geminid.stores.account import MemoryAccount
from tests.fakes.google import google as google
from tests.fakes.google import upstream as upstream


@pytest.fixture(params=[Need.HEAD, Need.EVENTS], ids=["bytes", "events"])
def need(request: pytest.FixtureRequest) -> Need:
    """What the dearest policy needs: the test runs in the byte lane and in the event lane."""
    need: Need = request.param
    return need


@pytest.fixture
def account() -> MemoryAccount:
    """The book."""
    return MemoryAccount()
