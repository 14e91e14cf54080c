"""Channels: from `[[channel]]` tables, and from keys found in the environment."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from geminid.config.address import base_url
from geminid.config.model import Channel, ModelMap, Secret
from geminid.config.paths import file_at
from geminid.config.problems import ConfigError
from geminid.config.script_file import read_script
from geminid.config.secrets import key_in, secret_at
from geminid.config.table import Report, Table, nearest
from geminid.dialects.openai.flavor import FLAVORS

ENGINES = ("google", "openai", "llama", "echo", "script")

REPAIR = {"llama": 2}
"""How often an engine's answer is asked for again when nothing is said; any other's never."""

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
NAME_RULE = (
    "use 1 to 64 letters, digits, dots, dashes or underscores, beginning with a letter or digit"
)

_PROJECT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")
_MODEL = re.compile(r"[A-Za-z0-9@][^\s=]*")
_VERSIONED = re.compile(r"/v\d\w*$")

# Keys that belong to one engine, or two.  The rest belong to all.
_ENGINE_KEYS = {
    "base_url": ("google", "openai"),
    "key": ("google", "openai"),
    "project": ("google", "openai"),
    "prefix": ("openai",),
    "flavor": ("openai",),
    "weights": ("llama",),
    "context": ("llama",),
    "slots": ("llama",),
    "pace_ms": ("echo", "script"),
    "script": ("script",),
}


class _Service(msgspec.Struct, frozen=True):
    """An OpenAI-compatible service by the name of its flavor: its address, and what stands before
    its ids of Gemini models.
    """

    base_url: str
    prefix: str = ""


_SERVICES = {
    "openai": _Service("https://api.openai.com/v1"),
    "openrouter": _Service("https://openrouter.ai/api/v1", "google/"),
    "aimlapi": _Service("https://api.aimlapi.com/v1", "google/"),
}


class _Found(msgspec.Struct, frozen=True):
    """A variable that makes a channel by itself: the channel, but for its key."""

    variables: tuple[str, ...]
    channel: Channel


# Behind everything in the file (priority 0 or more), in this order.
_FOUND = (
    _Found(
        ("GEMINI_API_KEY", "GOOGLE_API_KEY"), Channel(name="gemini", engine="google", priority=-1)
    ),
    _Found(
        ("OPENROUTER_API_KEY",),
        Channel(name="openrouter", engine="openai", flavor="openrouter", priority=-2),
    ),
    _Found(
        ("AIMLAPI_API_KEY",),
        Channel(name="aimlapi", engine="openai", flavor="aimlapi", priority=-3),
    ),
)

_NOT_ENOUGH = {
    "OPENAI_API_KEY": (
        "no model of OpenAI stands for a Gemini id by itself. Add a [[channel]] with"
        ' engine = "openai", key = "env:OPENAI_API_KEY"'
        ' and models = ["gemini-3-flash-preview=YOUR-OPENAI-MODEL"].'
    ),
    "ANTHROPIC_API_KEY": "the anthropic engine is not part of this version.",
    "INFERENCE_API_KEY": "the inferencesh engine is not part of this version.",
}

KEY_VARIABLES = (*(name for found in _FOUND for name in found.variables), *_NOT_ENOUGH)
"""Every variable that is looked at for a key."""


def read_channel(table: Table, folder: Path, environ: Mapping[str, str]) -> Channel:
    """One `[[channel]]`.  Relative paths in it start at `folder`."""
    engine = table.text("engine")
    if not engine:
        table.lacks("engine", f"missing; say which: {', '.join(ENGINES)}")
    elif engine not in ENGINES:
        table.wrong("engine", f'unknown engine "{engine}"; {nearest(engine, ENGINES)}')
    name = table.text("name")
    if not name:
        table.lacks("name", "missing; give the channel a name of its own")
    elif not NAME.fullmatch(name):
        table.wrong("name", f"not a name; {NAME_RULE}")
    channel = Channel(
        name=name,
        engine=engine,
        priority=table.integer("priority", 0, low=-1000, high=1000),
        timeout_s=table.number("timeout_s", 600.0, low=0.1, high=86_400.0),
        strict=table.flag("strict", default=True),
        repair=table.integer("repair", REPAIR.get(engine, 0), low=0, high=5),
    )
    match engine:
        case "google":
            channel = _google(table, channel, folder, environ)
        case "openai":
            channel = _openai(table, channel, folder, environ)
        case "llama":
            channel = _llama(table, channel, folder)
        case "echo":
            channel = _paced(table, channel)
        case "script":
            channel = _script(table, _paced(table, channel), folder)
        case _:  # reported above; which of the other keys are right depends on it
            table.leave(*_ENGINE_KEYS)
    channel = msgspec.structs.replace(channel, models=_models(table, channel.prefix))
    table.close({key: _belongs(owners) for key, owners in _ENGINE_KEYS.items()})
    return channel


def found_channels(
    environ: Mapping[str, str], given: tuple[Channel, ...], report: Report
) -> Iterator[Channel]:
    """Channels for keys in `environ`, unless one of `given` has the name or uses the variable."""
    names = {channel.name for channel in given}
    used = {channel.key.source for channel in given if channel.key}
    for found in _FOUND:
        sources = {f"env:{variable}" for variable in found.variables}
        if found.channel.name in names or sources & used:
            continue
        variable = next((v for v in found.variables if environ.get(v, "").strip()), "")
        if not variable:
            continue
        key = key_in(environ[variable], f"env:{variable}")
        if isinstance(key, str):
            report.outside(variable, key)
            continue
        service = _SERVICES.get(found.channel.flavor, _Service(""))
        yield msgspec.structs.replace(
            found.channel, key=key, base_url=service.base_url, prefix=service.prefix
        )


def unused_keys(environ: Mapping[str, str], given: tuple[Channel, ...]) -> Iterator[str]:
    """A warning for each key in `environ` that makes no channel and that none of `given` uses."""
    used = {channel.key.source for channel in given if channel.key}
    for variable, reason in _NOT_ENOUGH.items():
        if environ.get(variable, "").strip() and f"env:{variable}" not in used:
            yield f"{variable} is set but makes no channel: {reason}"


def _google(table: Table, channel: Channel, folder: Path, environ: Mapping[str, str]) -> Channel:
    url = base_url(table, "base_url")
    if version := _VERSIONED.search(url):
        table.wrong("base_url", f'leave "{version[0]}" out; the version is added to it')
    return msgspec.structs.replace(
        channel,
        base_url=url,
        project=_project(table),
        key=_key(table, folder, environ, needed=not url and not table.is_wrong("base_url")),
    )


def _openai(table: Table, channel: Channel, folder: Path, environ: Mapping[str, str]) -> Channel:
    flavor = table.text("flavor")
    if flavor and flavor not in FLAVORS:
        table.wrong("flavor", f'unknown flavor "{flavor}"; {nearest(flavor, FLAVORS)}')
    service = _SERVICES.get(flavor or "openai", _Service(""))
    given = base_url(table, "base_url")
    if given and given.count("/") == 2:  # noqa: PLR2004 - the two of ://
        table.wrong("base_url", f'give the path too, as in "{given}/v1"')
    if flavor in FLAVORS and "base_url" not in table and not service.base_url:
        table.wrong("base_url", f"missing; say where the {flavor} server is")
    prefix = table.text("prefix", service.prefix)
    if not prefix and "models" not in table and not table.is_wrong("flavor"):
        table.wrong("models", 'missing; say what it serves, as in ["gemini-3-pro-preview=THEIRS"]')
    unknown = table.is_wrong("base_url") or table.is_wrong("flavor")
    needed = not given and bool(service.base_url) and not unknown
    return msgspec.structs.replace(
        channel,
        base_url=given or service.base_url,
        flavor=flavor,
        prefix=prefix,
        project=_project(table),
        key=_key(table, folder, environ, needed=needed),
    )


def _llama(table: Table, channel: Channel, folder: Path) -> Channel:
    weights = table.text("weights", "smollm2")
    if "/" in weights or weights.startswith("~") or weights.endswith(".gguf"):
        path = file_at(weights, folder, "give a .gguf file, or a name as smollm2")
        if isinstance(path, str):
            table.wrong("weights", path)
        weights = str(path)
    return msgspec.structs.replace(
        channel,
        weights=weights,
        context=table.integer("context", 4096, low=256, high=1 << 20),
        slots=table.integer("slots", 4, low=1, high=64),
    )


def _paced(table: Table, channel: Channel) -> Channel:
    pace_ms = table.integer("pace_ms", 0, low=0, high=60_000)
    return msgspec.structs.replace(channel, pace_ms=pace_ms)


def _script(table: Table, channel: Channel, folder: Path) -> Channel:
    given = table.text("script")
    if not given:
        table.lacks("script", 'missing; name the file to play, as in "script.toml"')
        return channel
    path = file_at(given, folder, "mend the path, or write the script there")
    if isinstance(path, str):
        table.wrong("script", path)
        return channel
    try:
        return msgspec.structs.replace(channel, script=read_script(path))
    except ConfigError as error:
        table.report.problems.extend(error.problems)
        return channel


def _key(table: Table, folder: Path, environ: Mapping[str, str], *, needed: bool) -> Secret | None:
    """The channel's key.  Only a server of one's own may do without."""
    reference = table.text("key")
    if not reference:
        if needed:
            table.lacks("key", 'missing; name where it is, as in "env:NAME" or "file:PATH"')
        return None
    found = secret_at(reference, folder, environ)
    if isinstance(found, str):
        table.wrong("key", found)
        return None
    return found


def _project(table: Table) -> str:
    project = table.text("project")
    if "project" in table and not _PROJECT.fullmatch(project):
        table.lacks(
            "project",
            "not a project; give its id or number, of up to 128 letters, digits, dots, dashes,"
            " colons or underscores",
        )
    return project


def _models(table: Table, prefix: str) -> tuple[ModelMap, ...]:
    maps: dict[str, ModelMap] = {}
    entries = table.texts("models")
    for path, entry in entries:
        ours, equals, theirs = entry.partition("=")
        if not _MODEL.fullmatch(ours) or (equals and not _MODEL.fullmatch(theirs)):
            table.report.at(path, f'"{entry}" is not a model; write "ours" or "ours=theirs"')
        elif ours.startswith("models/"):
            table.report.at(path, f'write the id alone: "{entry.removeprefix("models/")}"')
        elif ours in maps:
            table.report.at(path, f'"{ours}" is in this list already; keep one of the two')
        else:
            maps[ours] = ModelMap(ours, theirs or prefix + ours)
    if "models" in table and not entries:
        table.lacks("models", "names no model; leave the key out to serve the whole catalog")
    return tuple(maps.values())


def _belongs(engines: tuple[str, ...]) -> str:
    return f"it belongs to engine {' or '.join(engines)}"
