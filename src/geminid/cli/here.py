"""Answers from a server that lives inside this process, for as long as one command takes."""

import asyncio
import logging
import sys
from collections.abc import Callable

from rich.status import Status

from geminid import observe
from geminid.cli import terminal
from geminid.cli.client import Client
from geminid.cli.pulling import pull
from geminid.cli.stop import Exit, Stop
from geminid.config import Boot, Config
from geminid.engines.weights import MissingWeights, WeightsError
from geminid.processes.llama import LlamaFailed
from geminid.processes.local import serving_here
from geminid.stores.errors import StateUnusable


def ask_here(boot: Boot, config: Config, ask: Callable[[Client], Exit]) -> Exit:
    """What `ask` says of a server started for it.  Known weights that are missing are fetched.

    Raises:
        Stop: the server does not start, or `ask` raised it.
    """
    try:
        try:
            return asyncio.run(_ask(boot, ask))
        except MissingWeights as missing:
            pull(missing.weights, config.models_dir)
        return asyncio.run(_ask(boot, ask))
    except (WeightsError, LlamaFailed) as error:
        raise Stop(error.detail) from error
    except StateUnusable as error:
        raise Stop(str(error)) from error


async def _ask(boot: Boot, ask: Callable[[Client], Exit]) -> Exit:
    console = terminal.aside()
    observe.start(sys.stderr, human=True, color=console.is_terminal, level=logging.ERROR)
    waiting = Status("Starting …", console=console)
    if console.is_terminal:
        waiting.start()

    async def asking(url: str) -> Exit:
        waiting.stop()
        client = Client(url)
        try:
            return await asyncio.to_thread(ask, client)
        finally:
            client.abort()  # interrupted: the thread must not wait for the rest

    try:
        return await serving_here(boot, asking)
    finally:
        waiting.stop()
