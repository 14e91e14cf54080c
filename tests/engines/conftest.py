"""The real embedded model, once for all tests of this folder, and Google's engine with an upstream.

`make test` puts the weights in place; without them these tests fail and say what to run.
"""

import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio

from geminid.config import Boot, Channel, Config, load
from geminid.engines.llama import Llama
from geminid.processes.llama import LlamaPlan, LlamaProcess, plan
from tests.fakes.google import google as google
from tests.fakes.google import upstream as upstream

CONTEXT = 512
DEFAULT_MAX_OUTPUT = 24


@pytest.fixture(scope="session")
def channel() -> Channel:
    """A channel of the embedded model, with room for short tests only."""
    return Channel(name="embedded", engine="llama", context=CONTEXT, slots=4)


@pytest.fixture(scope="session")
def runtime_dir() -> Iterator[str]:
    """A folder for sockets: pytest's own would make their paths too long."""
    with tempfile.TemporaryDirectory(prefix="geminid-test-") as folder:
        yield folder


@pytest.fixture(scope="session")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """The default configuration, with a home of its own and the machine's own models folder."""
    home = tmp_path_factory.mktemp("home")
    return load(
        Boot(home=str(home)), {k: v for k, v in os.environ.items() if k == "GEMINID_MODELS"}
    )


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def model(channel: Channel, config: Config, runtime_dir: str) -> AsyncIterator[LlamaProcess]:
    """The running process of the embedded model.  Tests that kill one start their own."""
    async with LlamaProcess(plan(channel, config, runtime_dir)) as process:
        yield process


@pytest_asyncio.fixture
async def llama(model: LlamaProcess, channel: Channel, runtime_dir: str) -> AsyncIterator[Llama]:
    """The engine before the running model."""
    engine = Llama(runtime_dir, channel, DEFAULT_MAX_OUTPUT)
    yield engine
    await engine.close()


@pytest.fixture
def own_plan(channel: Channel, config: Config) -> Iterator[LlamaPlan]:
    """A plan for a process of a test's own, in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="geminid-test-") as folder:
        yield plan(msgspec.structs.replace(channel, name="own"), config, folder)


@pytest_asyncio.fixture
async def own_llama(own_plan: LlamaPlan, channel: Channel) -> AsyncIterator[Llama]:
    """The engine before `own_plan`, whose process the test starts and ends itself."""
    own = msgspec.structs.replace(channel, name="own")
    engine = Llama(str(Path(own_plan.door.socket).parent), own, DEFAULT_MAX_OUTPUT)
    yield engine
    await engine.close()
