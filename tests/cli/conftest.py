"""Each command runs in a home of its own, with nobody's keys."""

import logging
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import structlog

from geminid.config.channels import KEY_VARIABLES
from tests.fakes.upstream import FakeUpstream


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, and the folder of the state and the weights.

    Nothing is configured but the port: any, so that no command finds a server of somebody else.
    """
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / "geminid.toml").write_text("[server]\nport = 0\n")
    for name in (*KEY_VARIABLES, "GEMINID_CONFIG", "GEMINID_KEY", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GEMINID_HOME", str(folder))
    monkeypatch.setenv("GEMINID_MODELS", str(folder / "models"))
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture(autouse=True)
def log() -> Iterator[None]:
    """Logging afterwards is as it was.

    A command that starts an engine here sends the log to standard error as this test has it; left
    so, a line logged in a later test would end in complaints among what that test has printed.
    """
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    structlog.reset_defaults()
    root.handlers, root.level = handlers, level


@pytest.fixture
async def upstream() -> AsyncIterator[FakeUpstream]:
    """A server that speaks the Gemini API, well or badly."""
    async with FakeUpstream() as fake:
        yield fake
