"""The ASGI application: one path table, and the state that a reload swaps.

Bare ASGI on purpose: a request here costs tens of microseconds, and a framework's routing would
cost as much again (DESIGN section 7).
"""

from geminid.core.errors import Fault
from geminid.dialects.gemini.errors import encode_fault
from geminid.dialects.gemini.response import pretty
from geminid.http import gemini, openai, operators
from geminid.http.exchange import Exchange, Receive, Scope, Send
from geminid.http.paths import GeminiPath, OpenAIPath, path_of
from geminid.http.send import guarded, send_whole
from geminid.http.state import State


class App:
    """The server's surface.  `state` may be replaced at any time; a request keeps its own."""

    def __init__(self, state: State) -> None:
        self.state = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await _refuse_socket(scope, receive, send)
            return
        exchange, state = Exchange(scope, receive, send), self.state
        path = path_of(exchange)
        try:
            state.guards.check(exchange)
            if exchange.method == "OPTIONS":
                await send_whole(exchange, 200, b"{}", state.guards.preflight(exchange))
                return
            match path:
                case GeminiPath():
                    await gemini.handle(exchange, state, path.version, path.rest)
                case OpenAIPath():
                    await openai.handle(exchange, state, path.mount, path.rest)
                case _:
                    await guarded(exchange, operators.handle(exchange, state))
        except Fault as fault:
            await _refuse(exchange, fault, path, state)


async def _refuse(
    exchange: Exchange, fault: Fault, path: GeminiPath | OpenAIPath | None, state: State
) -> None:
    cors = state.guards.cors(exchange)
    if isinstance(path, OpenAIPath):
        await openai.refuse(exchange, fault, path.mount, cors)
        return
    status, body = encode_fault(fault)
    await send_whole(exchange, status, pretty(body), cors)


async def _refuse_socket(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008, "reason": "Not served here."})
