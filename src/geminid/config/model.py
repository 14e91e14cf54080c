"""The configuration as frozen values: what `load` promises to everything that runs.

Every value here has been checked: names are unique, keys are read, addresses are well formed.
"""

from hmac import compare_digest
from pathlib import Path

import msgspec

from geminid.config.script import Script


class Secret:
    """A key that does not show itself: not in `repr`, not in logs, not in JSON.

    A plain class and not a struct, so that no encoder can write the value by accident.  `source`
    says where it came from (`env:NAME` or `file:PATH`) and may be shown.
    """

    __slots__ = ("_value", "source")

    def __init__(self, value: str, source: str) -> None:
        self._value = value
        self.source = source

    def reveal(self) -> str:
        """The key itself, for the one header it is meant for."""
        return self._value

    def __repr__(self) -> str:
        return f"Secret({self.source})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        same = compare_digest(self._value.encode(), other._value.encode())
        return same and self.source == other.source

    def __hash__(self) -> int:
        return hash((self._value, self.source))


class ModelMap(msgspec.Struct, frozen=True):
    """One model that a channel serves: our id for it and the upstream's."""

    ours: str
    theirs: str


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """Where to listen and whom to listen to.

    `hosts` are further names allowed in `Host`, without a port; `cors` are origins
    (`https://app.example`) whose pages may call.  `port` 0 takes any free port.
    """

    host: str = "127.0.0.1"
    port: int = 7733
    public_url: str = ""
    hosts: tuple[str, ...] = ()
    cors: tuple[str, ...] = ()
    workers: int = 1


class Channel(msgspec.Struct, frozen=True, kw_only=True):
    """One configured use of an engine.

    `models` empty means the whole catalog: every id is asked for as `prefix + id` upstream.  An
    entry of `models` already carries the prefix in `theirs`.  A higher `priority` goes first.
    `strict`: Gemini's rules are checked here, before the engine is asked.  `repair` is how often an
    answer that breaks its schema or its tools is asked for again.  `project` (google, openai) is
    the provider's name for the project of `key`: a thought signature is valid in all of it.
    `weights` (llama) is a name or an absolute path, `context` counts tokens per slot, `pace_ms`
    (echo, script) is the pause before each word.  `script` is always there for that engine, and
    holds the file's content: another content makes another channel.
    """

    name: str
    engine: str
    base_url: str = ""
    key: Secret | None = None
    models: tuple[ModelMap, ...] = ()
    prefix: str = ""
    priority: int = 0
    timeout_s: float = 600.0
    strict: bool = True
    repair: int = 0
    flavor: str = ""
    project: str = ""
    weights: str = "smollm2"
    context: int = 4096
    slots: int = 4
    pace_ms: int = 0
    script: Script | None = None


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Who a key stands for.  `key_sha256` is the lower-case hex digest of the key's UTF-8."""

    name: str
    key_sha256: str


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What a request may ask of this server.

    `body` is in bytes, `depth` counts nested JSON values, `parts` the parts of one request.
    `default_max_output` caps a local model when the caller names no limit; `deadline_s` bounds a
    request with all its attempts.
    """

    body: int = 100 << 20
    depth: int = 100
    parts: int = 10_000
    default_max_output: int = 512
    deadline_s: float = 600.0


class VaultLimits(msgspec.Struct, frozen=True, kw_only=True):
    """How long, and how much of, the thought signatures that leave are kept.

    Not `enabled`: none is kept, and none of those that were is put back.  `max_mb` is in MiB, of
    encrypted signatures with their places; the oldest go first.
    """

    enabled: bool = True
    ttl_days: int = 30
    max_mb: int = 512


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """Everything configured, checked.  `source` is the file, `None` without one.

    `warnings` are complete sentences for the operator; none of them holds a secret.
    """

    server: Server
    channels: tuple[Channel, ...]
    callers: tuple[Caller, ...]
    limits: Limits
    vault: VaultLimits = VaultLimits()
    home: Path
    models_dir: Path
    source: Path | None = None
    warnings: tuple[str, ...] = ()


class Boot(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line said, for every process to load the same configuration from.

    `""` and `None` mean: not said.  `runtime_dir` holds this run's sockets; the supervisor sets it.
    """

    config_path: str = ""
    home: str = ""
    models_dir: str = ""
    host: str | None = None
    port: int | None = None
    runtime_dir: str = ""
