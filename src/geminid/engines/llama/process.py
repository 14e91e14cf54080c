"""The process of one local model, as seen from here: asked over its unix socket."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Final, TypeVar

import msgspec

from geminid.config import Channel
from geminid.core.errors import (
    DeadlinePassed,
    EngineDown,
    Fault,
    StreamCut,
    TooManyTokens,
    UpstreamMalformed,
    UpstreamUnreachable,
)
from geminid.core.ports import Health
from geminid.dialects.openai.errors import decode_error
from geminid.engines.llama_door import door
from geminid.engines.transport import Reply, Transport

OK: Final = 200
ERROR_LIMIT: Final = 1 << 20

_URL: Final = "http://llama"  # the socket decides where it goes
_REFUSED, _LOADING = 401, 503
_PATIENCE_S: Final = 30.0  # a model that was planned: it is loading, or being started again
_DOUBT_S: Final = 5.0  # one that nobody has planned yet
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.05, 0.5
_LOOK_S: Final = 1.5
_MOST_COUNTS: Final = 2

_Said = TypeVar("_Said")


class _Overflow(msgspec.Struct):
    """llama.cpp's error for a prompt that does not fit a slot."""

    n_prompt_tokens: int
    n_ctx: int


class _Refusal(msgspec.Struct):
    error: _Overflow


class Process:
    """Where the model of `channel` answers.

    It need not run yet, nor always: whoever asks waits some seconds for it.  Answers beyond twice
    the slots wait here, in order, where leaving costs nothing.  `model` is what it is called.
    """

    def __init__(self, runtime_dir: str, channel: Channel, model: str) -> None:
        self._door = door(runtime_dir, channel)
        self._transport = Transport(str(self._door.socket))
        self._channel, self._model = channel, model
        self._gate = asyncio.Semaphore(2 * channel.slots)
        self._counts = asyncio.Semaphore(_MOST_COUNTS)

    @asynccontextmanager
    async def turn(self, deadline: float, *, counts: bool = False) -> AsyncGenerator[None, None]:
        """Waits in line until few enough answers are under way, or few enough `counts` are.

        Raises:
            DeadlinePassed: before it was this one's turn.
        """
        gate = self._counts if counts else self._gate
        try:
            async with asyncio.timeout(deadline - self._transport.now()):
                await gate.acquire()
        except TimeoutError as error:
            others = "prompts were counted" if counts else "answers of the local model were written"
            raise DeadlinePassed(f"The deadline passed while other {others} first.") from error
        try:
            yield
        finally:
            gate.release()

    async def send(self, path: str, body: bytes, deadline: float) -> tuple[Reply, AsyncExitStack]:
        """A reply, once the process is there to give one.  Whoever asked closes the stack.

        An empty `body` asks with GET.  Raises `EngineDown`, and what the transport raises.
        """
        begun, pause = self._transport.now(), _FIRST_PAUSE_S
        lost = False
        while True:
            async with AsyncExitStack() as stack:
                try:
                    reply = await self._opened(stack, path, body, deadline)
                    if reply.status not in (_REFUSED, _LOADING):
                        return reply, stack.pop_all()
                except UpstreamUnreachable:
                    pass
                except StreamCut as cut:
                    # A dying process still took the connection.  Nothing was said and nothing is
                    # paid for, so it is asked again; a prompt that kills the model only once.
                    if lost:
                        raise self.died() from cut
                    lost = True
            patience = _PATIENCE_S if self._door.key_file.exists() else _DOUBT_S
            if self._transport.now() + pause > min(begun + patience, deadline):
                raise EngineDown(self._absent())
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_S)

    async def ask(self, path: str, body: bytes, deadline: float, kind: type[_Said]) -> _Said:
        """What the process says to one question, as a `kind`.  Raises `Fault`."""
        reply, opened = await self.send(path, body, deadline)
        async with opened:
            try:
                said = await reply.read()
            except StreamCut as cut:
                raise self.died() from cut
            if reply.status != OK:
                raise self.fault(reply.status, said)
        try:
            return msgspec.json.decode(said, type=kind)
        except msgspec.MsgspecError as error:
            raise UpstreamMalformed("The local model's process answered unexpectedly.") from error

    async def health(self) -> Health:
        """See `core.ports.Engine`."""
        try:
            async with self._transport.open(
                "GET", f"{_URL}/health", headers=self._headers(), deadline=self.soon()
            ) as reply:
                if reply.status == OK:
                    return Health(ready=True)
        except UpstreamUnreachable:
            return Health(ready=False, detail=self._absent())
        except Fault as fault:
            return Health(ready=False, detail=fault.detail)
        return Health(ready=False, detail=f"{self._model} is being loaded; wait a moment.")

    async def look(self, path: str, kind: type[_Said]) -> _Said | None:
        """What the process says now, without waiting for it; `None` if it does not."""
        with suppress(Fault, msgspec.MsgspecError):
            async with self._transport.open(
                "GET", _URL + path, headers=self._headers(), deadline=self.soon()
            ) as reply:
                if reply.status == OK:
                    return msgspec.json.decode(await reply.read(ERROR_LIMIT), type=kind)
        return None

    async def close(self) -> None:
        """Gives every connection back."""
        await self._transport.close()

    def soon(self) -> float:
        """The deadline of a question that must not keep anybody waiting."""
        return self._transport.now() + _LOOK_S

    def fault(self, status: int, body: bytes) -> Fault:
        """What an answer with an error status stands for."""
        try:
            found = msgspec.json.decode(body, type=_Refusal).error
        except msgspec.MsgspecError:
            return decode_error(status, body)
        return self.overflow(found.n_prompt_tokens, found.n_ctx)

    def overflow(self, count: int, size: int) -> TooManyTokens:
        """What is said of a prompt of `count` tokens where `size` are for prompt and answer."""
        return TooManyTokens(
            count,
            size - 1,
            f"That is what fits the local model {self._model}, which answers here: its context is"
            f" {size} tokens for prompt and answer together. Send less, or raise `context`"
            f" of the channel {self._channel.name} as far as the model can read.",
        )

    def died(self) -> EngineDown:
        """What is said when the process goes away under an answer."""
        return EngineDown(
            f"The process of the local model {self._model} stopped before its answer had ended;"
            " it is started again: ask once more."
        )

    def _absent(self) -> str:
        return (
            f"The local model {self._model} is starting or has stopped; try again in a moment."
            f" If this lasts, its log is logs/llama-{self._channel.name}.log in the home folder."
        )

    def _headers(self) -> list[tuple[str, str]]:
        """The process makes a new key at each start, so it is read each time."""
        key = ""
        with suppress(OSError):  # none yet: then there is no socket either, and we wait
            key = self._door.key()
        return [
            ("authorization", f"Bearer {key}"),
            ("content-type", "application/json"),
            ("accept", "text/event-stream"),
            # llama.cpp holds a thread for each kept connection, and closes some without a word.
            ("connection", "close"),
        ]

    async def _opened(
        self, stack: AsyncExitStack, path: str, body: bytes, deadline: float
    ) -> Reply:
        return await stack.enter_async_context(
            self._transport.open(
                "POST" if body else "GET",
                _URL + path,
                body=body,
                headers=self._headers(),
                deadline=deadline,
            )
        )
