"""Where a command looks for the server of its configuration."""

import pytest

from geminid.cli.settings import address
from geminid.config import Server


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:7733"),
        ("localhost", "http://localhost:7733"),
        ("0.0.0.0", "http://127.0.0.1:7733"),
        ("::", "http://[::1]:7733"),
        ("::1", "http://[::1]:7733"),
        ("192.168.0.9", "http://192.168.0.9:7733"),
    ],
)
def test_a_server_is_reached_where_it_listens(host: str, url: str) -> None:
    assert address(Server(host=host)) == url
