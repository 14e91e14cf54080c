"""HTTP/1.1 as a client needs it here: a request's bytes, and one reply at a time.

Does no I/O.  Own, because a client library costs more than most of what is measured.
"""

from typing import Final

import msgspec

from bench.problem import Invalid

_END: Final = b"\r\n\r\n"


class Call(msgspec.Struct, frozen=True):
    """A POST: where, with which headers besides the length, and what."""

    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def wire(self, host: str) -> bytes:
        """The whole request."""
        lines = [f"POST {self.path} HTTP/1.1", f"host: {host}"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        lines.append(f"content-length: {len(self.body)}")
        return "\r\n".join(lines).encode() + _END + self.body


class Reply:
    """One reply, from bytes however sliced: `feed` until `done`.

    `status` is 0 until the head is whole; `body` grows as it comes, without its chunks' frames.
    """

    def __init__(self) -> None:
        self.status, self.body, self.done = 0, bytearray(), False
        self._raw = bytearray()
        self._left = 0  # length of a body that has one
        self._chunked = False

    def feed(self, data: bytes) -> None:
        """Take what came.

        Raises:
            Invalid: it is not HTTP/1.1 with a length.
        """
        self._raw += data
        if not self.status and not self._head():
            return
        if self._chunked:
            self._chunks()
        else:
            self.body += self._raw
            self._raw.clear()
            self.done = len(self.body) >= self._left

    def _head(self) -> bool:
        end = self._raw.find(_END)
        if end < 0:
            return False
        first, *lines = bytes(self._raw[:end]).decode("latin-1").split("\r\n")
        del self._raw[: end + len(_END)]
        words = first.split(" ", 2)
        if len(words) < 2 or not words[1].isdecimal():
            raise Invalid(f"it answered what is not HTTP: {first[:80]!r}")
        headers = {n.strip().lower(): v.strip() for n, _, v in (x.partition(":") for x in lines)}
        self._chunked = headers.get("transfer-encoding", "").lower() == "chunked"
        if not self._chunked:
            if "content-length" not in headers:
                raise Invalid("it answered without a length")
            self._left = int(headers["content-length"])
        self.status = int(words[1])
        return True

    def _chunks(self) -> None:
        at = 0
        while not self.done:
            line = self._raw.find(b"\r\n", at)
            if line < 0:
                break
            size = int(self._raw[at:line].partition(b";")[0], 16)
            if len(self._raw) < line + 2 + size + 2:
                break
            self.body += self._raw[line + 2 : line + 2 + size]
            self.done = size == 0
            at = line + 2 + size + 2
        del self._raw[:at]
