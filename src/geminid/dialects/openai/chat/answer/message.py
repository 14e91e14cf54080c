"""A whole candidate as one `message`.  `deltas` tells the same in pieces."""

from typing import assert_never

from geminid.core.content import (
    Blob,
    Call,
    Code,
    CodeResult,
    FileRef,
    Opaque,
    Part,
    Result,
    Text,
    Thought,
)
from geminid.core.fold import Candidate
from geminid.dialects.openai.chat.answer.calls import told
from geminid.dialects.openai.chat.answer.citations import Words, annotations
from geminid.dialects.openai.chat.answer.details import beside, encrypted, thought
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


class Message:
    """The message of `candidate`."""

    def __init__(self, candidate: Candidate, head: Head) -> None:
        self.called = ""
        """The finish reason that its calls make."""
        self._head, self._end, self._index = head, candidate.end, candidate.index
        self._words = Words()
        self._content: list[str] = []
        self._thoughts: list[str] = []
        self._details: list[Tree] = []
        self._calls: list[Tree] = []
        self._legacy: Tree | None = None
        self._images: list[Tree] = []
        self._sound: Sound | None = None
        self._data: list[str] = []
        self._signature = ""  # of the words
        for part in candidate.content.parts:
            self._add(part)

    def tree(self, refusal: str) -> Tree:
        """It with a `refusal`, or `""`; its fields are in the order of seed 001."""
        content: str | None = "".join(self._content)
        silent = self._calls or self._legacy or self._images or self._sound or refusal
        tree: Tree = {
            "role": "assistant",
            "content": None if silent and not content else content,
            "refusal": refusal or None,
        }
        cited = annotations(extra_of(self._end), self._words)
        if cited:
            tree["annotations"] = cited
        if self._head.extended:
            self._add_reasoning(tree)
        if self._calls:
            tree["tool_calls"] = self._calls
        if self._legacy is not None:
            tree["function_call"] = self._legacy
        if self._images:
            tree["images"] = self._images
        if self._sound is not None:
            data = "".join((*self._data, self._sound.finish()))
            first = opening(self._head.id, self._index)
            tree["audio"] = first | {"data": data, "expires_at": self._head.created}
        fields = "thought_signatures" if self._head.extended else ""
        return tree | beside(self._signature, fields=fields)

    def _add_reasoning(self, tree: Tree) -> None:
        if self._signature:
            self._details.append(encrypted(self._signature, "", len(self._details)))
        said = "".join(self._thoughts) or None
        tree["reasoning"] = tree["reasoning_content"] = said
        tree["reasoning_details"] = self._details

    def _add(self, part: Part) -> None:
        match part:
            case Text():
                self._words.begin()
                self._words.add(part.text)
                self._content.append(part.text)
                self._signature = part.signature or self._signature
            case Thought():
                self._think(part)
            case Call():
                self._call(part)
            case Blob() | FileRef():
                self._show(part)
            case Code():
                self._insert(f"{fence(part)}{part.code}{FENCE}")
            case CodeResult():
                self._insert(printed(part))
            case Result() | Opaque():
                pass_over(part)
            case _:
                assert_never(part)

    def _insert(self, text: str) -> None:
        self._words.insert(text)
        self._content.append(text)

    def _think(self, part: Thought) -> None:
        text = part.text if self._head.reasoning else ""
        if text:
            self._thoughts.append(text)
        if text or part.signature:
            self._details.append(thought(text, part.signature, len(self._details)))

    def _call(self, part: Call) -> None:
        call, functions = told(part, self._head.functions), self._head.functions
        if not functions.legacy:
            self.called = "tool_calls"
            self._calls.append(call.whole(extended=self._head.extended))
        elif self._legacy is None:
            self.called, self._legacy = "function_call", call.legacy()
        else:  # the old form holds one call, and the first is the one that is signed
            return
        if part.signature:
            self._details.append(encrypted(part.signature, part.id, len(self._details)))

    def _show(self, part: Blob | FileRef) -> None:
        if is_draft(part):
            return
        if isinstance(part, Blob) and is_sound(part):
            self._sound = self._sound or Sound(self._head.audio_format)
            self._data.append(self._sound.add(part))
        else:
            self._images.append(write_image(part, len(self._images)))
