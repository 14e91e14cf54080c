"""The embedded model under `geminid serve`: it is killed, and comes back; it goes with us."""

import http.client
import json
import os
import signal
import stat
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import pytest

from geminid.config import Channel
from geminid.engines.llama_door import door
from geminid.processes.exits import Exit
from tests.processes.kin import children, gone, until
from tests.serving import Serving, serving

SMALL = '[[channel]]\nname = "small"\nengine = "llama"\ncontext = 512\n'
MODEL = "geminid.processes.llama_main"
SERVER = "geminid.processes.server"
DRAIN_S = 8
BRIEF = (  # as `geminid`, but a drain is short
    "-c",
    "import sys; from geminid.config import Boot; from geminid.processes.supervisor import serve;"
    f"sys.exit(serve(Boot(config_path=sys.argv[-1], port=0), drain_s={DRAIN_S}))",
)
ASK = "/v1beta/models/gemini-3-pro-preview"


@pytest.fixture
def server(tmp_path: Path, short_tmp: Path) -> Iterator[Serving]:
    """A server whose model is loaded."""
    with serving(tmp_path, SMALL, program=BRIEF, TMPDIR=str(short_tmp)) as running:
        until(lambda: "SmolLM2-135M-Instruct is loaded (channel small)." in running.output, "ready")
        yield running


def post(server: Serving, method: str, text: str) -> http.client.HTTPResponse:
    """An answer that has begun."""
    address = urllib.parse.urlsplit(server.url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=50)
    body = {
        "contents": [{"parts": [{"text": text}]}],
        "generationConfig": {"maxOutputTokens": 400, "temperature": 0},
    }
    path = f"{ASK}:{method}"
    headers = {"content-type": "application/json", "connection": "close"}
    connection.request("POST", path, json.dumps(body), headers)
    return connection.getresponse()


def model_of(server: Serving) -> int:
    """The process id of the model."""
    (pid,) = children(server.process.pid, MODEL)
    return pid


def test_it_says_that_it_is_a_smoke_test(server: Serving) -> None:
    reply = post(server, "generateContent", "Hello")
    answer = json.loads(reply.read())

    assert reply.status == 200
    assert answer["modelVersion"] == "SmolLM2-135M-Instruct-smoke-test"
    assert "smoke-test model" in str(reply.headers["x-geminid-notice"])
    assert "small smoke-test model" in server.output


def test_killed_in_mid_answer_it_faults_and_the_next_answer_is_whole(server: Serving) -> None:
    pid = model_of(server)
    reply = post(server, "streamGenerateContent?alt=sse", "Write a long story about a river.")
    assert reply.readline().startswith(b"data:")

    os.kill(pid, signal.SIGKILL)
    rest = reply.read().decode()
    again = post(server, "generateContent", "Hello")

    assert '"error"' in rest
    assert "finishReason" not in rest
    assert again.status == 200
    assert json.loads(again.read())["candidates"][0]["finishReason"]
    assert model_of(server) != pid
    until(lambda: "The model of channel small died (killed by SIGKILL)." in server.output, "told")


def test_who_kills_the_supervisor_takes_the_model_along(server: Serving) -> None:
    pid = model_of(server)

    server.stop(signal.SIGKILL)

    until(lambda: gone(pid), "the model was gone")


def test_a_stop_ends_the_model_too(server: Serving) -> None:
    pid = model_of(server)

    assert server.stop() == Exit.STOPPED

    assert gone(pid)


def test_a_stop_told_to_every_process_drains_all_the_same(server: Serving) -> None:
    """As service managers do: the model must outlive the answer that is being written."""
    reply = post(server, "streamGenerateContent?alt=sse", "Write a long story about a river.")
    assert reply.readline().startswith(b"data:")

    for pid in (model_of(server), *children(server.process.pid, SERVER), server.process.pid):
        os.kill(pid, signal.SIGTERM)
    rest = reply.read().decode()

    assert "finishReason" in rest
    assert '"error"' not in rest
    assert server.stop() == Exit.STOPPED


@pytest.mark.parametrize("change", ["context", "slots", "nothing"])
def test_a_reload_cuts_no_answer(server: Serving, tmp_path: Path, change: str) -> None:
    """The old model writes on beside the new one, which takes whoever comes later."""
    first = model_of(server)
    reply = post(server, "streamGenerateContent?alt=sse", "Write a long story about a river.")
    assert reply.readline().startswith(b"data:")
    others = {
        "context": SMALL.replace("512", "256"),
        "slots": SMALL + "slots = 2\n",
        "nothing": '[[channel]]\nname = "echo"\nengine = "echo"\n',
    }

    (tmp_path / "geminid.toml").write_text(others[change])
    until(lambda: "configuration reloaded" in server.output, "it was reloaded")
    rest = reply.read().decode()

    assert "finishReason" in rest
    assert '"error"' not in rest
    assert post(server, "generateContent", "Hello").status == 200
    assert server.stop() == Exit.STOPPED
    assert gone(first)


def test_a_reload_back_keeps_the_first_model(server: Serving, tmp_path: Path) -> None:
    """It was to leave, and stays, past the time at which it would have left."""
    first = model_of(server)
    file = tmp_path / "geminid.toml"

    file.write_text(SMALL.replace("512", "256"))
    until(lambda: len(children(server.process.pid, MODEL)) == 2, "the second model was there")
    file.write_text(SMALL)
    until(lambda: server.output.count("configuration reloaded") == 2, "it was reloaded")
    until(lambda: len(children(server.process.pid, MODEL)) == 1, "the second model was gone")

    assert model_of(server) == first
    assert post(server, "generateContent", "Hello").status == 200


def test_a_reload_starts_and_ends_models(server: Serving, tmp_path: Path) -> None:
    """One of another size takes the place of the first; without the channel there is none."""
    first = model_of(server)
    file = tmp_path / "geminid.toml"

    file.write_text(SMALL.replace("512", "256"))
    until(lambda: gone(first), "the old model was gone")
    until(lambda: server.output.count("is loaded (channel small)") == 2, "the new one was there")
    second = model_of(server)
    file.write_text('[[channel]]\nname = "echo"\nengine = "echo"\n')

    until(lambda: gone(second), "the new model was gone")
    assert children(server.process.pid, MODEL) == []
    until(lambda: post(server, "generateContent", "Hello").status == 200, "echo answered")


def test_nobody_else_on_this_machine_can_ask_it(server: Serving) -> None:
    """The socket lies in a folder of the user's own, and the process wants the key beside it."""
    command = (Path("/proc") / str(model_of(server)) / "cmdline").read_bytes()
    with Path("/proc/net/unix").open() as sockets:
        paths = [Path(line.split()[-1]) for line in sockets if "/geminid-" in line]
    found = [
        path
        for path in paths
        if path.name == door("", Channel(name="small", engine="llama", context=512)).socket.name
    ]

    assert found
    for path in found:
        key_file = path.with_suffix(".key")
        key = key_file.read_text()
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
        assert len(key) >= 40
        assert key.encode() not in command
