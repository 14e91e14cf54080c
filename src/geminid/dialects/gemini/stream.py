"""Answers of the API as they arrive: response objects to events.

A unary body is a stream of one object, so both go through `ObjectDecoder`; `StreamDecoder` adds
the SSE framing of `alt=sse`.

Two findings shape the state (gemini.md section 1.2, pains.md 21): the closing chunk of a stream is
an empty text that may carry the signature of the text before it, and with built-in tools a
`finishReason` may stand in the *middle* of a stream.  So an empty text continues the open part, and
`End` is held back until the upstream has closed.
"""

from typing import Final, TypeAlias, cast

import msgspec

from geminid.core.content import Part, Text, Thought
from geminid.core.errors import Fault, Invalid, StreamCut, UpstreamMalformed
from geminid.core.events import Begin, Blocked, Delta, End, Event, PartEnd, PartStart, Tally
from geminid.core.usage import Usage
from geminid.dialects.gemini.errors import decode_error
from geminid.dialects.gemini.parts import DIALECT, json_of, read_part
from geminid.dialects.gemini.usage import read_usage
from geminid.dialects.gemini.walk import Tree
from geminid.dialects.sse import SSEReader

_CANDIDATE: Final = frozenset({"content", "finishReason", "finishMessage", "index"})
_TOP: Final = frozenset(
    {"candidates", "promptFeedback", "usageMetadata", "modelVersion", "responseId"}
)
_Open: TypeAlias = Text | Thought


class _Candidate:
    def __init__(self, index: int) -> None:
        self.index = index
        self.count = 0  # parts begun
        self.open: _Open | None = None  # the text that may still grow
        self.reason = ""
        self.message = ""
        self.extra: Tree = {}

    def take(self, part: Part) -> list[Event]:
        if isinstance(part, Text | Thought) and part.modifiers is None:
            return self._take_text(part)
        events = self.close()
        events.append(PartStart(self.count, part, self.index))
        events.append(PartEnd(self.count, "", self.index))
        self.count += 1
        return events

    def _take_text(self, part: _Open) -> list[Event]:
        if self.open is None or type(self.open) is not type(part):
            if not part.text and not part.signature and self.count:
                return []
            events = self.close()
            start = msgspec.structs.replace(part, signature="") if part.signature else part
            events.append(PartStart(self.count, start, self.index))
            self.count += 1
            self.open = part
        else:
            events = [Delta(self.count - 1, part.text, self.index)] if part.text else []
        if part.signature:
            events += self.close(part.signature)
        return events

    def close(self, signature: str = "") -> list[Event]:
        if self.open is None:
            return []
        self.open = None
        return [PartEnd(self.count - 1, signature, self.index)]

    def end(self) -> list[Event]:
        extra = json_of(self.extra) if self.extra else None
        dialect = DIALECT if extra is not None else ""
        return [End(self.reason, self.message, self.index, None, extra, dialect)]


class ObjectDecoder:
    """`GenerateContentResponse` objects in, canonical events out."""

    def __init__(self) -> None:
        self._begun = False
        self._candidates: dict[int, _Candidate] = {}
        self._blocked: Blocked | None = None
        self._usage: Usage | None = None

    @property
    def usage(self) -> Usage | None:
        """The newest counts seen."""
        return self._usage

    @property
    def reason(self) -> str:
        """How the answer ended so far: the first candidate's reason, or why it was blocked."""
        if self._blocked is not None:
            return self._blocked.reason
        return next((seen.reason for seen in self._candidates.values()), "")

    def feed(self, payload: bytes) -> list[Event]:
        """Events of one object.

        Raises:
            UpstreamMalformed: it is not such an object.
            Fault: it is an error object; the upstream failed in mid-stream.
        """
        try:
            tree = msgspec.json.decode(payload, type=dict[str, object])
            if "error" in tree:
                raise decode_error(0, payload)
            return self._events(tree)
        except Fault:
            raise
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise UpstreamMalformed("The upstream answered with what is not JSON.") from error
        except (TypeError, ValueError, AttributeError, KeyError, IndexError) as error:
            raise UpstreamMalformed("The upstream's answer has an unknown shape.") from error

    def finish(self) -> list[Event]:
        """The closing events, once the upstream has closed.

        Raises:
            StreamCut: it closed before each candidate had a finish reason.
        """
        if self._blocked is not None and not self._candidates:
            return [End("", blocked=self._blocked)]
        whole = all(candidate.reason for candidate in self._candidates.values())
        if not self._candidates or not whole:
            raise StreamCut("The upstream closed before a finish reason; try again.")
        events: list[Event] = []
        for candidate in self._candidates.values():
            events += candidate.close() + candidate.end()
        return events

    def _events(self, tree: Tree) -> list[Event]:
        events: list[Event] = []
        if not self._begun:
            self._begun = True
            events.append(_begin(tree))
        counts = tree.get("usageMetadata")
        if counts is not None:
            usage = read_usage(cast("Tree", counts))
            if usage != self._usage:
                self._usage = usage
                events.append(Tally(usage))
        for item in cast("list[Tree]", tree.get("candidates", [])):
            events += self._take(item)
        feedback = cast("Tree", tree.get("promptFeedback", {}))
        if reason := cast("str", feedback.get("blockReason", "")):
            ratings = feedback.get("safetyRatings")
            self._blocked = Blocked(
                reason,
                None if ratings is None else json_of(ratings),
                cast("str", feedback.get("blockReasonMessage", "")),
            )
        return events

    def _take(self, tree: Tree) -> list[Event]:
        index = cast("int", tree.get("index", 0))
        candidate = self._candidates.get(index)
        if candidate is None:
            candidate = self._candidates[index] = _Candidate(index)
        events: list[Event] = []
        content = cast("Tree", tree.get("content", {}))
        for part in cast("list[Tree]", content.get("parts", [])):
            try:
                events += candidate.take(read_part(part))
            except Invalid:
                continue  # a part without payload says nothing; only a request may not hold one
        candidate.reason = cast("str", tree.get("finishReason", candidate.reason))
        candidate.message = cast("str", tree.get("finishMessage", candidate.message))
        candidate.extra |= {key: tree[key] for key in tree.keys() - _CANDIDATE}
        return events


def _begin(tree: Tree) -> Begin:
    extra = {key: value for key, value in tree.items() if key not in _TOP}
    return Begin(
        cast("str", tree.get("responseId", "")),
        cast("str", tree.get("modelVersion", "")),
        json_of(extra) if extra else None,
        DIALECT if extra else "",
    )


class StreamDecoder:
    """`streamGenerateContent?alt=sse` bytes in, canonical events out."""

    def __init__(self) -> None:
        self._sse, self.objects = SSEReader(), ObjectDecoder()

    def feed(self, chunk: bytes) -> list[Event]:
        """Events that `chunk` completes.  Raises as `ObjectDecoder.feed` and `SSEReader.feed`."""
        return [e for payload in self._sse.feed(chunk) for e in self.objects.feed(payload)]

    def finish(self) -> list[Event]:
        """The closing events.  Raises `StreamCut` if the upstream closed too early."""
        self._sse.finish()
        return self.objects.finish()
