"""The catalog that ships, and what makes a catalog wrong."""

import json
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest

from geminid.catalog import Catalog, CatalogError, Model, load, parse

# Real answers of the API, kept beside the repository and never in it.
RECORDED = Path(__file__).parents[3] / "shared" / "recorded" / "13_models_list.json"

ENTRY = """
[[model]]
id = "{id}"
kind = "text"
display_name = "A"
description = "a"
version = "1"
input_limit = 8
output_limit = 4
methods = ["generateContent"]
source = "a test"
checked = 2026-11-21
{more}
"""


def entry(name: str, more: str = "") -> str:
    return ENTRY.format(id=name, more=more)


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load()


# ---- what ships


@pytest.mark.parametrize("name", ["gemini-3.1-pro-preview", "models/gemini-3.1-pro-preview"])
def test_an_id_is_found_with_and_without_its_prefix(catalog: Catalog, name: str) -> None:
    model = catalog.get(name)

    assert model is not None
    assert model.id == "gemini-3.1-pro-preview"


@pytest.mark.parametrize(
    ("alias", "meant"),
    [
        ("gemini-pro-latest", "gemini-3.1-pro-preview"),
        ("models/gemini-flash-latest", "gemini-3.8-flash"),
        ("gemini-flash-lite-latest", "gemini-3.5-flash-lite"),
        ("nano-banana-pro-preview", "gemini-3-pro-image"),
    ],
)
def test_an_alias_stands_for_its_model_without_a_notice(
    catalog: Catalog, alias: str, meant: str
) -> None:
    resolved = catalog.resolve(alias)

    assert resolved is not None
    assert (resolved.model.id, resolved.notice) == (meant, "")
    assert resolved.asked == alias.removeprefix("models/")


def test_a_retired_id_is_answered_by_its_successor_and_says_so(catalog: Catalog) -> None:
    resolved = catalog.resolve("models/gemini-3-pro-preview")

    assert resolved is not None
    assert resolved.model.id == "gemini-3.1-pro-preview"
    assert resolved.asked == "gemini-3-pro-preview"
    assert resolved.notice == (
        "gemini-3-pro-preview was retired on 2026-03-09; gemini-3.1-pro-preview answers instead."
    )


def test_a_retired_id_keeps_an_entry_of_its_own(catalog: Catalog) -> None:
    """What it can do decides what a caller who names it may ask."""
    model = catalog.get("gemini-3-pro-preview")

    assert model is not None
    assert model.retired == date(2026, 3, 9)
    assert model.thinking_levels == ("low", "high")


@pytest.mark.parametrize(
    ("day", "answers"),
    [
        (date(2026, 11, 30), "gemini-2.5-pro"),
        (date(2026, 12, 1), "gemini-3.8-flash"),
        (None, "gemini-2.5-pro"),  # without a day: what was known when the entry was checked
    ],
)
def test_a_retirement_waits_for_its_day(catalog: Catalog, day: date | None, answers: str) -> None:
    resolved = catalog.resolve("gemini-2.5-pro", day)

    assert resolved is not None
    assert resolved.model.id == answers
    assert bool(resolved.notice) == (answers != "gemini-2.5-pro")


def test_an_unknown_name_is_nobody(catalog: Catalog) -> None:
    assert catalog.get("gemini-0-nano") is None
    assert catalog.resolve("models/gemini-0-nano") is None
    assert catalog.get("") is None


@pytest.mark.parametrize(
    ("name", "levels", "default"),
    [
        ("gemini-3.1-pro-preview", ("low", "medium", "high"), "high"),
        ("gemini-3-flash-preview", ("minimal", "low", "medium", "high"), "high"),
        ("gemini-3.8-flash", ("low", "medium", "high"), "medium"),
        ("gemini-3.1-flash-image", ("minimal", "high"), "minimal"),
        ("gemini-2.5-pro", (), None),
    ],
)
def test_thinking_levels(
    catalog: Catalog, name: str, levels: tuple[str, ...], default: str | None
) -> None:
    model = catalog.get(name)

    assert model is not None
    assert (model.thinking_levels, model.default_level) == (levels, default)


def test_only_what_thinks_in_levels_checks_signatures(catalog: Catalog) -> None:
    """Signatures are checked from Gemini 3 on, and levels came with it."""
    assert {m.id for m in catalog.models if m.checks_signatures} == {
        m.id for m in catalog.models if m.thinking_levels
    }


def test_every_model_can_do_what_its_kind_is_for(catalog: Catalog) -> None:
    method = {"text": "generateContent", "image": "generateContent", "embedding": "embedContent"}

    assert {m.id for m in catalog.models if method[m.kind] not in m.methods} == set()
    assert {m.id for m in catalog.models if not (m.input_limit > 0 and m.output_limit > 0)} == set()


@pytest.mark.skipif(not RECORDED.exists(), reason="the recorded answers are not here")
def test_the_catalog_says_what_the_real_list_says(catalog: Catalog) -> None:
    """Google's own page is the better witness wherever we have no newer one."""
    page: dict[str, Any] = json.loads(RECORDED.read_text())[0]["response"]["body"]
    compared = 0
    for real in page["models"]:
        model = catalog.get(real["name"])
        if model is None or model.id != real["name"].removeprefix("models/"):
            continue  # of a kind that is not ours, or an alias
        compared += 1
        assert {
            "name": f"models/{model.id}",
            "version": model.version,
            "displayName": model.display_name,
            "inputTokenLimit": model.input_limit,
            "outputTokenLimit": model.output_limit,
            "supportedGenerationMethods": list(model.methods),
            "temperature": model.temperature,
            "topP": model.top_p,
            "topK": model.top_k,
            "maxTemperature": model.max_temperature,
            "thinking": model.thinking or None,
        } == {
            "temperature": None,
            "topP": None,
            "topK": None,
            "maxTemperature": None,
            "thinking": None,
        } | {key: value for key, value in real.items() if key != "description"}

    assert compared >= 20


def test_importing_the_catalog_reads_nothing() -> None:
    """Start-up is paid by every command; a file is read when somebody asks."""
    spy = "import tomllib; tomllib.loads = None; import geminid.catalog; print('quiet')"

    ran = subprocess.run([sys.executable, "-c", spy], check=True, capture_output=True, text=True)

    assert ran.stdout == "quiet\n"


# ---- what is refused


def test_entries_keep_their_order() -> None:
    assert [m.id for m in parse(entry("b") + entry("a")).models] == ["b", "a"]


def test_an_entry_takes_what_it_does_not_say_from_its_kind() -> None:
    text = "[defaults.text]\ntop_k = 64\ntop_p = 0.5\n[defaults.image]\ntop_k = 1\n"

    model = parse(text + entry("a", "top_p = 0.9")).models[0]

    assert (model.top_k, model.top_p) == (64, 0.9)


def test_a_chain_of_retirements_is_followed_to_its_end() -> None:
    gone = 'retired = 2026-01-01\nsuccessor = "{}"'
    text = entry("a", gone.format("b")) + entry("b", gone.format("c")) + entry("c")

    resolved = parse(text).resolve("a")

    assert resolved is not None
    assert resolved.model.id == "c"
    assert resolved.notice == "a was retired on 2026-01-01; c answers instead."


def test_a_retired_model_without_a_successor_answers_itself() -> None:
    resolved = parse(entry("a", "retired = 2026-01-01")).resolve("a")

    assert resolved is not None
    assert (resolved.model.id, resolved.notice) == ("a", "")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[[model]", "The model catalog cannot be read"),
        ("", "missing required field `model`"),
        ("[[models]]", "unknown field `models`"),
        (entry("a", "thinkin = true"), "Model a: Object contains unknown field `thinkin`"),
        (entry("a", 'released = "soon"'), "Model a: .*released"),
        (entry("a", "kind = 1"), "cannot be read"),
        ('[[model]]\nkind = "text"', "Model number 1: .*missing required field"),
        (entry("a") + entry("a"), "Model a: a has the name a too"),
        (entry("a", 'aliases = ["x"]') + entry("b", 'aliases = ["x"]'), "b: a has the name x too"),
        (entry("a") + entry("b", 'aliases = ["a"]'), "Model b: a has the name a too"),
        (entry("a", 'successor = "b"'), "Model a: its successor b is not in the catalog"),
        (
            entry("a", 'successor = "b"') + entry("b", 'successor = "a"'),
            "Model a: its successors lead in a circle",
        ),
        (
            entry("a", "released = 2026-02-01\nretired = 2026-01-01"),
            "Model a: retired on 2026-01-01, before it was released",
        ),
        (
            entry("a", 'thinking = true\nthinking_levels = ["low"]\ndefault_level = "high"'),
            "Model a: its default level high is not one of its levels",
        ),
        (entry("a", 'thinking_levels = ["low"]'), "Model a: has thinking levels, but"),
        (entry("a", 'unsure = ["price"]'), "Model a: is unsure of price, which is no field"),
    ],
)
def test_a_wrong_catalog_is_refused_with_the_place_and_the_reason(
    text: str, complaint: str
) -> None:
    with pytest.raises(CatalogError, match=complaint):
        parse(text)


def test_facts_cannot_be_changed_by_who_reads_them(catalog: Catalog) -> None:
    model: Model = catalog.models[0]

    with pytest.raises(AttributeError):
        model.id = "mine"  # type: ignore[misc]  # that it is refused is the point
    assert msgspec.structs.replace(model, id="mine") != catalog.models[0]
