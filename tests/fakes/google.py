"""The engine `google` before a fake upstream, for the tests of whole folders.

A folder's `conftest` imports the two fixtures.
"""

from collections.abc import AsyncGenerator

import pytest

from geminid.engines.google import Google
from geminid.engines.transport import Transport
from tests.fakes.upstream import FakeUpstream

KEY = "our-key"


@pytest.fixture
async def upstream() -> AsyncGenerator[FakeUpstream, None]:
    """A server that speaks the Gemini API, well or badly."""
    async with FakeUpstream() as fake:
        yield fake


@pytest.fixture
async def google(upstream: FakeUpstream) -> AsyncGenerator[Google, None]:
    """The engine, which holds nothing when the test is over."""
    transport = Transport()
    engine = Google(transport, KEY, upstream.url)
    yield engine
    assert transport.open_count == 0
    await engine.close()
    await upstream.until(lambda: upstream.open_connections == 0)
