"""A hostile page in the user's own browser: what it can send, and what it gets."""

import pytest

from geminid.http.app import App
from geminid.http.guards import Guards
from tests.http.served import (
    ASK,
    COUNT,
    GENERATE,
    MODEL,
    SSE,
    STREAM,
    Reply,
    channel,
    served,
    state,
)
from tests.pipeline.scripted import Odd, Scripted, said

JSON = {"content-type": "application/json"}
APP = "https://app.example"
EVIL = "https://evil.example"


def guarded(engine: Scripted | None = None) -> App:
    guards = Guards(
        hosts=["gem.example", "Other.Example"], cors=[APP + "/", "http://localhost:3000"]
    )
    return App(state(channel(engine or Scripted(said("a"))), guards=guards, body=4096))


def assert_refused(reply: Reply, words: str) -> None:
    assert (reply.status, reply.error()["status"]) == (403, "PERMISSION_DENIED")
    assert words in reply.error()["message"]
    assert not [name for name in reply.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1:7733",
        "localhost",
        "LOCALHOST:1",
        "[::1]:7733",
        "192.168.1.5:7733",
        "[fe80::1]",
        "gem.example",
        "gem.example:443",
        "other.example",
    ],
)
async def test_its_own_names_and_bare_addresses_are_served(host: str) -> None:
    """An address cannot be rebound: only a name can."""
    async with served(guarded()) as server:
        reply = await server.ask(GENERATE, headers=JSON | {"host": host})

    assert reply.status == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:7733",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "gem.example.evil.example",
        "127.0.0.1.nip.io",
        "localhost.",
        "2130706433",
        "0x7f.1",
        "[::1",
        "gem.example@evil.example",
    ],
)
@pytest.mark.parametrize("path", [GENERATE, "/v1beta/models", "/", "/readyz"])
async def test_a_rebound_name_is_refused_everywhere(host: str, path: str) -> None:
    engine = Scripted(said("a"))
    async with served(guarded(engine)) as server:
        if path == GENERATE:
            reply = await server.ask(path, headers=JSON | {"host": host})
        else:
            reply = await server.get(path, {"host": host})

    assert_refused(reply, "Host")
    assert engine.asked == []


async def test_a_request_without_a_host_is_refused() -> None:
    async with served(guarded()) as server:
        old = await server.raw(b"GET /healthz HTTP/1.0\r\n\r\n")
        empty = await server.raw(b"GET /healthz HTTP/1.1\r\nhost:\r\nconnection: close\r\n\r\n")

    assert old.startswith(b"HTTP/1.1 403 ")
    assert empty.startswith(b"HTTP/1.1 403 ")


@pytest.mark.parametrize(
    "origin",
    [
        EVIL,
        "null",
        "http://localhost",
        "http://localhost:3001",
        "https://localhost:3000",
        "http://app.example",
        "https://app.example.evil.example",
        "https://evil.example/https://app.example",
        "file://",
        "chrome-extension://abc",
        "x" * 4000,
    ],
)
@pytest.mark.parametrize("path", [GENERATE, SSE, COUNT, "/v1beta/models", "/readyz", "/nowhere"])
async def test_a_foreign_page_is_refused_before_anything_is_done(origin: str, path: str) -> None:
    engine = Scripted(said("a"))
    method = "POST" if ":" in path else "GET"
    body = ASK if method == "POST" else None
    async with served(guarded(engine)) as server:
        reply = await server.ask(path, body, method=method, headers=JSON | {"origin": origin})

    assert_refused(reply, "may not call")
    assert len(reply.error()["message"]) < 300
    assert engine.asked == []


async def test_our_own_page_may_call() -> None:
    """The hub's pages come from here: their Origin is the Host."""
    async with served(guarded()) as server:
        mine = await server.ask(GENERATE, headers=JSON | {"origin": server.url})
        proxied = {"host": "gem.example", "origin": "https://gem.example"}
        behind_tls = await server.ask(GENERATE, headers=JSON | proxied)
        mixed = {"host": "gem.example", "origin": "https://other.example"}
        other_name = await server.ask(GENERATE, headers=JSON | mixed)

    assert (mine.status, behind_tls.status) == (200, 200)
    assert_refused(other_name, "may not call")


FORMS = {
    "text": "text/plain",
    "plain json": "text/plain;charset=application/json",
    "form": "application/x-www-form-urlencoded",
    "multipart": "multipart/form-data; boundary=application/json",
    "none": "",
    "nearly": "application/jsonp",
    "list": "text/plain, application/json",
    "huge": "x/" + "y" * 4000,
}


@pytest.mark.parametrize("kind", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("path", [GENERATE, SSE, STREAM, COUNT])
async def test_what_a_form_can_post_is_refused(kind: str, path: str) -> None:
    """Such a post needs no permission from anyone, and old browsers send no Origin with it."""
    engine = Scripted(said("a"))
    async with served(guarded(engine)) as server:
        reply = await server.ask(path, headers={"content-type": kind} if kind else {})

    error = reply.json()
    error = (error[0] if path == STREAM else error)["error"]
    assert (reply.status, error["status"]) == (400, "INVALID_ARGUMENT")
    assert "application/json" in error["message"]
    assert len(error["message"]) < 300
    assert engine.asked == []


@pytest.mark.parametrize(
    "kind", ["application/json", "Application/JSON; charset=utf-8", " application/json ;q=1"]
)
async def test_json_is_json_however_it_is_spelled(kind: str) -> None:
    async with served(guarded()) as server:
        reply = await server.ask(GENERATE, headers={"content-type": kind})

    assert reply.status == 200


async def preflight(path: str, origin: str, **more: str) -> Reply:
    headers = {
        "origin": origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type,x-goog-api-key",
    }
    async with served(guarded()) as server:
        return await server.ask(path, None, method="OPTIONS", headers=headers | more)


@pytest.mark.parametrize("origin", [APP, APP.upper(), "http://localhost:3000"])
@pytest.mark.parametrize("path", [GENERATE, "/v1beta/models", "/readyz"])
async def test_an_allowed_page_s_preflight_is_answered(origin: str, path: str) -> None:
    reply = await preflight(path, origin)

    assert reply.status == 200
    assert reply.headers["access-control-allow-origin"] == origin
    assert reply.headers["access-control-allow-headers"] == "content-type,x-goog-api-key"
    assert "POST" in reply.headers["access-control-allow-methods"]
    assert "access-control-allow-credentials" not in reply.headers
    assert reply.headers["vary"] == "Origin"


@pytest.mark.parametrize("origin", [EVIL, "null", "http://localhost:3001"])
async def test_a_foreign_page_s_preflight_is_refused(origin: str) -> None:
    assert_refused(await preflight(GENERATE, origin), "may not call")


async def test_a_preflight_through_a_rebound_name_is_refused() -> None:
    reply = await preflight(GENERATE, APP, host="evil.example")

    assert reply.status == 403


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", GENERATE, ASK, 200),
        ("POST", SSE, ASK, 200),
        ("POST", STREAM, ASK, 200),
        ("POST", COUNT, ASK, 200),
        ("GET", "/v1beta/models", None, 200),
        ("GET", "/readyz", None, 200),
        ("POST", GENERATE, b"{", 400),
        ("POST", SSE, b'{"no_such": 1}', 400),
        ("POST", f"/v1/models/{MODEL}:fly", ASK, 404),
        ("GET", "/v1beta/models/nobody", None, 404),
        ("GET", "/nowhere", None, 404),
        ("POST", GENERATE, b"x" * 5000, 400),
    ],
)
async def test_an_allowed_page_can_read_answers_and_errors(
    method: str, path: str, body: bytes | None, status: int
) -> None:
    async with served(guarded()) as server:
        reply = await server.ask(path, body, method=method, headers=JSON | {"origin": APP})

    assert reply.status == status
    assert reply.headers["access-control-allow-origin"] == APP
    assert reply.headers["access-control-expose-headers"] == "*"


async def test_an_allowed_page_can_read_an_upstream_s_failure() -> None:
    async with served(guarded(Scripted([Odd("x")]))) as server:
        reply = await server.ask(GENERATE, headers=JSON | {"origin": APP})

    assert (reply.status, reply.headers["access-control-allow-origin"]) == (502, APP)


@pytest.mark.parametrize("path", [GENERATE, SSE])
async def test_without_an_origin_nothing_is_opened(path: str) -> None:
    async with served(guarded()) as server:
        reply = await server.ask(path)

    assert not [name for name in reply.headers if name.startswith("access-control")]
