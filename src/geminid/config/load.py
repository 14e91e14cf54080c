"""From the file, the environment and the command line to one checked `Config`."""

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import platformdirs

from geminid.config import document
from geminid.config.address import base_url, is_loopback, is_origin
from geminid.config.channels import (
    NAME,
    NAME_RULE,
    REPAIR,
    found_channels,
    read_channel,
    unused_keys,
)
from geminid.config.model import Boot, Caller, Channel, Config, Limits, Server, VaultLimits
from geminid.config.paths import file_at, path_at
from geminid.config.problems import ConfigError, Problem
from geminid.config.table import Report, Table

FILE_NAME = "geminid.toml"

_PORTS = range(65_536)
_SHA256 = re.compile(r"[0-9a-fA-F]{64}")
_HOST = re.compile(r"[A-Za-z0-9_.:-]+")


def environment() -> Mapping[str, str]:
    """The environment of this process.  Nothing else in the program looks at it."""
    return os.environ


def load(boot: Boot, environ: Mapping[str, str]) -> Config:
    """The configuration that `boot` and `environ` name.

    The file is the one given, else `GEMINID_CONFIG`, else `geminid.toml` in the current folder,
    else in the platform's settings folder; only the first two must exist.  What `boot` says wins
    over the file.  Reads files, creates none.

    Raises:
        ConfigError: with every problem found.
    """
    try:
        return _load(boot, environ)
    except (ArithmeticError, OSError, RuntimeError, ValueError) as error:
        # What is known to go wrong is told with its line.  A text that makes the standard library
        # fail in a way of its own must not end the server that watches it either.
        message = f"the configuration cannot be read: {type(error).__name__}: {error}"
        raise ConfigError((Problem("", 0, "", message),)) from error


def _load(boot: Boot, environ: Mapping[str, str]) -> Config:
    source = _file(boot, environ)
    given = document.read(source) if source else document.EMPTY
    report = Report(given.name, given.lines)
    root = Table(given.values, (), report)
    folder = source.parent if source else _here()

    server, use_environment = _server(root.table("server"), boot)
    callers = _callers(root.tables("caller"))
    limits = _limits(root.table("limits"))
    vault = _vault(root.table("vault"))
    channels = _channels(root.tables("channel"), folder, environ)
    home, models_dir = _folders(report, boot, environ)
    if use_environment:
        channels += tuple(found_channels(environ, channels, report))
    root.close()
    if _HOST.fullmatch(server.host) and not is_loopback(server.host) and not callers:
        _refuse_open_door(root, server, boot)
    if report.problems:
        raise ConfigError(_in_order(report.problems, given.name))
    return Config(
        server=server,
        channels=channels or (Channel(name="embedded", engine="llama", repair=REPAIR["llama"]),),
        callers=callers,
        limits=limits,
        vault=vault,
        home=home,
        models_dir=models_dir,
        source=source,
        warnings=tuple(unused_keys(environ, channels)) if use_environment else (),
    )


def _file(boot: Boot, environ: Mapping[str, str]) -> Path | None:
    for given, said_by in (
        (boot.config_path, "--config"),
        (environ.get("GEMINID_CONFIG", ""), "GEMINID_CONFIG"),
    ):
        if given:
            path = file_at(given, None, "mend the path, or leave it out")
            if isinstance(path, str):
                raise ConfigError((Problem("", 0, said_by, path),))
            return path
    found = [
        file_at(FILE_NAME, folder, "")
        for folder in (None, platformdirs.user_config_path("geminid"))
    ]
    return next((path for path in found if isinstance(path, Path)), None)


def _in_order(problems: Iterable[Problem], first: str) -> tuple[Problem, ...]:
    """Each problem once: of the file `first`, then of the scripts it names, then of no file."""

    def place(problem: Problem) -> tuple[bool, bool, str, int]:
        return not problem.file, problem.file != first, problem.file, problem.line

    return tuple(sorted(dict.fromkeys(problems), key=place))


def _server(table: Table, boot: Boot) -> tuple[Server, bool]:
    """The server, and whether keys found in the environment make channels."""
    defaults = Server()
    host = table.text("host", defaults.host)
    if not _HOST.fullmatch(host):
        table.wrong("host", "not an address to listen on; write it as in 127.0.0.1 or 0.0.0.0")
    port = table.integer("port", defaults.port, low=_PORTS.start, high=_PORTS[-1])
    if boot.host is not None and not _HOST.fullmatch(boot.host):
        table.report.outside("--host", "not an address to listen on; write it as in 127.0.0.1")
    if boot.port is not None and boot.port not in _PORTS:
        table.report.outside("--port", f"{boot.port} is out of range; use 0 to {_PORTS[-1]}")
    hosts, cors = table.texts("hosts"), table.texts("cors")
    for path, name in hosts:
        if not _HOST.fullmatch(name):
            table.report.at(path, f'"{name}" is not a host name; leave scheme, port and path out')
    for path, origin in cors:
        if not is_origin(origin):
            table.report.at(path, f'"{origin}" is not an origin; write "https://app.example"')
    server = Server(
        host=host if boot.host is None else boot.host,
        port=port if boot.port is None else boot.port,
        public_url=base_url(table, "public_url"),
        hosts=tuple(name.lower() for _, name in hosts),
        cors=tuple(origin for _, origin in cors),
        workers=table.integer("workers", 1, low=1, high=1),
    )
    use_environment = table.flag("env_channels", default=True)
    table.close()
    return server, use_environment


def _limits(table: Table) -> Limits:
    defaults = Limits()
    limits = Limits(
        body=table.size("body", defaults.body, low=1024, high=2 << 30),
        depth=table.integer("depth", defaults.depth, low=10, high=500),
        parts=table.integer("parts", defaults.parts, low=1, high=1_000_000),
        default_max_output=table.integer(
            "default_max_output", defaults.default_max_output, low=1, high=1 << 20
        ),
        deadline_s=table.number("deadline_s", defaults.deadline_s, low=0.1, high=86_400.0),
    )
    table.close()
    return limits


def _vault(table: Table) -> VaultLimits:
    defaults = VaultLimits()
    vault = VaultLimits(
        enabled=table.flag("enabled", default=defaults.enabled),
        ttl_days=table.integer("ttl_days", defaults.ttl_days, low=1, high=3650),
        max_mb=table.integer("max_mb", defaults.max_mb, low=1, high=1 << 20),
    )
    table.close()
    return vault


def _callers(tables: list[Table]) -> tuple[Caller, ...]:
    names: dict[str, Table] = {}
    keys: dict[str, Table] = {}
    callers = []
    for table in tables:
        name, digest = table.text("name"), table.text("key_sha256").lower()
        if not NAME.fullmatch(name):
            table.lacks("name", f"not a name; {NAME_RULE}" if "name" in table else "missing")
        _unique(table, "name", name, names)
        if not _SHA256.fullmatch(digest):
            advice = "give the 64 hex digits that `printf %s KEY | sha256sum` prints"
            state = "not a SHA-256" if "key_sha256" in table else "missing"
            table.lacks("key_sha256", f"{state}; {advice}")
        _unique(table, "key_sha256", digest, keys)
        table.close()
        callers.append(Caller(name=name, key_sha256=digest))
    return tuple(callers)


def _channels(tables: list[Table], folder: Path, environ: Mapping[str, str]) -> tuple[Channel, ...]:
    names: dict[str, Table] = {}
    channels = []
    for table in tables:
        channel = read_channel(table, folder, environ)
        _unique(table, "name", channel.name, names)
        channels.append(channel)
    return tuple(channels)


def _unique(table: Table, key: str, value: str, seen: dict[str, Table]) -> None:
    if value and value in seen:
        first = seen[value]
        table.wrong(key, f"the same as that of {first.label()}; each needs its own")
    seen.setdefault(value, table)


def _refuse_open_door(root: Table, server: Server, boot: Boot) -> None:
    message = (
        f"{server.host} can be reached from other machines, and no [[caller]] has a key;"
        " listen on 127.0.0.1, or add a [[caller]] with name and key_sha256"
    )
    if boot.host is None:
        root.report.at(("server", "host"), message)
    else:
        root.report.outside("--host", message)


def _here() -> Path:
    try:
        return Path.cwd()
    except OSError as error:
        message = "the current folder is gone; go to another one, or name a file by --config"
        raise ConfigError((Problem("", 0, "", message),)) from error


def _folders(report: Report, boot: Boot, environ: Mapping[str, str]) -> tuple[Path, Path]:
    """Those of the state and of the weights."""
    cache = platformdirs.user_cache_path("geminid")
    wanted = (
        ("--home", boot.home, "GEMINID_HOME", platformdirs.user_data_path("geminid")),
        ("models_dir", boot.models_dir, "GEMINID_MODELS", cache / "models"),
    )
    found = []
    for option, given, variable, default in wanted:
        path = path_at(given or environ.get(variable, "") or str(default))
        if isinstance(path, str):
            report.outside(option if given else variable, path)
            path = default
        found.append(path)
    return found[0], found[1]
