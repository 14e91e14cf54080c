"""The engine `llama`: from a request to passes of the model, and to one answer.

Speaks the OpenAI chat dialect over a unix socket.  It always asks for a stream, since only a stream
ends at once when its caller leaves.
"""

from contextlib import aclosing
from pathlib import Path
from typing import Final

import msgspec

from geminid.config import Channel
from geminid.core.content import Content, Text
from geminid.core.errors import StreamCut, TooManyTokens
from geminid.core.events import Events
from geminid.core.ports import Context, Health, TokenCount
from geminid.core.request import Request, Sampling
from geminid.core.usage import Usage
from geminid.dialects.openai.flavor import FLAVORS
from geminid.dialects.openai.request import encode_request
from geminid.dialects.openai.stream import StreamDecoder
from geminid.engines.llama import thinking
from geminid.engines.llama.grammar import Goal, goal
from geminid.engines.llama.marks import check_names, unmarked
from geminid.engines.llama.process import ERROR_LIMIT, OK, Process
from geminid.engines.llama.prompt import plain
from geminid.engines.llama.telling import Telling
from geminid.engines.llama.thinking import Spent
from geminid.engines.llama.tokens import Tokens, too_long
from geminid.engines.llama.watch import Watch
from geminid.engines.weights import known

SMOKE_TEST: Final = "-smoke-test"
"""What the names of models end in that are there to try the server with."""

_CHAT: Final = "/v1/chat/completions"
_ROOM: Final = 24
"""Tokens around the thoughts, and of an answer worth the name."""

_FLAVOR: Final = FLAVORS["llama"]


class _Prompt(msgspec.Struct):
    prompt: str


class _Tokens(msgspec.Struct):
    tokens: list[msgspec.Raw]


class _Settings(msgspec.Struct):
    n_ctx: int


class _Props(msgspec.Struct):
    default_generation_settings: _Settings
    chat_template: str = ""


class _Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What one answer needs: the words of the prompt, its form, and how much thought."""

    request: Request
    goal: Goal
    thinks: bool
    fields: dict[str, object]
    thoughts: int = 0


class Llama:
    """The engine `llama`: the model of one channel.

    The process need not run yet, nor always: a request waits some seconds for it.
    """

    dialect = ""
    native_signatures = False

    def __init__(self, runtime_dir: str, channel: Channel, default_max_output: int) -> None:
        self._channel, self._default = channel, default_max_output
        weights = known(channel.weights)
        self._smoke_test = weights is not None and weights.smoke_test
        self._model = weights.model if weights else Path(channel.weights).stem
        self._name = self._model + SMOKE_TEST if self._smoke_test else self._model
        self._process = Process(runtime_dir, channel, self._model)
        self._props: _Props | None = None

    async def answer(self, request: Request, model: str, context: Context) -> Events:
        """See `core.ports.Engine`.

        Calls have no id.  Thoughts come whether or not they were asked to be shown, with a notice
        where they are a pass of their own.  An answer that is held to a form is not checked
        against its schema: of some keywords the grammar knows nothing.

        Raises:
            EngineDown: the process is not there, or died under this answer.
            TooManyTokens: the prompt does not fit a slot.
            Unsupported: the request needs more than text, or a schema is past the runtime.
            Invalid: a schema is none, functions are allowed that are not declared, or the bound is
                below one token.
        """
        aim = goal(request)
        plain(request, default_max_output=self._default, thinks=False)  # refused before the line
        if self._smoke_test:
            context.notice(
                f"answered by the local smoke-test model {self._model}, not by {request.model}"
            )
        if request.sampling.stop and aim.form != "text":
            context.ignore("generationConfig.stopSequences")
        telling = Telling(self._name, aim, asked=request.sampling.max_output, default=self._default)
        async with self._process.turn(context.deadline):
            asked = await self._asked(request, aim, context.deadline)
            if asked.thoughts:
                async with aclosing(self._think(asked, telling, context)) as events:
                    async for event in events:
                        yield event
            if telling.left <= 0:
                for event in telling.exhausted():
                    yield event
                return
            async with aclosing(self._speak(asked, telling, context)) as events:
                async for event in events:
                    yield event

    async def count(self, request: Request, model: str, context: Context) -> TokenCount:
        """See `core.ports.Engine`.

        Exact: the template's text through the model's tokenizer.  A prompt that cannot fit is
        counted in pieces and without the template: that is an estimate, and said to be one.
        """
        async with self._process.turn(context.deadline, counts=True):
            try:
                asked = await self._asked(request, goal(request), context.deadline)
            except TooManyTokens as fault:
                return TokenCount(fault.count, Usage(prompt=fault.count), estimated=True)
            total = await self._count(asked, context)
        return TokenCount(total, Usage(prompt=total))

    async def input_limit(self, model: str) -> int | None:
        """What fits a slot, beside one token of answer.  As configured until the model is there."""
        if self._props is None:
            self._props = await self._process.look("/props", _Props)
        size = self._props.default_generation_settings.n_ctx if self._props else 0
        return (size or self._channel.context) - 1

    async def health(self) -> Health:
        """See `core.ports.Engine`."""
        return await self._process.health()

    async def close(self) -> None:
        """See `core.ports.Engine`."""
        await self._process.close()

    # Asking --------------------------------------------------------------------------------------

    async def _asked(self, request: Request, aim: Goal, deadline: float) -> _Asked:
        props = self._props
        if props is None:
            props = self._props = await self._process.ask("/props", b"", deadline, _Props)
        thinks = thinking.thinks(props.chat_template)
        words = plain(
            request,
            default_max_output=self._default,
            thinks=thinks,
            primed=self._smoke_test,
        )
        tokens, size = Tokens(self._process, deadline), props.default_generation_settings.n_ctx
        if too_long(words, size):
            raise self._process.overflow(await tokens.about(words), size)
        await check_names(aim.grammar, tokens.read)
        words = await unmarked(words, tokens.read)
        if aim.form != "text":
            # A stop text inside JSON would leave what is none.
            words = msgspec.structs.replace(
                words, sampling=msgspec.structs.replace(words.sampling, stop=())
            )
        fields: dict[str, object] = {}
        thoughts = thinking.worded(request.thinking)
        if thinks:
            # A grammar rules from the first token on, so thoughts before it are a pass apart.
            fields = thinking.native(request.thinking)
            quiet = fields is thinking.QUIET
            thoughts = (words.sampling.max_output or 0) if aim.grammar and not quiet else 0
        return _Asked(request=words, goal=aim, thinks=thinks, fields=fields, thoughts=thoughts)

    def _body(self, asked: _Asked, context: Context, **fields: object) -> bytes:
        body = encode_request(
            asked.request, self._model, _FLAVOR, stream=True, ignore=context.ignore
        )
        # Counts in each chunk: an answer that is stopped here has them too.
        more = msgspec.json.encode({"timings_per_token": True} | asked.fields | fields)
        return body[:-1] + b"," + more[1:]

    async def _count(self, asked: _Asked, context: Context) -> int:
        process, body = self._process, self._body(asked, context)
        prompt = await process.ask("/apply-template", body, context.deadline, _Prompt)
        text = {"content": prompt.prompt, "add_special": True, "parse_special": True}
        encoded = msgspec.json.encode(text)
        found = await process.ask("/tokenize", encoded, context.deadline, _Tokens)
        return len(found.tokens)

    # Writing -------------------------------------------------------------------------------------

    async def _think(self, asked: _Asked, telling: Telling, context: Context) -> Events:
        """The pass of thoughts.  What it leaves of the bound is for the answer."""
        prompt = await self._count(asked, context)
        limit = await self.input_limit("") or 0
        most = min(asked.thoughts, telling.bound, (limit - prompt - _ROOM) // 2)
        if most <= 0:
            return
        context.notice(thinking.NOTICE)
        body = self._body(_thinking(asked, most), context)
        watch = Watch()
        async with aclosing(self._pass(body, watch, context)) as events:
            async for event in events:
                for told in telling.think(event, words=not asked.thinks):
                    yield told
                if watch.looped or telling.answered:
                    break
        thoughts = watch.thoughts if asked.thinks else watch.output
        spent = Spent(prompt=prompt, cached=min(watch.cached, prompt), thoughts=thoughts)
        for told in telling.thought(spent):
            yield told

    async def _speak(self, asked: _Asked, telling: Telling, context: Context) -> Events:
        """The pass of the answer."""
        fields: dict[str, object] = {}
        if asked.goal.grammar:
            fields["grammar"] = asked.goal.grammar
            if asked.thinks:
                fields |= thinking.QUIET
        tokens = Tokens(self._process, context.deadline)
        body = self._body(await _answering(asked, telling, tokens), context, **fields)
        watch = Watch(asked.goal.literals)
        async with aclosing(self._pass(body, watch, context)) as events:
            async for event in events:
                for told in telling.say(event, watch):
                    yield told
                if watch.looped and not watch.reason:
                    break
        if not watch.reason:
            for told in telling.looped(watch):
                yield told

    async def _pass(self, body: bytes, watch: Watch, context: Context) -> Events:
        """The events of one stream of the process, seen and counted by `watch`."""
        process = self._process
        reply, opened = await process.send(_CHAT, body, context.deadline)
        async with opened:
            if reply.status != OK:
                raise process.fault(reply.status, await reply.read(ERROR_LIMIT))
            decoder = StreamDecoder()
            try:
                async with aclosing(reply.chunks()) as chunks:
                    async for chunk in chunks:
                        for line in chunk.splitlines(keepends=True):
                            watch.count(line)
                            for event in decoder.feed(line):
                                watch.see(event)
                                yield event
                        if decoder.done:
                            return
                for event in decoder.finish():
                    watch.see(event)
                    yield event
            except StreamCut as cut:
                raise process.died() from cut


def _thinking(asked: _Asked, most: int) -> _Asked:
    """The pass of thoughts, of `most` tokens."""
    stop = () if asked.thinks else (thinking.CLOSING.rstrip(),)
    opening = "" if asked.thinks else thinking.OPENING
    sampling = msgspec.structs.replace(
        asked.request.sampling, max_output=most, stop=stop, logprobs=None, top_logprobs=None
    )
    return _continued(asked, opening, sampling)


async def _answering(asked: _Asked, telling: Telling, tokens: Tokens) -> _Asked:
    """The pass of the answer, with the thoughts that were had in view, as words like a caller's."""
    if not telling.thoughts:
        return asked
    before = await thinking.told(telling.thoughts, tokens.read)
    sampling = msgspec.structs.replace(asked.request.sampling, max_output=telling.left)
    return _continued(asked, before, sampling)


def _continued(asked: _Asked, text: str, sampling: Sampling) -> _Asked:
    """`asked`, with `text` as the beginning of the answer."""
    contents = asked.request.contents
    if text:
        contents = (*contents, Content("model", (Text(text=text),)))
    request = msgspec.structs.replace(asked.request, contents=contents, sampling=sampling)
    return msgspec.structs.replace(asked, request=request)
