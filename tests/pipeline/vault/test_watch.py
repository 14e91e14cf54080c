"""The byte lane keeps signatures too, without touching a byte."""

import json
from typing import Any

import pytest

from geminid.core.content import Blob, Text
from geminid.core.request import Request
from geminid.pipeline.vault.watch import Watch
from tests.pipeline.vault.conversations import (
    Server,
    call,
    context,
    model,
    native,
    results,
    signatures,
    target,
    user,
)

ASK = user("What is the weather?")
ASKED = Request(model="m", contents=(ASK,))
TEXT = 1 << 19


@pytest.fixture
def server() -> Server:
    return Server()


def watch(server: Server, *, stream: bool = True, asked: Request | None = ASKED) -> Watch:
    return server.keeping.watch(asked, target(), context(stream=stream))


def piece(*parts: dict[str, Any], reason: str = "", stream: bool = True) -> bytes:
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": list(parts)}}
    if reason:
        candidate["finishReason"] = reason
    body = json.dumps({"candidates": [candidate]}).encode()
    return b"data: " + body + b"\r\n\r\n" if stream else body


CALLED = {"functionCall": {"name": "look", "args": {"city": "Paris"}, "id": "a1b2c3d4"}}


@pytest.mark.parametrize("stream", [True, False])
async def test_what_a_gemini_caller_was_given_is_known_to_an_openai_one(
    server: Server, stream: bool
) -> None:
    seen = watch(server, stream=stream)
    seen.see(piece(CALLED | {"thoughtSignature": native(1)}, reason="STOP", stream=stream))
    await seen.done()

    for back in (call(id="a1b2c3d4", args="{}"), call(id="x")):
        up = await server.up([ASK, model(back), results(model(back))])
        assert signatures(up)[1] == native(1)


async def test_the_words_before_a_late_signature_count(server: Server) -> None:
    """The real API signs a text in its last, empty piece."""
    seen = watch(server)
    seen.see(piece({"text": "It is "}))
    seen.see(piece({"text": "blue."}))
    seen.see(piece({"text": "", "thoughtSignature": native(1)}, reason="STOP"))
    await seen.done()

    up = await server.up([ASK, model(Text(text="It is blue.")), ASK])

    assert signatures(up)[1] == native(1)


async def test_words_beside_a_signature_count(server: Server) -> None:
    seen = watch(server)
    signed = {"text": "It", "thoughtSignature": native(1)}
    seen.see(piece({"text": "Hm.", "thought": True}, signed, {"text": " is "}))
    seen.see(piece({"text": "blue."}, reason="STOP"))
    await seen.done()

    up = await server.up([ASK, model(Text(text="It is blue.")), ASK])

    assert signatures(up)[1] == native(1)


async def test_words_after_a_signature_count_too(server: Server) -> None:
    """A reason in mid-answer may turn out not to have ended it (pains.md 25)."""
    seen = watch(server)
    seen.see(piece({"text": "It", "thoughtSignature": native(1)}, reason="STOP"))
    await seen.done()
    seen.see(piece({"text": " is"}))
    await seen.done()
    await seen.done()

    up = await server.up([ASK, model(Text(text="It is")), ASK])

    assert signatures(up)[1] == native(1)
    assert len(server.vault.keeps) == 2, "not a third time for nothing new"


async def test_an_answer_without_signatures_is_not_read(server: Server) -> None:
    seen = watch(server)
    seen.see(piece({"text": "It is blue."}, reason="STOP"))
    await seen.done()

    assert server.vault.keeps == []


async def test_a_body_that_nobody_read_is_known_by_ids_and_by_itself(server: Server) -> None:
    """A field that is newer than our table: the bytes pass, and are not understood."""
    seen = watch(server, asked=None)
    drawn = {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}
    seen.see(
        piece(
            {"text": "So:", "thoughtSignature": native(3)},
            CALLED | {"thoughtSignature": native(1)},
            drawn | {"thoughtSignature": native(2)},
            reason="STOP",
        )
    )
    await seen.done()
    back = model(call(id="a1b2c3d4"), Blob(mime="image/png", data="AAAA"))

    up = await server.up([ASK, back, results(back)])
    (other,) = [
        await server.up(
            [ASK, model(Text(text="Hm.", signature=native(3))), ASK], target(origin="google/two")
        )
    ]

    assert signatures(up)[1:3] == [native(1), native(2)]
    assert not any(signatures(other)), "known, and known not to be valid there"


async def test_a_very_long_answer_is_not_remembered_for_its_words(server: Server) -> None:
    """Its end is kept by itself; by words that are not all of them nothing could be found."""
    seen = watch(server)
    for _ in range(3):
        seen.see(piece({"text": "a" * TEXT}))
    seen.see(piece({"text": "b", "thoughtSignature": native(1)}, reason="STOP"))
    await seen.done()

    assert [len(server.vault.keeps), len(server.vault.kept)] == [1, 1]
    up = await server.up([ASK, model(Text(text="b")), ASK])
    assert not any(signatures(up))


@pytest.mark.parametrize(
    "broken",
    [b'data: {"thoughtSignature": \r\n\r\n', b'data: {"error":{"thoughtSignature":1}}\n\n'],
)
async def test_what_cannot_be_read_is_not_kept_and_fails_nothing(
    server: Server, broken: bytes
) -> None:
    seen = watch(server)
    seen.see(broken)
    seen.see(piece(CALLED | {"thoughtSignature": native(1)}))
    await seen.done()

    assert server.vault.keeps == []
