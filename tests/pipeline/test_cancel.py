"""A crowd that leaves at random moments: nothing of anyone stays behind.

200 clients over real sockets, on each event loop; `make soak` sends 1,000 several times.
"""

import asyncio
import gc
import os
import random
import socket
import struct
import sys
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import pytest
import uvloop

from geminid.core.ports import Opening, Settlement
from geminid.engines.google import Google
from geminid.engines.transport import Transport
from geminid.http.app import App
from geminid.pipeline.channel import LiveChannel
from geminid.pipeline.compile import Need
from geminid.stores.account import MemoryAccount
from tests.fakes import shapes
from tests.fakes.upstream import FakeUpstream
from tests.http.served import ASK, Served, served, state, until

LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
METHODS = ("generateContent", "streamGenerateContent?alt=sse", "streamGenerateContent")
FAT = shapes.gemini_event(shapes.gemini_object([{"text": "x" * (64 << 10)}], "m"))
FAT_CHUNKS = 200
WAIT_S = 30.0


class Strict(MemoryAccount):
    """A book that takes no request twice and counts what it takes."""

    def __init__(self) -> None:
        super().__init__()
        self.opened, self.settled = Counter[str](), Counter[str]()

    def open(self, opening: Opening) -> None:
        self.opened[opening.request_id] += 1
        super().open(opening)

    def settle(self, settlement: Settlement) -> None:
        self.settled[settlement.request_id] += 1
        super().settle(settlement)


class Town:
    """A server for each lane, and upstreams that are slow, silent or fat."""

    def __init__(self, stack: AsyncExitStack) -> None:
        self._stack = stack
        self.account = Strict()
        self.transports: list[Transport] = []
        self.upstreams: list[FakeUpstream] = []
        self.servers: list[Served] = []
        self._channels: list[LiveChannel] = []

    async def build(self, paced: int, fat: int) -> None:
        """`paced` whole answers come slowly, `fat` streams faster than anyone reads."""
        await self._upstream({"endless": "any-slow", "silent": "any-hang", "quick": "any"})
        slow = await self._upstream({"paced": "any"})
        for _ in range(paced):
            whole = shapes.gemini_unary({}, "m") | {"pad": "x" * (64 << 10)}
            slow.unary(whole, pace_s=0.05)
        wide = await self._upstream({"fat": "any"})
        for _ in range(fat):
            wide.sse([FAT] * FAT_CHUNKS)
        for need in (Need.HEAD, Need.EVENTS):
            app = App(state(*self._channels, needs=[need], account=self.account))
            self.servers.append(await self._stack.enter_async_context(served(app)))

    async def _upstream(self, models: dict[str, str]) -> FakeUpstream:
        upstream = await self._stack.enter_async_context(FakeUpstream())
        transport = Transport()
        engine = Google(transport, "k", upstream.url)
        name = f"c{len(self.upstreams)}"
        self._channels.append(LiveChannel(name, "google", engine, models=models))
        self._stack.push_async_callback(engine.close)
        self.transports.append(transport)
        self.upstreams.append(upstream)
        return upstream

    def idle(self) -> bool:
        """Whether nothing is under way anywhere, on either side."""
        return (
            not any(server.tasks for server in self.servers)
            and not any(transport.open_count for transport in self.transports)
            and not any(upstream.active_streams for upstream in self.upstreams)
        )


@asynccontextmanager
async def town(paced: int, fat: int) -> AsyncGenerator[Town, None]:
    async with AsyncExitStack() as stack:
        made = Town(stack)
        await made.build(paced, fat)
        yield made


def request(model: str, method: str, body: bytes = ASK, length: int | None = None) -> bytes:
    return (
        f"POST /v1beta/models/{model}:{method} HTTP/1.1\r\nhost: localhost\r\n"
        "content-type: application/json\r\nconnection: close\r\n"
        f"content-length: {len(body) if length is None else length}\r\n\r\n"
    ).encode() + body


class Client:
    """One socket, and a way to leave: FIN, a half-close, or RST."""

    def __init__(self, port: int, chance: random.Random) -> None:
        self._port, self._chance = port, chance
        self._delay, self._manner = chance.random() * 0.3, chance.choice(("fin", "half", "rst"))

    async def run(self, data: bytes, *, reads: bool, leaves: bool) -> bytes:
        """Send `data`, then read to the end, or leave after a while; what has been read."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        got = b""
        try:
            writer.write(data)
            with suppress(TimeoutError):
                async with asyncio.timeout(self._delay if leaves else WAIT_S):
                    while reads and (piece := await reader.read(1 << 16)):
                        got += piece
                    if not reads:
                        await asyncio.Event().wait()
            assert leaves or not reader.exception()
            if leaves:
                await self._leave(reader, writer)
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()
        return got

    async def _leave(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._manner == "half":
            writer.write_eof()
            async with asyncio.timeout(WAIT_S):
                while await reader.read(1 << 16):
                    pass
        elif self._manner == "rst":
            sock: socket.socket = writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()


def quick(client: Client, method: str) -> Coroutine[None, None, bytes]:
    """Stays to the end."""
    return client.run(request("quick", method), reads=True, leaves=False)


def unfinished(client: Client, method: str) -> Coroutine[None, None, bytes]:
    """Leaves before the body has ended."""
    data = request("endless", method, ASK[:20], length=len(ASK))
    return client.run(data, reads=True, leaves=True)


def silent(client: Client, method: str) -> Coroutine[None, None, bytes]:
    """Leaves before the first byte."""
    return client.run(request("silent", method), reads=True, leaves=True)


def endless(client: Client, method: str) -> Coroutine[None, None, bytes]:
    """Leaves in the middle of a stream, or of a whole answer that comes slowly."""
    model = "paced" if method == METHODS[0] else "endless"
    return client.run(request(model, method), reads=True, leaves=True)


def fat(client: Client, method: str) -> Coroutine[None, None, bytes]:
    """Reads nothing of a stream that fills every buffer on the way, and leaves."""
    return client.run(request("fat", METHODS[1]), reads=False, leaves=True)


KINDS: list[Callable[[Client, str], Coroutine[None, None, bytes]]] = [
    quick,
    unfinished,
    silent,
    endless,
    endless,
    fat,
]


async def crowd(count: int, seed: int) -> None:
    """`count` clients come and go; then everything must be as it was."""
    chance = random.Random(seed)
    plans = [(chance.choice(KINDS), chance.choice(METHODS)) for _ in range(count)]
    paced = sum(kind is endless and method == METHODS[0] for kind, method in plans)
    before = asyncio.all_tasks()
    async with town(paced, sum(kind is fat for kind, _ in plans)) as made:
        clients = [Client(chance.choice(made.servers).port, chance) for _ in plans]
        got = await asyncio.gather(
            *(kind(client, method) for client, (kind, method) in zip(clients, plans, strict=True))
        )
        await until(made.idle)
        await until(lambda: len(asyncio.all_tasks() - before) == standing(made))

        account = made.account
        assert account.close(0), "a request was opened and never settled"
        assert account.settled == account.opened
        assert set(account.settled.values()) == {1}
        outcomes = Counter(row.outcome for row in account.recent(count))
        stayed = [body for body, (kind, _) in zip(got, plans, strict=True) if kind is quick]
        assert outcomes["ok"] == len(stayed)
        assert outcomes.keys() <= {"ok", "caller_left"}
        assert outcomes["caller_left"] >= count // 4
        assert all(b" 200 " in body[:20] and b'"STOP"' in body for body in stayed)
    await until(lambda: asyncio.all_tasks() == before)
    assert not any(upstream.open_connections for upstream in made.upstreams)


def standing(made: Town) -> int:
    """Tasks that belong there: one for each connection that a pool keeps open."""
    return sum(upstream.open_connections for upstream in made.upstreams)


def descriptors() -> int:
    gc.collect()
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - a listing that opens nothing else


def run(loop: str, *crowds: Callable[[], Coroutine[None, None, None]]) -> None:
    """Run `crowds` one after the other; the second and later must leave no descriptor open."""
    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        runner.run(crowds[0]())
        before = descriptors()
        for each in crowds[1:]:
            runner.run(each())
            assert descriptors() <= before


pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="counts in /proc/self/fd")


@pytest.mark.parametrize("loop", LOOPS)
def test_200_clients_leave_nothing_behind(loop: str) -> None:
    """No connection upstream, no task, no descriptor; and each is in the book once."""
    run(loop, lambda: crowd(20, seed=1), lambda: crowd(200, seed=2))


@pytest.mark.soak
@pytest.mark.parametrize("loop", LOOPS)
def test_1000_clients_leave_nothing_behind(loop: str) -> None:
    run(loop, lambda: crowd(20, 1), *(lambda seed=seed: crowd(1000, seed) for seed in range(5)))
