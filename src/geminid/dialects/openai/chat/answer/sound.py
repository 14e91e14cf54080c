"""Sound in an answer: base64 in pieces that can each be played and also join to one text.

Gemini speaks bare PCM, little-endian and of 16 bits, whatever its mime type's name is elsewhere
(`audio/L16;codec=pcm;rate=24000`) [M].  Asked for in WAV it needs a header, which names the length:
so it leaves when it is whole.  OpenAI's own API streams no WAV at all.
"""

import binascii
import re
import struct
from base64 import b64decode, b64encode
from typing import Final

from geminid.core.content import Blob
from geminid.core.errors import UpstreamMalformed
from geminid.dialects.openai.tree import Tree

_PCM: Final = re.compile(r"audio/(?:l16|pcm)\b", re.IGNORECASE)
_RATE: Final = re.compile(r"rate=(\d{4,6})\b", re.IGNORECASE)
_CHANNELS: Final = re.compile(r"channels=([1-8])\b", re.IGNORECASE)
_HZ: Final = 24_000
"""What Gemini speaks in where it does not say."""

_BARE: Final = "pcm16"
_GROUP: Final = 3
"""Bytes that make whole letters of base64."""

_HEADER: Final = struct.Struct("<4sI4s4sIHHIIHH4sI")
_SAMPLE: Final = 2
_FMT_SIZE: Final = 16
_MOST: Final = (1 << 32) - 1


class Sound:
    """The sound of one answer, to be told in the format `wanted`."""

    def __init__(self, wanted: str) -> None:
        self._wanted = wanted
        self._begun = False
        self._wav: tuple[int, int] | None = None  # rate and channels; `None` if it leaves as it is
        self._held: list[bytes] = []
        self._rest = b""

    def add(self, blob: Blob) -> str:
        """What may leave now that `blob` has come.

        Raises:
            UpstreamMalformed: its data is not base64.
        """
        if not self._begun:
            self._begun = True
            if _PCM.match(blob.mime) and self._wanted != _BARE:
                self._wav = _number(_RATE, blob.mime, _HZ), _number(_CHANNELS, blob.mime, 1)
        if (
            self._wav is None
            and not self._rest
            and not len(blob.data) % 4
            and blob.data[-1:] != "="
        ):
            return blob.data  # nobody decodes a megabyte twice
        try:
            data = b64decode(blob.data)
        except (binascii.Error, ValueError) as error:
            raise UpstreamMalformed("The sound in the upstream's answer is not base64.") from error
        if self._wav is not None:
            self._held.append(data)
            return ""
        data = self._rest + data
        whole = len(data) - len(data) % _GROUP
        self._rest = data[whole:]
        return b64encode(data[:whole]).decode()

    def finish(self) -> str:
        """What is left once all has come."""
        if self._wav is None:
            return b64encode(self._rest).decode()
        data = b"".join(self._held)
        return b64encode(_header(len(data), *self._wav) + data).decode()


def opening(answer_id: str, candidate: int) -> Tree:
    """What stands beside a sound's first data.  Nobody has written down what it says."""
    return {"id": f"audio_{answer_id}_{candidate}", "transcript": ""}


def _number(pattern: re.Pattern[str], mime: str, default: int) -> int:
    found = pattern.search(mime)
    return int(found[1]) if found else default


def _header(length: int, rate: int, channels: int) -> bytes:
    frame = channels * _SAMPLE
    body = _HEADER.size - 8
    return _HEADER.pack(
        b"RIFF",
        min(body + length, _MOST),
        b"WAVE",
        b"fmt ",
        _FMT_SIZE,
        1,
        channels,
        rate,
        rate * frame,
        frame,
        8 * _SAMPLE,
        b"data",
        min(length, _MOST),
    )
