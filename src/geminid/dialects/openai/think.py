"""Thoughts that a server left inside the text: `<think>...</think>` where an answer begins.

vLLM and llama.cpp do so without a reasoning parser, and Google's layer with `<thought>`.
"""

from typing import Final, Literal

_TAGS: Final = ("think", "thought")
_INDENT: Final = 64
"""More white space than this before a tag, and it is no tag."""


class ThinkSplitter:
    """The text of one answer in, `(tag, text)` out; the tag of what is no thought is `""`.

    How the text is cut never changes what comes out, joined by tag.  Only a block at the very start
    counts, one that is not closed runs to the end, and white space at the edges of a block goes.
    """

    def __init__(self) -> None:
        self._state: Literal["start", "inside", "gap", "passed"] = "start"
        self._kept = ""
        self._tag = ""
        self._fresh = True  # nothing of the block has been said yet

    @property
    def passed(self) -> bool:
        """Whether all further text is just text."""
        return self._state == "passed"

    def feed(self, text: str) -> list[tuple[str, str]]:
        """What `text` lets be told apart."""
        self._kept += text
        if self._state == "start":
            self._begin()
        said = self._inside() if self._state == "inside" else ""
        pieces = [(self._tag, said)] if said else []
        if self._state == "gap":
            self._kept = self._kept.lstrip()
            if self._kept:
                self._state = "passed"
        if self._state == "passed" and self._kept:
            pieces.append(("", self._kept))
            self._kept = ""
        return pieces

    def finish(self) -> list[tuple[str, str]]:
        """What is left, at the end of the text or where something else stands in it."""
        tag = self._tag if self._state == "inside" else ""
        said, self._kept = self._kept, ""
        self._state = "passed"
        return [(tag, said)] if said else []

    def _begin(self) -> None:
        body = self._kept.lstrip()
        for tag in _TAGS:
            if body.startswith(f"<{tag}>") and len(self._kept) - len(body) <= _INDENT:
                self._tag, self._state = tag, "inside"
                self._kept = body[len(tag) + 2 :]
                return
        undecided = any(f"<{tag}>".startswith(body) for tag in _TAGS)
        if not undecided or len(self._kept) - len(body) > _INDENT:
            self._state = "passed"

    def _inside(self) -> str:
        """What the block says as far as it has come; what may be its closing tag is kept."""
        if self._fresh:
            self._kept = self._kept.lstrip()
            self._fresh = not self._kept
        closing = f"</{self._tag}>"
        said, found, rest = self._kept.partition(closing)
        if found:
            self._state, self._kept = "gap", rest
            return said
        held = next(
            size for size in range(len(closing) - 1, -1, -1) if said.endswith(closing[:size])
        )
        self._kept = said[len(said) - held :]
        return said[: len(said) - held]
