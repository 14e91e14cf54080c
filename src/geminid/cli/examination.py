"""What the doctor looks at: each check gives findings; one that is wrong names its cure."""

import importlib
import os
import platform
import shutil
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec
from rich.table import Table
from rich.text import Text

from geminid import __version__
from geminid.cli.settings import address, running
from geminid.cli.stop import Stop
from geminid.config import Boot, Config, ConfigError, describe, environment, load
from geminid.config.channels import KEY_VARIABLES
from geminid.engines import weights
from geminid.engines.weights import WeightsError

_MARKS = {"fine": ("✓", "green"), "note": ("·", "yellow"), "wrong": ("✗", "bold red")}
_LOW_SPACE = 1 << 30


class Finding(msgspec.Struct, frozen=True):
    """One thing looked at.  `advice` says what to do, `""` when there is nothing to do."""

    check: str
    state: Literal["fine", "note", "wrong"]
    found: str
    advice: str = ""


class _Channel(msgspec.Struct):
    ready: bool
    detail: str = ""


class _Ready(msgspec.Struct):
    status: str
    book: str = ""
    channels: dict[str, _Channel] = {}


def examine(boot: Boot) -> Iterator[Finding]:
    """Everything that can be looked at with `boot`.  Changes nothing."""
    yield Finding("geminid", "fine", f"{__version__}, Python {platform.python_version()}")
    try:
        config = load(boot, environment())
    except ConfigError as error:
        for problem in error.problems:
            yield Finding("configuration", "wrong", str(problem), "mend it, then run this again")
        return
    yield from _configuration(config)
    yield _folder("state", config.home, "GEMINID_HOME or --home")
    yield _folder("weights folder", config.models_dir, "GEMINID_MODELS")
    yield from _space(config)
    yield from _local_models(config)
    yield from _server(config)


def as_json(findings: tuple[Finding, ...], boot: Boot) -> bytes:
    """The findings as one JSON object, with the configuration that is in effect if it is sound.

    `ok` is what the exit code says.
    """
    ok = all(finding.state != "wrong" for finding in findings)
    try:
        effective = describe(load(boot, environment()))
    except ConfigError:
        effective = None
    return msgspec.json.encode({"ok": ok, "findings": findings, "configuration": effective})


def as_table(findings: tuple[Finding, ...]) -> Table:
    """The findings for a person: one line each, its cure below it."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    before = ""
    for finding in findings:
        mark, style = _MARKS[finding.state]
        name = "" if finding.check == before else finding.check
        table.add_row(Text(mark, style), Text(name), Text(finding.found))
        if finding.advice:
            table.add_row("", "", Text(f"→ {finding.advice}", "bold"))
        before = finding.check
    return table


def _configuration(config: Config) -> Iterator[Finding]:
    source = str(config.source) if config.source else "none: the defaults"
    yield Finding("configuration", "fine", source)
    for warning in config.warnings:
        yield Finding("configuration", "note", warning)
    environ = environment()
    names = [name for name in KEY_VARIABLES if environ.get(name, "").strip()]
    yield Finding("keys", "fine", f"in the environment: {', '.join(names) or 'none'}")
    for channel in config.channels:
        weight = channel.weights if channel.engine == "llama" else ""
        script = channel.script.path if channel.script is not None else ""
        key = f"key from {channel.key.source}" if channel.key else ""
        facts = filter(None, (channel.engine, channel.base_url, weight, script, key))
        yield Finding("channels", "fine", f"{channel.name}: {', '.join(facts)}")


def _folder(check: str, folder: Path, setting: str) -> Finding:
    """Whether files can be made in `folder`, or the folder itself can be."""
    there = next(path for path in (folder, *folder.parents) if path.exists())
    if not there.is_dir():
        return Finding(check, "wrong", f"{there} is not a folder", f"name another in {setting}")
    if not os.access(there, os.W_OK | os.X_OK):
        advice = f"mend the permissions of {there}, or name another folder in {setting}"
        return Finding(check, "wrong", f"{folder} cannot be written", advice)
    return Finding(check, "fine", f"{folder}{'' if there == folder else ' (will be made)'}")


def _space(config: Config) -> Iterator[Finding]:
    disks = set()
    for check, folder in (("state", config.home), ("weights folder", config.models_dir)):
        there = next(path for path in (folder, *folder.parents) if path.exists())
        if there.stat().st_dev in disks:
            continue
        disks.add(there.stat().st_dev)
        free = shutil.disk_usage(there).free
        if free < _LOW_SPACE:
            yield Finding(
                check,
                "note" if free > _LOW_SPACE >> 4 else "wrong",
                f"{free >> 20} MiB are left on the disk of {there}",
                "free some space: rows, logs and weights need it",
            )


def _local_models(config: Config) -> Iterator[Finding]:
    wanted = [channel for channel in config.channels if channel.engine == "llama"]
    if not wanted:
        return
    try:
        importlib.import_module("xllamacpp")
        yield Finding("runtime", "fine", "xllamacpp loads")
    except (ImportError, OSError) as error:
        reason = " ".join(str(error).split())
        advice = f"install it again: {sys.executable} -m pip install --force-reinstall xllamacpp"
        yield Finding("runtime", "wrong", f"xllamacpp does not load: {reason}", advice)
    for channel in wanted:
        try:
            path = weights.locate(channel.weights, config.models_dir)
            yield Finding("weights", "fine", f"{channel.name}: {path}")
        except WeightsError as error:
            what, _, advice = error.detail.partition("; ")
            yield Finding("weights", "wrong", f"{channel.name}: {what}", advice.rstrip("."))


def _server(config: Config) -> Iterator[Finding]:
    answering = running(config)
    if answering is None:
        yield _port(config, address(config.server))
        return
    client, version = answering
    url = client.url
    if version == __version__:
        yield Finding("server", "fine", f"runs at {url}")
    else:
        found = f"at {url} runs version {version}, and this is {__version__}"
        yield Finding("server", "note", found, "restart it with `geminid serve`")
    try:
        ready = msgspec.json.decode(client.get("/readyz", any_status=True), type=_Ready)
    except (Stop, msgspec.MsgspecError) as error:
        yield Finding("server", "wrong", f"does not tell its state: {error}", "look at its log")
        return
    if ready.book:
        yield Finding("server", "wrong", f"cannot write its book: {ready.book}", "see `state`")
    state: Literal["fine", "wrong"]
    if not ready.channels:  # a server with callers tells strangers no more
        state = "fine" if ready.status == "ready" else "wrong"
        yield Finding("server", state, f"says that it is {ready.status}")
    for name, channel in ready.channels.items():
        state = "fine" if channel.ready else "wrong"
        found = f"channel {name} {'is ready' if channel.ready else 'is not ready'}"
        yield Finding("server", state, f"{found}{f': {channel.detail}' if channel.detail else ''}")


def _port(config: Config, url: str) -> Finding:
    """Whether a server could listen."""
    host, port = config.server.host, config.server.port
    if not port:
        return Finding("server", "fine", "takes any free port, so none is looked at")
    try:
        places = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, place = places[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(place)
    except OSError as error:
        found = f"{host}:{port} cannot be listened on ({error.strerror})"
        advice = "end what uses it, or take another: geminid serve --port 7734"
        return Finding("server", "wrong", found, advice)
    return Finding("server", "fine", f"not running; {url} is free")
