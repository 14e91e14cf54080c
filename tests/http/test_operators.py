"""The pages for operators: up, ready, and what is here."""

import hashlib

import pytest

from geminid import __version__
from geminid.core.ports import Health
from geminid.http.app import App
from geminid.pipeline.auth import Callers
from tests.http.served import channel, served, state
from tests.pipeline.scripted import Scripted

DOWN = Health(ready=False, detail="The key was refused.")


async def test_the_first_page_says_what_this_is_and_what_to_try() -> None:
    async with served(App(state(channel(Scripted())))) as server:
        reply = await server.get("/")

    tree = reply.json()
    assert (tree["name"], tree["version"]) == ("geminid", __version__)
    assert tree["channels"] == ["one"]
    assert "generateContent" in tree["try"]
    assert reply.body.endswith(b"}\n")


async def test_alive_is_alive_whatever_the_engines_say() -> None:
    app = App(state(channel(Scripted(health=DOWN)), account_problem=lambda: "disk full"))
    async with served(app) as server:
        reply = await server.get("/healthz")

    assert (reply.status, reply.json()) == (200, {"status": "ok", "version": __version__})


@pytest.mark.parametrize(
    ("healths", "problem", "status"),
    [
        ([Health(ready=True)], "", 200),
        ([DOWN, Health(ready=True)], "", 200),
        ([DOWN], "", 503),
        ([DOWN, DOWN], "", 503),
        ([], "", 503),
        ([Health(ready=True)], "The disk is full.", 503),
    ],
)
async def test_ready_needs_the_book_and_one_engine(
    healths: list[Health], problem: str, status: int
) -> None:
    channels = [channel(Scripted(health=h), name=f"c{n}") for n, h in enumerate(healths)]
    async with served(App(state(*channels, account_problem=lambda: problem))) as server:
        reply = await server.get("/readyz")

    tree = reply.json()
    assert reply.status == status
    assert tree["status"] == ("ready" if status == 200 else "not ready")
    assert tree.get("book", "") == problem
    for number, health in enumerate(healths):
        told = tree["channels"][f"c{number}"]
        assert told == {"ready": True} if health.ready else told["detail"] == DOWN.detail


@pytest.mark.parametrize("path", ["/", "/readyz"])
async def test_channels_are_for_operators(path: str) -> None:
    """Where there are keys, strangers learn no names and no reasons."""
    callers = Callers([(hashlib.sha256(b"k").hexdigest(), "ada")])
    app = App(state(channel(Scripted(health=DOWN), name="inner"), callers=callers))
    async with served(app) as server:
        reply = await server.get(path)

    assert b"inner" not in reply.body
    assert b"refused" not in reply.body


@pytest.mark.parametrize("path", ["/", "/healthz", "/readyz", "/nowhere"])
async def test_head_is_get_without_its_body(path: str) -> None:
    async with served(App(state(channel(Scripted())))) as server:
        get = await server.get(path)
        head = await server.ask(path, None, method="HEAD")

    assert (head.status, head.body) == (get.status, b"")
    assert head.headers["content-length"] == str(len(get.body))


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
async def test_they_are_only_read(method: str, path: str) -> None:
    async with served(App(state(channel(Scripted())))) as server:
        reply = await server.ask(path, None, method=method)

    assert (reply.status, reply.error()["status"]) == (404, "NOT_FOUND")


@pytest.mark.parametrize("path", ["/healthz/", "/HEALTHZ", "/health", "/%2e%2e/etc/passwd", "/é"])
async def test_there_is_nothing_beside_them(path: str) -> None:
    async with served(App(state(channel(Scripted())))) as server:
        reply = await server.get(path.replace("é", "%C3%A9"))

    assert (reply.status, reply.error()["status"]) == (404, "NOT_FOUND")


async def test_a_doubled_slash_is_one() -> None:
    async with served(App(state(channel(Scripted())))) as server:
        assert (await server.get("//healthz")).status == 200


async def test_a_websocket_is_refused() -> None:
    """The real server has no WebSockets, another one might: ASGI asks for an answer."""
    app, sent = App(state()), []

    async def receive() -> dict[str, str]:
        return {"type": "websocket.connect"}

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    await app({"type": "websocket"}, receive, send)  # type: ignore[arg-type]

    assert [message["type"] for message in sent] == ["websocket.close"]


async def test_metrics_are_text_and_need_a_key_where_there_are_keys() -> None:
    digest = hashlib.sha256(b"sesame").hexdigest()
    app = App(
        state(
            channel(Scripted()), callers=Callers([(digest, "ada")]), metrics=lambda: b"counted 1\n"
        )
    )
    async with served(app) as server:
        refused = await server.get("/metrics")
        given = await server.get("/metrics", {"authorization": "Bearer sesame"})

    assert refused.status == 403
    assert (given.status, given.body) == (200, b"counted 1\n")
    assert given.headers["content-type"].startswith("text/plain; version=0.0.4")
