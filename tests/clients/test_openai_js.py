"""openai (JavaScript), the Vercel AI SDK and OpenRouter's clients in tool loops.

`runTools` with a stream, the AI SDK's `openai` and its `openai-compatible` under any name but
"google" send back nothing that OpenAI's own API does not know.
"""

from collections.abc import Iterator

import pytest

from tests.clients.agents import CUT, LOOPS, THREE, Loop, Place
from tests.clients.desk import Desk
from tests.clients.node import FOLDER
from tests.clients.node import node_modules as node_modules
from tests.clients.worker import Failed, Worker

OPENAI = ["pushed", "byHand", "streamed", "streamHelper", "runTools", "runToolsStreamed"]
PROVIDERS = ["openai", "google", "compatible", "openrouter"]
MODES = ["whole", "streamed"]
WAYS = [
    *(f"openai {name}" for name in OPENAI),
    *(f"vercel {provider} {mode}" for provider in PROVIDERS for mode in MODES),
    *(f"openrouter {mode}" for mode in MODES),
]

every_loop = pytest.mark.parametrize("loop", LOOPS, ids=lambda loop: loop.name)
pytestmark = [pytest.mark.usefixtures("node_modules"), pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    """One process of node for all: starting it costs more than all conversations."""
    with Worker(["node", "loops.mjs"], FOLDER) as worker:
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


@pytest.mark.parametrize(
    "way", ["openai streamed", "openai runToolsStreamed", "vercel openai whole"]
)
def test_a_restart_in_the_middle_loses_nothing(way: str, worker: Worker, google: Place) -> None:
    desk = Desk(first=google.restart)

    assert worker.hold(way, google.url, THREE, desk) == THREE.told

    assert desk.called == THREE.calls
    google.check_brought_back(THREE)


@pytest.mark.parametrize("way", [way for way in WAYS if "tream" in way])
def test_a_stream_that_is_cut_raises(way: str, worker: Worker, cut: Place) -> None:
    """freellmapi PR#1288, CLIProxyAPI#5651: half an answer must not look like a whole one."""
    with pytest.raises(Failed, match=CUT.told):
        worker.hold(way, cut.url, CUT, Desk())
