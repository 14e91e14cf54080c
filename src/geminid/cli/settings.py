"""What a command works with: the configuration, and the server that runs with it."""

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from geminid.cli.stop import Exit, Stop

if TYPE_CHECKING:  # loading them takes longer than `geminid --help` may
    from geminid.cli.client import Client
    from geminid.config import Boot, Config, Server

KEY_VARIABLE = "GEMINID_KEY"
"""The caller's key for a server that has callers."""


def configured(boot: "Boot") -> "Config":
    """The configuration that `boot` names.

    Raises:
        Stop: it cannot be used; all problems are listed.
    """
    from geminid.config import ConfigError, environment, load

    try:
        return load(boot, environment())
    except ConfigError as error:
        raise Stop(str(error), Exit.USAGE) from error


def server(url: str, config: "Config") -> "Client | None":
    """The server at `url`, or the one that is `running` with `config`, if one is.

    A server that was named is not tried first: the command itself will tell.
    """
    from geminid.cli.client import Client
    from geminid.config import environment

    if url:
        return Client(url, environment().get(KEY_VARIABLE, ""))
    found = running(config)
    return found[0] if found is not None else None


def running(config: "Config") -> "tuple[Client, str] | None":
    """The server that runs with `config` on this machine, and its version.

    That is the one that runs with its home, whatever its port, or else the one at its address.
    """
    from geminid.cli.client import Client
    from geminid.config import environment
    from geminid.processes import whereabouts

    key = environment().get(KEY_VARIABLE, "")
    for place in (whereabouts.find(config.home), address(config.server)):
        if place is not None:
            client = Client(place, key)
            version = client.version()
            if version is not None:
                return client, version
    return None


def address(listening: "Server") -> str:
    """Where a client on this machine reaches the server that listens so."""
    anywhere = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  compared, not bound
    host = anywhere.get(listening.host, listening.host)
    return f"http://{f'[{host}]' if ':' in host else host}:{listening.port}"


def today() -> date:
    """The day that decides which models are retired."""
    return datetime.now(UTC).date()
