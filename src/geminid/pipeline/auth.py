"""Policy: who is asking.  Needs the head only; looks a key up in memory, never in a database."""

import hashlib
from collections.abc import Iterable
from typing import Final

from geminid.core.errors import BadKey, NoKey

ANYONE: Final = "local"
"""The caller when no keys are configured; the server then listens on loopback only."""


class Callers:
    """The keys in force: SHA-256 digests (hex) and the caller each stands for.

    Keys are 256 random bits, so a plain digest is enough and finding it in a dict tells nothing
    about the key by its timing.
    """

    def __init__(self, keys: Iterable[tuple[str, str]] = ()) -> None:
        self._names = {digest.lower(): name for digest, name in keys}

    @property
    def open(self) -> bool:
        """Whether anyone may ask, because no keys are configured."""
        return not self._names

    def admit(self, key: str) -> str:
        """The name of the caller who sent `key` (`""` if none was sent).

        Raises:
            NoKey, BadKey: keys are configured, and none or an unknown one was sent.
        """
        if not self._names:
            return ANYONE
        if not key:
            raise NoKey("No key was sent; send one of this server's keys as x-goog-api-key.")
        name = self._names.get(hashlib.sha256(key.encode(errors="surrogateescape")).hexdigest())
        if name is None:
            raise BadKey("The key is not one of this server's.")
        return name
