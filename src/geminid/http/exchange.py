"""One HTTP exchange: what came in, and the way back."""

import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final, TypeAlias
from urllib.parse import parse_qs

from geminid.core.errors import CallerLeft, TooLarge

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers: TypeAlias = list[tuple[bytes, bytes]]

_VARY: Final = (b"vary", b"Origin, X-Origin, Referer")
_NOSNIFF: Final = (b"x-content-type-options", b"nosniff")
_KEY_HEADERS: Final = (b"x-goog-api-key", b"authorization", b"x-api-key", b"api-key")


class Exchange:
    """A request's head, read lazily, and its body, read once.

    `path` has its doubled slashes collapsed (JS clients send `//ws/...`).  Of a header that came
    more than once the last one counts.
    """

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.receive, self.send = receive, send
        self.request_id = secrets.token_urlsafe(16)
        self.started = False  # an answer is out: no other can take its place
        self.whole = False  # the body has been read to its end
        self.method: str = scope["method"]
        self.path = _collapse(scope["path"])
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        self._query_string: bytes = scope["query_string"]
        self._query: dict[str, list[str]] | None = None

    def query(self, name: str, default: str = "") -> str:
        """The last value of a query parameter."""
        if self._query is None:
            text = self._query_string.decode("latin-1")
            self._query = parse_qs(text, keep_blank_values=True) if text else {}
        values = self._query.get(name)
        return values[-1] if values else default

    def header(self, name: bytes) -> str:
        """A header's value, or `""`."""
        return self.headers.get(name, b"").decode("latin-1")

    def told(self) -> Headers:
        """The headers of every answer.  Who sent half a body is told that the connection ends."""
        headers = [(b"x-request-id", self.request_id.encode()), _VARY, _NOSNIFF]
        if self.method == "POST" and not self.whole:
            headers.append((b"connection", b"close"))
        return headers

    def key(self) -> str:
        """The caller's key, from any of the usual places (gemini.md section 0.2)."""
        for name in _KEY_HEADERS:
            value = self.headers.get(name)
            if value:
                text = value.decode("utf-8", "surrogateescape").strip()
                scheme, _, rest = text.partition(" ")
                return rest.strip() if scheme.lower() in ("bearer", "token") and rest else text
        return self.query("key")

    async def body(self, limit: int) -> bytes:
        """The whole body.

        Raises:
            TooLarge: it is longer than `limit` bytes; no more of it is read.
            CallerLeft: the caller closed before it was whole.
        """
        declared = self.headers.get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > limit:
            raise _too_large(limit)
        pieces: list[bytes] = []
        size = 0
        while True:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise CallerLeft("The caller closed before the request was whole.")
            piece: bytes = message.get("body", b"")
            size += len(piece)
            if size > limit:
                raise _too_large(limit)
            pieces.append(piece)
            if not message.get("more_body"):
                self.whole = True
                return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _collapse(path: str) -> str:
    while "//" in path:
        path = path.replace("//", "/")
    return path


def _too_large(limit: int) -> TooLarge:
    return TooLarge(
        f"Request payload size exceeds the limit: {limit} bytes."
        " Send less, or raise [limits] body on the server."
    )
