"""`geminid serve`: owns the listening socket, and keeps the processes that do the work.

It never touches a request.  A serving process that dies is started again while its callers wait in
the socket's backlog; a local model that dies is started again beside it.
"""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

import msgspec

from geminid import config as configs
from geminid.config import Boot, Config, ConfigError
from geminid.engines.weights import WeightsError
from geminid.processes import banner, llama, whereabouts
from geminid.processes.child import Child, ending, module
from geminid.processes.exits import Exit, StartFailed
from geminid.processes.keeper import Care, Keeper
from geminid.processes.listen import listen, url_of
from geminid.processes.llama import LlamaPlan
from geminid.processes.prepare import first_plans, plans, prepare_home
from geminid.processes.runtime import private_files, runtime_dir
from geminid.processes.watch import Watcher, bytes_of

SERVER = module("geminid.processes.server")
DRAIN_S = 30
EARLY_DEATHS = 5
_ONE_WISH_S = 0.25  # `timeout` and some managers send the same signal twice at once
_FINAL = frozenset({Exit.CONFIG, Exit.STATE})  # another start would find the same


def serve(boot: Boot, *, server: Sequence[str] = SERVER, drain_s: int = DRAIN_S) -> int:
    """Serves until SIGTERM, SIGINT or the end of the terminal; returns an `Exit`.

    Blocks, and owns the event loop and the signals of this process.  One line on stdout when it
    answers, one more for each local model that is loaded; troubles on stderr, one line each.
    SIGHUP, or a change of the configuration file, reloads.  A first stop drains for `drain_s`
    seconds at most, a later one ends at once.  `server` is the command of a serving process.
    """
    try:
        with _interruptible(), private_files(), runtime_dir() as folder:
            boot = msgspec.structs.replace(boot, runtime_dir=folder)
            config = configs.load(boot, configs.environment())
            for warning in config.warnings:
                say(warning)
            with listen(config.server.host, config.server.port) as listener:
                prepare_home(config.home)
                models = first_plans(config, folder, say)
                supervisor = Supervisor(boot, config, listener, server=server, drain_s=drain_s)
                return asyncio.run(supervisor.run(models))
    except ConfigError as error:
        say_problems(error)
        return Exit.CONFIG
    except StartFailed as error:
        say(error.detail)
        return error.code
    except KeyboardInterrupt:
        return Exit.INTERRUPTED


class Supervisor:
    """Keeps the processes of one `serve`.  Make it, then `run` it once."""

    def __init__(
        self,
        boot: Boot,
        config: Config,
        listener: socket.socket,
        *,
        server: Sequence[str],
        drain_s: int,
    ) -> None:
        self._boot, self._config, self._listener = boot, config, listener
        self._command = (*server, str(listener.fileno()), str(drain_s))
        self._drain_s, self._home = drain_s, config.home
        self._code = Exit.STOPPED
        self._stop, self._reload = asyncio.Event(), asyncio.Event()
        self._watcher = Watcher(_files(config), self._reload.set)
        self._servers = [self._server() for _ in range(config.server.workers)]
        self._models: dict[LlamaPlan, Keeper] = {}
        self._leaving: dict[LlamaPlan, asyncio.TimerHandle] = {}  # of `_models`: when they stop
        self._had_terminal = _has_terminal()
        self._greeted = False
        self._was_blank = config.source is not None and _is_blank(config.source)
        self._asked = 0.0

    async def run(self, models: Sequence[LlamaPlan]) -> int:
        """Until a signal, or until a serving process is given up; everything is gone then."""
        self._listen_to_signals()
        async with asyncio.TaskGroup() as group:
            for plan in models:
                self._start_model(plan, group)
            serving = [group.create_task(self._keep(keeper)) for keeper in self._servers]
            watching = [group.create_task(self._reload_when_asked(group))]
            watching.append(group.create_task(self._watcher.run()))
            await self._stop.wait()
            self._listener.close()  # whoever comes now is refused, and need not wait for the end
            self._forget()
            for task in watching:
                task.cancel()
            for keeper in self._servers:
                keeper.stop()
            await asyncio.wait(serving)
            for keeper in self._models.values():
                keeper.stop()
        return self._code

    # Processes ----------------------------------------------------------------------------------

    def _server(self) -> Keeper:
        return Keeper(
            Care(
                start=self._start_server,
                ready=self._greet,
                died=lambda code, _: f"A serving process ended ({ending(code)}).",
                say=say,
                patience=self._drain_s + 2.0,  # it cancels what is still open itself
                early_deaths=EARLY_DEATHS,
                final=_FINAL,
            )
        )

    async def _keep(self, server: Keeper) -> None:
        if not await server.run():
            self._code = Exit(server.code) if server.code in _FINAL else Exit.SERVER_DIES
            self._stop.set()

    async def _start_server(self) -> Child:
        task = msgspec.json.encode(self._boot)
        return await Child.spawn(self._command, task, pass_fds=(self._listener.fileno(),))

    def _start_model(self, plan: LlamaPlan, group: asyncio.TaskGroup) -> None:
        def died(code: int, was_ready: bool) -> str:  # noqa: FBT001  as Care.died
            if was_ready:
                return f"The model of channel {plan.channel} died ({ending(code)})."
            return llama.failure(plan, code).detail

        keeper = Keeper(
            Care(
                start=lambda: llama.start(plan),
                ready=lambda: self._tell_model(plan),
                died=died,
                say=say,
            )
        )
        self._models[plan] = keeper
        group.create_task(keeper.run())

    def _stop_model(self, plan: LlamaPlan) -> None:
        del self._leaving[plan]
        self._models.pop(plan).stop()

    # What people see ----------------------------------------------------------------------------

    def _greet(self) -> None:
        if self._greeted:
            say("serving again")
            return
        self._greeted = True
        self._tell()
        _print(banner.greeting(url_of(self._listener), self._config))
        for plan, keeper in self._models.items():
            if keeper.ready:
                self._tell_model(plan)

    def _tell(self) -> None:
        try:
            whereabouts.tell(self._home, url_of(self._listener))
        except OSError as error:
            say(f"commands will not find this server by itself ({error.strerror}); use --url")

    def _forget(self) -> None:
        with suppress(OSError):  # its process id tells that we are gone
            whereabouts.forget(self._home)

    def _tell_model(self, plan: LlamaPlan) -> None:
        if self._greeted:  # the address comes first; `_greet` tells what is ready by then
            _print(banner.model_ready(plan.alias, plan.channel))

    # Signals and reload -------------------------------------------------------------------------

    def _listen_to_signals(self) -> None:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._asked_to_stop)
        loop.add_signal_handler(signal.SIGINT, self._asked_to_stop)
        loop.add_signal_handler(signal.SIGHUP, self._hung_up)

    def _asked_to_stop(self) -> None:
        now = asyncio.get_running_loop().time()
        if not self._stop.is_set():
            self._asked = now
            self._stop.set()
        elif now - self._asked > _ONE_WISH_S:
            for keeper in self._servers:
                keeper.hurry()

    def _hung_up(self) -> None:
        """Two things send SIGHUP: someone who wants a reload, and a terminal that closes."""
        if self._had_terminal and not _has_terminal():
            self._asked_to_stop()
        else:
            self._reload.set()

    async def _reload_when_asked(self, group: asyncio.TaskGroup) -> None:
        while True:
            await self._reload.wait()
            self._reload.clear()
            source = self._config.source
            if source is not None and _is_blank(source) and not self._was_blank:
                say(f"{source} is empty or gone; nothing was changed")
                continue
            try:
                config = configs.load(self._boot, configs.environment())
                models = plans(config, self._boot.runtime_dir)
            except ConfigError as error:
                say_problems(error)
                say("nothing was changed")
            except WeightsError as error:
                say(error.detail)
                say("nothing was changed")
            else:
                self._swap(config, models, group)

    def _swap(self, config: Config, models: Sequence[LlamaPlan], group: asyncio.TaskGroup) -> None:
        """What the answers under way began with goes on for as long as a drain may take."""
        before, self._config = self._config, config
        self._watcher.watch_instead(_files(config))
        self._was_blank = config.source is not None and _is_blank(config.source)
        if (before.server.host, before.server.port, before.server.workers) != (
            config.server.host,
            config.server.port,
            config.server.workers,
        ):
            say("host, port and workers change with the next start only")
        for plan in models:
            if plan not in self._models:
                self._start_model(plan, group)
            elif plan in self._leaving:
                self._leaving.pop(plan).cancel()
        for keeper in self._servers:
            keeper.send(signal.SIGHUP)
        loop = asyncio.get_running_loop()
        for plan in self._models.keys() - set(models) - self._leaving.keys():
            self._leaving[plan] = loop.call_later(self._drain_s, self._stop_model, plan)
        say("configuration reloaded")


def say(text: str) -> None:
    """One line on stderr for the person who runs the server."""
    with suppress(OSError):  # a terminal that is gone is no reason to stop
        sys.stderr.write(f"geminid: {text}\n")
        sys.stderr.flush()


def say_problems(error: ConfigError) -> None:
    """Each problem on a line of its own."""
    for problem in error.problems:
        say(str(problem))


def _print(text: str) -> None:
    with suppress(OSError):
        sys.stdout.write(text + "\n")
        sys.stdout.flush()


def _files(config: Config) -> Iterator[Path]:
    """All that `config` was read from."""
    if config.source is not None:
        yield config.source
    yield from (Path(channel.script.path) for channel in config.channels if channel.script)


def _is_blank(source: Path) -> bool:
    return not (bytes_of(source) or b"").strip()


def _has_terminal() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True


@contextmanager
def _interruptible() -> Iterator[None]:
    """SIGTERM before the event loop runs is as good as Ctrl-C: it cleans up on its way out."""

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
