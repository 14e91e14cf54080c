"""`geminid serve`, as processes: what dies comes back, what is asked to end ends, nothing is left.

No model here: the engine `echo` answers.  `test_local_model.py` does the same with a model.
"""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.parse
from pathlib import Path

import pytest

from geminid.processes.exits import Exit
from tests.processes.kin import children, gone, until
from tests.serving import Serving, environment, serving

ECHO = '[[channel]]\nname = "echo"\nengine = "echo"\npace_ms = 50\nmodels = ["one"]\n'
SERVER = "geminid.processes.server"
WORDS = [f"w{number}" for number in range(12)]


def connect(server: Serving) -> http.client.HTTPConnection:
    """A connection with a timeout, so that a hanging server fails the test."""
    address = urllib.parse.urlsplit(server.url)
    return http.client.HTTPConnection(address.hostname or "", address.port, timeout=30)


def get(server: Serving, path: str) -> tuple[int, bytes]:
    """Status and body."""
    connection = connect(server)
    connection.request("GET", path)
    reply = connection.getresponse()
    body = reply.read()
    connection.close()
    return reply.status, body


def begin_stream(
    server: Serving, text: str
) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
    """A streamed answer whose first line has come."""
    connection = connect(server)
    body = {"contents": [{"parts": [{"text": text}]}]}
    path = "/v1beta/models/one:streamGenerateContent?alt=sse"
    connection.request("POST", path, json.dumps(body), {"content-type": "application/json"})
    reply = connection.getresponse()
    assert reply.status == 200
    assert reply.readline().startswith(b"data:")
    return connection, reply


def run_serve(home: Path, *arguments: str, **more: str) -> "subprocess.CompletedProcess[str]":
    """`geminid serve` that is expected to end by itself."""
    return subprocess.run(
        [sys.executable, "-m", "geminid", "serve", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
        env=environment(home, **more),
        cwd=home,
    )


def test_it_greets_serves_and_leaves_nothing(tmp_path: Path, short_tmp: Path) -> None:
    with serving(tmp_path / "home", ECHO, TMPDIR=str(short_tmp)) as server:
        (folder,) = short_tmp.iterdir()
        assert folder.stat().st_mode & 0o777 == 0o700
        assert get(server, "/healthz")[0] == 200
        assert f"curl {server.url}/v1beta/models/one:generateContent" in server.output

        assert server.stop() == Exit.STOPPED

    assert list(short_tmp.iterdir()) == []


def test_a_server_that_is_killed_is_started_again(tmp_path: Path) -> None:
    """Callers of the meantime wait in the socket's backlog; nobody is refused."""
    with serving(tmp_path, ECHO) as server:
        (first,) = children(server.process.pid, SERVER)
        os.kill(first, signal.SIGKILL)

        assert get(server, "/healthz")[0] == 200

        (second,) = children(server.process.pid, SERVER)
        assert second != first
        until(lambda: "serving again" in server.output, "it said so")
        assert "A serving process ended (killed by SIGKILL)." in server.output


def test_who_kills_the_supervisor_takes_the_server_along(tmp_path: Path, short_tmp: Path) -> None:
    """And the next start removes the folder that could not be removed."""
    with serving(tmp_path / "a", ECHO, TMPDIR=str(short_tmp)) as server:
        (child,) = children(server.process.pid, SERVER)

        server.stop(signal.SIGKILL)

        until(lambda: gone(child), "the serving process was gone")
    (left,) = short_tmp.iterdir()
    with serving(tmp_path / "b", ECHO, TMPDIR=str(short_tmp)):
        assert not left.exists()


def test_a_stop_drains_an_open_stream(tmp_path: Path) -> None:
    with serving(tmp_path, ECHO) as server:
        connection, reply = begin_stream(server, " ".join(WORDS))

        server.process.send_signal(signal.SIGTERM)
        rest = reply.read().decode()
        connection.close()

        assert WORDS[-1] in rest
        assert '"finishReason": "STOP"' in rest or '"finishReason":"STOP"' in rest
        assert server.stop() == Exit.STOPPED
        with pytest.raises(ConnectionRefusedError):
            connect(server).connect()


def test_a_second_stop_does_not_wait(tmp_path: Path) -> None:
    """The stream is cut then, and can be told from a whole one."""
    with serving(tmp_path, ECHO) as server:
        (child,) = children(server.process.pid, SERVER)
        connection, reply = begin_stream(server, "word " * 2000)
        server.process.send_signal(signal.SIGTERM)
        asked = time.monotonic()
        until(lambda: _refuses(server), "it had begun to stop")
        until(lambda: time.monotonic() > asked + 0.5, "it was a second wish, not the first again")

        server.process.send_signal(signal.SIGINT)

        assert server.process.wait(10) == Exit.STOPPED
        assert gone(child)
        with pytest.raises((http.client.IncompleteRead, ConnectionError)):
            reply.read()
        connection.close()


def _refuses(server: Serving) -> bool:
    """Whether nobody takes connections any more."""
    connection = connect(server)
    try:
        connection.connect()
    except ConnectionRefusedError:
        return True
    finally:
        connection.close()
    return False


def test_one_stop_told_twice_at_once_is_one(tmp_path: Path) -> None:
    """`timeout` and some service managers do so; the stream is drained all the same."""
    with serving(tmp_path, ECHO) as server:
        connection, reply = begin_stream(server, " ".join(WORDS))

        server.process.send_signal(signal.SIGTERM)
        server.process.send_signal(signal.SIGINT)

        assert WORDS[-1] in reply.read().decode()
        connection.close()


def test_a_taken_port_is_one_clear_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])

        ended = run_serve(tmp_path, "--port", port)

    assert ended.returncode == Exit.ADDRESS
    assert ended.stderr == (
        f"geminid: port {port} on 127.0.0.1 is taken; stop what listens there, or choose another"
        " with --port\n"
    )


def test_a_bad_configuration_is_one_line_for_each_problem(tmp_path: Path) -> None:
    file = tmp_path / "bad.toml"
    file.write_text('[[channel]]\nname = "a"\nengine = "ecko"\nweight = 1\n')

    ended = run_serve(tmp_path, "--port", "0", "--config", str(file))

    assert ended.returncode == Exit.CONFIG
    assert 'bad.toml:3: channel[0].engine: unknown engine "ecko"; did you mean' in ended.stderr
    assert "Traceback" not in ended.stderr


def test_weights_that_are_none_are_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "notes.gguf").write_text("not a model")
    file = tmp_path / "geminid.toml"
    file.write_text('[[channel]]\nname = "a"\nengine = "llama"\nweights = "./notes.gguf"\n')

    ended = run_serve(tmp_path, "--port", "0", "--config", str(file))

    assert ended.returncode == Exit.WEIGHTS
    assert ended.stderr == (
        f"geminid: {tmp_path}/notes.gguf is not a GGUF file; give the path of a .gguf file.\n"
    )


def test_a_home_that_cannot_be_used_ends_it_at_once(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file")
    file = tmp_path / "echo.toml"
    file.write_text(ECHO + '[[channel]]\nname = "small"\nengine = "llama"\n')

    ended = run_serve(
        tmp_path, "--port", "0", "--config", str(file), "--home", str(tmp_path / "home")
    )

    assert ended.returncode == Exit.STATE
    assert ended.stderr.startswith(f"geminid: The state in {tmp_path}/home cannot be used: ")
    assert ended.stderr.count("\n") == 1


def test_a_server_that_cannot_start_is_given_up(tmp_path: Path) -> None:
    """Five times, with growing pauses; what it said is on the terminal."""
    file = tmp_path / "echo.toml"
    file.write_text(ECHO)
    code = (
        "import sys; from geminid.config import Boot;"
        "from geminid.processes.supervisor import serve;"
        "broken = (sys.executable, '-c', 'raise SystemExit(\"no luck\")');"
        f"sys.exit(serve(Boot(config_path={str(file)!r}, port=0), server=broken))"
    )

    ended = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
        env=environment(tmp_path),
    )

    assert ended.returncode == Exit.SERVER_DIES
    assert ended.stderr.count("no luck") == 5
    assert "Starting it again in 1.6 s." in ended.stderr
    assert "5th time in a row: giving up" in ended.stderr


def test_a_changed_file_is_taken_over_by_itself(tmp_path: Path) -> None:
    with serving(tmp_path, ECHO) as server:
        file = tmp_path / "geminid.toml"
        other = tmp_path / "other.toml"
        other.write_text(ECHO.replace('"one"', '"two"'))

        other.replace(file)  # as editors do

        until(lambda: get(server, "/v1beta/models/two")[0] == 200, "the new model was served")
        assert get(server, "/v1beta/models/one")[0] == 404


def test_a_bad_file_changes_nothing(tmp_path: Path) -> None:
    with serving(tmp_path, ECHO) as server:
        file = tmp_path / "geminid.toml"
        file.write_text(ECHO.replace("pace_ms", "pace_mz"))
        server.process.send_signal(signal.SIGHUP)

        until(lambda: "nothing was changed" in server.output, "it was refused")
        assert "geminid.toml:4: channel[0].pace_mz: unknown key; did you mean" in server.output
        assert get(server, "/v1beta/models/one")[0] == 200

        file.write_text(ECHO.replace('"one"', '"three"'))
        until(lambda: get(server, "/v1beta/models/three")[0] == 200, "the mended file was taken")


@pytest.mark.parametrize("content", ["", " \n\n"])
def test_an_empty_file_changes_nothing(tmp_path: Path, content: str) -> None:
    """It is being written, or was lost: nobody means the default configuration by it."""
    with serving(tmp_path, ECHO) as server:
        (tmp_path / "geminid.toml").write_text(content)

        until(lambda: "is empty or gone; nothing was changed" in server.output, "it was refused")
        assert get(server, "/v1beta/models/one")[0] == 200


def test_a_path_that_leads_nowhere_changes_nothing(tmp_path: Path) -> None:
    """It took the supervisor down, and everything with it."""
    with serving(tmp_path, ECHO) as server:
        channel = '[[channel]]\nname = "s"\nengine = "script"\nscript = "~nobody-here/x"\n'
        (tmp_path / "geminid.toml").write_text(channel)

        until(lambda: "nothing was changed" in server.output, "it was refused")
        assert get(server, "/v1beta/models/one")[0] == 200


def test_a_file_that_is_being_written_is_not_read(tmp_path: Path) -> None:
    """Every piece of it would be a configuration by itself, and none is the one that is meant."""
    with serving(tmp_path, ECHO) as server:
        file = tmp_path / "geminid.toml"
        pieces = [
            f'[[channel]]\nname = "c{n}"\nengine = "echo"\nmodels = ["m{n}"]\n' for n in range(20)
        ]

        with file.open("w") as writing:
            for piece in pieces:
                writing.write(piece)
                writing.flush()
                time.sleep(0.1)  # the writer is slow; nothing is waited for

        until(lambda: get(server, "/v1beta/models/m19")[0] == 200, "the whole file was taken")
        assert server.output.count("configuration reloaded") == 1


def test_a_script_is_watched_too_also_one_that_a_reload_brought(tmp_path: Path) -> None:
    script = tmp_path / "scripts" / "turns.toml"
    script.parent.mkdir()
    turn = 'version = 1\n[[conversation]]\n[[conversation.turn]]\ntext = "%s"\n'
    script.write_text(turn % "old")
    with serving(tmp_path, ECHO) as server:
        channel = '[[channel]]\nname = "s"\nengine = "script"\nscript = "scripts/turns.toml"\n'
        (tmp_path / "geminid.toml").write_text(channel)
        until(lambda: ask(server) == "old", "the script is played")

        script.write_text(turn % "new")

        until(lambda: ask(server) == "new", "the changed script is played")


def ask(server: Serving) -> str:
    """The text that a model of the catalog answers with."""
    url = urllib.parse.urlsplit(server.url)
    connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=10)
    try:
        connection.request(
            "POST",
            "/v1beta/models/gemini-3-pro-preview:generateContent",
            '{"contents":[{"parts":[{"text":"Hi"}]}]}',
            {"content-type": "application/json"},
        )
        said = json.loads(connection.getresponse().read())
    finally:
        connection.close()
    return str(said["candidates"][0]["content"]["parts"][0]["text"]) if "error" not in said else ""


def test_only_this_user_may_read_what_it_keeps(tmp_path: Path) -> None:
    """Whatever the umask of the shell: who asked what is nobody else's business."""
    home = tmp_path / "home"
    before = os.umask(0o022)
    try:
        with serving(home, ECHO) as server:
            connection, reply = begin_stream(server, "one two")
            reply.read()
            connection.close()
            until(lambda: bool(list(home.glob("journal/*.jsonl"))), "it was written down")
            kept = [path for path in home.rglob("*") if path.name != "geminid.toml"]
    finally:
        os.umask(before)

    assert {"geminid.db", "server.json", "logs"} <= {path.name for path in kept}
    open_to_others = [path for path in kept if path.exists() and path.stat().st_mode & 0o077]
    assert open_to_others == []


def test_it_tells_where_it_answers_while_it_does(tmp_path: Path) -> None:
    with serving(tmp_path, ECHO) as server:
        told = json.loads((tmp_path / "server.json").read_text())

        assert told == {"url": server.url, "pid": server.process.pid}

        server.stop()
        assert not (tmp_path / "server.json").exists()


def test_of_two_servers_of_a_home_the_later_is_told(tmp_path: Path) -> None:
    """And it stays told when the other one goes."""
    with serving(tmp_path, ECHO) as first, serving(tmp_path, ECHO) as second:
        first.stop()

        assert json.loads((tmp_path / "server.json").read_text())["url"] == second.url


def test_an_upgrade_that_is_not_offered_is_no_news(tmp_path: Path) -> None:
    with serving(tmp_path, ECHO) as server:
        connection = connect(server)
        upgrade = {"connection": "upgrade", "upgrade": "websocket", "sec-websocket-version": "13"}
        connection.request("GET", "/ws", headers=upgrade)

        assert connection.getresponse().status == 404
        connection.close()
        server.stop()
        assert "pip install" not in server.output


def test_a_stop_before_it_serves_is_quiet(tmp_path: Path) -> None:
    """SIGTERM while the weights are on their way: no traceback, nothing left."""
    models = tmp_path / "models"
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections and says nothing
        nowhere = f"http://127.0.0.1:{silent.getsockname()[1]}/simple"
        registry = {
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_FIND_LINKS": "",
            "PIP_INDEX_URL": nowhere,
            "UV_DEFAULT_INDEX": nowhere,
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "geminid", "serve", "--port", "0"],
            stderr=subprocess.PIPE,
            text=True,
            env=environment(tmp_path, GEMINID_MODELS=str(models), **registry),
            cwd=tmp_path,
        )
        with process:
            until(lambda: models.is_dir() and any(models.iterdir()), "the fetch had begun")

            process.send_signal(signal.SIGTERM)

            assert process.wait(20) == Exit.INTERRUPTED
            assert process.stderr is not None
            assert "Traceback" not in process.stderr.read()
    assert list(models.iterdir()) == []
