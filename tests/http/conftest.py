"""A fake upstream, and the engine `google` pointed at it."""

from collections.abc import AsyncGenerator

import pytest

from geminid.engines.google import Google
from geminid.engines.transport import Transport
from geminid.pipeline.compile import Need
from geminid.stores.account import MemoryAccount
from tests.fakes.upstream import FakeUpstream


@pytest.fixture
async def upstream() -> AsyncGenerator[FakeUpstream, None]:
    """A server that speaks the Gemini API, well or badly."""
    async with FakeUpstream() as fake:
        yield fake


@pytest.fixture
async def google(upstream: FakeUpstream) -> AsyncGenerator[Google, None]:
    """The engine, which holds nothing when the test is over."""
    transport = Transport()
    engine = Google(transport, "upstream-key", upstream.url)
    yield engine
    assert transport.open_count == 0
    await engine.close()
    await upstream.until(lambda: upstream.open_connections == 0)


@pytest.fixture(params=[Need.HEAD, Need.EVENTS], ids=["bytes", "events"])
def need(request: pytest.FixtureRequest) -> Need:
    """What the dearest policy needs: the test runs in the byte lane and in the event lane."""
    need: Need = request.param
    return need


@pytest.fixture
def account() -> MemoryAccount:
    """The book."""
    return MemoryAccount()
