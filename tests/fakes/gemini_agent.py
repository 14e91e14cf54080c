"""A Gemini 3 that plays a script and holds its callers to the real rules.

    agent = GeminiAgent({"gemini-3-pro-preview": (Turn(calls=(("go", {}),)), Turn(text="Gone."))})
    with in_thread(FakeUpstream(answer=agent)) as upstream: ...

Which turn is played depends on the request alone: the one after as many as the conversation holds.
The shapes are those of the recorded streams (gemini.md section 1.2).
"""

import asyncio
import contextlib
import itertools
import random
import string
import threading
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import msgspec

from tests.fakes import shapes
from tests.fakes.gemini_rules import Carried, Refused, at, blocks, check
from tests.fakes.upstream import Exchange, FakeUpstream

CALLED = "Model generated function call(s)."
_PROMPT_TOKENS = 29
_SIGNATURE_SIZE = 180
_HEAD = b"\x12\xfb\xef\xbe\xff\xff\xfe"
"""What every signature begins with: `E...`, and characters that the two alphabets write apart."""
_READY_S = 10.0


class Turn(msgspec.Struct, frozen=True):
    """What the model does in one step: thinks, says something, calls functions.

    `calls` are names and arguments of one parallel group; `text` pieces are chunks of a stream.
    """

    text: tuple[str, ...] = ()
    calls: tuple[tuple[str, dict[str, Any]], ...] = ()
    thoughts: str = ""
    thoughts_tokens: int = 48
    output_tokens: int = 19


class Accepted(msgspec.Struct, frozen=True):
    """A request that kept the rules: as it was decoded, and the signatures in it."""

    model: str
    stream: bool
    asked: dict[str, Any]
    signatures: tuple[Carried, ...]


class GeminiAgent:
    """Answers `generateContent`, `streamGenerateContent?alt=sse` and `countTokens`.

    `issued` holds the signatures given out by each model, oldest first, as bytes, and `texts` the
    same as they were written; `accepted` and `refused` (the error messages) what came in.  One
    model's signatures are foreign to another.
    """

    def __init__(self, scripts: Mapping[str, Sequence[Turn]], *, seed: int = 1) -> None:
        self._scripts = dict(scripts)
        self._chance = random.Random(seed)
        self.issued: dict[str, list[bytes]] = {model: [] for model in scripts}
        self.texts: dict[str, list[str]] = {model: [] for model in scripts}
        self.accepted: list[Accepted] = []
        self.refused: list[str] = []

    def forget(self) -> None:
        """Only what comes from now on counts; what was signed before is corrupted now."""
        self.accepted.clear()
        self.refused.clear()
        for model in self._scripts:
            self.issued[model].clear()
            self.texts[model].clear()

    async def __call__(self, exchange: Exchange) -> None:
        """A `Behaviour` of `FakeUpstream`."""
        path = urlsplit(exchange.seen.path)
        model, _, method = path.path.rpartition("/")[2].partition(":")
        stream = method == "streamGenerateContent"
        asked = exchange.seen.json()
        if model not in self._scripts:
            await _send(exchange, 404, shapes.gemini_error(404, "NOT_FOUND", f"No {model}."))
        elif method == "countTokens":
            await _send(exchange, 200, {"totalTokens": _PROMPT_TOKENS})
        else:
            await self._generate(exchange, model, asked, stream=stream)

    async def _generate(
        self, exchange: Exchange, model: str, asked: dict[str, Any], *, stream: bool
    ) -> None:
        try:
            carried = check(asked, model, self.issued[model])
        except Refused as refused:
            self.refused.append(refused.message)
            await _send(exchange, 400, refused.body())
            return
        self.accepted.append(Accepted(model, stream, asked, carried))
        contents = at(asked, "contents")
        step = sum(contents[block[0]].get("role") == "model" for block in blocks(contents))
        script = self._scripts[model]
        if step >= len(script):
            body = shapes.gemini_error(500, "INTERNAL", f"The script has {len(script)} turns.")
            await _send(exchange, 500, body)
            return
        answer = _Answer(script[step], model, asked, carried)
        self.issued[model].append(made := self._signature())
        self.texts[model].append(signature := b64encode(made).decode())
        if stream:
            await exchange.start(200, "text/event-stream")
            for chunk in answer.chunks(signature, self._ids()):
                await exchange.chunk(shapes.gemini_event(chunk))
            await exchange.end("done")
        else:
            await _send(exchange, 200, answer.whole(signature, self._ids()))

    def _signature(self) -> bytes:
        return _HEAD + self._chance.randbytes(_SIGNATURE_SIZE - len(_HEAD))

    def _ids(self) -> Iterator[str]:
        while True:
            yield "".join(self._chance.choices(string.ascii_lowercase + string.digits, k=8))


class _Answer:
    """One turn in the two forms that the API has for it."""

    def __init__(
        self, turn: Turn, model: str, asked: dict[str, Any], carried: Sequence[Carried]
    ) -> None:
        self._turn, self._model = turn, model
        thinking = at(at(asked, "generationConfig") or {}, "thinkingConfig") or {}
        self._shows = bool(turn.thoughts and at(thinking, "includeThoughts"))
        self._spent = sum(len(each.data) // 3 for each in carried)  # signatures cost tokens

    def whole(self, signature: str, ids: Iterator[str]) -> dict[str, Any]:
        """The unary answer; the signature is on the first call, or on the text."""
        parts = self._thoughts()
        if self._turn.text:
            parts.append({"text": "".join(self._turn.text)})
        parts += self._calls(signature, ids)
        ending: dict[str, Any] = {"finishReason": "STOP"}
        if self._turn.calls:
            ending["finishMessage"] = CALLED
        else:
            parts[-1]["thoughtSignature"] = signature
        return self._object(parts, self._turn.output_tokens, self._spent, **ending)

    def chunks(self, signature: str, ids: Iterator[str]) -> Iterator[dict[str, Any]]:
        """The streamed answer: calls whole in one chunk, and an empty text that ends it."""
        texts = [[{"text": piece}] for piece in self._turn.text]
        groups = [self._thoughts(), *texts, self._calls(signature, ids)]
        for count, parts in enumerate(filter(None, groups), 1):
            yield self._object(parts, min(count, self._turn.output_tokens), 0)
        closing: dict[str, Any] = {"text": ""}
        if not self._turn.calls:
            closing["thoughtSignature"] = signature
        yield self._object([closing], self._turn.output_tokens, self._spent, finishReason="STOP")

    def _thoughts(self) -> list[dict[str, Any]]:
        return [{"text": self._turn.thoughts, "thought": True}] if self._shows else []

    def _calls(self, signature: str, ids: Iterator[str]) -> list[dict[str, Any]]:
        made = zip(self._turn.calls, ids, strict=False)
        parts: list[dict[str, Any]] = [
            {"functionCall": {"name": name, "args": args, "id": id_}} for (name, args), id_ in made
        ]
        for part in itertools.islice(parts, 1):
            part["thoughtSignature"] = signature
        return parts

    def _object(
        self, parts: list[dict[str, Any]], output: int, spent: int, **candidate: Any
    ) -> dict[str, Any]:
        prompt, thoughts = _PROMPT_TOKENS + spent, self._turn.thoughts_tokens
        usage = {
            "promptTokenCount": prompt,
            "candidatesTokenCount": output,
            "totalTokenCount": prompt + output + thoughts,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": prompt}],
            "thoughtsTokenCount": thoughts,
            "serviceTier": "standard",
        }
        return shapes.gemini_object(parts, self._model, **candidate) | {"usageMetadata": usage}


@contextlib.contextmanager
def in_thread(upstream: FakeUpstream) -> Iterator[FakeUpstream]:
    """`upstream`, served from a thread of its own: for callers that block, as sync clients do."""
    loop = asyncio.new_event_loop()
    stop, ready = asyncio.Event(), threading.Event()

    async def serve() -> None:
        async with upstream:
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), daemon=True)
    thread.start()
    try:
        if not ready.wait(_READY_S):
            raise TimeoutError("The fake upstream did not start.")
        yield upstream
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(_READY_S)
        loop.close()


async def _send(exchange: Exchange, status: int, body: dict[str, Any]) -> None:
    await exchange.whole(status, msgspec.json.encode(body), "application/json; charset=UTF-8")
