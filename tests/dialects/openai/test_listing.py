"""One object for the readers of three lists of models."""

from datetime import date
from typing import Any, TypeAlias

import msgspec
import pytest

from geminid import catalog
from geminid.catalog import Model
from geminid.dialects.openai.listing import write_model

CATALOG = catalog.load()
PRO = CATALOG.names["gemini-3-pro-preview"]

Kinds: TypeAlias = type | tuple[type, ...]

OPENAI: dict[str, Kinds] = {"id": str, "object": str, "created": int, "owned_by": str}
OPENROUTER: dict[str, Kinds] = {
    "architecture": dict,
    "canonical_slug": str,
    "context_length": int,
    "created": int,
    "default_parameters": dict,
    "description": str,
    "expiration_date": (str, type(None)),
    "hugging_face_id": type(None),
    "knowledge_cutoff": type(None),
    "links": dict,
    "name": str,
    "per_request_limits": type(None),
    "pricing": dict,
    "supported_parameters": list,
    "supported_voices": type(None),
    "top_provider": dict,
}
GEMINI: dict[str, Kinds] = {
    "baseModelId": str,
    "version": str,
    "displayName": str,
    "inputTokenLimit": int,
    "outputTokenLimit": int,
    "supportedGenerationMethods": list,
}


def written(model: Model, limit: int | None = None) -> dict[str, Any]:
    tree = write_model(f"google/{model.id}", model, input_limit=limit, owner="google")
    return msgspec.json.decode(msgspec.json.encode(tree), type=dict[str, Any])


@pytest.mark.parametrize("model", CATALOG.models, ids=lambda model: model.id)
def test_every_reader_finds_its_fields(model: Model) -> None:
    """Each of its own list's, in its own form."""
    tree = written(model)

    for name, kinds in (OPENAI | OPENROUTER | GEMINI).items():
        assert isinstance(tree[name], kinds), name
    assert tree["owned_by"] == "google"
    assert tree["pricing"] == {"prompt": "-1", "completion": "-1"}
    assert tree["links"] == {"details": f"/api/v1/models/google/{model.id}"}


def test_a_model_of_google_s_as_it_is_told() -> None:
    """Days, limits, and what may be asked of it."""
    tree = written(PRO)

    assert tree["created"] == 1763424000  # 2025-11-18
    assert tree["shutdown_date"] == tree["expiration_date"] == "2026-03-09"
    assert tree["context_length"] == tree["inputTokenLimit"] == 1048576
    assert tree["top_provider"]["max_completion_tokens"] == tree["outputTokenLimit"] == 65536
    assert tree["architecture"]["modality"] == "text+image+file+audio+video->text"
    assert {"tools", "response_format", "reasoning", "top_k"} <= set(tree["supported_parameters"])
    assert "logprobs" not in tree["supported_parameters"]
    assert tree["reasoning"]["supported_efforts"] == ["high", "low"]
    assert tree["reasoning"]["default_effort"] == "high"
    assert (tree["temperature"], tree["topK"], tree["thinking"]) == (1.0, 64, True)
    assert tree["default_parameters"]["top_p"] == 0.95


def test_thinking_that_can_be_turned_off_is_told_so() -> None:
    """And what cannot think says nothing of it."""
    flash = written(CATALOG.names["gemini-2.5-flash"])["reasoning"]

    assert flash["mandatory"] is False
    assert flash["supported_efforts"][-1] == "none"
    assert flash["supports_max_tokens"] is True
    assert written(PRO)["reasoning"]["mandatory"] is True
    assert "reasoning" not in written(CATALOG.names["gemini-2.5-flash-image"])


def test_a_model_that_draws_shows_pictures() -> None:
    """In the words by which OpenRouter's clients look for one."""
    tree = written(CATALOG.names["gemini-3-pro-image"])

    assert tree["architecture"]["output_modalities"] == ["text", "image"]
    assert tree["architecture"]["input_modalities"] == ["text", "image"]
    assert "tools" not in tree["supported_parameters"]


def test_a_channel_that_takes_less_says_so_in_every_list() -> None:
    """Its answer cannot be longer than its context either."""
    tree = written(PRO, 2048)

    assert tree["context_length"] == tree["top_provider"]["context_length"] == 2048
    assert tree["inputTokenLimit"] == tree["outputTokenLimit"] == 2048
    assert tree["top_provider"]["max_completion_tokens"] == 2048


def test_of_a_model_that_nobody_knows_nothing_is_made_up() -> None:
    """But clients read its fields all the same, and the same day each time."""
    tree = write_model("my/own-model", None, input_limit=None, owner="geminid")

    assert (tree["id"], tree["name"], tree["canonical_slug"]) == ("my/own-model",) * 3
    assert tree["created"] == 1763424000
    assert tree["context_length"] is None
    assert tree["default_parameters"] is None
    assert tree.keys() >= OPENROUTER.keys()
    assert not tree.keys() & (GEMINI.keys() | {"reasoning", "thinking"})
    limited = write_model("x", None, input_limit=512, owner="geminid")
    assert limited["inputTokenLimit"] == limited["context_length"] == 512


def test_a_model_without_an_end_has_none() -> None:
    """`null`, as both readers expect."""
    living = msgspec.structs.replace(PRO, retired=None, released=date(2026, 1, 2))
    tree = written(living)

    assert tree["shutdown_date"] is tree["expiration_date"] is None
    assert tree["created"] == 1767312000
