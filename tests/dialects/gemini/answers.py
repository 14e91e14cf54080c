"""Answers in the API's shape, and the ways they go through the codecs."""

from collections.abc import Iterable

import msgspec

from geminid.core.content import Part, Text, Thought
from geminid.core.events import Event
from geminid.core.fold import Answer, fold
from geminid.dialects.gemini.response import ObjectEncoder, SSEFraming
from geminid.dialects.gemini.stream import ObjectDecoder, StreamDecoder
from geminid.dialects.gemini.tree import Tree

SIGNATURE = "EjQKMmEgc2lnbmF0dXJl"


def chunk(*parts: Tree, index: int = 0, **candidate: object) -> Tree:
    """One response object with one candidate; `candidate` holds its further fields."""
    content = {"parts": list(parts), "role": "model"}
    return {
        "candidates": [{"content": content, "index": index} | candidate],
        "modelVersion": "gemini-3-pro-preview",
        "responseId": "r1",
    }


def counted(tree: Tree, **counts: int) -> Tree:
    """`tree` with token counts."""
    return tree | {"usageMetadata": counts}


def sse(*trees: object) -> bytes:
    """The objects as the real API frames them."""
    return b"".join(b"data: " + msgspec.json.encode(tree) + b"\r\n\r\n" for tree in trees)


def streamed(wire: bytes, size: int = 0) -> list[Event]:
    """The events of a stream, fed in pieces of `size` bytes (0: at once)."""
    decoder, step = StreamDecoder(), size or len(wire) or 1
    found: list[Event] = []
    for start in range(0, len(wire), step):
        found += decoder.feed(wire[start : start + step])
    return found + decoder.finish()


def unary(tree: object) -> list[Event]:
    """The events of a whole answer in one object."""
    decoder = ObjectDecoder()
    return decoder.feed(msgspec.json.encode(tree)) + decoder.finish()


def only(events: Iterable[Event]) -> tuple[Part, ...]:
    """The parts of the only candidate."""
    [candidate] = fold(events).candidates
    return candidate.content.parts


def encoded(events: Iterable[Event]) -> bytes:
    """`events` as a stream on the wire."""
    encoder, framing = ObjectEncoder(), SSEFraming()
    return b"".join(framing.frame(found) for event in events for found in encoder.add(event))


def joined(answer: Answer) -> Answer:
    """`answer` as a stream can tell it: Gemini's wire has no border between two like texts."""
    candidates = []
    for candidate in answer.candidates:
        parts: list[Part] = []
        for part in candidate.content.parts:
            before = parts[-1] if parts else None
            if _open(before) and _plain(part) and type(before) is type(part):
                assert isinstance(before, Text | Thought)
                assert isinstance(part, Text | Thought)
                text = before.text + part.text
                parts[-1] = msgspec.structs.replace(part, text=text)
            else:
                parts.append(part)
        content = msgspec.structs.replace(candidate.content, parts=tuple(parts))
        candidates.append(msgspec.structs.replace(candidate, content=content))
    return msgspec.structs.replace(answer, candidates=tuple(candidates))


def _plain(part: Part | None) -> bool:
    return isinstance(part, Text | Thought) and part.modifiers is None


def _open(part: Part | None) -> bool:
    return part is not None and _plain(part) and not part.signature
