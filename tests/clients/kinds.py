"""Every kind of answer that a Gemini model gives, and an upstream that gives them."""

import base64
from collections.abc import Iterator
from typing import Any

import msgspec

from tests.fakes import shapes
from tests.fakes.upstream import Exchange

Part = dict[str, Any]
SIGNATURE = shapes.SIGNATURE
PICTURE = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(24)).decode()
SOUND = base64.b64encode(bytes(48)).decode()
SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}
_MANY = "several"


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """One answer: parts as they come in a stream, how it ends, and what must be asked for it.

    `last` are fields of the candidate that come with its ending.
    """

    name: str
    pieces: tuple[Part, ...] = ()
    finish: str = "STOP"
    last: dict[str, Any] = {}
    ask: dict[str, Any] = {}
    blocked: str = ""

    def whole(self, model: str) -> dict[str, Any]:
        """The unary answer: words of one kind are one part."""
        if self.blocked:
            return _blocked(self.blocked, model)
        answer = shapes.gemini_object(
            list(_joined(self.pieces)), model, thoughts=4, finishReason=self.finish, **self.last
        )
        if self.name == _MANY:
            [first] = answer["candidates"]
            second = shapes.gemini_object([{"text": "Or this."}], model, finishReason="STOP")
            answer["candidates"] = [first, second["candidates"][0] | {"index": 1}]
        return answer

    def chunks(self, model: str) -> Iterator[dict[str, Any]]:
        """The stream: a part in each chunk, and an empty text that ends it."""
        if self.blocked:
            yield _blocked(self.blocked, model)
            return
        for count, piece in enumerate(self.pieces, 1):
            yield shapes.gemini_object([piece], model, output=count, thoughts=4)
            if self.name == _MANY:
                second = shapes.gemini_object([{"text": ("Or ", "this.")[count - 1]}], model)
                second["candidates"][0]["index"] = 1
                yield second
        ends: dict[str, Any] = {"finishReason": self.finish}
        if self.name == _MANY:
            second = shapes.gemini_object([{"text": ""}], model, **ends)
            second["candidates"][0]["index"] = 1
            yield second
        yield shapes.gemini_object([{"text": ""}], model, thoughts=4, **ends, **self.last)


def called(id_: str, city: str, **more: Any) -> Part:
    """A call of the one function that all kinds are asked with."""
    return {"functionCall": {"name": "get_weather", "args": {"city": city}, "id": id_}, **more}


_TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}
_THOUGHTS: tuple[Part, ...] = (
    {"text": "First this. ", "thought": True},
    {"text": "Then that.", "thought": True},
)
_CHOSEN = [
    {"token": "Hel", "tokenId": 1, "logProbability": -0.1},
    {"token": "lo.", "tokenId": 2, "logProbability": -0.2},
]
_TOP = [{"candidates": [chosen, chosen | {"token": "?"}]} for chosen in _CHOSEN]
_GROUNDS = {
    "groundingChunks": [{"web": {"uri": "https://example.com/a", "title": "A"}}],
    "groundingSupports": [
        {"segment": {"startIndex": 0, "endIndex": 6}, "groundingChunkIndices": [0]}
    ],
    "webSearchQueries": ["hello"],
}
_HELLO: tuple[Part, ...] = ({"text": "Hel"}, {"text": "lo."})

KINDS: tuple[Kind, ...] = (
    Kind(name="text", pieces=_HELLO),
    Kind(name="signed text", pieces=(*_HELLO, {"text": "", "thoughtSignature": SIGNATURE})),
    Kind(name="nothing", pieces=({"text": ""},)),
    Kind(
        name="thoughts", pieces=(*_THOUGHTS, *_HELLO, {"text": "", "thoughtSignature": SIGNATURE})
    ),
    Kind(
        name="a call",
        pieces=(called("a1b2c3d4", "Oslo", thoughtSignature=SIGNATURE),),
        ask={"tools": [_TOOL]},
    ),
    Kind(
        name="parallel calls",
        pieces=(called("a1b2c3d4", "東京", thoughtSignature=SIGNATURE), called("e5f6g7h8", "Oslo")),
        ask={"tools": [_TOOL]},
    ),
    Kind(
        name="thoughts, words and a call",
        pieces=(*_THOUGHTS, *_HELLO, called("a1b2c3d4", "Oslo", thoughtSignature=SIGNATURE)),
        ask={"tools": [_TOOL]},
    ),
    Kind(
        name="an object",
        pieces=({"text": '{"name": "Ada", '}, {"text": '"age": 36}'}),
        ask={
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "person", "schema": SCHEMA, "strict": True},
            }
        },
    ),
    Kind(
        name="probabilities",
        pieces=_HELLO,
        last={"logprobsResult": {"chosenCandidates": _CHOSEN, "topCandidates": _TOP}},
        ask={"logprobs": True, "top_logprobs": 2},
    ),
    Kind(name="cut by its length", pieces=_HELLO, finish="MAX_TOKENS"),
    Kind(name="filtered", pieces=_HELLO, finish="SAFETY"),
    Kind(name="blocked", blocked="PROHIBITED_CONTENT"),
    Kind(name="grounded", pieces=_HELLO, last={"groundingMetadata": _GROUNDS}),
    Kind(
        name="a picture",
        pieces=(
            {"text": "Here it is."},
            {"inlineData": {"mimeType": "image/png", "data": PICTURE}},
        ),
        ask={"modalities": ["text", "image"]},
    ),
    Kind(
        name="sound",
        pieces=({"inlineData": {"mimeType": "audio/L16;codec=pcm;rate=24000", "data": SOUND}},),
        ask={"modalities": ["text", "audio"], "audio": {"voice": "Kore", "format": "wav"}},
    ),
    Kind(name=_MANY, pieces=_HELLO, ask={"n": 2}),
)


class Answering:
    """A `Behaviour` of `FakeUpstream`: gives the kind that the last words name."""

    def __init__(self, kinds: tuple[Kind, ...] = KINDS) -> None:
        self._kinds = {kind.name: kind for kind in kinds}
        self.asked: dict[str, Any] = {}

    async def __call__(self, exchange: Exchange) -> None:
        self.asked = exchange.seen.json()
        model, _, method = exchange.seen.path.partition("?")[0].rpartition("/")[2].partition(":")
        kind = self._kinds[self.asked["contents"][-1]["parts"][-1]["text"]]
        if method == "streamGenerateContent":
            await exchange.start(200, "text/event-stream")
            for chunk in kind.chunks(model):
                await exchange.chunk(shapes.gemini_event(chunk))
            await exchange.end("done")
        else:
            body = msgspec.json.encode(kind.whole(model))
            await exchange.whole(200, body, "application/json; charset=UTF-8")


def _joined(pieces: tuple[Part, ...]) -> Iterator[Part]:
    """Neighbouring words of one kind as one part; a signature that comes last is on it."""
    words: Part | None = None
    for piece in pieces:
        if words is not None and "text" in piece and _same(words, piece):
            words = words | piece | {"text": words["text"] + piece["text"]}
            continue
        if words is not None:
            yield words
        words = piece if "text" in piece else None
        if words is None:
            yield piece
    if words is not None:
        yield words


def _same(one: Part, other: Part) -> bool:
    return one.get("thought") == other.get("thought")


def _blocked(reason: str, model: str) -> dict[str, Any]:
    return {
        "promptFeedback": {"blockReason": reason},
        "usageMetadata": {"promptTokenCount": 7, "totalTokenCount": 7},
        "modelVersion": model,
        "responseId": shapes.RESPONSE_ID,
    }
