"""@google/genai (JavaScript), run by node's own test runner when node is on this machine."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.serving import Serving

FOLDER = Path(__file__).parent / "js"


@pytest.fixture(scope="session")
def node_modules() -> Path:
    """The locked packages, installed once and again when the lock changes."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("node and npm are not installed on this machine")
    installed = FOLDER / "node_modules" / ".package-lock.json"
    lock = FOLDER / "package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
        subprocess.run(["npm", "ci", "--silent"], cwd=FOLDER, check=True, timeout=240)
        installed.touch()
    return installed.parent


@pytest.mark.timeout(300)
def test_the_javascript_client_runs_unmodified(node_modules: Path, embedded: Serving) -> None:
    result = subprocess.run(
        ["node", "--test", "gemini.test.mjs"],
        cwd=FOLDER,
        env=os.environ | {"GEMINID_URL": embedded.url},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )

    assert node_modules.is_dir()
    assert result.returncode == 0, result.stdout + result.stderr
    assert "# pass 15" in result.stdout
