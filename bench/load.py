"""Load by `wrk`: many connections, each with one call after the other."""

import shutil
import subprocess
from pathlib import Path
from typing import Final

import msgspec

from bench.problem import Invalid, Missing
from bench.wire import Call

CONNECTIONS: Final = 64

_SCRIPT: Final = """\
wrk.method = "POST"
wrk.body = {body}
{headers}
function done(summary, latency, requests)
    local e = summary.errors
    print(string.format(
        '{{"requests":%d,"bytes":%d,"us":%d,"status":%d,"connect":%d,"read":%d,"write":%d,"timeout":%d}}',
        summary.requests, summary.bytes, summary.duration, e.status, e.connect, e.read, e.write,
        e.timeout))
end
"""


class Tally(msgspec.Struct, frozen=True):
    """What `wrk` counted: whole replies, all their bytes, microseconds, and what went wrong."""

    requests: int
    bytes: int
    us: int
    status: int
    connect: int
    read: int
    write: int
    timeout: int


def wrk() -> str:
    """The path of `wrk`.

    Raises:
        Missing: it is not installed.
    """
    found = shutil.which("wrk")
    if found is None:
        raise Missing("wrk is not installed; on Debian: apt-get install wrk")
    return found


def press(call: Call, port: int, seconds: int, folder: Path) -> Tally:
    """`CONNECTIONS` connections that repeat `call` for `seconds`, all answered well.

    Raises:
        Invalid: one was not.
    """
    script = folder / "wrk.lua"
    script.write_text(lua(call))
    url = f"http://127.0.0.1:{port}{call.path}"
    words = (wrk(), "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "20s")
    run = subprocess.run(
        (*words, "-s", str(script), url), check=False, capture_output=True, text=True
    )
    if run.returncode:
        raise Invalid(f"wrk failed: {run.stderr.strip() or run.stdout.strip()}")
    return checked(tally(run.stdout))


def lua(call: Call) -> str:
    """The script that makes `wrk` send `call` and print its tally as JSON."""
    headers = "\n".join(f"wrk.headers[{_quoted(n)}] = {_quoted(v)}" for n, v in call.headers)
    return _SCRIPT.format(body=_quoted(call.body.decode()), headers=headers)


def tally(output: str) -> Tally:
    """What `wrk` printed, read.

    Raises:
        Invalid: there is no tally in it.
    """
    for line in output.splitlines():
        if line.startswith('{"requests"'):
            return msgspec.json.decode(line, type=Tally)
    raise Invalid(f"wrk gave no tally: {output.strip()[-300:]}")


def checked(counted: Tally) -> Tally:
    """`counted`, which must hold answers and nothing else.

    Raises:
        Invalid: it has errors in it, or no answer.
    """
    wrong = {
        "answers with an error status": counted.status,
        "connections refused": counted.connect,
        "answers cut": counted.read,
        "requests not taken": counted.write,
        "answers too late": counted.timeout,
    }
    found = ", ".join(f"{count} {what}" for what, count in wrong.items() if count)
    if found or not counted.requests:
        raise Invalid(f"under load: {found or 'no answer at all'}")
    return counted


def _quoted(text: str) -> str:
    """`text` as a Lua string."""
    plain = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{plain.replace(chr(13), chr(92) + "r")}"'
