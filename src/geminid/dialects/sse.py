"""Server-sent events: bytes, however sliced, to payloads.

Only what the dialects use: `data` fields.  `event`, `id`, `retry` and comments are read past.
Lines end in LF, CRLF or CR, and a byte order mark may come first, as the HTML standard says.
"""

from geminid.core.errors import StreamCut, TooLarge

EVENT_LIMIT = 64 << 20
"""The longest event taken by default: a 4K image in base64 fits."""

_MARK = b"\xef\xbb\xbf"


class SSEReader:
    """Turns bytes, however sliced, into event payloads.  Does no I/O.

    Linear in the bytes fed: the pieces of an unfinished line are joined once, when its end comes.
    Comments do not add up towards `limit`, so a stream kept alive for days stays open.
    """

    def __init__(self, limit: int = EVENT_LIMIT) -> None:
        self._limit = limit
        self._line: list[bytes] = []  # pieces of the line still open
        self._line_size = 0
        self._data: list[bytes] = []  # data lines of the event still open
        self._data_size = 0
        self._carriage = False  # the last byte was a CR: a LF now belongs to it
        self._first = True

    def feed(self, chunk: bytes) -> list[bytes]:
        """The payloads that `chunk` completes, in order; `data` lines are joined with LF.

        Raises:
            TooLarge: one event passed the limit.  Close the stream: nothing more can be read.
        """
        if self._carriage and chunk:
            self._carriage = False
            chunk = chunk.removeprefix(b"\n")
        if b"\r" in chunk:
            self._carriage = chunk.endswith(b"\r")
            chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        if b"\n" not in chunk:
            self._keep(chunk)
            return []
        first, *lines = chunk.split(b"\n")
        self._keep(first)
        lines.insert(0, b"".join(self._line))
        self._line, self._line_size = [], 0
        rest = lines.pop()
        payloads = [payload for line in lines if (payload := self._end_of(line)) is not None]
        self._keep(rest)
        return payloads

    def pending(self) -> bytes:
        """What came of a payload whose event has not ended; empty between events."""
        line = b"".join(self._line)
        return b"\n".join([*self._data, _value(line)] if line else self._data)

    def finish(self) -> None:
        """Says that no more bytes come.

        Raises:
            StreamCut: the stream stopped inside an event.
        """
        if self._line or self._data:
            raise StreamCut("The upstream closed inside an event; try again.")

    def _keep(self, piece: bytes) -> None:
        if piece:
            self._line.append(piece)
            self._line_size += len(piece)
            self._check()

    def _check(self) -> None:
        if self._line_size + self._data_size > self._limit:
            raise TooLarge(f"An event of the stream passed {self._limit} bytes.")

    def _end_of(self, line: bytes) -> bytes | None:
        if self._first:
            self._first = False
            line = line.removeprefix(_MARK)
        if not line:
            if not self._data:
                return None
            payload = self._data[0] if len(self._data) == 1 else b"\n".join(self._data)
            self._data, self._data_size = [], 0
            return payload
        if line.startswith(b"data:") or line == b"data":
            self._data.append(_value(line))
            self._data_size += len(line)
            self._check()
        return None


def _value(line: bytes) -> bytes:
    return line[5:].removeprefix(b" ") if line.startswith(b"data") else b""
