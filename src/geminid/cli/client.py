"""A small client of a geminid server, over HTTP with the standard library alone.

Blocking, one connection at a time: a command has one thing to wait for.
"""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import (  # noqa: TID251  a client of our own server, in a process of its own
    HTTPConnection,
    HTTPException,
    HTTPResponse,
    HTTPSConnection,
)
from urllib.parse import quote, urlsplit

from geminid.cli.stop import Exit, Stop

_PROBE_S = 2.0
_CONNECT_S = 5.0
_ANSWER_S = 660.0  # the server's own deadline comes first
_OK = 200
_CHUNK = 1 << 16
# How the API tells callers that their key is wrong, or missing; never said of an upstream's.
_KEY_WANTED = ("API key not valid", "Method doesn't allow unregistered callers")


class Client:
    """Talks to the server at `url`, as the caller that `key` stands for.

    `notices` are what the server had to say about the last answer (`x-geminid-notice`).
    """

    def __init__(self, url: str, key: str = "") -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise Stop(f"{url} is not an address; give one as http://127.0.0.1:7733.", Exit.USAGE)
        self.url = url.rstrip("/")
        self.notices: tuple[str, ...] = ()
        self._connect = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        self._host, self._port = parts.hostname, parts.port
        self._path = parts.path.rstrip("/")
        # A server without callers takes any key, but wants one, as the real API does.
        self._headers = {"x-goog-api-key": key or "geminid-cli"}
        self._socket: socket.socket | None = None

    def version(self) -> str | None:
        """The version of the geminid that answers here; `None` if none does."""
        connection = self._connect(self._host, self._port, timeout=_PROBE_S)
        try:
            connection.request("GET", f"{self._path}/healthz")
            response = connection.getresponse()
            body = json.loads(response.read(_CHUNK))
        except (OSError, HTTPException, ValueError):
            return None
        finally:
            connection.close()
        is_ours = response.status == _OK and isinstance(body, dict) and "version" in body
        return str(body["version"]) if is_ours else None

    def get(self, path: str, *, any_status: bool = False) -> bytes:
        """The body of `path`.

        Raises:
            Stop: no server, or it refused (unless `any_status`).
        """
        with self._open("GET", path, None) as response:
            body = self._read(response)
        if response.status != _OK and not any_status:
            raise _refusal(response.status, body)
        return body

    def generate(self, model: str, body: bytes) -> bytes:
        """The whole answer as JSON.  Raises `Stop`."""
        with self._open("POST", _method(model, "generateContent"), body) as response:
            answer = self._read(response)
        if response.status != _OK:
            raise _refusal(response.status, answer)
        return answer

    def stream(self, model: str, body: bytes) -> Iterator[bytes]:
        """Chunks of the answer as server-sent events.  Raises `Stop`."""
        path = _method(model, "streamGenerateContent?alt=sse")
        with self._open("POST", path, body) as response:
            if response.status != _OK:
                raise _refusal(response.status, self._read(response))
            try:
                while chunk := response.read1(_CHUNK):
                    yield chunk
            except (OSError, HTTPException) as error:
                raise self._cut(error) from error

    def abort(self) -> None:
        """End the wait of another thread for this client's answer."""
        if self._socket is not None:
            with suppress(OSError):  # it has ended by itself
                self._socket.shutdown(socket.SHUT_RDWR)

    @contextmanager
    def _open(self, method: str, path: str, body: bytes | None) -> Iterator[HTTPResponse]:
        """The response to one request; the connection is closed at the end of the block."""
        connection = self._connect(self._host, self._port, timeout=_CONNECT_S)
        try:
            yield self._sent(connection, method, self._path + path, body)
        finally:
            self._socket = None
            connection.close()

    def _sent(
        self, connection: HTTPConnection, method: str, path: str, body: bytes | None
    ) -> HTTPResponse:
        headers = self._headers | ({"content-type": "application/json"} if body else {})
        try:
            connection.connect()
            self._socket = connection.sock
            self._socket.settimeout(_ANSWER_S)
            connection.request(method, path, body, headers)
            response = connection.getresponse()
        except ConnectionRefusedError as error:
            raise Stop(
                f"No server answers at {self.url}; start one with `geminid serve`.",
                Exit.UNREACHABLE,
            ) from error
        except (OSError, HTTPException) as error:
            raise Stop(
                f"{self.url} cannot be reached ({_reason(error)}); check the address.",
                Exit.UNREACHABLE,
            ) from error
        notice = response.getheader("x-geminid-notice", "")
        self.notices = tuple(piece for piece in notice.split("; ") if piece)
        return response

    def _read(self, response: HTTPResponse) -> bytes:
        try:
            return response.read()
        except (OSError, HTTPException) as error:
            raise self._cut(error) from error

    def _cut(self, error: Exception) -> Stop:
        return Stop(f"{self.url} stopped answering ({_reason(error)}); try again.")


def _method(model: str, method: str) -> str:
    return f"/v1beta/models/{quote(model.removeprefix('models/'), safe='')}:{method}"


def _refusal(status: int, body: bytes) -> Stop:
    """What the server's error says, in one line."""
    try:
        message = str(json.loads(body)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        message = "the server gave no reason"
    told = f"{' '.join(message.split())} ({status})"
    if message.startswith(_KEY_WANTED):
        told += "\nThis server wants a key of its own; put one into GEMINID_KEY."
    return Stop(told)


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
