"""The keys of a home folder: made once, rotated, never forgotten; and ciphers that use them.

They lie in `seals.json`, which is named after the first thing that they were for.
"""

import fcntl
import hmac
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

import msgspec

from geminid.core.ports import Clock
from geminid.stores.errors import StateUnusable

FILE: Final = "seals.json"
"""The keys' file in the home folder; only its owner may read it."""

ID: Final = 4
"""Bytes of a key's id, with which everything begins that was encrypted under it."""
NONCE: Final = 12
TAG: Final = 16

_SECRET: Final = 32
_NEW_AFTER_S: Final = 90 * 86_400.0

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM


class Key(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One key.  `id` is 8 hex digits, `secret` 32 bytes, `made` epoch seconds."""

    id: str
    secret: bytes
    made: float


Keys: TypeAlias = tuple[Key, ...]
"""In the order in which they were made."""


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    keys: Keys


class Keyring:
    """The keys, as ids and secrets.

    `newest` is the id of the key to encrypt with: the last that was made by `now`, since a clock
    may have been wrong once.  `oldest` is the secret of the first, which stays the first whatever
    follows.
    """

    def __init__(
        self, keys: Keys, now: float, *, reread: Callable[[], Keys | None] = lambda: None
    ) -> None:
        """`reread` gives the keys again if they have changed: another process may add one."""
        self._secrets = _by_id(keys)
        made = [key for key in keys if key.made <= now]
        self.newest = bytes.fromhex(max(made, key=lambda key: key.made).id)
        self.oldest = keys[0].secret
        self._reread = reread

    def secret(self, key: bytes) -> bytes | None:
        """The secret of the key with this id; `None` if there is none."""
        found = self._secrets.get(key)
        if found is None and (keys := self._reread()):
            self._secrets = _by_id(keys)
            found = self._secrets.get(key)
        return found


class Cipher:
    """AES-256-GCM under the keys of a ring: the newest encrypts, all of them decrypt.

    What is encrypted is the key's id, a nonce, and the text with its tag.  What it is `bound` to is
    authenticated and not stored.  Each `purpose` has secrets of its own; `b""` has the ring's.

    A server that never encrypts anything does not load the library (7 MB).
    """

    def __init__(self, ring: Keyring, purpose: bytes = b"") -> None:
        self._ring, self._purpose = ring, purpose
        self._ciphers: dict[bytes, AESGCM] = {}

    def encrypt(self, plain: bytes, bound: bytes) -> bytes:
        """`plain`, to be read only together with `bound`."""
        key, nonce = self._ring.newest, os.urandom(NONCE)
        cipher = self._cipher(key)
        assert cipher is not None, "the newest key is on the ring"
        return key + nonce + cipher.encrypt(nonce, plain, bound)

    def decrypt(self, encrypted: bytes, bound: bytes) -> bytes | None:
        """What was encrypted; `None` if it was changed, bound to something else, or its key is
        gone.
        """
        cipher = self._cipher(encrypted[:ID])
        if cipher is None:
            return None
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415  see the class

        try:
            return cipher.decrypt(encrypted[ID : ID + NONCE], encrypted[ID + NONCE :], bound)
        except (InvalidTag, ValueError):
            return None

    def _cipher(self, key: bytes) -> "AESGCM | None":
        cipher = self._ciphers.get(key)
        if cipher is None and (secret := self._ring.secret(key)) is not None:
            from cryptography.hazmat.primitives.ciphers import aead  # noqa: PLC0415  see the class

            cipher = self._ciphers[key] = aead.AESGCM(derived(secret, self._purpose))
        return cipher


def derived(secret: bytes, purpose: bytes) -> bytes:
    """32 bytes that stand for `secret` in one `purpose` only; for none, the secret itself."""
    return hmac.digest(secret, purpose, "sha256") if purpose else secret


def open_keyring(home: Path, clock: Clock) -> Keyring:
    """The keys of a home folder.  One is made when there is none yet or the newest is 90 days old.
    None is ever forgotten: they are few, and a clock that is wrong once must cost nothing.

    Raises:
        StateUnusable: the file cannot be read, is none of ours, or cannot be written.
    """
    path, now = home / FILE, clock.now()
    keys = _read(path)
    if not _current(keys, now):
        with _alone(home, path):
            keys = _read(path)  # another process may have been quicker
            if not _current(keys, now):
                keys = (*keys, _made(now))
                _write(path, keys)
    return Keyring(keys, now, reread=_Watched(path).changed)


def memory_keyring() -> Keyring:
    """A ring with a key of its own that nobody keeps."""
    return Keyring((_made(0.0),), 0.0)


def _current(keys: Keys, now: float) -> bool:
    return any(0 <= now - key.made < _NEW_AFTER_S for key in keys)


def _made(now: float) -> Key:
    return Key(secrets.token_hex(ID), secrets.token_bytes(_SECRET), now)


def _by_id(keys: Keys) -> dict[bytes, bytes]:
    return {bytes.fromhex(key.id): key.secret for key in keys}


class _Watched:
    """The file, looked into again only when it is another one: callers can make up ids of keys."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = self._look()

    def changed(self) -> Keys | None:
        """The keys, if they may have changed and can be read."""
        now = self._look()
        if now == self._seen:
            return None
        self._seen = now
        try:
            return _read(self._path)
        except StateUnusable:  # what is in memory goes on; the next start will say it
            return None

    def _look(self) -> tuple[int, int]:
        try:
            found = self._path.stat()
        except OSError:
            return (0, 0)
        return (found.st_ino, found.st_mtime_ns)


@contextmanager
def _alone(home: Path, path: Path) -> Iterator[None]:
    """Let no other process make a key meanwhile: it would be lost, and all that it encrypted."""
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder = os.open(home, os.O_RDONLY)
    except OSError as error:
        raise _unwritable(path, error) from error
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        os.close(folder)


def _read(path: Path) -> Keys:
    try:
        keys = msgspec.json.decode(path.read_bytes(), type=_File).keys
        for key in keys:
            if len(bytes.fromhex(key.id)) != ID or len(key.secret) != _SECRET:
                raise ValueError(f"the key {key.id!r} has a wrong length")
    except FileNotFoundError:
        return ()
    except (OSError, msgspec.MsgspecError, ValueError) as error:
        raise StateUnusable(
            f"The keys of thought signatures in {path} cannot be used: {error}. Restore the file,"
            " or remove it; conversations that are under way then lose their reasoning."
        ) from error
    return keys


def _write(path: Path, keys: Keys) -> None:
    part = path.with_suffix(".new")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(msgspec.json.encode(_File(keys)))
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def _unwritable(path: Path, error: OSError) -> StateUnusable:
    return StateUnusable(
        f"The keys of thought signatures cannot be written to {path}: {error}. Make room there,"
        " or let this user write."
    )
