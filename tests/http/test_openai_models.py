"""The list of models as OpenAI's clients ask for it, under each mount's own names."""

from typing import Any

import msgspec
import pytest

from geminid import catalog
from geminid.core.errors import UnknownModel
from geminid.core.ports import Context
from geminid.http.app import App
from geminid.http.openai_models import get_model, list_models
from geminid.pipeline.channel import LiveChannel
from geminid.pipeline.compile import Routes
from tests.http.served import served, state
from tests.pipeline.scripted import Scripted

CATALOG = catalog.load()
MODEL = "gemini-3-pro-preview"
ALIAS = "gemini-pro-latest"
MODELS = {"house/own": "x", MODEL: "y", ALIAS: "z", "google/oddly-named": "w"}


def live(models: dict[str, str], limit: int | None = None) -> LiveChannel:
    return LiveChannel("one", "test", Scripted(limit=limit), models=models)


def routes(*channels: LiveChannel) -> Routes:
    return Routes(channels or [live(MODELS)], CATALOG, dialect="gemini")


def context() -> Context:
    return Context(request_id="id", caller="ada", deadline=0.0, stream=False)


async def got(name: str, prefix: str = "", *, found: Context | None = None) -> dict[str, Any]:
    body = await get_model(routes(), name, found or context(), prefix=prefix)
    return msgspec.json.decode(body, type=dict[str, Any])


@pytest.mark.parametrize("prefix", ["", "google/", "models/"])
async def test_a_mount_lists_google_s_ids_as_its_vendor_does(prefix: str) -> None:
    """A channel's own names stand as they are: there is no vendor's way to write them."""
    listed = msgspec.json.decode(await list_models(routes(), prefix=prefix))

    assert [model["id"] for model in listed["data"]] == [
        f"{prefix}{MODEL}",
        "house/own",
        f"{prefix}{ALIAS}",
        "google/oddly-named",
    ]
    assert listed["object"] == "list"
    assert (listed["links"], listed["total_count"]) == ({"next": None}, 4)
    owners = [model["owned_by"] for model in listed["data"]]
    assert owners == ["google", "geminid", "google", "geminid"]


async def test_nothing_served_is_an_empty_list() -> None:
    listed = msgspec.json.decode(await list_models(routes(live({})), prefix=""))

    assert (listed["data"], listed["total_count"]) == ([], 0)


@pytest.mark.parametrize("prefix", ["", "google/", "models/"])
@pytest.mark.parametrize("name", [MODEL, f"google/{MODEL}", f"models/{MODEL}"])
async def test_a_model_answers_to_every_spelling_with_the_one_it_was_asked_by(
    name: str, prefix: str
) -> None:
    """A client that compares ids finds its own."""
    tree = await got(name, prefix)

    assert tree["id"] == name
    assert tree["baseModelId"] == MODEL


async def test_a_channel_s_own_name_may_look_like_a_prefixed_one() -> None:
    """It is looked up as it stands first."""
    assert (await got("google/oddly-named"))["id"] == "google/oddly-named"
    assert (await got("house/own"))["owned_by"] == "geminid"


async def test_a_listed_model_can_be_got() -> None:
    """Under the id that the list gave it, as the list described it."""
    for prefix in ("", "google/", "models/"):
        listed = msgspec.json.decode(await list_models(routes(), prefix=prefix))
        for model in listed["data"]:
            assert await got(model["id"], prefix) == model


async def test_a_channel_s_limit_and_a_successor_are_told() -> None:
    """As in Gemini's list of models."""
    served = routes(live({MODEL: "gemini-3.1-pro-preview"}, limit=2048))
    found = context()
    body = await get_model(served, MODEL, found, prefix="")

    assert msgspec.json.decode(body)["context_length"] == 2048
    assert len(found.notices) == 1
    assert "gemini-3.1-pro-preview answers instead" in found.notices[0]


@pytest.mark.parametrize(
    "name",
    ["nobody", "google/nobody", f"google/{MODEL}/endpoints", "google/", "anthropic/" + MODEL],
)
async def test_a_model_that_nobody_serves(name: str) -> None:
    """Named as it was asked for."""
    with pytest.raises(UnknownModel) as caught:
        await got(name, "google/")
    assert caught.value.model == name


BEARER = {"authorization": "Bearer k"}


@pytest.mark.parametrize(
    ("mount", "prefix"), [("/v1", ""), ("/api/v1", "google/"), ("/v1beta/openai", "models/")]
)
async def test_each_mount_serves_its_list_and_its_models(mount: str, prefix: str) -> None:
    """An id may hold slashes, as they are or encoded."""
    async with served(App(state(live(MODELS)))) as server:
        listed = await server.get(f"{mount}/models", BEARER)
        got = [
            await server.get(f"{mount}/models/{name}", BEARER)
            for name in (f"{prefix}{MODEL}", f"google%2F{MODEL}", "house/own")
        ]
        missing = await server.get(f"{mount}/models/google/{MODEL}/endpoints", BEARER)

    assert listed.json()["data"][0]["id"] == f"{prefix}{MODEL}"
    assert [reply.json()["id"] for reply in got] == [
        f"{prefix}{MODEL}",
        f"google/{MODEL}",
        "house/own",
    ]
    assert got[0].json() == listed.json()["data"][0]
    assert missing.status == 404
