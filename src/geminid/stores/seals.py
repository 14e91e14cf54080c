"""Seals: thought signatures that this server makes itself, and the keys it makes them with.

A seal is `MAGIC`, the key's id, a nonce, and AES-256-GCM of the state, which is compressed and
filled up to `_LEAST` bytes in all, as the real API's signatures are never short.  What it is bound
to is authenticated and not stored: a seal that is changed by a bit, or comes back in another place,
does not open.
"""

import base64
import binascii
import os
import secrets
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from geminid.core.ports import Clock
from geminid.stores.errors import StateUnusable

FILE: Final = "seals.json"
"""The keys' file in the home folder; only its owner may read it."""

_MAGIC: Final = b"\x12\x04gmnd"  # base64 `EgRnbW5k`: begins with E, as signatures of Google do
_ID, _NONCE, _TAG, _SECRET = 4, 12, 16, 32
_HEAD: Final = len(_MAGIC) + _ID + _NONCE
_LEAST: Final = 120
_LENGTH: Final = 4
_MOST_STATE: Final = 4 << 20
_NEW_AFTER_S: Final = 90 * 86_400.0

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM


class SealKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One key.  `id` is 8 hex digits, `secret` 32 bytes, `made` epoch seconds."""

    id: str
    secret: bytes
    made: float


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    keys: tuple[SealKey, ...]


class Seals:
    """`core.ports.Sealer` over a ring of keys: the newest that was made by `now` seals, all of them
    open.

    A server that only passes on what Google signs never makes a cipher, and does not load the
    library (7 MB).
    """

    mark = base64.b64encode(_MAGIC).decode()

    def __init__(self, keys: tuple[SealKey, ...], now: float) -> None:
        self._keys = {bytes.fromhex(key.id): key.secret for key in keys}
        made = [key for key in keys if key.made <= now]
        self._newest = bytes.fromhex(max(made, key=lambda key: key.made).id)
        self._ciphers: dict[bytes, AESGCM] = {}

    def seal(self, state: bytes, bound: bytes) -> str:
        """See `core.ports.Sealer`."""
        packed = zlib.compress(state, 1)
        plain = len(packed).to_bytes(_LENGTH, "big") + packed
        plain += bytes(max(0, _LEAST - _HEAD - _TAG - len(plain)))
        nonce = os.urandom(_NONCE)
        sealed = self._cipher(self._newest).encrypt(nonce, plain, bound)
        return base64.b64encode(_MAGIC + self._newest + nonce + sealed).decode()

    def open(self, seal: str, bound: bytes) -> bytes | None:
        """See `core.ports.Sealer`."""
        try:
            raw = base64.b64decode(seal, validate=True)
        except (binascii.Error, ValueError):
            return None
        key = raw[len(_MAGIC) : len(_MAGIC) + _ID]
        if key not in self._keys or not raw.startswith(_MAGIC):
            return None
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415  see the class

        nonce, sealed = raw[_HEAD - _NONCE : _HEAD], raw[_HEAD:]
        try:
            plain = self._cipher(key).decrypt(nonce, sealed, bound)
        except (InvalidTag, ValueError):
            return None
        length = int.from_bytes(plain[:_LENGTH], "big")
        return zlib.decompressobj().decompress(plain[_LENGTH : _LENGTH + length], _MOST_STATE)

    def _cipher(self, key: bytes) -> "AESGCM":
        cipher = self._ciphers.get(key)
        if cipher is None:
            from cryptography.hazmat.primitives.ciphers import aead  # noqa: PLC0415  see the class

            cipher = self._ciphers[key] = aead.AESGCM(self._keys[key])
        return cipher


def open_seals(home: Path, clock: Clock) -> Seals:
    """The seals of a home folder.  A key is made when there is none yet or the newest is 90 days
    old.  None is ever forgotten: they are few, and a clock that is wrong once must cost nothing.

    Raises:
        StateUnusable: the file cannot be read, is none of ours, or cannot be written.
    """
    path, now = home / FILE, clock.now()
    keys = _read(path)
    if not any(0 <= now - key.made < _NEW_AFTER_S for key in keys):
        keys = (*keys, SealKey(secrets.token_hex(_ID), secrets.token_bytes(_SECRET), now))
        _write(path, keys)
    return Seals(keys, now)


def memory_seals() -> Seals:
    """Seals with a key of their own that nobody keeps."""
    return Seals((SealKey(secrets.token_hex(_ID), secrets.token_bytes(_SECRET), 0.0),), 0.0)


def _read(path: Path) -> tuple[SealKey, ...]:
    try:
        keys = msgspec.json.decode(path.read_bytes(), type=_File).keys
        for key in keys:
            if len(bytes.fromhex(key.id)) != _ID or len(key.secret) != _SECRET:
                raise ValueError(f"the key {key.id!r} has a wrong length")
    except FileNotFoundError:
        return ()
    except (OSError, msgspec.MsgspecError, ValueError) as error:
        raise StateUnusable(
            f"The keys of thought signatures in {path} cannot be used: {error}. Restore the file,"
            " or remove it; conversations that are under way then lose their reasoning."
        ) from error
    return keys


def _write(path: Path, keys: tuple[SealKey, ...]) -> None:
    part = path.with_suffix(".new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.unlink(missing_ok=True)
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(msgspec.json.encode(_File(keys)))
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise StateUnusable(
            f"The keys of thought signatures cannot be written to {path}: {error}. Make room there,"
            " or let this user write."
        ) from error
