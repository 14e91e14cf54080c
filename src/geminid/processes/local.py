"""A whole server inside this process, for one command that finds none running."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from typing import TypeVar

import msgspec
import uvicorn

from geminid import config as configs
from geminid.config import Boot
from geminid.processes.listen import BACKLOG, listen, url_of
from geminid.processes.llama import LlamaProcess
from geminid.processes.prepare import plans
from geminid.processes.protocol import Protocol
from geminid.processes.runtime import private_files, runtime_dir
from geminid.wiring import House, build

T = TypeVar("T")


async def serving_here(boot: Boot, work: Callable[[str], Awaitable[T]]) -> T:
    """The result of `work`, which is given the address (without a path) of a server of its own.

    The server listens on a free loopback port; local models run beside it and end with it.

    Raises:
        ConfigError: the configuration is wrong.
        WeightsError, LlamaFailed: a local model has no weights, or does not load.
        StateUnusable: the home folder cannot be used.
    """
    config = configs.load(boot, configs.environment())
    with private_files(), runtime_dir() as folder, listen("127.0.0.1", 0) as listener:
        boot = msgspec.structs.replace(boot, runtime_dir=folder, host="127.0.0.1", port=0)
        async with AsyncExitStack() as stack:
            for plan in plans(config, folder):
                await stack.enter_async_context(LlamaProcess(plan))
            house = build(boot)
            await house.start()
            stack.push_async_callback(house.close)
            server = _server(house)

            # Not a TaskGroup: it would wrap what `work` raises, and cut the server's end short.
            # The task is awaited below, whatever happens.
            serving = asyncio.get_running_loop().create_task(server.serve(sockets=[listener]))
            try:
                # The socket listens already: whoever connects now waits in its backlog.
                return await work(url_of(listener))
            finally:
                server.should_exit = True
                await serving


def _server(house: House) -> uvicorn.Server:
    return _Server(
        uvicorn.Config(
            house.app,
            http=Protocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            backlog=BACKLOG,
            timeout_graceful_shutdown=5,
        )
    )


class _Server(uvicorn.Server):
    """uvicorn's, but without signals of its own: they belong to the command."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
