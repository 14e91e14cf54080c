"""The guard of `conftest`: a test that reaches out fails where it does."""

import socket

import pytest


def test_nothing_but_this_machine_can_be_reached() -> None:
    with socket.socket() as connection, pytest.raises(RuntimeError, match="use loopback"):
        connection.connect(("192.0.2.1", 80))  # an address for documentation, nobody's
