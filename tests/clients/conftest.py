"""The vendors' own clients, unmodified, against a running server.

It has the embedded model, or plays the loops: from a script of its own, or with a Gemini 3 upstream
that answers only who brings its signatures back, byte for byte.
"""

from collections.abc import Iterator

import pytest

from tests.clients.agents import Place, cut_place, google_place, script_place
from tests.serving import Serving, serving


@pytest.fixture(scope="session")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """A server as `make serve` starts it: no configuration, no key."""
    with serving(tmp_path_factory.mktemp("embedded")) as server:
        yield server


@pytest.fixture(scope="session")
def google_upstream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """The place with Gemini upstream; what one client left there must not disturb the next."""
    with google_place(tmp_path_factory.mktemp("google")) as place:
        yield place


@pytest.fixture(scope="session")
def script_played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """The place with a script; what one client left there must not disturb the next."""
    with script_place(tmp_path_factory.mktemp("script")) as place:
        yield place


# By name: of the parameters of one fixture of the session only one is alive at a time, and tests in
# random order would start servers all the while.
@pytest.fixture(params=["google_upstream", "script_played"], ids=["google", "script"])
def place(request: pytest.FixtureRequest) -> Place:
    """Each place, and only what this test does there counts."""
    place: Place = request.getfixturevalue(request.param)
    place.forget()
    return place


@pytest.fixture
def google(google_upstream: Place) -> Place:
    """The place with Gemini upstream, and only what this test does there counts."""
    google_upstream.forget()
    return google_upstream


@pytest.fixture(scope="session")
def cut(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A server whose upstream breaks off in the middle."""
    with cut_place(tmp_path_factory.mktemp("cut")) as place:
        yield place
