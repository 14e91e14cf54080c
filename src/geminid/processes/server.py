"""A serving process: the whole house on a socket that the supervisor opened.

Run by `processes.supervisor`, never by hand.  Follows `processes.child`: a `Boot` on stdin, `ready`
on stdout, and it drains and ends when stdin closes.  SIGHUP reloads.
"""

import asyncio
import gc
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
import uvicorn
import uvloop

from geminid import observe
from geminid.config import Boot, ConfigError
from geminid.processes.child import READY
from geminid.processes.exits import Exit
from geminid.processes.listen import BACKLOG
from geminid.processes.protocol import Protocol
from geminid.stores.errors import StateUnusable
from geminid.wiring import House, build

_KEEP_ALIVE_S = 75  # longer than the proxies people put in front (60), so that they close first


def main(arguments: list[str]) -> int:
    """`arguments`: the number of the listening socket, and how many seconds a drain may take."""
    fd, drain_s = int(arguments[0]), int(arguments[1])
    boot = msgspec.json.decode(sys.stdin.buffer.readline(), type=Boot)
    ready = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # nobody reads what else may be printed
    observe.start(sys.stderr, human=sys.stderr.isatty(), color=sys.stderr.isatty())
    listener = socket.socket(fileno=fd)
    try:
        uvloop.run(_serve(boot, listener, drain_s, ready))
    except ConfigError as error:
        _say(error)
        return Exit.CONFIG
    except StateUnusable as error:
        sys.stderr.write(f"geminid: {error}\n")
        return Exit.STATE
    return Exit.STOPPED


async def _serve(boot: Boot, listener: socket.socket, drain_s: int, ready: int) -> None:
    house = build(boot)
    await house.start()
    _calm_collector()
    try:
        server = _Server(
            uvicorn.Config(
                house.app,
                http=Protocol,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,  # nobody's X-Forwarded-* is believed
                backlog=BACKLOG,
                timeout_keep_alive=_KEEP_ALIVE_S,
                timeout_graceful_shutdown=drain_s,
            ),
            ready,
        )
        loop, hung_up = asyncio.get_running_loop(), asyncio.Event()
        loop.add_signal_handler(signal.SIGHUP, hung_up.set)
        loop.add_signal_handler(signal.SIGTERM, server.stop)
        lifeline, _ = await loop.connect_read_pipe(lambda: _Lifeline(server), sys.stdin)
        async with asyncio.TaskGroup() as group:
            reloading = group.create_task(_reload_when(hung_up, house))
            await server.serve(sockets=[listener])
            reloading.cancel()
        lifeline.close()
    finally:
        await house.close()


def _calm_collector() -> None:
    """Keep the cycle collector away from what lives as long as the process.

    Measured with `make bench`: it took 15 % of the CPU of a request, looking at modules again and
    again.  Requests free what they use by reference counts; cycles are still found, more rarely.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


async def _reload_when(hung_up: asyncio.Event, house: House) -> None:
    while True:
        await hung_up.wait()
        hung_up.clear()
        try:
            await house.reload()
        except ConfigError as error:
            _say(error)


class _Server(uvicorn.Server):
    """uvicorn's, but led by our supervisor and not by signals of its own."""

    def __init__(self, config: uvicorn.Config, ready: int) -> None:
        super().__init__(config)
        self._ready_fd = ready

    def stop(self) -> None:
        """Takes no more connections, lets the open answers end, then returns from `serve`."""
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            os.write(self._ready_fd, READY)
            os.close(self._ready_fd)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class _Lifeline(asyncio.Protocol):
    """Stdin: open for as long as the supervisor lives and wants us."""

    def __init__(self, server: _Server) -> None:
        self._server = server

    def connection_lost(self, exc: Exception | None) -> None:
        self._server.stop()


def _say(error: ConfigError) -> None:
    sys.stderr.write("".join(f"geminid: {problem}\n" for problem in error.problems))
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
