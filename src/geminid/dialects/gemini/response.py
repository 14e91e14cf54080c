"""Events to `GenerateContentResponse` objects: whole, as SSE, or as a streamed JSON array."""

from typing import Final, TypeGuard, assert_never

import msgspec

from geminid.core.content import Call, Part, Text, Thought
from geminid.core.events import Begin, Delta, End, Event, PartEnd, PartStart, Tally
from geminid.core.fold import Answer, closed
from geminid.core.usage import Usage
from geminid.dialects.gemini.parts import DIALECT, write_content, write_part
from geminid.dialects.gemini.tree import Tree
from geminid.dialects.gemini.usage import write_usage


def encode_answer(answer: Answer) -> bytes:
    """A whole answer as one compact object."""
    candidates: list[Tree] = []
    for candidate in answer.candidates:
        content = write_content(candidate.content)
        candidates.append({"content": content} | _ending(candidate.end))
    tree: Tree = {}
    if candidates:
        tree["candidates"] = candidates
    if answer.blocked is not None:
        tree |= _feedback(answer.blocked)
    return msgspec.json.encode(tree | _tail(answer.begin, answer.usage))


def _ending(end: End) -> Tree:
    tree: Tree = {"finishReason": end.reason} if end.reason else {}
    tree["index"] = end.candidate
    if end.message:
        tree["finishMessage"] = end.message
    if end.extra is not None and end.extra_dialect == DIALECT:
        tree |= msgspec.json.decode(end.extra, type=dict[str, msgspec.Raw])
    return tree


def _feedback(end: End) -> Tree:
    blocked = end.blocked
    if blocked is None:
        return {}
    tree: Tree = {"blockReason": blocked.reason}
    if blocked.ratings is not None:
        tree["safetyRatings"] = blocked.ratings
    if blocked.message:
        tree["blockReasonMessage"] = blocked.message
    return {"promptFeedback": tree}


def _tail(begin: Begin, usage: Usage | None) -> Tree:
    tree: Tree = {"usageMetadata": write_usage(usage)} if usage is not None else {}
    if begin.model:
        tree["modelVersion"] = begin.model
    if begin.response_id:
        tree["responseId"] = begin.response_id
    if begin.extra is not None and begin.extra_dialect == DIALECT:
        tree |= msgspec.json.decode(begin.extra, type=dict[str, msgspec.Raw])
    return tree


class _Writing:
    """What is written of one candidate: its open part, an empty text due for its signature, and
    calls that may not be the last of their group.
    """

    def __init__(self) -> None:
        self.part: Part | None = None
        self.pieces: list[str] = []
        self.due: Text | Thought | None = None
        self.calls: list[Tree] = []
        self.wrote = False


class ObjectEncoder:
    """Events in, response objects out, one for each piece that a client should see now.

    A text's signature rides on the closing empty text, as the real API sends it; a part that is
    not text leaves whole, when it ends.  Calls of one group leave in one object: google-genai's
    automatic calling makes a content of each object, and the API wants a signature in each content
    with calls, where only the first call of the group has one (gemini.md section 3.2).
    """

    def __init__(self) -> None:
        self._begin = Begin("", "")
        self._usage: Usage | None = None
        self._tail = b""  # the object of the fields beside `candidates`, encoded once per tally
        self._writing: dict[int, _Writing] = {}
        self._ended = False  # nothing but counts may follow

    def add(self, event: Event) -> tuple[bytes, ...]:
        """The objects that `event` completes, in order."""
        match event:
            case Begin():
                self._begin, self._tail = event, b""
            case Tally():
                self._usage, self._tail = event.usage, b""
                return (self._tail_now(),) if self._ended else ()
            case PartStart():
                return self._start(event)
            case Delta():
                return self._delta(event)
            case PartEnd():
                return self._part_end(event)
            case End() if event.blocked:
                self._ended = True
                return (_together(msgspec.json.encode(_feedback(event)), self._tail_now()),)
            case End():
                self._ended = True
                return self._end(event)
            case _:
                assert_never(event)
        return ()

    def _start(self, event: PartStart) -> tuple[bytes, ...]:
        writing = self._writing.setdefault(event.candidate, _Writing())
        writing.part, writing.pieces = event.part, []
        parts = [] if isinstance(event.part, Call) else self._calls(writing)
        if due := self._due(writing):
            parts.append(due)
        if _flows(event.part) and event.part.text:
            parts.append(write_part(msgspec.structs.replace(event.part, signature="")))
        return (self._object(parts, event.candidate),) if parts else ()

    def _delta(self, event: Delta) -> tuple[bytes, ...]:
        writing = self._writing[event.candidate]
        part = writing.part
        if part is None or not _flows(part):
            writing.pieces.append(event.text)
            return ()
        tree: Tree = {"text": event.text}
        if isinstance(part, Thought):
            tree["thought"] = True
        return (self._object([tree], event.candidate),)

    def _part_end(self, event: PartEnd) -> tuple[bytes, ...]:
        writing = self._writing[event.candidate]
        part, writing.part = writing.part, None
        writing.wrote = True
        if part is None:
            return ()
        if _flows(part):
            if signature := event.signature or part.signature:
                writing.due = msgspec.structs.replace(part, text="", signature=signature)
            return ()
        whole = write_part(closed(part, "".join(writing.pieces), event.signature))
        if isinstance(part, Call):
            writing.calls.append(whole)
            return ()
        return (self._object([whole], event.candidate),)

    def _end(self, event: End) -> tuple[bytes, ...]:
        writing = self._writing.get(event.candidate)
        content: Tree = {"role": "model"}
        calls: list[Tree] = []
        if writing is not None and writing.wrote:
            calls = self._calls(writing)
            content = {"parts": [self._due(writing) or {"text": ""}], "role": "model"}
        tree = {"candidates": [{"content": content} | _ending(event)]}
        last = _together(msgspec.json.encode(tree), self._tail_now())
        return (self._object(calls, event.candidate), last) if calls else (last,)

    def _calls(self, writing: _Writing) -> list[Tree]:
        calls, writing.calls = writing.calls, []
        return calls

    def _due(self, writing: _Writing) -> Tree | None:
        due, writing.due = writing.due, None
        return None if due is None else write_part(due)

    def _object(self, parts: list[Tree], candidate: int) -> bytes:
        content: Tree = {"parts": parts, "role": "model"}
        tree = {"candidates": [{"content": content, "index": candidate}]}
        return _together(msgspec.json.encode(tree), self._tail_now())

    def _tail_now(self) -> bytes:
        if not self._tail:
            self._tail = msgspec.json.encode(_tail(self._begin, self._usage))
        return self._tail


def _together(head: bytes, tail: bytes) -> bytes:
    """Two encoded objects as one."""
    return head if tail == b"{}" else head[:-1] + b"," + tail[1:]


def _flows(part: Part) -> TypeGuard[Text | Thought]:
    """Whether a client sees the part's text as it comes."""
    return isinstance(part, Text | Thought) and part.modifiers is None


_SSE_HEAD: Final = b"data: "
_SSE_TAIL: Final = b"\r\n\r\n"


class SSEFraming:
    """`alt=sse`: CRLF framing, no comments and no `[DONE]`, on which Google's clients choke."""

    content_type: Final = "text/event-stream"

    def frame(self, encoded: bytes) -> bytes:
        """One object as one event."""
        return _SSE_HEAD + encoded + _SSE_TAIL

    def close(self) -> bytes:
        """What ends the stream."""
        return b""


class ArrayFraming:
    """No `alt`: one JSON array, written as its objects come."""

    content_type: Final = "application/json; charset=UTF-8"

    def __init__(self, *, pretty: bool = True) -> None:
        self._pretty, self._open = pretty, False

    def frame(self, encoded: bytes) -> bytes:
        """One object as one element."""
        body = msgspec.json.format(encoded, indent=2) if self._pretty else encoded
        lead, self._open = (b"\n,\n" if self._open else b"["), True
        return lead + body

    def close(self) -> bytes:
        """What ends the array, also an empty one."""
        return b"\n]" if self._open else b"[]"


def pretty(encoded: bytes) -> bytes:
    """An object as the API prints it unless `prettyPrint=false`."""
    return msgspec.json.format(encoded, indent=2) + b"\n"
