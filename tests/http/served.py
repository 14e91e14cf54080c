"""The application on a real socket, in the test's own loop, and a small client for it."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import msgspec
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState
from yarl import URL

from geminid import catalog
from geminid.core.ports import Account, Clock, Engine
from geminid.http.app import App
from geminid.http.gemini import DIALECT
from geminid.http.guards import Guards
from geminid.http.state import State
from geminid.pipeline.auth import Callers
from geminid.pipeline.channel import LiveChannel
from geminid.pipeline.compile import Need, Routes
from geminid.pipeline.rules import Rulebook
from geminid.pipeline.run import Runner
from geminid.stores.account import MemoryAccount
from geminid.stores.metrics import Metrics
from geminid.wiring import SystemClock
from tests.pipeline.scripted import policies

MODEL = "gemini-3-pro-preview"
GENERATE = f"/v1beta/models/{MODEL}:generateContent"
STREAM = f"/v1beta/models/{MODEL}:streamGenerateContent"
SSE = f"{STREAM}?alt=sse"
COUNT = f"/v1beta/models/{MODEL}:countTokens"
ASK = b'{"contents":[{"role":"user","parts":[{"text":"Hi"}]}]}'
WITHIN_S = 10.0


class Reply(msgspec.Struct):
    """A whole answer.  Names of headers are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The body, decoded."""
        return msgspec.json.decode(self.body)

    def error(self) -> dict[str, Any]:
        """What stands in `error`."""
        return msgspec.json.decode(self.body, type=dict[str, dict[str, Any]])["error"]


class Served:
    """An application that is up.  `tasks` are the requests under way."""

    def __init__(self, app: App, port: int, tasks: set[asyncio.Task[None]]) -> None:
        self.app, self.port, self.tasks = app, port, tasks
        self.url = f"http://127.0.0.1:{port}"

    async def ask(
        self,
        path: str,
        body: bytes | AsyncGenerator[bytes, None] | None = ASK,
        *,
        method: str = "POST",
        headers: dict[str, str] | None = None,
    ) -> Reply:
        """One request on a connection of its own.  `path` is sent exactly as it is."""
        sent = headers if headers is not None else {"content-type": "application/json"}
        async with (
            aiohttp.ClientSession(skip_auto_headers=["content-type"]) as session,
            session.request(
                method, URL(self.url + path, encoded=True), data=body, headers=sent
            ) as reply,
        ):
            lower = {name.lower(): value for name, value in reply.headers.items()}
            return Reply(reply.status, lower, await reply.read())

    async def get(self, path: str, headers: dict[str, str] | None = None) -> Reply:
        """A GET."""
        return await self.ask(path, None, method="GET", headers=headers or {})

    async def raw(self, data: bytes) -> bytes:
        """Send `data` as it is; all that comes back until the server closes."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(data)
            async with asyncio.timeout(WITHIN_S):
                return await reader.read()
        finally:
            writer.close()


def channel(
    engine: Engine, theirs: str = "upstream-model", *, name: str = "one", **more: Any
) -> LiveChannel:
    """A channel that serves `MODEL` as `theirs`."""
    more.setdefault("models", {MODEL: theirs})
    return LiveChannel(name, "test", engine, **more)


def state(
    *channels: LiveChannel,
    needs: Iterable[Need] = (Need.HEAD,),
    account: Account | None = None,
    clock: Clock | None = None,
    **fields: Any,
) -> State:
    """What an `App` reads; `fields` replace those of `State`."""
    clock = clock or SystemClock()
    made = State(
        routes=Routes(channels, catalog.load(), dialect=DIALECT, needs=needs),
        callers=Callers(),
        guards=Guards(),
        rulebook=Rulebook(catalog.load_rules()),
        runner=Runner(account or MemoryAccount(), clock, policies()),
        clock=clock,
        account_problem=lambda: "",
        metrics=Metrics().text,
        body=1 << 20,
        depth=50,
        parts=100,
        deadline_s=30.0,
    )
    return msgspec.structs.replace(made, **fields)


class _Complaints(logging.Handler):
    """What uvicorn says when an application breaks ASGI's rules or raises."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        cancelled = record.exc_info and record.exc_info[0] is asyncio.CancelledError
        if not cancelled and not record.getMessage().startswith("Invalid HTTP request"):
            self.said.append(self.format(record))


@asynccontextmanager
async def served(app: App) -> AsyncGenerator[Served, None]:
    """`app` behind uvicorn's own protocol, until the end; uvicorn must have nothing to complain of.

    Of `uvicorn.Server` only the loop around it is missing, whose ticks would cost each test 0.1 s.
    """
    config = uvicorn.Config(
        app, http="httptools", ws="none", lifespan="off", log_config=None, access_log=False
    )
    config.load()
    shared = ServerState()
    complaints = _Complaints()
    logging.getLogger("uvicorn.error").addHandler(complaints)
    server = await asyncio.get_running_loop().create_server(
        lambda: HttpToolsProtocol(config, shared, {}), "127.0.0.1", 0, backlog=4096
    )
    try:
        yield Served(app, server.sockets[0].getsockname()[1], shared.tasks)
        await until(lambda: not shared.tasks)
    finally:
        server.close()
        for connection in list(shared.connections):
            connection.shutdown()
        logging.getLogger("uvicorn.error").removeHandler(complaints)
    assert not complaints.said


async def until(condition: Callable[[], bool], within: float = WITHIN_S) -> None:
    """Wait until `condition` holds.  Raises `TimeoutError` if it does not within that time."""
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110 - of code that sets no event for a test
            await asyncio.sleep(0.005)
