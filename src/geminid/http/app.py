"""The ASGI application: one path table, and the state that a reload swaps.

Bare ASGI on purpose: a request here costs tens of microseconds, and a framework's routing would
cost as much again (DESIGN section 7).
"""

import re
from typing import Final

from geminid.core.errors import Fault
from geminid.dialects.gemini.errors import encode_fault
from geminid.dialects.gemini.response import pretty
from geminid.http import gemini, operators
from geminid.http.exchange import Exchange, Receive, Scope, Send
from geminid.http.send import guarded, send_whole
from geminid.http.state import State

_GEMINI: Final = re.compile(r"/(v1|v1beta|v1alpha)/(.+)")


class App:
    """The server's surface.  `state` may be replaced at any time; a request keeps its own."""

    def __init__(self, state: State) -> None:
        self.state = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await _refuse(scope, receive, send)
            return
        exchange, state = Exchange(scope, receive, send), self.state
        try:
            state.guards.check(exchange)
            if exchange.method == "OPTIONS":
                await send_whole(exchange, 200, b"{}", state.guards.preflight(exchange))
            elif (found := _GEMINI.fullmatch(exchange.path)) is not None:
                await gemini.handle(exchange, state, found[1], found[2])
            else:
                await guarded(exchange, operators.handle(exchange, state))
        except Fault as fault:
            status, body = encode_fault(fault)
            await send_whole(exchange, status, pretty(body), state.guards.cors(exchange))


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008, "reason": "Not served here."})
