"""What tests of processes share."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def short_tmp() -> Iterator[Path]:
    """A temporary folder of one test's own, with a path short enough for sockets in it."""
    folder = Path(tempfile.mkdtemp(prefix="g-"))
    yield folder
    shutil.rmtree(folder)
