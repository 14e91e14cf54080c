"""The composition root: the only file that imports everything, and the only one that may.

`build` reads the configuration and puts engines, stores, pipeline and HTTP together for one serving
process.  Nothing is started before `House.start`.
"""

import asyncio
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlsplit

import structlog

from geminid import catalog as catalogs
from geminid import config as configs
from geminid.catalog import Catalog, Model
from geminid.config import Boot, Channel, Config
from geminid.config.provider import origin_of, provider_of
from geminid.core.ports import Engine
from geminid.http.app import App
from geminid.http.gemini import DIALECT
from geminid.http.guards import Guards
from geminid.http.state import State
from geminid.pipeline.auth import Callers
from geminid.pipeline.channel import LiveChannel, Manner
from geminid.pipeline.compile import Routes
from geminid.pipeline.rules import Rulebook
from geminid.pipeline.run import Policies, Runner
from geminid.pipeline.signatures import Signatures
from geminid.pipeline.validator import Validators
from geminid.pipeline.vault import Keeping
from geminid.stores.account import BookedAccount, open_book
from geminid.stores.metrics import Metrics
from geminid.stores.seals import open_seals
from geminid.stores.vault import BookedVault, open_vault

_LEAVE_S: Final = 2.0
"""What a cancelled answer gets to settle; one that does not is booked as unconfirmed later."""

_OWN_KINDS: Final = {"llama": ("text",), "echo": ("text",), "script": ("text", "image")}
"""The kinds of the catalog's models that engines without an upstream can stand for."""

_log = structlog.get_logger("geminid.wiring")


class SystemClock:
    """The machine's own clock."""

    def now(self) -> float:
        """Seconds since the epoch."""
        return datetime.now(UTC).timestamp()

    def monotonic(self) -> float:
        """Seconds on a clock that never goes back."""
        return time.monotonic()


class House:
    """One serving process's parts, put together.

    `app` may be served between `start` and `close`.  `reload` swaps all that the configuration
    decides, or changes nothing; answers under way keep what they began with.
    """

    def __init__(self, boot: Boot, config: Config) -> None:
        self._boot, self._config = boot, config
        self._clock = SystemClock()
        self._catalog = catalogs.load()
        self._rulebook = Rulebook(catalogs.load_rules())
        self._metrics = Metrics()
        self._policies: Policies | None = None
        self._account: BookedAccount | None = None
        self._vault: BookedVault | None = None
        self._channels: dict[Channel, LiveChannel] = {}
        self._retired: list[LiveChannel] = []  # and in use when last looked at
        self._app: App | None = None

    @property
    def app(self) -> App:
        """The ASGI application."""
        if self._app is None:
            raise RuntimeError("The house has not been started.")
        return self._app

    async def start(self) -> None:
        """Open the book (replaying what a crash left), the vault, the seals and the channels.

        Raises:
            StateUnusable: the home folder cannot be used.
        """
        channels = self._connected(self._config)
        home = self._config.home
        self._account = open_book(home, self._clock)
        self._vault = open_vault(home, self._clock, self._account.writer, self._config.vault)
        seals = open_seals(home, self._clock)
        self._policies = Policies(
            signatures=Signatures(seals, self._corrupted),
            keeping=Keeping(self._vault, seals.mark),
            validators=Validators(),
            meter=self._metrics,
        )
        self._channels = channels
        self._app = App(self._state(self._config, self._account, self._policies, channels))

    async def reload(self) -> None:
        """Read the configuration again and swap to it.

        Raises:
            ConfigError: it is wrong; nothing has changed.
        """
        config = configs.load(self._boot, configs.environment())
        if self._account is None or self._policies is None or self._vault is None:
            raise RuntimeError("The house has not been started.")
        channels = self._connected(config)
        state = self._state(
            config, self._account, self._policies, channels
        )  # the last that could fail
        kept = {id(live) for live in channels.values()}
        gone = [live for live in self._channels.values() if id(live) not in kept]
        self._config, self._channels, self.app.state = config, channels, state
        self._vault.limits = config.vault
        self._retired = [live for live in (*self._retired, *gone) if live.users]
        for live in gone:
            await live.retire()

    async def close(self) -> None:
        """Close every engine, then the book, with all rows written.  Nothing is served after.

        Answers that were cancelled just before, as at the end of a drain, are waited for: each
        settles, and the last one closes its engine.
        """
        try:
            for live in self._channels.values():
                await live.retire()
            with suppress(TimeoutError):
                async with asyncio.timeout(_LEAVE_S):
                    for live in (*self._retired, *self._channels.values()):
                        await live.left()
        finally:
            if self._vault is not None:
                self._vault.close()
            if self._account is not None and not self._account.close():
                _log.warning("rows are left to the next start, which writes them")

    def _corrupted(self, model: Model | None) -> str:
        """What a model says of a signature that it cannot read; `""` if it does not look."""
        rule = self._rulebook.kept("signatures", model)
        return rule.error if rule is not None else ""

    def _connected(self, config: Config) -> dict[Channel, LiveChannel]:
        """Live channels for `config`; one whose settings did not change is kept with its pool."""
        kept = self._channels
        if config.limits.default_max_output != self._config.limits.default_max_output:
            kept = {c: live for c, live in kept.items() if c.engine != "llama"}
        return {c: kept.get(c) or self._live(c, config) for c in config.channels}

    def _live(self, channel: Channel, config: Config) -> LiveChannel:
        return LiveChannel(
            channel.name,
            channel.engine,
            self._engine(channel, config),
            models=_models(channel, self._catalog),
            manner=Manner(
                priority=channel.priority,
                timeout_s=channel.timeout_s,
                strict=channel.strict,
                repairs=channel.repair,
                resamples=channel.engine == "llama",
                origin=origin_of(channel),
                provider=provider_of(channel),
            ),
        )

    def _engine(self, channel: Channel, config: Config) -> Engine:
        # Imported on use: a server that only passes requests on should not load what runs models.
        key = channel.key.reveal() if channel.key is not None else ""
        match channel.engine:
            case "google":
                from geminid.engines.google import Google
                from geminid.engines.transport import Transport

                return Google(Transport(), key, channel.base_url)
            case "openai":
                from geminid.engines.openai import OpenAI
                from geminid.engines.transport import Transport

                return OpenAI(Transport(), channel.base_url, key, flavor=channel.flavor)
            case "llama":
                from geminid.engines.llama import Llama

                return Llama(self._boot.runtime_dir, channel, config.limits.default_max_output)
            case "script" if channel.script is not None:
                from geminid.engines.script.player import Player

                return Player(channel.script, pace_s=channel.pace_ms / 1000)
            case _:
                from geminid.engines.echo import Echo

                return Echo(pace_s=channel.pace_ms / 1000)

    def _state(
        self,
        config: Config,
        account: BookedAccount,
        policies: Policies,
        channels: dict[Channel, LiveChannel],
    ) -> State:
        names = {config.server.host, *config.server.hosts}
        if config.server.public_url:
            names.add(urlsplit(config.server.public_url).hostname or "")
        return State(
            routes=Routes(channels.values(), self._catalog, dialect=DIALECT),
            callers=Callers((caller.key_sha256, caller.name) for caller in config.callers),
            guards=Guards(hosts=names, cors=config.server.cors),
            rulebook=self._rulebook,
            runner=Runner(account, self._clock, policies),
            clock=self._clock,
            account_problem=lambda: account.problem,
            metrics=self._metrics.text,
            body=config.limits.body,
            depth=config.limits.depth,
            parts=config.limits.parts,
            deadline_s=config.limits.deadline_s,
        )


def build(boot: Boot) -> House:
    """The house that `boot` describes, not yet started.

    Raises:
        ConfigError: the configuration is wrong; each problem names its line and key.
    """
    return House(boot, configs.load(boot, configs.environment()))


def _models(channel: Channel, catalog: Catalog) -> dict[str, str]:
    """Our ids and the upstream's.  Without a list of its own, a channel serves the whole catalog.

    A retired model is asked for by its successor's name where there is a real upstream.  Engines of
    our own know text models only, but a script may stand for an image model too.  No channel serves
    embedding models: `embedContent` is not served, and they can do nothing else.
    """
    if channel.models:
        return {model.ours: model.theirs for model in channel.models}
    if kinds := _OWN_KINDS.get(channel.engine):
        return {model.id: model.id for model in catalog.models if model.kind in kinds}
    models: dict[str, str] = {}
    for model in catalog.models:
        if model.kind == "embedding":
            continue
        resolved = catalog.resolve(model.id)
        theirs = resolved.model.id if resolved is not None else model.id
        models[model.id] = channel.prefix + theirs
    return models
