"""The list of models: what is served, page by page, and what a channel makes of it."""

import base64
import hashlib

import pytest

from geminid import catalog
from geminid.http.app import App
from geminid.pipeline.auth import Callers
from geminid.pipeline.channel import LiveChannel
from geminid.pipeline.compile import Routes
from tests.http.served import MODEL, Reply, Served, channel, served, state
from tests.pipeline.scripted import Scripted

CATALOG = catalog.load()
IDS = [model.id for model in CATALOG.models]


def everything() -> App:
    """An app that serves the whole catalog."""
    return App(state(channel(Scripted(), models={model: model for model in IDS})))


def names(reply: Reply) -> list[str]:
    assert reply.status == 200
    return [model["name"] for model in reply.json()["models"]]


async def test_all_that_is_served_is_listed_in_the_catalog_s_order() -> None:
    async with served(everything()) as server:
        reply = await server.get("/v1beta/models?pageSize=1000")

    assert names(reply) == [f"models/{model}" for model in IDS]
    assert "nextPageToken" not in reply.json()


async def test_only_what_a_channel_serves_is_listed() -> None:
    models = {"my-model": "x", MODEL: "y", "gemini-pro-latest": "z"}
    async with served(App(state(channel(Scripted(), models=models)))) as server:
        listed = names(await server.get("/v1beta/models"))
        got = await server.get("/v1beta/models/my-model")

    assert listed == [f"models/{MODEL}", "models/my-model", "models/gemini-pro-latest"]
    assert got.json() == {
        "name": "models/my-model",
        "displayName": "my-model",
        "supportedGenerationMethods": ["generateContent", "countTokens"],
    }


async def test_nothing_served_is_an_empty_page() -> None:
    async with served(App(state())) as server:
        reply = await server.get("/v1beta/models")

    assert names(reply) == []


async def walked(server: Served, size: str) -> list[list[str]]:
    """The names on each page."""
    pages: list[list[str]] = []
    token = ""
    while not pages or token:
        assert len(pages) <= len(IDS)
        reply = await server.get(f"/v1beta/models?pageSize={size}&pageToken={token}")
        pages.append(names(reply))
        token = reply.json().get("nextPageToken", "")
        assert token.isalnum() or not token
    return pages


@pytest.mark.parametrize("size", [1, 2, 7, len(IDS) - 1, len(IDS)])
async def test_pages_hold_everything_once(size: int) -> None:
    async with served(everything()) as server:
        pages = await walked(server, str(size))

    assert [name for page in pages for name in page] == [f"models/{model}" for model in IDS]
    assert all(len(page) == size for page in pages[:-1])
    assert pages[-1]


async def test_a_page_has_fifty_models_and_at_most_a_thousand() -> None:
    many = {f"house-{number}": "x" for number in range(1003)}
    async with served(App(state(channel(Scripted(), models=many)))) as server:
        sizes = {
            size: len(names(await server.get(f"/v1beta/models?pageSize={size}")))
            for size in ("", "0", "10", "5000", "9" * 400)
        }

    assert sizes == {"": 50, "0": 50, "10": 10, "5000": 1000, "9" * 400: 1000}


@pytest.mark.parametrize("size", ["-1", "ten", "1.5", "1e3", "0x10", "%20", "%00"])
async def test_a_bad_page_size_is_refused(size: str) -> None:
    async with served(everything()) as server:
        reply = await server.get(f"/v1beta/models?pageSize={size}")

    assert (reply.status, reply.error()["status"]) == (400, "INVALID_ARGUMENT")
    assert "page_size" in reply.error()["message"]


def token(text: bytes) -> str:
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


@pytest.mark.parametrize(
    "bad",
    [
        *("x", "!!!!", "%FF", "%F0%9F%A6%9C", "aaaaa", "MTA%00"),
        *(token(text) for text in (b"-1", b"ten", b"1.0", b"\xff\xfe", b"9" * 5000)),
    ],
)
async def test_a_bad_page_token_is_refused(bad: str) -> None:
    async with served(everything()) as server:
        reply = await server.get(f"/v1beta/models?pageToken={bad}")

    assert (reply.status, reply.error()["status"]) == (400, "INVALID_ARGUMENT")
    assert "page_token" in reply.error()["message"]
    assert len(reply.error()["message"]) < 200


async def test_a_token_past_the_end_is_an_empty_last_page() -> None:
    """Models may have gone since the page before."""
    async with served(everything()) as server:
        reply = await server.get(f"/v1beta/models?pageToken={token(b'99999999999999999999')}")

    assert names(reply) == []
    assert "nextPageToken" not in reply.json()


async def test_a_model_is_told_as_the_catalog_knows_it() -> None:
    model = CATALOG.names[MODEL]
    async with served(everything()) as server:
        reply = await server.get(f"/v1alpha/models/{MODEL}")
        listed = await server.get("/v1alpha/models?pageSize=1000")

    tree = reply.json()
    assert tree["name"] == f"models/{MODEL}"
    assert tree["displayName"] == model.display_name
    assert (tree["inputTokenLimit"], tree["outputTokenLimit"]) == (
        model.input_limit,
        model.output_limit,
    )
    assert tree["supportedGenerationMethods"] == ["generateContent", "countTokens"]
    assert tree["thinking"] is True
    assert tree in listed.json()["models"]
    assert "x-geminid-notice" not in reply.headers


async def test_an_alias_gets_its_model() -> None:
    alias, model = next((name, m.id) for name, m in CATALOG.names.items() if name != m.id)
    async with served(everything()) as server:
        reply = await server.get(f"/v1beta/models/{alias}")

    assert reply.json()["name"] == f"models/{model}"


@pytest.mark.parametrize("open_door", [True, False])
async def test_a_channel_s_own_limit_is_told_with_a_notice(open_door: bool) -> None:
    """Its name is for operators, the number for everyone."""
    digest = hashlib.sha256(b"k").hexdigest()
    callers = Callers() if open_door else Callers([(digest, "ada")])
    app = App(state(channel(Scripted(limit=2048), name="inner-name"), callers=callers))
    async with served(app) as server:
        reply = await server.get(f"/v1beta/models/{MODEL}", {"x-goog-api-key": "k"})

    assert (reply.json()["inputTokenLimit"], reply.json()["outputTokenLimit"]) == (2048, 2048)
    notice = reply.headers["x-geminid-notice"]
    assert "2048" in notice
    assert str(CATALOG.names[MODEL].input_limit) in notice
    assert "inner-name" not in notice


async def test_fields_select_from_a_list() -> None:
    async with served(everything()) as server:
        reply = await server.get("/v1beta/models?pageSize=2&fields=models/name")

    assert reply.json() == {"models": [{"name": f"models/{model}"} for model in IDS[:2]]}


async def test_a_model_that_nobody_serves() -> None:
    async with served(App(state(channel(Scripted())))) as server:
        reply = await server.get("/v1beta/models/nobody")

    assert (reply.status, reply.error()["status"]) == (404, "NOT_FOUND")
    assert reply.error()["message"].startswith("models/nobody is not found for API version v1beta")


async def test_a_look_at_a_retired_channel_leaves_it_closed() -> None:
    """A request that came before a reload may ask its engine after it."""
    engine = Scripted()
    live: LiveChannel = channel(engine)
    made = state(live)
    assert isinstance(made.routes, Routes)
    await live.retire()
    async with served(App(made)) as server:
        await server.get(f"/v1beta/models/{MODEL}")
        await server.get("/readyz")

    assert engine.closed == 3
