"""The OpenAI API's routes, at its three mounts: chat completions and the list of models.

`/v1` is OpenAI's own address, `/api/v1` OpenRouter's, `/{version}/openai` that of Google's layer.
All three serve the same; they differ in how ids of models are written and in how errors look.
"""

import hashlib
import re
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, aclosing
from enum import Enum
from typing import Final
from urllib.parse import unquote

import msgspec

from geminid.core.errors import (
    CallerLeft,
    Fault,
    Internal,
    Malformed,
    UnknownMethod,
    UnknownModel,
)
from geminid.core.events import Event, Events
from geminid.core.fold import Folder
from geminid.core.ports import Context
from geminid.core.request import Request
from geminid.dialects.openai.chat.answer.response import encode_answer
from geminid.dialects.openai.chat.answer.stream import ChunkEncoder
from geminid.dialects.openai.chat.ask.aim import asked_of
from geminid.dialects.openai.chat.ask.request import Chat, decode_chat, names_of
from geminid.dialects.openai.chat.errors import encode_fault, fault_event
from geminid.dialects.openai.chat.head import Head
from geminid.dialects.openai.chat.paths import caller_path
from geminid.http.exchange import Exchange, Headers
from geminid.http.guards import require_json
from geminid.http.openai_models import get_model, list_models
from geminid.http.send import guarded, in_time, send_stream, send_whole, while_there
from geminid.http.state import State
from geminid.http.told import check_parts, retry_after, told
from geminid.pipeline.compile import Target

DIALECT: Final = "openai"
_GOOGLE: Final = "gemini"

_CHAT: Final = "chat/completions"
_MODEL: Final = re.compile(r"model(s?)/(.+)")
"""OpenRouter's client asks for one model under `model/`, and wants it in `data`."""
_NOT_ELSEWHERE: Final = (CallerLeft, Internal, Malformed)
"""Faults that another model would not mend."""
_DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_ID_LENGTH: Final = 20


class Mount(Enum):
    """Under which address a request came; the value is what ids of models begin with there."""

    PLAIN = ""
    ROUTER = "google/"
    LAYER = "models/"


async def handle(exchange: Exchange, state: State, mount: Mount, rest: str) -> None:
    """Answer one request to `rest` under `mount`.  A failure is sent in the API's own form."""
    call = _Call(exchange, state, mount)
    try:
        body = await guarded(exchange, call.serve(rest))
    except CallerLeft:
        return
    except Fault as fault:
        if exchange.started:  # the caller does not read: there is nobody to tell
            return
        await refuse(exchange, fault, mount, [*call.headers(), *retry_after(fault)])
        return
    if body is None:  # a stream is out; only its end is left
        await exchange.send({"type": "http.response.body", "body": b""})
    else:
        await send_whole(exchange, 200, body, call.headers())


async def refuse(exchange: Exchange, fault: Fault, mount: Mount, headers: Headers) -> None:
    """Send `fault` as this API says it."""
    status, body = encode_fault(fault, numbered=mount is Mount.ROUTER)
    await send_whole(exchange, status, body, headers)


class _Attempt(msgspec.Struct, frozen=True):
    """One model that is asked: where, as whom it answers, and its events."""

    target: Target
    context: Context
    head: Head
    events: Events


class _Call:
    """One request on its way through: who asks, what, and what to tell in the headers."""

    def __init__(self, exchange: Exchange, state: State, mount: Mount) -> None:
        self.exchange, self.state, self.mount = exchange, state, mount
        self.target: Target | None = None
        self.context = Context(
            request_id=exchange.request_id, caller="", deadline=0.0, stream=False
        )
        self._head: Head | None = None  # of the answer, once it is known who gives it

    async def serve(self, rest: str) -> bytes | None:
        """The body of a whole answer, or `None` once a stream has been sent but for its end."""
        exchange, state = self.exchange, self.state
        self.context.caller = state.callers.admit(exchange.key())
        self.context.deadline = state.clock.monotonic() + state.deadline_s
        asked = exchange.method, rest
        if asked == ("GET", "models"):
            return await list_models(state.routes, prefix=self.mount.value)
        if exchange.method == "GET" and (found := _MODEL.fullmatch(rest)) is not None:
            model = await get_model(
                state.routes, unquote(found[2]), self.context, prefix=self.mount.value
            )
            return model if found[1] else b'{"data":%b}' % model
        if asked != ("POST", _CHAT):
            raise UnknownMethod(
                f"There is nothing at {exchange.method} {exchange.path[:200]} here;"
                " this version serves chat/completions and models."
            )
        require_json(exchange)
        return await in_time(exchange, self._chat(), state.deadline_s)

    async def _chat(self) -> bytes | None:
        body = await self.exchange.body(self.state.body)
        chat = decode_chat(body, depth=self.state.depth)
        check_parts(chat.request, self.state.parts)
        self.context.stream, self.context.shows = chat.stream, chat.shows
        self.context.require = chat.require
        return await while_there(self.exchange, self._answer(chat))

    async def _answer(self, chat: Chat) -> bytes | None:
        async with AsyncExitStack() as stack:
            attempt, first = await self._begun(chat, stack)
            self.target, self.context, self._head = attempt.target, attempt.context, attempt.head
            if chat.stream:
                await self._stream(attempt, first)
                return None
            folder = Folder()
            folder.add(first)
            async for event in attempt.events:
                folder.add(event)
            return encode_answer(folder.answer(), attempt.head)

    async def _begun(self, chat: Chat, stack: AsyncExitStack) -> tuple[_Attempt, Event]:
        """The first of the models asked for that begins to answer, and its first event.

        `stack` closes its events.  Raises what the last of them raised.
        """
        names = (chat.model, *chat.models)
        failed = ""
        for number, name in enumerate(names):
            context = self._context(number)
            try:
                attempt = self._attempt(chat, name, context)
                if failed:
                    context.notice(f"{failed}; {name[:100]} answers instead")
                await stack.enter_async_context(aclosing(attempt.events))
                return attempt, await anext(attempt.events)
            except _NOT_ELSEWHERE:
                raise
            except Fault as fault:
                if number + 1 == len(names):
                    raise
                failed = f"{name[:100]} did not ({fault.code})"
            except StopAsyncIteration as error:
                raise Internal("The answer has no beginning.") from error
        raise UnknownModel("", _CHAT)  # a chat always names a model

    def _context(self, number: int) -> Context:
        """The circumstances of one attempt: each is booked under an id of its own."""
        if not number:
            return self.context
        return msgspec.structs.replace(
            self.context,
            request_id=f"{self.context.request_id}.{number}",
            notices=[],
            ignored=[],
            signatures=[],
        )

    def _attempt(self, chat: Chat, name: str, context: Context) -> _Attempt:
        target = self._find(name)
        if target.notice:
            context.notice(target.notice)
        self.target = target
        engine = target.channel.engine
        request = asked_of(
            chat,
            target.model,
            target.facts,
            dialect=engine.dialect,
            native=engine.native_signatures,
            ignore=context.ignore,
        )
        self._check(request, target, context)
        events = self.state.runner.run(request, target, context, DIALECT)
        return _Attempt(target, context, self._made(chat, name, target), events)

    def _find(self, name: str) -> Target:
        for spelling in names_of(name):
            try:
                return self.state.routes.find(spelling)
            except UnknownModel:
                continue
        raise UnknownModel(name, _CHAT)

    def _check(self, request: Request, target: Target, context: Context) -> None:
        """Gemini's rules, but for those on signatures: a lost one is put back, or bypassed."""
        if not target.channel.manner.strict:
            return
        google = target.channel.engine.dialect == _GOOGLE
        book = self.state.rulebook.unsigned
        (book.sure if google else book).check(request, target.facts, context)

    def _made(self, chat: Chat, name: str, target: Target) -> Head:
        created = int(self.state.clock.now())
        router = self.mount is Mount.ROUTER
        return Head(
            id=f"gen-{created}-{_letters(self.exchange.request_id)}",
            created=created,
            model=name,
            provider=target.channel.manner.provider,
            functions=chat.functions,
            usage=chat.include_usage or router,
            reasoning=chat.shows,
            extended=self.exchange.query("compat") != DIALECT,
            errors_as_choices=router,
            audio_format=chat.audio_format,
        )

    async def _stream(self, attempt: _Attempt, first: Event) -> None:
        encoder = ChunkEncoder(attempt.head)

        async def pieces() -> AsyncGenerator[bytes, None]:
            for chunk in encoder.add(first):
                yield chunk
            async for event in attempt.events:
                for chunk in encoder.add(event):
                    yield chunk
            yield encoder.close()

        def headers() -> Headers:
            return [(b"content-type", encoder.content_type.encode()), *self.headers()]

        def tell(fault: Fault) -> bytes:
            return fault_event(fault, attempt.head)

        await send_stream(self.exchange, pieces(), headers=headers, tell=tell)

    def headers(self) -> Headers:
        """The answer's own headers."""
        ignored = list(dict.fromkeys(map(caller_path, self.context.ignored)))
        context = msgspec.structs.replace(self.context, ignored=ignored)
        return told(self.exchange, self.state, self.target, context)


def _letters(request_id: str) -> str:
    """20 letters and digits that stand for a request."""
    number = int.from_bytes(hashlib.sha256(request_id.encode()).digest()[:16], "big")
    letters = []
    for _ in range(_ID_LENGTH):
        number, digit = divmod(number, len(_DIGITS))
        letters.append(_DIGITS[digit])
    return "".join(letters)
