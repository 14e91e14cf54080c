"""A local model: llama.cpp's own server, in a process that the supervisor keeps alive.

Speaks the OpenAI chat dialect over a unix socket.  Adds what a small model on one machine needs: it
waits for a process that is starting, bounds every answer, stops a loop, and says which limit was
met.  It always asks for a stream, since only a stream ends at once when its caller leaves.
"""

import asyncio
import re
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, suppress
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from geminid.config import Channel
from geminid.core.content import Text
from geminid.core.errors import (
    DeadlinePassed,
    EngineDown,
    Fault,
    StreamCut,
    TooManyTokens,
    UpstreamMalformed,
    UpstreamUnreachable,
)
from geminid.core.events import Begin, Delta, End, Event, Events, PartEnd, PartStart, Tally
from geminid.core.ports import Context, Health, TokenCount
from geminid.core.request import Request
from geminid.core.usage import Usage
from geminid.dialects.openai.errors import decode_error
from geminid.dialects.openai.flavor import FLAVORS
from geminid.dialects.openai.request import encode_request
from geminid.dialects.openai.stream import StreamDecoder
from geminid.engines.llama_door import door
from geminid.engines.llama_prompt import plain
from geminid.engines.loop import LoopWatch
from geminid.engines.transport import Reply, Transport
from geminid.engines.weights import known

SMOKE_TEST: Final = "-smoke-test"
"""What the names of models end in that are there to try the server with."""

_URL: Final = "http://llama"  # the socket decides where it goes
_ERROR_LIMIT: Final = 1 << 20
_OK, _REFUSED, _LOADING = 200, 401, 503
_PATIENCE_S: Final = 30.0  # a model that was planned: it is loading, or being started again
_DOUBT_S: Final = 5.0  # one that nobody has planned yet
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.05, 0.5
_LOOK_S: Final = 1.5
_COUNTS: Final = re.compile(rb'"cache_n":(\d+),"prompt_n":(\d+).{0,300}?"predicted_n":(\d+)')


_Said = TypeVar("_Said")


class _Overflow(msgspec.Struct):
    """llama.cpp's error for a prompt that does not fit a slot."""

    n_prompt_tokens: int
    n_ctx: int


class _Refusal(msgspec.Struct):
    error: _Overflow


class _Prompt(msgspec.Struct):
    prompt: str


class _Tokens(msgspec.Struct):
    tokens: list[int]


class _Settings(msgspec.Struct):
    n_ctx: int


class _Props(msgspec.Struct):
    default_generation_settings: _Settings


class Llama:
    """The engine `llama`: the model of one channel.

    The process need not run yet, nor always: a request waits some seconds for it.  Answers beyond
    twice the slots wait here, in order, where leaving costs nothing.
    """

    dialect = ""

    def __init__(self, runtime_dir: str, channel: Channel, default_max_output: int) -> None:
        self._door = door(runtime_dir, channel)
        self._transport = Transport(str(self._door.socket))
        self._channel, self._default = channel, default_max_output
        weights = known(channel.weights)
        self._smoke_test = weights is not None and weights.smoke_test
        self._model = weights.model if weights else Path(channel.weights).stem
        self._name = self._model + SMOKE_TEST if self._smoke_test else self._model
        self._gate = asyncio.Semaphore(2 * channel.slots)
        self._context: int | None = None

    async def answer(self, request: Request, model: str, context: Context) -> Events:
        """See `core.ports.Engine`.

        Raises:
            EngineDown: the process is not there, or died under this answer.
            TooManyTokens: the prompt does not fit a slot.
            Unsupported: the request needs more than text.
        """
        body = self._body(request, context)
        if self._smoke_test:
            context.notice(
                f"answered by the local smoke-test model {self._model}, not by {request.model}"
            )
        ends = _Endings(self._name, request.sampling.max_output, self._default)
        async with self._turn(context.deadline):
            reply, opened = await self._send("/v1/chat/completions", body, context.deadline)
            async with opened, aclosing(self._events(reply, ends)) as events:
                async for event in events:
                    yield event

    async def count(self, request: Request, model: str, context: Context) -> TokenCount:
        """See `core.ports.Engine`.  Exact: the template's text through the model's tokenizer."""
        body = self._body(request, context)
        prompt = await self._ask("/apply-template", body, context.deadline, _Prompt)
        text = {"content": prompt.prompt, "add_special": True, "parse_special": True}
        found = await self._ask("/tokenize", msgspec.json.encode(text), context.deadline, _Tokens)
        return TokenCount(len(found.tokens), Usage(prompt=len(found.tokens)))

    async def input_limit(self, model: str) -> int | None:
        """What fits a slot, beside one token of answer.  As configured until the model is there."""
        if self._context is None:
            with suppress(Fault, msgspec.MsgspecError):
                async with self._transport.open(
                    "GET", f"{_URL}/props", headers=self._headers(), deadline=self._soon()
                ) as reply:
                    if reply.status == _OK:
                        props = msgspec.json.decode(await reply.read(_ERROR_LIMIT), type=_Props)
                        self._context = props.default_generation_settings.n_ctx
        return (self._context or self._channel.context) - 1

    async def health(self) -> Health:
        """See `core.ports.Engine`."""
        try:
            async with self._transport.open(
                "GET", f"{_URL}/health", headers=self._headers(), deadline=self._soon()
            ) as reply:
                if reply.status == _OK:
                    return Health(ready=True)
        except UpstreamUnreachable:
            return Health(ready=False, detail=self._absent())
        except Fault as fault:
            return Health(ready=False, detail=fault.detail)
        return Health(ready=False, detail=f"{self._model} is being loaded; wait a moment.")

    async def close(self) -> None:
        """See `core.ports.Engine`."""
        await self._transport.close()

    # Asking -------------------------------------------------------------------------------------

    def _body(self, request: Request, context: Context) -> bytes:
        asked = plain(request, default_max_output=self._default)
        body = encode_request(
            asked, self._model, FLAVORS["llama"], stream=True, ignore=context.ignore
        )
        # Counts in each chunk: an answer that is stopped here has them too.
        return body[:-1] + b',"timings_per_token":true}'

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

    @asynccontextmanager
    async def _turn(self, deadline: float) -> AsyncGenerator[None, None]:
        """Waits in line until few enough answers are under way."""
        try:
            async with asyncio.timeout(deadline - self._transport.now()):
                await self._gate.acquire()
        except TimeoutError as error:
            raise DeadlinePassed(
                "The deadline passed while other answers of the local model were written first."
            ) from error
        try:
            yield
        finally:
            self._gate.release()

    async def _send(self, path: str, body: bytes, deadline: float) -> tuple[Reply, AsyncExitStack]:
        """A reply, once the process is there to give one.  Whoever asked closes the stack."""
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
                        raise self._died() from cut
                    lost = True
            patience = _PATIENCE_S if self._door.key_file.exists() else _DOUBT_S
            if self._transport.now() + pause > min(begun + patience, deadline):
                raise EngineDown(self._absent())
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_S)

    async def _opened(
        self, stack: AsyncExitStack, path: str, body: bytes, deadline: float
    ) -> Reply:
        return await stack.enter_async_context(
            self._transport.open(
                "POST", _URL + path, body=body, headers=self._headers(), deadline=deadline
            )
        )

    async def _ask(self, path: str, body: bytes, deadline: float, kind: type[_Said]) -> _Said:
        reply, opened = await self._send(path, body, deadline)
        async with opened:
            try:
                said = await reply.read()
            except StreamCut as cut:
                raise self._died() from cut
            if reply.status != _OK:
                raise self._fault(reply.status, said)
        try:
            return msgspec.json.decode(said, type=kind)
        except msgspec.MsgspecError as error:
            raise UpstreamMalformed("The local model's process answered unexpectedly.") from error

    async def _events(self, reply: Reply, ends: "_Endings") -> Events:
        if reply.status != _OK:
            raise self._fault(reply.status, await reply.read(_ERROR_LIMIT))
        decoder = StreamDecoder()
        try:
            async with aclosing(reply.chunks()) as chunks:
                async for chunk in chunks:
                    for event in decoder.feed(chunk):
                        yield ends.told(event)
                    for event in ends.stopped(chunk):
                        yield event
                    if decoder.done or ends.over:
                        return
            for event in decoder.finish():
                yield ends.told(event)
        except StreamCut as cut:
            raise self._died() from cut

    # Saying -------------------------------------------------------------------------------------

    def _fault(self, status: int, body: bytes) -> Fault:
        try:
            found = msgspec.json.decode(body, type=_Refusal).error
        except msgspec.MsgspecError:
            return decode_error(status, body)
        return TooManyTokens(
            found.n_prompt_tokens,
            found.n_ctx - 1,
            f"That is what fits the local model {self._model}, which answers here: its context is"
            f" {found.n_ctx} tokens for prompt and answer together. Send less, or raise `context`"
            f" of the channel {self._channel.name} as far as the model can read.",
        )

    def _absent(self) -> str:
        return (
            f"The local model {self._model} is starting or has stopped; try again in a moment."
            f" If this lasts, its log is logs/llama-{self._channel.name}.log in the home folder."
        )

    def _died(self) -> EngineDown:
        return EngineDown(
            f"The process of the local model {self._model} stopped before its answer had ended;"
            " it is started again: ask once more."
        )

    def _soon(self) -> float:
        return self._transport.now() + _LOOK_S


class _Endings:
    """Sees every event of one answer, and has a word to say on how it begins and ends."""

    def __init__(self, name: str, asked: int | None, default: int) -> None:
        self.over = False
        """`stopped` has ended the answer."""
        self._name, self._asked, self._default = name, asked, default
        self._watch = LoopWatch()
        self._looped = self._ended = False
        self._open: int | None = None
        self._output = 0

    def told(self, event: Event) -> Event:
        """`event` as the caller gets it."""
        match event:
            case Begin():
                return Begin("", self._name)  # llama.cpp's id means nothing to anyone
            case PartStart():
                self._open = event.index
                if isinstance(event.part, Text):
                    self._looped |= self._watch.feed(event.part.text)
            case Delta():
                self._looped |= self._watch.feed(event.text)
            case PartEnd():
                self._open = None
            case Tally():
                self._output = event.usage.output
            case End():
                self._ended = True
                if event.reason == "MAX_TOKENS":
                    return msgspec.structs.replace(event, message=self._limit_met())
        return event

    def stopped(self, chunk: bytes) -> list[Event]:
        """The ending, if the model only repeats itself; `chunk` is what it sent last."""
        found = _COUNTS.findall(chunk) if self._looped and not self._ended else []
        if not found:
            return []
        cached, read, output = (int(count) for count in found[-1])
        self.over = True
        ends: list[Event] = [] if self._open is None else [PartEnd(self._open)]
        return [
            *ends,
            Tally(Usage(prompt=cached + read, output=output, cached=cached)),
            End(
                "MAX_TOKENS",
                "Stopped, because the model only repeated itself; try other words or a higher"
                " temperature.",
            ),
        ]

    def _limit_met(self) -> str:
        bound = self._default if self._asked is None else self._asked
        if self._output < bound:
            return "The local model's context, for prompt and answer together, is full."
        if self._asked is None:
            return f"Stopped at this server's default of {bound} tokens; set maxOutputTokens."
        return ""
