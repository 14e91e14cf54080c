"""Pages for those who run the server: is it up, is it ready, what is here."""

import asyncio
from typing import Final

import msgspec

from geminid import __version__
from geminid.core.errors import NotFound
from geminid.core.ports import Health
from geminid.http.exchange import Exchange
from geminid.http.send import send_whole
from geminid.http.state import State
from geminid.pipeline.channel import LiveChannel

_UNREADY: Final = 503
_PROMETHEUS: Final = b"text/plain; version=0.0.4; charset=utf-8"


async def handle(exchange: Exchange, state: State) -> None:
    """Answer `/`, `/healthz`, `/readyz` or `/metrics`.

    Raises:
        NotFound: any other path.
        NoKey, BadKey: for the metrics, where keys are configured.
    """
    if exchange.method not in ("GET", "HEAD"):
        raise NotFound(f"There is nothing at {exchange.method} {exchange.path[:200]}.")
    match exchange.path:
        case "/":
            await _send(exchange, state, 200, _index(state))
        case "/healthz":
            await _send(exchange, state, 200, {"status": "ok", "version": __version__})
        case "/readyz":
            await _ready(exchange, state)
        case "/metrics":
            state.callers.admit(exchange.key())
            headers = state.guards.cors(exchange)
            await send_whole(exchange, 200, state.metrics(), headers, kind=_PROMETHEUS)
        case _:
            raise NotFound(f"There is nothing at {exchange.path[:200]}.")


def _index(state: State) -> dict[str, object]:
    return {
        "name": "geminid",
        "version": __version__,
        "about": "Gemini 3's API, self-hosted.",
        "try": "POST /v1beta/models/gemini-3-pro-preview:generateContent",
        "models": "/v1beta/models",
        "ready": "/readyz",
        "channels": [channel.name for channel in state.routes.channels]
        if state.callers.open
        else [],
    }


async def _ready(exchange: Exchange, state: State) -> None:
    """Ready when the book can be written and at least one channel can answer."""
    channels = state.routes.channels
    healths = await asyncio.gather(*(_health(channel) for channel in channels))
    book = state.account_problem()
    ready = not book and any(health.ready for health in healths)
    tree: dict[str, object] = {"status": "ready" if ready else "not ready"}
    if book:
        tree["book"] = book
    if state.callers.open:  # names of channels are for operators
        tree["channels"] = {
            channel.name: _told(health) for channel, health in zip(channels, healths, strict=True)
        }
    await _send(exchange, state, 200 if ready else _UNREADY, tree)


async def _health(channel: LiveChannel) -> Health:
    async with channel.used() as engine:
        return await engine.health()


def _told(health: Health) -> dict[str, object]:
    tree: dict[str, object] = {"ready": health.ready}
    if health.detail:
        tree["detail"] = health.detail
    return tree


async def _send(exchange: Exchange, state: State, status: int, tree: dict[str, object]) -> None:
    """A page; to HEAD as well, whose body is left out by the server below."""
    body = msgspec.json.format(msgspec.json.encode(tree), indent=2) + b"\n"
    await send_whole(exchange, status, body, state.guards.cors(exchange))
