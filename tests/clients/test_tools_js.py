"""Tool loops of @google/genai (JavaScript), its functions called by hand, the rules enforced."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.agents import LOOPS, MISSING, PLACES, Loop, Place
from tests.clients.node import FOLDER
from tests.clients.node import node_modules as node_modules
from tests.fakes.gemini_agent import GeminiAgent


def described(loop: Loop) -> dict[str, object]:
    """What tools.test.mjs needs to know of a loop."""
    return {
        "name": loop.name,
        "model": loop.model,
        "asked": loop.asked,
        "calls": loop.calls,
        "told": loop.told,
        "signatures": loop.signatures,
        "missing": MISSING,
    }


@pytest.fixture(params=list(PLACES))
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with PLACES[request.param](tmp_path) as place:
        yield place


@pytest.mark.timeout(300)
@pytest.mark.usefixtures("node_modules")
def test_loops_by_hand_pass_with_the_rules_enforced(place: Place) -> None:
    """Two, three and parallel steps, whole and streamed, with and without a chat; and the 400s."""
    loops = json.dumps([described(loop) for loop in LOOPS])

    result = subprocess.run(
        ["node", "--test", "tools.test.mjs"],
        cwd=FOLDER,
        env=os.environ | {"GEMINID_URL": place.url, "GEMINID_LOOPS": loops},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )

    assert result.returncode == 0, result.stdout + result.stderr
    assert "# pass 18" in result.stdout
    if place.agent is not None:
        check_texts(place.agent)


def check_texts(agent: GeminiAgent) -> None:
    """Each conversation brought back what it was given, in the very characters.

    The client passes the strings on as they came.
    """
    for loop in LOOPS:
        given: list[str] = []
        requests = [each for each in agent.accepted if each.model == loop.model]
        assert len(requests) == 6 * (loop.signatures + 1)
        for request, signature in zip(requests, agent.texts[loop.model], strict=True):
            if len(request.asked["contents"]) == 1:
                given = []
            assert [each.text for each in request.signatures] == given
            given.append(signature)
