"""The real thing as judge: what vendors' clients sent, and what the real API answered.

The recordings belong to others and are not part of this project.  They are looked for in the folder
that `GEMINID_SHARED` names, or in `shared` beside the checkout; without them these tests skip.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from geminid.core.errors import Malformed, UnknownModel
from geminid.core.fold import fold
from geminid.dialects.gemini.count import decode_count_request, encode_count_request
from geminid.dialects.gemini.errors import decode_error, encode_fault
from geminid.dialects.gemini.request import decode_request, encode_request
from geminid.dialects.gemini.response import ObjectEncoder, encode_answer
from geminid.dialects.gemini.stream import ObjectDecoder

SHARED = Path(os.environ.get("GEMINID_SHARED") or Path(__file__).parents[3] / "shared")
MODEL = "gemini-3-pro-preview"

pytestmark = pytest.mark.skipif(
    not (SHARED / "recorded").is_dir(),
    reason=f"no recordings in {SHARED}; set GEMINID_SHARED to the folder that holds them",
)


def read(pattern: str) -> Iterator[tuple[str, Any]]:
    """Name and JSON of each file in a folder of recordings."""
    for path in sorted(SHARED.glob(pattern)):
        yield path.name, msgspec.json.decode(path.read_bytes())


def captured(*methods: str) -> list[tuple[str, str, bytes]]:
    """Label, method and body of each captured call of a vendor's client."""
    found = []
    for _, calls in read("captured/gemini/*.json"):
        for call in calls:
            method = call.get("path", "").partition("?")[0].rpartition(":")[2]
            if method in methods and call.get("body"):
                found.append((call["label"], method, msgspec.json.encode(call["body"])))
    return found


def pairs() -> Iterator[tuple[str, Any]]:
    """Name and JSON of each recorded request, answer, stream and error."""
    for _, held in read("recorded/01*.json"):
        yield from held.items()
    for _, held in read("recorded/10*.json"):
        yield from held.items()
    for name, held in read("recorded/06*.json"):
        for number, call in enumerate(held):
            yield f"{name}/{number}/request.json", call["request"]["body"]
            yield f"{name}/{number}/response.json", call["response"]["body"]


def answers() -> list[tuple[str, Any]]:
    return [(n, held) for n, held in pairs() if isinstance(held, dict) and "candidates" in held]


def streams() -> list[tuple[str, Any]]:
    return [(name, held) for name, held in pairs() if isinstance(held, list)]


def requests() -> list[tuple[str, Any]]:
    return [(n, held) for n, held in pairs() if isinstance(held, dict) and "contents" in held]


def test_what_the_vendors_clients_send_is_understood() -> None:
    """Every generate and count call of google-genai for Python and JS, without a violation."""
    found = captured("generateContent", "streamGenerateContent")

    assert len(found) >= 15
    for label, _, body in found:
        request = decode_request(body, MODEL)
        assert decode_request(encode_request(request), MODEL) == request, label


def test_their_counts_are_understood() -> None:
    found = captured("countTokens")

    assert len(found) >= 2
    for label, _, body in found:
        request = decode_count_request(body, MODEL)
        assert decode_count_request(encode_count_request(request, MODEL), MODEL) == request, label


def test_requests_that_the_real_api_took_are_taken() -> None:
    taken = [(name, held) for name, held in requests() if "exclusiveMinimum" not in name]

    assert len(taken) >= 10
    for name, held in taken:
        request = decode_request(msgspec.json.encode(held), MODEL)
        assert decode_request(encode_request(request), MODEL) == request, name


def test_an_unknown_field_is_refused_in_the_real_apis_very_words() -> None:
    held = dict(pairs())
    folder = "payloads/snapshots/exclusiveMinimumToolParam/google"
    said = held[f"{folder}/error.json"]["error"].partition("{")
    expected = msgspec.json.decode("{" + said[2])

    with pytest.raises(Malformed) as caught:
        decode_request(msgspec.json.encode(held[f"{folder}/request.json"]), MODEL)
    status, body = encode_fault(caught.value)

    assert status == expected["error"]["code"]
    assert msgspec.json.decode(body) == expected
    # ... and in its order, byte for byte once printed as the real API prints.
    assert msgspec.json.format(body, indent=2).decode() == ("{" + said[2]).rstrip("\n")


def test_an_unknown_model_is_refused_in_the_real_apis_very_words() -> None:
    [(_, [call])] = read("recorded/11*.json")
    expected = call["response"]["body"]

    assert (
        msgspec.json.decode(
            encode_fault(UnknownModel("nonexistent-model", "batchEmbedContents"))[1]
        )
        == expected
    )
    fault = decode_error(404, msgspec.json.encode(expected))
    assert msgspec.json.decode(encode_fault(fault)[1]) == expected


def test_recorded_answers_survive_the_core() -> None:
    """Decoded to events and encoded again: equal, to the last field."""
    found = answers()

    assert len(found) >= 12
    for name, held in found:
        decoder = ObjectDecoder()
        events = decoder.feed(msgspec.json.encode(held)) + decoder.finish()
        assert msgspec.json.decode(encode_answer(fold(events))) == held, name


def test_recorded_streams_survive_the_core_chunk_by_chunk() -> None:
    """Each chunk leaves as it came, when it came; a call waits for what is not of its group.

    Two differences are known: an empty `groundingMetadata` beside a text is not repeated, and a
    last chunk that also holds words leaves as two, the words first.
    """
    found = streams()

    assert len(found) >= 4
    for name, chunks in found:
        decoder, encoder = ObjectDecoder(), ObjectEncoder()
        told: list[Any] = []
        for chunk in chunks:
            events = decoder.feed(msgspec.json.encode(chunk))
            told += [msgspec.json.decode(each) for e in events for each in encoder.add(e)]
            assert "tool" in name.lower() or len(told) >= chunks.index(chunk), name
        ending = decoder.finish()
        told += [msgspec.json.decode(each) for e in ending for each in encoder.add(e)]
        assert told == expected(chunks), name


def expected(chunks: list[Any]) -> list[Any]:
    """The chunks with the two known differences."""
    *first, last = msgspec.json.decode(msgspec.json.encode(chunks))
    for chunk in first:
        if chunk["candidates"][0].get("groundingMetadata") == {}:
            del chunk["candidates"][0]["groundingMetadata"]
    [candidate] = last["candidates"]
    parts = candidate["content"]["parts"]
    if parts[0].get("text") == "":
        return [*first, last]
    words = {"content": candidate["content"], "index": 0}
    closing = candidate | {"content": {"parts": [{"text": ""}], "role": "model"}}
    return [*first, last | {"candidates": [words]}, last | {"candidates": [closing]}]
