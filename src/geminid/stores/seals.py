"""Seals: thought signatures that this server makes itself.

A seal is `_MAGIC`, and then the state as `keyring.Cipher` encrypts it, which is compressed and
filled up to `_LEAST` bytes in all, as the real API's signatures are never short.  What it is bound
to is authenticated and not stored: a seal that is changed by a bit, or comes back in another place,
does not open.
"""

import base64
import binascii
import zlib
from pathlib import Path
from typing import Final

from geminid.core.ports import Clock
from geminid.stores.keyring import ID, NONCE, TAG, Cipher, Keyring, memory_keyring, open_keyring

_MAGIC: Final = b"\x12\x04gmnd"  # base64 `EgRnbW5k`: begins with E, as signatures of Google do
_LEAST: Final = 120
_LENGTH: Final = 4
_FILLED: Final = _LEAST - len(_MAGIC) - ID - NONCE - TAG
_MOST_STATE: Final = 4 << 20


class Seals:
    """`core.ports.Sealer` over a ring of keys: the newest seals, all of them open."""

    mark = base64.b64encode(_MAGIC).decode()

    def __init__(self, ring: Keyring) -> None:
        self._cipher = Cipher(ring)

    def seal(self, state: bytes, bound: bytes) -> str:
        """See `core.ports.Sealer`."""
        packed = zlib.compress(state, 1)
        plain = (len(packed).to_bytes(_LENGTH, "big") + packed).ljust(_FILLED, b"\0")
        return base64.b64encode(_MAGIC + self._cipher.encrypt(plain, bound)).decode()

    def open(self, seal: str, bound: bytes) -> bytes | None:
        """See `core.ports.Sealer`."""
        try:
            raw = base64.b64decode(seal, validate=True)
        except (binascii.Error, ValueError):
            return None
        if not raw.startswith(_MAGIC):
            return None
        plain = self._cipher.decrypt(raw[len(_MAGIC) :], bound)
        if plain is None:
            return None
        length = int.from_bytes(plain[:_LENGTH], "big")
        return zlib.decompressobj().decompress(plain[_LENGTH : _LENGTH + length], _MOST_STATE)


def open_seals(home: Path, clock: Clock) -> Seals:
    """The seals of a home folder, under the keys of `keyring.open_keyring`.

    Raises:
        StateUnusable: the keys cannot be read, are none of ours, or cannot be written.
    """
    return Seals(open_keyring(home, clock))


def memory_seals() -> Seals:
    """Seals with a key of their own that nobody keeps."""
    return Seals(memory_keyring())
