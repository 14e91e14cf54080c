"""For every test: no test of this process talks to anything but this machine."""

import ipaddress
import sys

import pytest


def _refuse_the_network(event: str, arguments: tuple[object, ...]) -> None:
    if event == "socket.connect":
        address = arguments[1]
        if isinstance(address, tuple) and not _is_here(str(address[0])):
            raise RuntimeError(f"A test wanted to connect to {address[0]}; use loopback.")


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return host == "localhost"


def pytest_configure(config: pytest.Config) -> None:
    """Hold it for the whole run, unless tests against real services were asked for."""
    if config.getoption("markexpr") != "live":
        sys.addaudithook(_refuse_the_network)
