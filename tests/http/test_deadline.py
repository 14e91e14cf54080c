"""One deadline bounds a request from its first byte to its last."""

import asyncio

import msgspec

from geminid.http.app import App
from tests.http.served import GENERATE, channel, served, state
from tests.pipeline.scripted import Scripted


async def test_a_caller_who_stalls_in_the_body_is_told_and_cut_off() -> None:
    """Half a body holds no connection for ever, and no channel is asked."""
    engine = Scripted()
    head = (
        f"POST {GENERATE} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        "X-Server-Timeout: 0.05\r\nContent-Length: 100\r\n\r\n{"
    )
    async with served(App(state(channel(engine)))) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(head.encode())
        answer = await asyncio.wait_for(reader.read(), 10)
        writer.close()

    first, _, body = answer.partition(b"\r\n\r\n")
    assert first.startswith(b"HTTP/1.1 504 ")
    assert b"connection: close" in first
    assert msgspec.json.decode(body)["error"]["status"] == "DEADLINE_EXCEEDED"
    assert engine.asked == []


async def test_every_answer_has_an_id_also_a_refusal() -> None:
    async with served(App(state(channel(Scripted())))) as server:
        foreign = await server.get("/healthz", {"origin": "http://elsewhere.example"})
        nothing = await server.get("/nothing")
        healthy = await server.get("/healthz")

    assert [reply.status for reply in (foreign, nothing, healthy)] == [403, 404, 200]
    ids = {reply.headers["x-request-id"] for reply in (foreign, nothing, healthy)}
    assert len(ids) == 3
    assert all(reply.headers["x-content-type-options"] == "nosniff" for reply in (foreign, healthy))
