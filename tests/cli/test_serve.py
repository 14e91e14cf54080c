"""The commands together with a real server: each finds it, and asks it."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from geminid.cli import main
from tests.cli.commands import run
from tests.serving import Serving, environment, serving

CHANNEL = '[[channel]]\nname = "words"\nengine = "echo"\n'
HERE = "No server runs here; starting an engine for this one answer.\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """`geminid serve` with an engine that repeats what it is told."""
    with serving(tmp_path_factory.mktemp("served"), CHANNEL) as server:
        yield server


@pytest.fixture
def configured(server: Serving, home: Path) -> None:
    """A configuration in the current folder that names the server's port."""
    port = server.url.rpartition(":")[2]
    (home / "geminid.toml").write_text(f"[server]\nport = {port}\n{CHANNEL}")


@pytest.mark.usefixtures("configured")
async def test_run_finds_the_running_server_by_the_configuration(
    capsys: pytest.CaptureFixture[str], home: Path
) -> None:
    ran = await run(capsys, "run", "gemini-2.5-pro", "Wie geht’s,", "Welt?")

    assert (ran.code, ran.out, ran.err) == (0, "Wie geht’s, Welt?\n", "")
    assert not (home / "journal").exists()  # nothing was started here


async def test_the_server_of_the_home_is_found_on_any_port(
    capsys: pytest.CaptureFixture[str], home: Path
) -> None:
    """`serve --port` says nothing to the commands, so the server itself leaves word."""
    with serving(home, CHANNEL) as server:
        ran = await run(capsys, "run", "gemini-2.5-pro", "Hello")
        doctor = await run(capsys, "doctor", "--json")

    assert (ran.code, ran.out, ran.err) == (0, "Hello\n", "")
    assert f"runs at {server.url}" in doctor.out


@pytest.mark.parametrize("pid", [2**22 + 1, os.getpid()])
async def test_word_of_a_server_that_is_gone_is_not_trusted(
    capsys: pytest.CaptureFixture[str], home: Path, pid: int
) -> None:
    """Its process may be gone, or its id may be somebody else's by now."""
    (home / "geminid.toml").write_text(f"[server]\nport = 0\n{CHANNEL}")
    (home / "server.json").write_text(json.dumps({"url": "http://127.0.0.1:9", "pid": pid}))

    ran = await run(capsys, "run", "gemini-2.5-pro", "Hello")

    assert (ran.code, ran.out, ran.err) == (0, "Hello\n", HERE)


async def test_run_asks_the_server_it_is_told(
    capsys: pytest.CaptureFixture[str], server: Serving
) -> None:
    asked = ("run", "gemini-2.5-pro", "one two three", "--url", server.url)
    whole = await run(capsys, *asked, "--json")
    cut = await run(capsys, *asked, "--max-tokens", "2")
    unknown = await run(capsys, "run", "gemini-9", "Hi", "--url", server.url)

    assert json.loads(whole.out)["candidates"][0]["content"]["parts"] == [{"text": "one two three"}]
    assert (cut.code, cut.out) == (4, "one two \n")
    assert (unknown.code, unknown.out) == (1, "")
    assert unknown.err.startswith("geminid: models/gemini-9 is not found")


async def test_a_retired_model_is_answered_with_a_note(
    capsys: pytest.CaptureFixture[str], server: Serving
) -> None:
    ran = await run(capsys, "model", "show", "gemini-3-pro-preview", "--url", server.url)

    assert ran.code == 0
    assert "Retired" in ran.out


@pytest.mark.usefixtures("configured")
async def test_the_list_is_that_of_the_server(
    capsys: pytest.CaptureFixture[str], server: Serving
) -> None:
    ran = await run(capsys, "model", "list")

    assert ran.code == 0
    assert "gemini-3-pro-preview" in ran.out
    assert "embedding" not in ran.out  # the echo engine embeds nothing
    assert ran.err.endswith(f" models served by {server.url}\n")


@pytest.mark.usefixtures("configured")
async def test_the_doctor_finds_the_server_and_its_channels_in_order(
    capsys: pytest.CaptureFixture[str], server: Serving
) -> None:
    ran = await run(capsys, "doctor", "--json")

    found = [f["found"] for f in json.loads(ran.out)["findings"] if f["check"] == "server"]
    assert ran.code == 0
    assert found == [f"runs at {server.url}", "channel words is ready"]


async def test_without_a_server_run_serves_itself(
    capsys: pytest.CaptureFixture[str], home: Path
) -> None:
    (home / "geminid.toml").write_text(f"[server]\nport = 0\n{CHANNEL}")

    ran = await run(capsys, "run", "gemini-2.5-pro", "Hello")
    refused = await run(capsys, "run", "gemini-9", "Hello", "-q")

    assert (ran.code, ran.out, ran.err) == (0, "Hello\n", HERE)
    assert (refused.code, refused.out) == (1, "")
    assert refused.err.startswith("geminid: models/gemini-9 is not found")
    assert refused.err.count("\n") == 1


async def test_ctrl_c_ends_a_server_of_its_own_in_peace(home: Path) -> None:
    (home / "geminid.toml").write_text(f"[server]\nport = 0\n{CHANNEL}pace_ms = 100\n")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "geminid", "run", "gemini-2.5-pro", "word " * 1000),
        env=environment(home),
        cwd=home,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert await process.stdout.readexactly(5) == b"word "
    process.send_signal(signal.SIGINT)

    _, err = await asyncio.wait_for(process.communicate(), 30)
    assert (process.returncode, err) == (130, HERE.encode())


@pytest.mark.timeout(180)  # loads a model, and fetches it where `make install` has not
async def test_without_anything_the_embedded_model_answers_and_says_what_it_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GEMINID_MODELS")

    ran = await run(capsys, "run", "gemini-3-pro-preview", "Say hello.", "--max-tokens", "4")

    assert ran.code in (0, 4)  # whether four tokens are enough is the model's to say
    assert ran.out.strip()
    assert "smoke-test model" in ran.err


async def test_a_state_that_cannot_be_used_ends_run_with_1(
    capsys: pytest.CaptureFixture[str], home: Path
) -> None:
    (home / "geminid.toml").write_text(f"[server]\nport = 0\n{CHANNEL}")
    (home / "file").write_text("")

    ran = await run(capsys, "run", "gemini-2.5-pro", "Hello", "-q", "--home", str(home / "file"))

    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith(f"geminid: The state in {home}/file cannot be used")
    assert ran.err.count("\n") == 1


def test_serve_refuses_a_wrong_configuration_with_2(
    capsys: pytest.CaptureFixture[str], home: Path
) -> None:
    (home / "geminid.toml").write_text("[[chanel]]\n")

    assert main(["serve"]) == 2
    assert capsys.readouterr() == (
        "",
        'geminid: geminid.toml:1: chanel: unknown key; did you mean "channel"?\n',
    )
