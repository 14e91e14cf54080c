"""Which dialect a request is in, by its path and, where two share one, by its headers."""

import pytest

from geminid.http.app import App
from tests.http.served import MODEL, channel, served, state
from tests.pipeline.scripted import Scripted, said

GOOGLE = {"x-goog-api-key": "any"}


@pytest.fixture
def app() -> App:
    return App(state(channel(Scripted(said("Hi")))))


@pytest.mark.parametrize(
    ("path", "headers", "dialect"),
    [
        ("/v1/models", {}, "openai"),
        ("/v1/models", {"authorization": "Bearer any"}, "openai"),
        ("/v1/models", GOOGLE, "gemini"),
        ("/v1/models", {"x-goog-api-client": "google-genai-sdk/3.4.0"}, "gemini"),
        ("/v1/models?key=any", {}, "gemini"),
        (f"/v1/models/{MODEL}", {}, "openai"),
        (f"/v1/models/{MODEL}", GOOGLE, "gemini"),
        ("/v1beta/models", {}, "gemini"),
        ("/v1alpha/models", {}, "gemini"),
        ("/api/v1/models", {}, "openai"),
        ("/api/v1/models", GOOGLE, "openai"),
        ("/v1/openai/models", {}, "openai"),
        ("/v1beta/openai/models", GOOGLE, "openai"),
        ("/v1alpha/openai/models", {}, "openai"),
        ("//v1//models", {}, "openai"),
    ],
)
async def test_a_list_of_models_is_in_the_dialect_of_who_asks(
    path: str, headers: dict[str, str], dialect: str, app: App
) -> None:
    async with served(app) as server:
        reply = await server.get(path, headers)

    assert reply.status == 200
    if dialect == "gemini":
        assert {"id", "object"}.isdisjoint(reply.json())
        assert reply.json().get("models") or reply.json()["name"] == f"models/{MODEL}"
    else:
        assert reply.json()["object"] in ("list", "model")


@pytest.mark.parametrize("path", ["/v1", "/api/v1", "/v1beta/openai", "/v1alpha/openai"])
async def test_chat_completions_are_served_at_each_mount(path: str, app: App) -> None:
    body = b'{"model":"%b","messages":[{"role":"user","content":"Hi"}]}' % MODEL.encode()
    async with served(app) as server:
        reply = await server.ask(f"{path}/chat/completions", body)

    assert reply.status == 200
    assert reply.json()["choices"][0]["message"]["content"] == "Hi"


@pytest.mark.parametrize("rest", ["embeddings", "responses", "images/generations", "rerank"])
async def test_what_is_not_served_yet_says_so_in_the_dialects_form(rest: str, app: App) -> None:
    async with served(app) as server:
        reply = await server.ask(f"/v1/{rest}", b"{}")

    assert reply.status == 404
    assert set(reply.error()) >= {"message", "type", "param", "code"}


async def test_a_page_that_may_not_call_is_told_in_the_dialects_form(app: App) -> None:
    headers = {"origin": "https://evil.example", "content-type": "application/json"}
    async with served(app) as server:
        openai = await server.ask("/v1/chat/completions", b"{}", headers=headers)
        gemini = await server.ask(f"/v1/models/{MODEL}:generateContent", b"{}", headers=headers)

    assert (openai.status, openai.error()["type"]) == (403, "permission_error")
    assert (gemini.status, gemini.error()["status"]) == (403, "PERMISSION_DENIED")
