"""One choice of a stream: parts in, encoded deltas out.  Folded they are what `message` makes."""

from typing import Final

import msgspec

from geminid.core.content import Blob, Call, Code, CodeResult, FileRef, Part, Text, Thought
from geminid.core.events import End
from geminid.core.fold import closed
from geminid.dialects.openai.chat.answer.calls import told
from geminid.dialects.openai.chat.answer.citations import Words, annotations
from geminid.dialects.openai.chat.answer.details import FORMAT, TEXT, beside, encrypted, thought
from geminid.dialects.openai.chat.answer.ending import extra_of
from geminid.dialects.openai.chat.answer.shown import (
    FENCE,
    fence,
    is_draft,
    is_sound,
    pass_over,
    printed,
    write_image,
)
from geminid.dialects.openai.chat.answer.sound import Sound, opening
from geminid.dialects.openai.chat.head import Head
from geminid.dialects.openai.tree import Tree

FIRST: Final = b'{"role":"assistant","content":""}'
"""The delta that begins a choice."""

_CONTENT: Final = b'{"content":%b}'
_THOUGHT: Final = (
    b'{"reasoning":%(text)b,"reasoning_content":%(text)b,"reasoning_details":['
    b'{"type":"' + TEXT.encode() + b'","text":%(text)b%(rest)b}]}'
)
_FORMAT: Final = b',"format":"' + FORMAT.encode() + b'"'

_encode = msgspec.json.Encoder().encode


class Deltas:
    """What is written of choice `index`.

    Words and thoughts leave as they come, all other parts when they are whole.  A call whose
    arguments do not become an object must never have looked like one.
    """

    def __init__(self, index: int, head: Head) -> None:
        self.called = ""
        """The finish reason that its calls make."""
        self._index, self._head = index, head
        self._part: Part | None = None  # the one that is open
        self._pieces: list[str] = []
        self._words = Words()
        self._details = self._calls = self._images = 0
        self._detailed = False  # the open thought has a detail
        self._signature = ""  # of the words
        self._sound: Sound | None = None
        self._sounded = False

    def start(self, part: Part) -> list[bytes]:
        """The deltas as `part` begins."""
        self._part, self._pieces = part, []
        match part:
            case Text():
                self._words.begin()
                return self.more(part.text)
            case Thought():
                self._detailed = False
                return self.more(part.text)
            case Code():
                return self._insert(fence(part) + part.code)
            case _:
                return []

    def more(self, text: str) -> list[bytes]:
        """The deltas of more `text` of the open part."""
        if not text:
            return []
        match self._part:
            case Text():
                self._words.add(text)
                return [_CONTENT % _encode(text)]
            case Thought():
                return self._think(text)
            case Code():
                return self._insert(text)
            case _:
                self._pieces.append(text)
                return []

    def finish(self, signature: str) -> list[bytes]:
        """The deltas once the open part is whole.

        Raises:
            UpstreamMalformed: it is a call, and its arguments are no JSON object.
        """
        part, self._part = self._part, None
        match part:
            case None:
                return []
            case Text():
                self._signature = signature or part.signature or self._signature
                return []
            case Thought():
                return self._prove(signature or part.signature)
            case Code():
                return self._insert(FENCE)
            case _:
                return self._whole(closed(part, "".join(self._pieces), signature))

    def close(self, end: End, refusal: str) -> list[bytes]:
        """What is only known at the end: the words' signature, citations, the rest of a sound.

        The signature waits for it, because there is one place for it in a message, and
        openai-python's stream helper would write a second one behind the first.
        """
        tree: Tree = {}
        if self._signature:
            fields = "thought_signatures" if self._head.extended else ""
            tree = {"content": ""} | beside(self._signature, fields=fields)
            tree |= self._encrypted(self._signature, "")
        if cited := annotations(extra_of(end), self._words):
            tree["annotations"] = cited
        if refusal:
            tree["refusal"] = refusal
        deltas = [_encode(tree)] if tree else []
        if self._sound is not None:
            rest = self._sound.finish()
            if rest or not self._sounded:
                deltas.append(self._sounds(rest))
            deltas.append(_encode({"audio": {"expires_at": self._head.created}}))
        return deltas

    def _insert(self, text: str) -> list[bytes]:
        self._words.insert(text)
        return [_CONTENT % _encode(text)]

    def _think(self, text: str) -> list[bytes]:
        if not (self._head.extended and self._head.reasoning):
            return []
        if self._detailed:  # only what may be joined again, for helpers that join all they can
            rest = b',"index":%d' % (self._details - 1)
        else:
            rest = b'%b,"index":%d' % (_FORMAT, self._details)
            self._detailed = True
            self._details += 1
        return [_THOUGHT % {b"text": _encode(text), b"rest": rest}]

    def _prove(self, signature: str) -> list[bytes]:
        if not signature or not self._head.extended:
            return []
        if self._detailed:
            index = self._details - 1
            detail: Tree = {"type": TEXT, "index": index, "signature": signature}
        else:
            detail = thought("", signature, self._next_detail())
        return [_encode({"reasoning_details": [detail]})]

    def _whole(self, part: Part) -> list[bytes]:
        match part:
            case Call():
                return self._call(part)
            case Blob() | FileRef():
                return self._show(part)
            case CodeResult():
                return self._insert(printed(part))
            case Text() | Thought() | Code():  # they left as they came
                return []
            case _:
                pass_over(part)
                return []

    def _call(self, part: Call) -> list[bytes]:
        call, functions = told(part, self._head.functions), self._head.functions
        if functions.legacy and self.called:
            return []
        if functions.legacy:
            self.called = "function_call"
            first, rest = call.legacy_pieces()
            pieces: tuple[Tree, Tree] = ({self.called: first}, {self.called: rest})
        else:
            self.called = "tool_calls"
            first, rest = call.pieces(self._calls, extended=self._head.extended)
            pieces = ({self.called: [first]}, {self.called: [rest]})
            self._calls += 1
        signed = self._encrypted(part.signature, part.id) if part.signature else {}
        return [_encode(pieces[0] | signed), _encode(pieces[1])]

    def _show(self, part: Blob | FileRef) -> list[bytes]:
        if is_draft(part):
            return []
        if isinstance(part, Blob) and is_sound(part):
            self._sound = self._sound or Sound(self._head.audio_format)
            data = self._sound.add(part)
            return [self._sounds(data)] if data else []
        self._images += 1
        return [_encode({"images": [write_image(part, self._images - 1)]})]

    def _sounds(self, data: str) -> bytes:
        first = {} if self._sounded else opening(self._head.id, self._index)
        self._sounded = True
        return _encode({"audio": first | {"data": data}})

    def _encrypted(self, signature: str, call_id: str) -> Tree:
        if not self._head.extended:
            return {}
        return {"reasoning_details": [encrypted(signature, call_id, self._next_detail())]}

    def _next_detail(self) -> int:
        self._details += 1
        return self._details - 1
