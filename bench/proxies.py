"""Who is measured.  To compare another proxy, add a `Peer` to `PEERS`."""

import hashlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from bench import nginx
from bench.answers import KEY, MODEL, prompt, stream_model
from bench.problem import Missing
from bench.wire import Call


class Site(msgspec.Struct, frozen=True):
    """Where a peer runs: an empty folder of its own, its port, and the mock upstream's port."""

    folder: Path
    port: int
    upstream: int


class Peer(msgspec.Struct, frozen=True, kw_only=True):
    """A proxy that can be measured.

    `command` writes what configuration it needs into the site's folder and gives the words to start
    it with; it raises `Missing` if it is not installed.  `unary` and `stream(events)` are what its
    clients ask.  `text` and `ending` stand in every good answer and at the end of every whole
    stream, in the dialect that its clients speak.  `keyed` promises that it refuses a call without
    its headers.
    """

    name: str
    command: Callable[[Site], tuple[str, ...]]
    unary: Call
    stream: Callable[[int], Call]
    text: bytes = b"A proxy is judged"
    ending: bytes = b'"finishReason"'
    keyed: bool = True


def gemini_unary() -> Call:
    """`generateContent` with the 1.1 KB prompt and a key."""
    return _gemini(f"{MODEL}:generateContent")


def gemini_stream(events: int) -> Call:
    """The same as a stream of `events` events."""
    return _gemini(f"{stream_model(events)}:streamGenerateContent?alt=sse")


def _gemini(method: str) -> Call:
    headers = (("x-goog-api-key", KEY), ("content-type", "application/json"))
    return Call(f"/v1beta/models/{method}", headers, prompt())


def _nginx(site: Site) -> tuple[str, ...]:
    return nginx.proxying(site.folder, site.port, site.upstream)


_CONFIG: Final = """\
[server]
env_channels = false

[[channel]]
name = "mock"
engine = "google"
base_url = "http://127.0.0.1:{upstream}"
key = "file:{folder}/key"
models = ["{model}", "{short}", "{long}"]

[[caller]]
name = "bench"
key_sha256 = "{digest}"
"""


def _geminid(site: Site) -> tuple[str, ...]:
    program = Path(sys.executable).with_name("geminid")
    if not program.exists():
        raise Missing("geminid is not installed beside this Python; run: make install")
    (site.folder / "key").write_text("upstream-key\n")
    config = site.folder / "geminid.toml"
    config.write_text(
        _CONFIG.format(
            upstream=site.upstream,
            folder=site.folder,
            model=MODEL,
            short=stream_model(SHORT),
            long=stream_model(LONG),
            digest=hashlib.sha256(KEY.encode()).hexdigest(),
        )
    )
    home = str(site.folder / "home")
    options = ("--config", str(config), "--home", home, "--port", str(site.port))
    return (str(program), "serve", *options)


SHORT: Final = 20
"""Events of the stream whose first byte is timed."""

LONG: Final = 150
"""Events of each of the streams that run at once."""

REFERENCE: Final = Peer(
    name="nginx, a plain reverse proxy",
    command=_nginx,
    unary=gemini_unary(),
    stream=gemini_stream,
    keyed=False,
)

PEERS: Final = (Peer(name="geminid", command=_geminid, unary=gemini_unary(), stream=gemini_stream),)
