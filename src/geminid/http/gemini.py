"""The Gemini API's routes: generate, stream, count, and the list of models."""

import re
from collections.abc import AsyncGenerator, Coroutine
from contextlib import aclosing
from typing import Final, TypeAlias

import msgspec

from geminid.core.errors import (
    CallerLeft,
    Fault,
    Malformed,
    NotFound,
    UnknownMethod,
    UnknownModel,
)
from geminid.core.events import Events
from geminid.core.fold import Folder
from geminid.core.ports import Context, Relay
from geminid.core.request import Request
from geminid.dialects.gemini.count import decode_count_request, encode_count
from geminid.dialects.gemini.errors import encode_fault
from geminid.dialects.gemini.mask import Mask, apply_mask, parse_mask
from geminid.dialects.gemini.request import check_syntax, decode_request
from geminid.dialects.gemini.response import (
    ArrayFraming,
    ObjectEncoder,
    SSEFraming,
    encode_answer,
    pretty,
)
from geminid.http.exchange import Exchange, Headers
from geminid.http.guards import require_json
from geminid.http.models import get_model, list_models
from geminid.http.send import guarded, in_time, send_stream, send_whole, while_there
from geminid.http.state import State
from geminid.http.told import check_parts, retry_after, told
from geminid.pipeline.compile import Lane, Target

DIALECT: Final = "gemini"

_CALL: Final = re.compile(r"(?:models|tunedModels|dynamic)/(.+):(\w+)")
_MODEL: Final = re.compile(r"models/([^:]+)")
_ELSEWHERE: Final = {
    "embedContent": "embedContent",
    "batchEmbedContents": "embedContent",
    "asyncBatchEmbedContent": "embedContent",
    "batchGenerateContent": "batchGenerateContent",
    "predict": "predict",
    "predictLongRunning": "predictLongRunning",
}
"""Methods that the API has and this server has not, and what its 404 calls them (recorded)."""

Framing: TypeAlias = SSEFraming | ArrayFraming


class _Form(msgspec.Struct, frozen=True):
    """How the caller wants the answer written."""

    stream: bool
    sse: bool
    pretty: bool
    mask: Mask

    def framing(self) -> Framing:
        return SSEFraming() if self.sse else ArrayFraming(pretty=self.pretty)

    def written(self, encoded: bytes) -> bytes:
        """A whole answer's body."""
        body = apply_mask(self.mask, encoded) if self.mask else encoded
        return pretty(body) if self.pretty else body

    def verbatim(self) -> bool:
        """Whether an upstream's own bytes are what the caller asked for."""
        return not self.mask and (self.sse if self.stream else self.pretty)


async def handle(exchange: Exchange, state: State, version: str, rest: str) -> None:
    """Answer one request under `/{version}/`.  A failure is sent in the API's own form."""
    call = _Call(exchange, state)
    body: bytes | None
    try:
        body = await guarded(exchange, call.serve(rest))
    except CallerLeft:
        return
    except Fault as fault:
        if exchange.started:  # the caller does not read: there is nobody to tell
            return
        status, body = encode_fault(fault, version)
        body = body if exchange.query("prettyPrint") == "false" else pretty(body)
        if rest.endswith(":streamGenerateContent") and exchange.query("alt") != "sse":
            body = b"[" + body.rstrip() + b"]\n"
        await send_whole(exchange, status, body, [*call.headers(), *retry_after(fault)])
        return
    if body is None:  # a stream is out; only its end is left
        await exchange.send({"type": "http.response.body", "body": b""})
    else:
        await send_whole(exchange, 200, body, call.headers())


class _Call:
    """One request on its way through: who asks, what, and what to tell in the headers."""

    def __init__(self, exchange: Exchange, state: State) -> None:
        self.exchange, self.state = exchange, state
        self.target: Target | None = None
        self.context = Context(
            request_id=exchange.request_id, caller="", deadline=0.0, stream=False
        )

    async def serve(self, rest: str) -> bytes | None:
        """The body of a whole answer, or `None` once a stream has been sent but for its end."""
        exchange, state = self.exchange, self.state
        self.context.caller = state.callers.admit(exchange.key())
        seconds = self._seconds()
        self.context.deadline = state.clock.monotonic() + seconds
        form = _form(exchange, rest)
        if exchange.method == "GET":
            return form.written(await self._read(rest))
        call = _CALL.fullmatch(rest)
        if exchange.method != "POST" or call is None:
            raise NotFound(f"There is nothing at {exchange.method} {exchange.path[:200]}.")
        require_json(exchange)
        return await in_time(exchange, self._answer(call[1], call[2], form), seconds)

    async def _answer(self, model: str, method: str, form: _Form) -> bytes | None:
        limit = self.state.body
        work: Coroutine[None, None, bytes | None]
        match method:
            case "generateContent" | "streamGenerateContent":
                self.context.stream = form.stream
                self._aim(model, "generateContent")
                work = self._generate(await self.exchange.body(limit), form)
            case "countTokens":
                self._aim(model, method)
                work = self._count(await self.exchange.body(limit), form)
            case _ if method in _ELSEWHERE:
                raise UnknownModel(model, _ELSEWHERE[method])
            case _:
                raise UnknownMethod(f"Method {method[:100]!r} does not exist for models.")
        return await while_there(self.exchange, work)

    def headers(self, content_type: str = "") -> Headers:
        """The answer's own headers; with `content_type` those of a stream."""
        headers: Headers = [(b"content-type", content_type.encode())] if content_type else []
        return headers + told(self.exchange, self.state, self.target, self.context)

    def _seconds(self) -> float:
        """The time this answer may take: ours, or the caller's own if that is less."""
        try:
            asked = float(self.exchange.header(b"x-server-timeout"))
        except ValueError:
            return self.state.deadline_s
        return max(asked, 0.0) if asked < self.state.deadline_s else self.state.deadline_s

    async def _read(self, rest: str) -> bytes:
        if rest == "models":
            query = self.exchange.query
            return await list_models(
                self.state.routes, size=query("pageSize"), token=query("pageToken")
            )
        if (found := _MODEL.fullmatch(rest)) is not None:
            return await get_model(self.state.routes, found[1], self.context)
        raise NotFound(f"There is nothing at GET {self.exchange.path[:200]}.")

    async def _count(self, body: bytes, form: _Form) -> bytes:
        request = decode_count_request(body, self._target.model, depth=self.state.depth)
        check_parts(request, self.state.parts)
        count = await self.state.runner.count(request, self._target, self.context)
        if count.estimated:
            self.context.notice("the token count is an estimate")
        return form.written(encode_count(count))

    async def _generate(self, body: bytes, form: _Form) -> bytes | None:
        runner, target = self.state.runner, self._target
        # What was sealed here must be opened first: no upstream knows it.
        passes = target.lane is Lane.BYTES and form.verbatim() and not runner.sealed(body)
        request = self._examined(body, passes=passes)
        if passes and request is not None:
            looked = await runner.looked(request, target, self.context)
            passes, request = looked is request, looked
        if passes or request is None:
            relay = runner.relay(body, target, self.context, DIALECT, request)
            return await self._relay(relay, form)
        events = runner.run(request, target, self.context, DIALECT)
        if form.stream:
            await self._stream(events, form)
            return None
        folder = Folder()
        async with aclosing(events):
            async for event in events:
                folder.add(event)
        return form.written(encode_answer(folder.answer()))

    def _examined(self, body: bytes, *, passes: bool) -> Request | None:
        """The request, held to Gemini's rules; `None` if only the upstream is to judge it.

        Where bytes pass that is so if the channel wants it, or if there is a field that we do not
        know: it may be newer than our table.
        """
        facts, strict = self._target.facts, self._target.channel.manner.strict
        if passes and not strict:
            check_syntax(body, self.state.depth)
            return None
        try:
            request = decode_request(body, self._target.model, depth=self.state.depth)
        except Malformed:
            if not passes:
                raise
            check_syntax(body, self.state.depth)
            return None
        check_parts(request, self.state.parts)
        if strict:
            book = self.state.rulebook
            google = self._target.channel.engine.dialect == DIALECT
            (book.sure if google else book).check(request, facts, self.context)
        return request

    async def _stream(self, events: Events, form: _Form) -> None:
        framing, encoder = form.framing(), ObjectEncoder()

        async def pieces() -> AsyncGenerator[bytes, None]:
            async with aclosing(events):
                async for event in events:
                    for encoded in encoder.add(event):
                        masked = apply_mask(form.mask, encoded) if form.mask else encoded
                        yield framing.frame(masked)
            if last := framing.close():
                yield last

        await self._send(pieces(), framing)

    async def _relay(self, relay: Relay, form: _Form) -> bytes | None:
        async def pieces() -> AsyncGenerator[bytes, None]:
            async with aclosing(relay):
                async for piece in relay:
                    if isinstance(piece, bytes):
                        yield piece

        if form.stream:
            await self._send(pieces(), SSEFraming())
            return None
        async with aclosing(pieces()) as coming:
            whole = [piece async for piece in coming]
        return whole[0] if len(whole) == 1 else b"".join(whole)

    async def _send(self, pieces: AsyncGenerator[bytes, None], framing: Framing) -> None:
        def tell(fault: Fault) -> bytes:
            # An upstream's own error may be on several lines, which would end the event early.
            body = msgspec.json.format(encode_fault(fault)[1], indent=-1)
            return framing.frame(body) + framing.close()

        def headers() -> Headers:
            return self.headers(framing.content_type)

        await send_stream(self.exchange, pieces, headers=headers, tell=tell)

    @property
    def _target(self) -> Target:
        if self.target is None:
            raise UnknownModel("")
        return self.target

    def _aim(self, model: str, method: str) -> None:
        self.target = self.state.routes.find(model, method)
        if self.target.notice:
            self.context.notice(self.target.notice)


def _form(exchange: Exchange, rest: str) -> _Form:
    stream = rest.endswith(":streamGenerateContent")
    fields = exchange.query("fields") or exchange.query("$fields")
    return _Form(
        stream=stream,
        sse=stream and exchange.query("alt") == "sse",
        pretty=exchange.query("prettyPrint", "true") != "false",
        mask=parse_mask(fields) if fields else {},
    )
