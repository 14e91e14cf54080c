"""`geminid doctor`: each thing that can be wrong is found, with its cure, and decides the code."""

import asyncio
import json
import os
import socket
from pathlib import Path
from typing import Any

import pytest

from geminid.engines.weights import SMOLLM2, place
from tests.cli.commands import Ran, at_terminal, plain, run
from tests.fakes.upstream import FakeUpstream

ECHO = '[server]\nport = 0\n[[channel]]\nname = "words"\nengine = "echo"\n'


def findings(ran: Ran) -> dict[str, list[dict[str, Any]]]:
    """What `doctor --json` printed, by check."""
    found: dict[str, list[dict[str, Any]]] = {}
    for finding in json.loads(ran.out)["findings"]:
        found.setdefault(finding["check"], []).append(finding)
    assert json.loads(ran.out)["ok"] == (ran.code == 0)
    return found


async def test_a_sound_installation_has_nothing_wrong(
    capsys: pytest.CaptureFixture[str], home: Path
) -> None:
    (home / "geminid.toml").write_text(ECHO)

    ran = await run(capsys, "doctor", "--json")

    found = findings(ran)
    assert (ran.code, ran.err) == (0, "")
    assert {finding["state"] for check in found.values() for finding in check} == {"fine"}
    assert found["configuration"][0]["found"] == str(home / "geminid.toml")
    assert found["channels"][0]["found"] == "words: echo"
    effective = json.loads(ran.out)["configuration"]
    assert effective["channels"] == [{"name": "words", "engine": "echo"}]
    assert effective["limits"]["depth"] == 100
    assert os.listdir(home) == ["geminid.toml"]  # noqa: PTH208  looking leaves nothing behind


async def test_a_person_reads_one_line_per_finding(
    capsys: pytest.CaptureFixture[str], home: Path
) -> None:
    (home / "geminid.toml").write_text(ECHO)

    ran = await run(capsys, "doctor")

    assert ran.code == 0
    assert all(line.startswith("✓") for line in ran.out.splitlines())
    assert ran.err == "Nothing is wrong.\n"


async def test_every_problem_of_the_configuration_is_a_finding(
    capsys: pytest.CaptureFixture[str], home: Path
) -> None:
    (home / "geminid.toml").write_text("[server]\nprot = 1\nport = -1\n")

    ran = await run(capsys, "doctor", "--json")

    assert ran.code == 1
    assert [finding["found"] for finding in findings(ran)["configuration"]] == [
        'geminid.toml:2: server.prot: unknown key; did you mean "port"?',
        "geminid.toml:3: server.port: -1 is out of range; use 0 to 65535",
    ]


async def test_keys_are_named_and_never_shown(
    capsys: pytest.CaptureFixture[str], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", "AIzaVerySecret")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-very-secret")

    for flags in ([], ["--json"]):
        ran = await run(capsys, "doctor", *flags)
        assert "ecret" not in ran.out + ran.err
    found = findings(ran)
    assert found["keys"][0]["found"] == "in the environment: GEMINI_API_KEY, ANTHROPIC_API_KEY"
    assert found["channels"][0]["found"] == "gemini: google, key from env:GEMINI_API_KEY"
    assert found["configuration"][1]["state"] == "note"
    assert "ANTHROPIC_API_KEY" in found["configuration"][1]["found"]


async def test_missing_weights_are_wrong_and_the_cure_is_named(
    capsys: pytest.CaptureFixture[str], home: Path
) -> None:
    ran = await run(capsys, "doctor", "--json")

    (weights,) = findings(ran)["weights"]
    assert ran.code == 1
    assert weights["found"] == "embedded: SmolLM2-135M-Instruct has not been fetched yet"
    assert weights["advice"] == "run `geminid model pull smollm2`"


async def test_weights_that_changed_since_they_were_checked_are_wrong(
    capsys: pytest.CaptureFixture[str], home: Path
) -> None:
    path = place(SMOLLM2, home / "models")
    path.parent.mkdir(parents=True)
    path.touch()
    os.truncate(path, SMOLLM2.size)
    stamp = path.with_name(f"{path.name}.sha256")
    stamp.write_text(f"{SMOLLM2.sha256}  {path.name}\n# {SMOLLM2.size} bytes, changed at 1 ns\n")

    ran = await run(capsys, "doctor", "--json")

    (weights,) = findings(ran)["weights"]
    assert weights["found"] == "embedded: SmolLM2-135M-Instruct is damaged"
    assert weights["advice"] == "run `geminid model pull smollm2`"


async def test_a_file_that_holds_no_weights_is_wrong(
    capsys: pytest.CaptureFixture[str], home: Path
) -> None:
    (home / "own.gguf").write_bytes(b"ZIP?")
    (home / "geminid.toml").write_text(
        '[server]\nport = 0\n[[channel]]\nname = "own"\nengine = "llama"\nweights = "own.gguf"\n'
    )

    ran = await run(capsys, "doctor", "--json")

    assert findings(ran)["weights"] == [
        {
            "check": "weights",
            "state": "wrong",
            "found": f"own: {home}/own.gguf is not a GGUF file",
            "advice": "give the path of a .gguf file",
        }
    ]


async def test_a_home_that_is_no_folder_is_wrong(
    capsys: pytest.CaptureFixture[str], home: Path
) -> None:
    (home / "geminid.toml").write_text(ECHO)
    (home / "file").write_text("")

    ran = await run(capsys, "doctor", "--json", "--home", str(home / "file" / "below"))

    (state,) = findings(ran)["state"]
    assert (ran.code, state["state"]) == (1, "wrong")
    assert state["found"] == f"{home}/file is not a folder"
    assert "--home" in state["advice"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
async def test_a_home_that_cannot_be_written_is_wrong(
    capsys: pytest.CaptureFixture[str], home: Path
) -> None:
    (home / "geminid.toml").write_text(ECHO)
    (home / "locked").mkdir(mode=0o500)

    ran = await run(capsys, "doctor", "--json", "--home", str(home / "locked"))

    assert findings(ran)["state"][0]["found"] == f"{home}/locked cannot be written"


async def test_a_port_that_a_stranger_holds_is_wrong(
    capsys: pytest.CaptureFixture[str], home: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        (home / "geminid.toml").write_text(ECHO.replace("port = 0", f"port = {port}"))

        ran = await run(capsys, "doctor", "--json")

    (server,) = findings(ran)["server"]
    assert (ran.code, server["state"]) == (1, "wrong")
    assert server["found"] == (f"127.0.0.1:{port} cannot be listened on (Address already in use)")


async def ask_at(
    capsys: pytest.CaptureFixture[str], home: Path, upstream: FakeUpstream
) -> list[dict[str, Any]]:
    (home / "geminid.toml").write_text(ECHO.replace("port = 0", f"port = {upstream.port}"))
    return findings(await run(capsys, "doctor", "--json"))["server"]


async def test_channels_of_a_running_server_are_told_one_by_one(
    capsys: pytest.CaptureFixture[str], home: Path, upstream: FakeUpstream
) -> None:
    upstream.reply(200, {"status": "ok", "version": "0.0.0"})
    upstream.reply(
        503,
        {
            "status": "not ready",
            "book": "the disk is full",
            "channels": {"a": {"ready": True}, "b": {"ready": False, "detail": "no key"}},
        },
    )

    server = await ask_at(capsys, home, upstream)

    assert [(finding["state"], finding["found"]) for finding in server[1:]] == [
        ("wrong", "cannot write its book: the disk is full"),
        ("fine", "channel a is ready"),
        ("wrong", "channel b is not ready: no key"),
    ]
    assert server[0]["state"] == "note"  # another version than this one
    assert "0.0.0" in server[0]["found"]


@pytest.mark.parametrize(
    ("ready", "state", "said"),
    [
        ({"status": "ready"}, "fine", "says that it is ready"),
        ({"status": "not ready"}, "wrong", "says that it is not ready"),
        (["no", "object"], "wrong", "does not tell its state"),
    ],
)
async def test_a_server_that_tells_little_is_still_judged(
    capsys: pytest.CaptureFixture[str],
    home: Path,
    upstream: FakeUpstream,
    ready: object,
    state: str,
    said: str,
) -> None:
    upstream.reply(200, {"status": "ok", "version": "0.0.0"})
    upstream.reply(200, ready)

    server = await ask_at(capsys, home, upstream)

    assert server[1]["state"] == state
    assert said in server[1]["found"]


@pytest.mark.parametrize("columns", [60, 80, 120])
async def test_findings_fit_the_window_and_cures_stand_under_them(home: Path, columns: int) -> None:
    code, seen = await asyncio.to_thread(at_terminal, home, "doctor", columns=columns)

    lines = plain(seen).splitlines()
    assert code == 1
    assert all(len(line) <= columns for line in lines)
    assert any(line.startswith("✗  weights") for line in lines)
    assert any(line.strip().startswith("→ run `geminid model pull") for line in lines)
