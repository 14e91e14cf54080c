"""Starts the process of a local model and says what became of it."""

from pathlib import Path
from typing import Self

import msgspec

from geminid.config import Channel, Config
from geminid.engines.llama_door import Door, door
from geminid.engines.weights import known, locate
from geminid.processes.child import Child, ending, module
from geminid.processes.llama_main import Load

LOGS = "logs"
"""The folder in the home for what the models say."""

_COMMAND = module("geminid.processes.llama_main")
_LOG_LIMIT = 4 << 20
_TOLD = 300


class LlamaPlan(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that decides how a channel's model runs: another plan is another process."""

    channel: str
    model: Path
    alias: str
    context: int
    slots: int
    door: Door
    log: Path


class LlamaFailed(Exception):
    """The model's process ended before it was ready.  `detail` says how, and where to look."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


def plan(channel: Channel, config: Config, runtime_dir: str) -> LlamaPlan:
    """How to run the model of a `llama` channel.

    Raises:
        WeightsError: its weights are not there (`MissingWeights`: but can be fetched).
    """
    weights = known(channel.weights)
    return LlamaPlan(
        channel=channel.name,
        model=locate(channel.weights, config.models_dir),
        alias=weights.model if weights else Path(channel.weights).stem,
        context=channel.context,
        slots=channel.slots,
        door=door(runtime_dir, channel),
        log=config.home / LOGS / f"llama-{channel.name}.log",
    )


async def start(plan: LlamaPlan) -> Child:
    """Starts the process; await its `ready` next.  It has a key of its own, written to the door."""
    load = Load(
        model=str(plan.model),
        alias=plan.alias,
        socket=str(plan.door.socket),
        key=plan.door.make_key(),
        context=plan.context,
        slots=plan.slots,
    )
    plan.log.parent.mkdir(parents=True, exist_ok=True)
    if plan.log.is_file() and plan.log.stat().st_size > _LOG_LIMIT:
        plan.log.replace(plan.log.with_suffix(".log.1"))
    with plan.log.open("ab") as log:
        return await Child.spawn(_COMMAND, msgspec.json.encode(load), output=log)


def failure(plan: LlamaPlan, code: int) -> LlamaFailed:
    """Why the process ended before it was ready, as far as its log tells."""
    lines = plan.log.read_text("utf-8", "replace").splitlines() if plan.log.is_file() else []
    last = next((line for line in reversed(lines) if line.strip()), "")[:_TOLD]
    said = f" It said: {last}" if last else ""
    return LlamaFailed(
        f"The model of channel {plan.channel} ({plan.model.name}) does not start"
        f" ({ending(code)}).{said} The whole log is {plan.log}."
    )


class LlamaProcess:
    """One model's process, from start to stop: `async with LlamaProcess(plan)`.

    Entering waits until the model is loaded and raises `LlamaFailed` if it does not load; leaving
    ends the process.  For one command or a test; `processes.supervisor` restarts what dies.
    """

    def __init__(self, plan: LlamaPlan) -> None:
        self.plan = plan
        self._child: Child | None = None

    async def __aenter__(self) -> Self:
        child = await start(self.plan)
        try:
            ready = await child.ready()
        except BaseException:
            child.kill()
            raise
        if not ready:
            raise failure(self.plan, await child.wait())
        self._child = child
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._child is not None:
            self._child.kill()
            await self._child.wait()

    @property
    def pid(self) -> int:
        """The process id of the running model."""
        assert self._child is not None
        return self._child.pid
