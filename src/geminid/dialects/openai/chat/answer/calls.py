"""A function call as the caller who declared the function knows it."""

from contextlib import suppress
from typing import Final

import msgspec

from geminid.core.content import Call
from geminid.dialects.openai.chat.answer.details import beside
from geminid.dialects.openai.chat.functions import Functions
from geminid.dialects.openai.tree import Tree

_FUNCTION: Final = "function"
_CUSTOM: Final = "custom"


class _Input(msgspec.Struct):
    input: str


class ToldCall(msgspec.Struct, frozen=True):
    """A call in the caller's words; `words` are its arguments, or the text for a free-form tool."""

    id: str
    name: str
    words: str
    signature: str
    kind: str = _FUNCTION

    def whole(self, *, extended: bool) -> Tree:
        """An item of `tool_calls`."""
        return self._item(self.words, extended=extended)

    def pieces(self, index: int, *, extended: bool) -> tuple[Tree, Tree]:
        """The two deltas of it: all but the words, and the words."""
        place: Tree = {"index": index}
        first = place | self._item("", extended=extended)
        return first, place | {self.kind: {self._field: self.words}}

    def legacy(self) -> Tree:
        """The old `function_call`."""
        return self._legacy(self.words)

    def legacy_pieces(self) -> tuple[Tree, Tree]:
        """The two deltas of the old `function_call`."""
        return self._legacy(""), {"arguments": self.words}

    @property
    def _field(self) -> str:
        return "input" if self.kind == _CUSTOM else "arguments"

    def _item(self, words: str, *, extended: bool) -> Tree:
        said = {"name": self.name, self._field: words}
        carriers = beside(self.signature, fields="thought_signature" if extended else "")
        return {"id": self.id, "type": self.kind, self.kind: said, **carriers}

    def _legacy(self, words: str) -> Tree:
        return {"name": self.name, "arguments": words, **beside(self.signature, fields="")}


def told(call: Call, functions: Functions) -> ToldCall:
    """`call` to the caller of `functions`."""
    name, words = functions.theirs(call.name), bytes(call.args).decode()
    if call.name not in functions.custom:
        return ToldCall(call.id, name, words, call.signature)
    with suppress(msgspec.MsgspecError, RecursionError):  # the model may put something else there
        words = msgspec.json.decode(call.args, type=_Input).input
    return ToldCall(call.id, name, words, call.signature, _CUSTOM)
