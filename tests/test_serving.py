"""The tests' own way to run a server."""

import subprocess
import sys

import pytest

from tests.serving import Serving


def test_a_server_that_does_not_start_leaves_nothing_open() -> None:
    """What it said is in the failure, and its pipe is closed."""
    process = subprocess.Popen(
        [sys.executable, "-c", "print('no room')"], stdout=subprocess.PIPE, text=True
    )
    with pytest.raises(AssertionError, match="no room"):
        Serving(lambda port: process)

    assert process.returncode == 0
    assert process.stdout is not None
    assert process.stdout.closed
