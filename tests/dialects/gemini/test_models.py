"""The `Model` resource."""

from datetime import date

import msgspec

from geminid.catalog import Model
from geminid.dialects.gemini.models import write_model

MODEL = Model(
    id="gemini-3-pro-preview",
    kind="text",
    display_name="Gemini 3 Pro Preview",
    description="A model.",
    version="3-pro-preview-11-2025",
    input_limit=1_048_576,
    output_limit=65_536,
    methods=("generateContent", "countTokens", "createCachedContent"),
    temperature=1,
    top_p=0.95,
    top_k=64,
    max_temperature=2,
    thinking=True,
    source="test",
    checked=date(2026, 11, 21),
)
METHODS = ("generateContent", "streamGenerateContent", "countTokens")


def test_a_known_model_has_all_its_facts_in_googles_names_and_order() -> None:
    """The shape of recorded/13; only methods that this server and the model have."""
    assert msgspec.json.encode(write_model("gemini-3-pro-preview", MODEL, methods=METHODS)) == (
        b'{"name":"models/gemini-3-pro-preview","version":"3-pro-preview-11-2025",'
        b'"displayName":"Gemini 3 Pro Preview","description":"A model.","inputTokenLimit":1048576,'
        b'"outputTokenLimit":65536,"supportedGenerationMethods":["generateContent","countTokens"],'
        b'"temperature":1,"topP":0.95,"topK":64,"maxTemperature":2,"thinking":true}'
    )


def test_an_alias_is_listed_under_its_own_name() -> None:
    assert write_model("gemini-pro-latest", MODEL, methods=())["name"] == "models/gemini-pro-latest"


def test_the_serving_channels_real_limit_is_told() -> None:
    """A small local model answers to a big name: its own limit bounds both sides."""
    tree = write_model("gemini-3-pro-preview", MODEL, methods=METHODS, input_limit=8192)

    assert (tree["inputTokenLimit"], tree["outputTokenLimit"]) == (8192, 8192)


def test_a_limit_above_the_catalogs_output_leaves_that() -> None:
    tree = write_model("gemini-3-pro-preview", MODEL, methods=METHODS, input_limit=100_000)

    assert (tree["inputTokenLimit"], tree["outputTokenLimit"]) == (100_000, 65_536)


def test_a_model_nobody_knows_has_a_name_and_methods() -> None:
    assert write_model("local", None, methods=METHODS, input_limit=4096) == {
        "name": "models/local",
        "displayName": "local",
        "inputTokenLimit": 4096,
        "supportedGenerationMethods": list(METHODS),
    }


def test_what_a_model_does_not_say_is_absent() -> None:
    bare = msgspec.structs.replace(
        MODEL, temperature=None, top_p=None, top_k=None, max_temperature=None, thinking=False
    )

    assert (
        write_model("x", bare, methods=METHODS)
        .keys()
        .isdisjoint({"temperature", "topP", "topK", "maxTemperature", "thinking"})
    )
