"""litellm as a client in tool loops, its own Message appended or the dict that tutorials write.

It passes on what it does not know, but a stream put together by `stream_chunk_builder` has lost it.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.agents import CUT, LOOPS, THREE, Loop, Place
from tests.clients.desk import Desk
from tests.clients.worker import Failed, Worker

PROGRAM = Path(__file__).with_name("litellm_loops.py")
PYTHON = Path(sys.prefix) / "clients" / "bin" / "python"
WAYS = [
    f"{provider} {mode} {kept}"
    for provider in ("openai", "openrouter")
    for mode in ("whole", "streamed")
    for kept in ("appended", "byHand")
]

every_loop = pytest.mark.parametrize("loop", LOOPS, ids=lambda loop: loop.name)
pytestmark = [
    pytest.mark.skipif(not PYTHON.exists(), reason="no environment for litellm; `make dev`"),
    pytest.mark.timeout(120),
]


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    """One process for all: importing litellm takes seconds."""
    with Worker([str(PYTHON), str(PROGRAM)], PROGRAM.parent) as worker:
        yield worker


@every_loop
@pytest.mark.parametrize("way", WAYS)
def test_functions_are_called_until_the_text_comes(
    way: str, loop: Loop, worker: Worker, place: Place
) -> None:
    desk = Desk()

    assert worker.hold(way, place.url, loop, desk) == loop.told

    assert desk.called == loop.calls
    place.check_brought_back(loop)


def test_a_restart_in_the_middle_loses_nothing(worker: Worker, google: Place) -> None:
    desk = Desk(first=google.restart)

    assert worker.hold("openai streamed byHand", google.url, THREE, desk) == THREE.told

    assert desk.called == THREE.calls
    google.check_brought_back(THREE)


@pytest.mark.parametrize("provider", ["openai", "openrouter"])
def test_a_stream_that_is_cut_raises(provider: str, worker: Worker, cut: Place) -> None:
    """freellmapi PR#1288, CLIProxyAPI#5651: half an answer must not look like a whole one."""
    with pytest.raises(Failed, match=CUT.told):
        worker.hold(f"{provider} streamed byHand", cut.url, CUT, Desk())
