"""What comes in: bodies good and bad, keys from every place, paths and methods of every kind."""

import asyncio
import hashlib
from collections.abc import AsyncGenerator

import pytest

from geminid.engines.google import Google
from geminid.http.app import App
from geminid.pipeline.auth import Callers
from geminid.pipeline.channel import Manner
from geminid.pipeline.compile import Need
from geminid.stores.account import MemoryAccount
from tests.fakes.upstream import FakeUpstream
from tests.http.served import (
    ASK,
    COUNT,
    GENERATE,
    MODEL,
    SSE,
    STREAM,
    Reply,
    Served,
    channel,
    served,
    state,
    until,
)
from tests.pipeline.scripted import Scripted, said

JSON = {"content-type": "application/json"}
KEY = "k-0123456789abcdef"
LIMIT = 4096


@pytest.fixture
def engine() -> Scripted:
    return Scripted(said("a"))


@pytest.fixture
async def server(engine: Scripted) -> AsyncGenerator[Served, None]:
    """A server for small bodies with few parts, and no keys."""
    async with served(App(state(channel(engine), body=LIMIT, parts=5, depth=12))) as up:
        yield up


@pytest.fixture
async def locked(engine: Scripted) -> AsyncGenerator[Served, None]:
    """A server that has a key."""
    callers = Callers([(hashlib.sha256(key.encode()).hexdigest(), "ada") for key in (KEY, "ключ")])
    async with served(App(state(channel(engine), callers=callers))) as up:
        yield up


def padded(size: int) -> bytes:
    """A good request of exactly `size` bytes."""
    return ASK + b" " * (size - len(ASK))


async def pieces(size: int, body: bytes) -> AsyncGenerator[bytes, None]:
    for start in range(0, len(body), size):
        yield body[start : start + size]


def message(reply: Reply) -> str:
    assert reply.error()["status"] == "INVALID_ARGUMENT"
    assert reply.status == 400
    text: str = reply.error()["message"]
    return text


async def test_a_body_up_to_the_limit_is_taken_declared_or_not(server: Served) -> None:
    declared = await server.ask(GENERATE, padded(LIMIT))
    chunked = await server.ask(GENERATE, pieces(100, padded(LIMIT)))

    assert (declared.status, chunked.status) == (200, 200)


@pytest.mark.parametrize("path", [GENERATE, SSE, COUNT])
@pytest.mark.parametrize("size", [LIMIT + 1, 300_000])
async def test_a_body_past_the_limit_is_refused_declared_or_not(
    path: str, size: int, server: Served, engine: Scripted
) -> None:
    for body in (padded(size), pieces(1000, padded(size))):
        reply = await server.ask(path, body)
        assert "exceeds the limit: 4096 bytes" in message(reply)

    assert engine.asked == []


async def test_a_declared_giant_is_refused_before_it_is_sent(server: Served) -> None:
    head = f"POST {GENERATE} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(f"{head}content-length: 9999999999\r\n\r\n".encode())

    async with asyncio.timeout(5):
        line = await reader.readline()

    writer.close()
    assert line.startswith(b"HTTP/1.1 400 ")


async def test_a_caller_who_leaves_inside_the_body_leaves_nothing(
    server: Served, engine: Scripted
) -> None:
    head = f"POST {GENERATE} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
    _, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(f"{head}content-length: 500\r\n\r\n".encode() + ASK)
    await until(lambda: len(server.tasks) == 1)

    writer.close()

    await until(lambda: not server.tasks)
    assert engine.asked == []


async def test_a_body_that_comes_slowly_is_read_whole(server: Served, engine: Scripted) -> None:
    """Who watches for the caller's leaving must not take a piece of the body."""

    async def slowly() -> AsyncGenerator[bytes, None]:
        for byte in ASK:
            await asyncio.sleep(0)
            yield bytes([byte])

    reply = await server.ask(GENERATE, slowly())

    assert reply.status == 200
    assert engine.asked[0][0].contents[0].role == "user"


@pytest.mark.parametrize("path", [GENERATE, SSE])
@pytest.mark.parametrize("body", [b"", b" \n", b"{}", b'{"contents":[]}'])
async def test_an_empty_body_has_no_contents(path: str, body: bytes, server: Served) -> None:
    reply = await server.ask(path, body)

    assert message(reply) == "* GenerateContentRequest.contents: contents is not specified\n"


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"{'a': 1}",
        ASK[:-1],
        ASK + b"x",
        b"\xff\xfe",
        b'{"contents": "\xc3\x28"}',
        b"null",
        b"[]",
        b'"text"',
        b"\0",
        b"NaN",
    ],
    ids=lambda body: repr(body[:12]),
)
async def test_what_is_no_json_object_is_refused(body: bytes, server: Served) -> None:
    reply = await server.ask(GENERATE, body)

    assert message(reply)
    assert "Traceback" not in reply.body.decode()
    violation = reply.error()["details"][0]["fieldViolations"][0]
    assert violation["description"]


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'{"contents":['])
async def test_a_nesting_without_end_is_refused(opening: bytes, server: Served) -> None:
    """Whether or not it is closed: no reader may run out of its stack."""
    close = b"]" if opening == b"[" else b"]}" if opening.endswith(b"[") else b"}"
    count = LIMIT // (len(opening) + len(close)) - 1
    for body in (opening * count, opening * count + b"1" + close * count):
        assert message(await server.ask(GENERATE, body))


async def test_an_unknown_field_is_named_with_its_path(server: Served) -> None:
    """Word for word as the API says it, all at once."""
    body = (
        b'{"contents":[{"parts":[{"text":"a","colour":1}]}],"tools":[{"functionDeclarations":'
        b'[{"name":"f","parameters":{"properties":{"p":{"shape":1}}}}]}],"extra":2}'
    )
    reply = await server.ask(GENERATE, body)

    text = "Invalid JSON payload received. Unknown name"
    paths = [
        ("contents[0].parts[0]", "colour"),
        ("tools[0].function_declarations[0].parameters.properties[0].value", "shape"),
    ]
    lines = [f"{text} \"{name}\" at '{path}': Cannot find field." for path, name in paths]
    lines.append(f'{text} "extra": Cannot find field.')
    assert reply.error() == {
        "code": 400,
        "message": "\n".join(lines),
        "status": "INVALID_ARGUMENT",
        "details": [
            {
                "@type": "type.googleapis.com/google.rpc.BadRequest",
                "fieldViolations": [
                    {"field": paths[0][0], "description": lines[0]},
                    {"field": paths[1][0], "description": lines[1]},
                    {"description": lines[2]},
                ],
            }
        ],
    }


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"contents":"Hi"}', "Invalid value at 'contents'"),
        (b'{"contents":[{"parts":[{"text":5}]}]}', "'contents[0].parts[0].text' (TYPE_STRING), 5"),
        (
            b'{"contents":[{"parts":[{"inlineData":{"mimeType":"image/png","data":"a!b"}}]}]}',
            'Base64 decoding failed for "a!b"',
        ),
        (b'{"contents":[{"role":"system","parts":[{"text":"a"}]}]}', "valid role: user, model"),
        (b'{"contents":[{"parts":[]}]}', "contents.parts must not be empty"),
        (
            b'{"contents":[{"parts":[{"text":"a"}]}],"generationConfig":{"topK":"x"}}',
            "'generation_config.top_k' (TYPE_INT32), \"x\"",
        ),
    ],
)
async def test_a_wrong_value_is_named_with_its_path(
    body: bytes, words: str, server: Served, engine: Scripted
) -> None:
    reply = await server.ask(GENERATE, body)

    assert words in message(reply)
    assert engine.asked == []


async def test_depth_and_parts_have_limits(server: Served) -> None:
    part = b'{"text":"a"}'
    for count, status in ((5, 200), (6, 400)):
        body = b'{"contents":[{"parts":[%b]}]}' % b",".join([part] * count)
        reply = await server.ask(GENERATE, body)
        assert reply.status == status
    assert "more than 5 parts" in message(reply)

    args = b"{}"
    for _ in range(12):
        args = b'{"a":%b}' % args
    body = b'{"contents":[{"parts":[{"functionCall":{"name":"f","args":%b}}]}]}' % args
    assert "deeper than 12 levels" in message(await server.ask(GENERATE, body))


@pytest.mark.parametrize("strict", [True, False])
async def test_the_byte_lane_leaves_unknown_fields_to_the_upstream(
    strict: bool, google: Google, upstream: FakeUpstream
) -> None:
    """It may know fields that we do not; only the size is ours to refuse."""
    body = b'{"brandNew": [1, 2], ' + ASK[1:]
    app = App(state(channel(google, manner=Manner(strict=strict)), body=LIMIT))
    async with served(app) as server:
        reply = await server.ask(GENERATE, body)
        huge = await server.ask(GENERATE, padded(LIMIT + 1))

    assert reply.status == 200
    assert upstream.requests[0].body == body
    assert (huge.status, len(upstream.requests)) == (400, 1)


PLACES: dict[str, tuple[str, dict[str, str]]] = {
    "google": ("", {"x-goog-api-key": KEY}),
    "query": (f"?key={KEY}", {}),
    "quoted query": (f"?key={KEY.replace('-', '%2D')}&alt=json", {}),
    "bearer": ("", {"authorization": f"Bearer {KEY}"}),
    "lower bearer": ("", {"authorization": f"bearer   {KEY} "}),
    "token": ("", {"authorization": f"Token {KEY}"}),
    "anthropic": ("", {"x-api-key": KEY}),
    "azure": ("", {"api-key": KEY}),
    "bare": ("", {"authorization": KEY}),
    "empty header, good query": (f"?key={KEY}", {"x-goog-api-key": ""}),
    "upper case header": ("", {"X-Goog-Api-Key": KEY}),
    "utf-8 query": ("?key=%D0%BA%D0%BB%D1%8E%D1%87", {}),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("path", [GENERATE, "/v1beta/models"])
async def test_a_key_is_found_in_all_the_usual_places(
    place: str, path: str, locked: Served
) -> None:
    query, headers = PLACES[place]
    body, method = (ASK, "POST") if path == GENERATE else (None, "GET")

    reply = await locked.ask(path + query, body, method=method, headers=JSON | headers)

    assert reply.status == 200


async def test_a_utf_8_key_is_found_in_a_header_too(locked: Served) -> None:
    reply = await locked.raw(
        b"GET /v1beta/models HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n"
        b"x-goog-api-key: " + "ключ".encode() + b"\r\n\r\n"
    )

    assert reply.startswith(b"HTTP/1.1 200 ")


BAD_KEY = {
    "code": 400,
    "message": "API key not valid. Please pass a valid API key.",
    "status": "INVALID_ARGUMENT",
    "details": [
        {
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": "API_KEY_INVALID",
            "domain": "googleapis.com",
            "metadata": {"service": "generativelanguage.googleapis.com"},
        },
        {
            "@type": "type.googleapis.com/google.rpc.LocalizedMessage",
            "locale": "en-US",
            "message": "API key not valid. Please pass a valid API key.",
        },
    ],
}
NO_KEY = {
    "code": 403,
    "message": "Method doesn't allow unregistered callers (callers without established identity)."
    " Please use API Key or other form of API consumer identity to call this API.",
    "status": "PERMISSION_DENIED",
}


@pytest.mark.parametrize(
    "path", [GENERATE, SSE, STREAM, COUNT, "/v1beta/models", "/v1beta/models/x"]
)
@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, NO_KEY),
        ({"x-goog-api-key": ""}, NO_KEY),
        ({"x-goog-api-key": "wrong"}, BAD_KEY),
        ({"authorization": "Basic dTpw"}, BAD_KEY),
        ({"authorization": "Bearer"}, BAD_KEY),
        ({"x-goog-api-key": "wrong", "x-api-key": KEY}, BAD_KEY),
        ({"x-goog-api-key": hashlib.sha256(KEY.encode()).hexdigest()}, BAD_KEY),
    ],
    ids=["none", "empty", "wrong", "basic", "bearer", "two", "digest"],
)
async def test_without_a_good_key_nothing_is_told_and_nothing_done(
    path: str,
    headers: dict[str, str],
    expected: dict[str, object],
    locked: Served,
    engine: Scripted,
) -> None:
    """Word for word as the API says it, before the path or the body is looked at."""
    body, method = (b"{", "POST") if ":" in path else (None, "GET")

    reply = await locked.ask(path, body, method=method, headers=JSON | headers)

    tree = reply.json()
    assert (tree[0] if path == STREAM else tree) == {"error": expected}
    assert reply.status == expected["code"]
    assert engine.asked == []
    assert "wrong" not in reply.body.decode()


async def test_the_book_knows_the_caller(engine: Scripted) -> None:
    account = MemoryAccount()
    callers = Callers([(hashlib.sha256(KEY.encode()).hexdigest(), "ada")])
    async with served(App(state(channel(engine), callers=callers, account=account))) as server:
        await server.ask(GENERATE, headers=JSON | {"x-goog-api-key": KEY})

    assert account.recent(1)[0].caller == "ada"


LOST = [
    ("GET", "/v1beta"),
    ("GET", "/v1beta/"),
    ("GET", "/v1beta/nothing"),
    ("GET", "/v1beta/models/"),
    ("GET", f"/v1beta/models/{MODEL}:generateContent"),
    ("GET", f"/v2/models/{MODEL}"),
    ("GET", "/V1/models"),
    ("GET", f"/prefix/v1beta/models/{MODEL}"),
    ("GET", "/v1beta/models/../../etc/passwd"),
    ("HEAD", "/v1beta/models"),
    ("PUT", GENERATE),
    ("DELETE", f"/v1beta/models/{MODEL}"),
    ("PATCH", f"/v1beta/models/{MODEL}"),
    ("POST", "/v1beta/models"),
    ("POST", f"/v1beta/models/{MODEL}"),
    ("POST", f"/v1beta/models/{MODEL}:"),
    ("POST", f"/v1beta/files/{MODEL}:generateContent"),
    ("POST", f"/v2/models/{MODEL}:generateContent"),
    ("POST", "/"),
    ("BREW", "/v1beta/models"),
]


@pytest.mark.parametrize(("method", "path"), LOST)
async def test_a_path_that_leads_nowhere(
    method: str, path: str, server: Served, engine: Scripted
) -> None:
    if method == "BREW":
        line = b"BREW /v1beta/models HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
        assert (await server.raw(line)).startswith(b"HTTP/1.1 4")
        return
    body = ASK if method in ("POST", "PUT", "PATCH") else None
    reply = await server.ask(path, body, method=method, headers=JSON)

    assert reply.status == 404
    if method != "HEAD":
        assert (reply.error()["code"], reply.error()["status"]) == (404, "NOT_FOUND")
        assert reply.body.startswith(b"{\n")
    assert engine.asked == []


@pytest.mark.parametrize("version", ["v1", "v1beta", "v1alpha"])
@pytest.mark.parametrize(
    ("path", "method"),
    [
        ("models/nobody:generateContent", "generateContent"),
        ("models/nobody:streamGenerateContent?alt=sse", "generateContent"),
        ("models/nobody:countTokens", "countTokens"),
        (f"models/{MODEL}:embedContent", "embedContent"),
        (f"models/{MODEL}:batchEmbedContents", "embedContent"),
        (f"models/{MODEL}:predictLongRunning", "predictLongRunning"),
    ],
)
async def test_an_unknown_model_is_named_with_version_and_method(
    version: str, path: str, method: str, server: Served
) -> None:
    reply = await server.ask(f"/{version}/{path}")

    model = path.partition("/")[2].partition(":")[0]
    asks = "ListModels" if method == "embedContent" else "ModelService.ListModels"  # as recorded
    assert reply.error() == {
        "code": 404,
        "message": f"models/{model} is not found for API version {version}, or is not supported"
        f" for {method}. Call {asks} to see the list of available models and"
        " their supported methods.",
        "status": "NOT_FOUND",
    }


async def test_an_unknown_method_is_named(server: Served) -> None:
    reply = await server.ask(f"/v1beta/models/{MODEL}:{'fly' * 500}")

    assert (reply.status, reply.error()["status"]) == (404, "NOT_FOUND")
    assert "'flyfly" in reply.error()["message"]
    assert len(reply.error()["message"]) < 200


@pytest.mark.parametrize(
    "path",
    [
        "/v1beta/models/%00:generateContent",
        "/v1beta/models/%ff%fe:generateContent",
        "/v1beta/models/" + "x" * 8000 + ":generateContent",
        "/v1beta/models/%F0%9F%A6%9C:generateContent",
        "/v1beta/models/{}:generateContent",
        "/v1beta/models/a:b:c:generateContent",
    ],
)
async def test_an_odd_model_is_an_unknown_one(path: str, server: Served) -> None:
    reply = await server.ask(path)

    assert (reply.status, reply.error()["status"]) == (404, "NOT_FOUND")


async def test_both_lanes_refuse_what_came_to_the_wrong_place(
    need: Need, google: Google, upstream: FakeUpstream
) -> None:
    async with served(App(state(channel(google), needs=[need]))) as server:
        replies = [await server.ask("/v1beta/models/nobody:generateContent")]
        replies.append(await server.ask(GENERATE, headers={"content-type": "text/plain"}))

    assert [reply.status for reply in replies] == [404, 400]
    assert upstream.requests == []
