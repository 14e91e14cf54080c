"""Any server that speaks OpenAI's chat dialect: OpenRouter, AI/ML API, vLLM, SGLang, Ollama, ...

Owns its `Transport` and closes it.  What differs between servers is the `Flavor`.
"""

from contextlib import aclosing
from typing import Final, assert_never

from geminid.core.content import (
    Blob,
    Call,
    Code,
    CodeResult,
    FileRef,
    Opaque,
    Part,
    Result,
    Text,
    Thought,
)
from geminid.core.errors import Fault, StreamCut, UpstreamMalformed, UpstreamRefused
from geminid.core.events import Begin, Blocked, End, Events
from geminid.core.ports import Context, Health, TokenCount
from geminid.core.request import Request
from geminid.dialects.openai.errors import decode_block, decode_error
from geminid.dialects.openai.flavor import FLAVORS, Flavor, flavor_of
from geminid.dialects.openai.question import Question, question_of
from geminid.dialects.openai.request import encode_request
from geminid.dialects.openai.response import decode_response
from geminid.dialects.openai.stream import StreamDecoder
from geminid.engines.transport import Reply, Transport

_OK: Final = 200
_SSE: Final = "text/event-stream"
_JSON: Final = "application/json"
_ERROR_LIMIT: Final = 1 << 20
_HEALTH_S: Final = 2.0
_PATIENCE_S: Final = 0.2
"""How long a stream may stay open after its `[DONE]`, so that its connection can be used again."""

_BYTES_A_TOKEN: Final = 4
_MEDIA_TOKENS: Final = 256
"""For one picture or file: no more than an order of magnitude, for nobody says."""


class OpenAI:
    """The engine `openai`.

    `base_url` ends in `/v1`.  Without a `key` no authorization is sent, as local servers want it.
    `flavor` is a name of `FLAVORS`; empty, the address decides.
    """

    dialect = "openai"

    def __init__(
        self, transport: Transport, base_url: str, key: str = "", *, flavor: str = ""
    ) -> None:
        self._transport = transport
        self._base = base_url.rstrip("/")
        self._flavor: Flavor = FLAVORS[flavor] if flavor else flavor_of(base_url)
        self._headers = [("content-type", _JSON)]
        if key:
            self._headers.append(("authorization", f"Bearer {key}"))

    @property
    def native_signatures(self) -> bool:
        """Whether servers of this flavor carry Gemini's own signatures, both ways."""
        return bool(self._flavor.signatures)

    async def answer(self, request: Request, model: str, context: Context) -> Events:
        """See `core.ports.Engine`."""
        body = encode_request(
            request,
            model,
            self._flavor,
            stream=context.stream,
            ignore=context.ignore,
            # Who requires every parameter does not ask for these.
            mention=_nobody if context.require else context.ignore,
        )
        question = question_of(request)
        async with self._transport.open(
            "POST",
            f"{self._base}/chat/completions",
            body=body,
            headers=[*self._headers, ("accept", _SSE if context.stream else _JSON)],
            deadline=context.deadline,
        ) as reply:
            blocked = await _check(reply)
            if blocked is not None:
                yield Begin("", model)
                yield End("", blocked=blocked)
                return
            # Some servers answer whole whatever was asked for.
            if context.stream and reply.content_type != _JSON:
                async with aclosing(_stream(reply, question)) as events:
                    async for event in events:
                        yield event
            else:
                for event in decode_response(await reply.read(), question):
                    yield event

    async def count(self, request: Request, model: str, context: Context) -> TokenCount:
        """An estimate, for servers of this dialect count nothing in advance."""
        return TokenCount(total=estimate(request), estimated=True)

    async def input_limit(self, model: str) -> int | None:
        """Unknown: the dialect has no word for it."""
        return None

    async def health(self) -> Health:
        """Whether the server answers and takes the key; it need not list models."""
        try:
            async with self._transport.open(
                "GET",
                f"{self._base}/models",
                headers=self._headers,
                deadline=self._transport.now() + _HEALTH_S,
            ) as reply:
                body = await _error(reply)
                fault = None if body is None else decode_error(reply.status, body, reply.headers)
        except Fault as failure:
            fault = failure
        if isinstance(fault, UpstreamRefused) or (fault is not None and fault.retryable):
            return Health(ready=False, detail=fault.detail)
        return Health(ready=True)

    async def close(self) -> None:
        """Closes the pool."""
        await self._transport.close()


def estimate(request: Request) -> int:
    """Roughly how many tokens the prompt has: a quarter of its bytes, and a round sum for media."""
    parts = [*request.system, *(part for content in request.contents for part in content.parts)]
    size = sum(_size(part) for part in parts)
    for tool in request.functions:
        size += len(tool.name) + len(tool.description) + len(bytes(tool.parameters or b""))
    return -(-size // _BYTES_A_TOKEN)


def _size(part: Part) -> int:
    match part:
        case Text() | Thought():
            return len(part.text.encode())
        case Call():
            return len(part.name) + len(bytes(part.args))
        case Result():
            media = len(part.media) * _MEDIA_TOKENS * _BYTES_A_TOKEN
            return len(part.name) + len(bytes(part.response)) + media
        case Code():
            return len(part.code.encode())
        case CodeResult():
            return len(part.output.encode())
        case Blob() | FileRef():
            return _MEDIA_TOKENS * _BYTES_A_TOKEN
        case Opaque():
            return len(bytes(part.body))
        case _:
            assert_never(part)


def _nobody(_: str) -> None:
    """Takes what is not told."""


async def _stream(reply: Reply, question: Question) -> Events:
    decoder = StreamDecoder(question)
    async with aclosing(reply.chunks()) as chunks:
        async for chunk in chunks:
            for event in decoder.feed(chunk):
                yield event
            if decoder.done:
                break
    if decoder.done:
        await reply.spend(_PATIENCE_S)
    for event in decoder.finish():
        yield event


async def _check(reply: Reply) -> Blocked | None:
    """Why the prompt was blocked, if it was.  Raises the fault that any other bad answer is."""
    body = await _error(reply)
    if body is not None:
        blocked = decode_block(reply.status, body)
        if blocked is None:
            raise decode_error(reply.status, body, reply.headers)
        return blocked
    if reply.content_type == "text/html":
        raise UpstreamMalformed(
            "The upstream answered with a web page; check the channel's base_url."
        )
    return None


async def _error(reply: Reply) -> bytes | None:
    """The body of an error, or `None` if the answer is none."""
    if reply.status == _OK:
        return None
    try:
        return await reply.read(_ERROR_LIMIT)
    except (UpstreamMalformed, StreamCut):  # too long, or not all of it: the status has to do
        return b""
