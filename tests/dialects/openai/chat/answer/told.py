"""Answers as callers of chat completions get them, whole and in pieces."""

from collections.abc import Iterable
from typing import Any

import msgspec

from geminid.core.content import Json, Part
from geminid.core.events import Begin, End, Event, PartEnd, PartStart
from geminid.core.fold import fold
from geminid.dialects.openai.chat.answer.response import encode_answer
from geminid.dialects.openai.chat.answer.stream import ChunkEncoder
from geminid.dialects.openai.chat.head import Head

HEAD = Head(
    id="gen-1763566638-cisWU4XUfAZASsAfmDrg",
    created=1763566638,
    model="google/gemini-3-pro-preview",
    provider="Google AI Studio",
    usage=True,
)
PLAIN = msgspec.structs.replace(HEAD, extended=False)
BEGIN = Begin("r1", "gemini-3-pro-preview")
STOP = End("STOP")
SIGNATURE = "EjQKMmEgc2lnbmF0dXJl"


def events(*parts: Part, end: End = STOP) -> list[Event]:
    """An answer of whole parts."""
    told: list[Event] = [BEGIN]
    for index, part in enumerate(parts):
        told += [PartStart(index, part, end.candidate), PartEnd(index, "", end.candidate)]
    return [*told, end]


def ending(reason: str = "STOP", **fields: object) -> End:
    """An end beside which Gemini says `fields`."""
    return End(reason, extra=Json(msgspec.json.encode(fields)), extra_dialect="gemini")


def whole(told: Iterable[Event], head: Head = HEAD) -> Any:
    """The answer as one object."""
    return msgspec.json.decode(encode_answer(fold(told), head))


def message(*parts: Part, end: End = STOP, head: Head = HEAD) -> Any:
    """The only message of an answer of whole parts."""
    [choice] = whole(events(*parts, end=end), head)["choices"]
    return choice["message"]


def wire(told: Iterable[Event], head: Head = HEAD) -> list[bytes]:
    """The events of a stream, as they are framed."""
    encoder = ChunkEncoder(head)
    pieces = [piece for event in told for piece in encoder.add(event)]
    pieces.append(encoder.close())
    *frames, rest = b"".join(pieces).split(b"\n\n")
    assert not rest
    assert frames.pop() == b"data: [DONE]"
    return [frame.removeprefix(b"data: ") for frame in frames]


def chunks(told: Iterable[Event], head: Head = HEAD) -> list[Any]:
    """The objects of a stream."""
    return [msgspec.json.decode(frame) for frame in wire(told, head)]


def deltas(*parts: Part, end: End = STOP, head: Head = HEAD) -> list[Any]:
    """The deltas of an answer of whole parts, but for the first and the last."""
    found = chunks(events(*parts, end=end), head)
    return [chunk["choices"][0]["delta"] for chunk in found if chunk["choices"]][1:-1]


def folded(found: list[Any]) -> dict[int, Any]:
    """The choices that `found` spell, by their index, as any client would fold them."""
    choices: dict[int, Any] = {}
    for chunk in found:
        for piece in chunk["choices"]:
            choice = choices.setdefault(piece["index"], {"message": {}})
            _merge(choice["message"], piece["delta"])
            for key in ("finish_reason", "native_finish_reason", "logprobs"):
                choice[key] = piece.get(key) or choice.get(key)
    return choices


def tidy(found: Any) -> Any:
    """A message without what says nothing, and its calls without the places of a stream."""
    kept = {key: value for key, value in found.items() if value not in (None, "", [])}
    for call in kept.get("tool_calls", []):
        call.pop("index", None)
    return kept


def _merge(into: dict[str, Any], delta: dict[str, Any]) -> None:
    for key, value in delta.items():
        known = into.get(key)
        if isinstance(value, list) and value and "index" in value[0]:
            items = into.setdefault(key, [])
            for item in value:
                assert item["index"] <= len(items)
                if item["index"] == len(items):
                    items.append({})
                _merge(items[item["index"]], item)
        elif known is None or key in ("type", "index"):
            into[key] = value
        elif isinstance(value, str):
            into[key] = known + value
        elif isinstance(value, dict):
            _merge(known, value)
        else:
            raise AssertionError((key, known, value))
