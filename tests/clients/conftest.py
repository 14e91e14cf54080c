"""The vendors' own clients, unmodified, against a running server with the embedded model."""

from collections.abc import Iterator

import pytest

from tests.serving import Serving, serving


@pytest.fixture(scope="session")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """A server as `make serve` starts it: no configuration, no key."""
    with serving(tmp_path_factory.mktemp("embedded")) as server:
        yield server
