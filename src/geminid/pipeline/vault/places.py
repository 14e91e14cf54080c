"""The places where a signature is kept, for one caller and one family of models."""

from geminid.core.ports import Vault
from geminid.pipeline.turn import digest


class Places:
    """Each is a word for what a signature can be known again by.

    The one of the signature itself holds for every family: it tells of which one a signature is.
    """

    def __init__(self, vault: Vault, caller: str, family: str) -> None:
        self._vault, self._caller, self._family = vault, caller, family

    def signature(self, signature: str) -> bytes:
        """By itself."""
        return self._vault.place("sig", self._caller, signature)

    def id(self, name: str) -> bytes:
        """By the id of its call."""
        return self._vault.place("id", self._caller, self._family, name)

    def call(self, asked: str, told: tuple[str, str, str]) -> bytes:
        """By its call: `asked` and `told` as a `Turn` has them."""
        return self._vault.place("call", self._caller, self._family, asked, *told)

    def text(self, asked: str, words: str) -> bytes:
        """By all words of its answer."""
        return self._vault.place("text", self._caller, self._family, asked, digest(words))

    def blob(self, data: str) -> bytes:
        """By its picture, sound or file."""
        return self._vault.place("blob", self._caller, self._family, digest(data))
