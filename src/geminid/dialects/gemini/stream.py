"""Answers of the API as they arrive: response objects to events.

A unary body is a stream of one object, so both go through `ObjectDecoder`; `StreamDecoder` adds
the SSE framing of `alt=sse`.

What real streams do shapes the state (gemini.md section 1.2, pains.md 21 and 25):

* The closing chunk is an empty text that may carry the signature of the text before it, so the
  first part of a chunk continues the text that is open.  Parts of one object are never joined:
  grounding refers to them by number.
* With built-in tools a `finishReason` may stand in the *middle*.  So `End` is held back until the
  upstream has closed, and a reason that more words follow did not end the answer.
* Grounding may come before the last chunk, and an empty object for it after; citations and log
  probabilities come piece by piece.
"""

from collections.abc import Iterator
from typing import Final, TypeAlias

import msgspec

from geminid.core.content import Part, Text, Thought
from geminid.core.errors import Fault, Invalid, StreamCut, TooLarge, UpstreamMalformed
from geminid.core.events import Begin, Blocked, Delta, End, Event, PartEnd, PartStart, Tally
from geminid.core.usage import Usage
from geminid.dialects.gemini.errors import decode_error
from geminid.dialects.gemini.parts import DIALECT, json_of, read_part
from geminid.dialects.gemini.tree import Tree, count_at, text_at, tree_at, trees_at
from geminid.dialects.gemini.usage import read_usage
from geminid.dialects.sse import SSEReader

_CANDIDATE: Final = frozenset({"content", "finishReason", "finishMessage", "index"})
_TOP: Final = frozenset({"candidates", "usageMetadata", "modelVersion", "responseId"})
_PIECEMEAL: Final = frozenset({"citationMetadata", "logprobsResult"})
_SILENT: Final = (b"", b"[DONE]")
"""Payloads that say nothing; not Google's, but of servers that speak its API."""
_Open: TypeAlias = Text | Thought


class _Candidate:
    def __init__(self, index: int) -> None:
        self.index = index
        self.count = 0  # parts begun
        self.open: _Open | None = None  # the text that may still grow
        self.reason = ""
        self.message = ""
        self.extra: Tree = {}

    def take(self, tree: Tree) -> list[Event]:
        """Events of the candidate's piece in one object."""
        events: list[Event] = []
        said = False
        for number, item in enumerate(trees_at(tree_at(tree, "content"), "parts")):
            part = _read(item)
            if part is not None:
                said = said or not isinstance(part, Text | Thought) or bool(part.text)
                events += self._take_part(part, joins=not number)
        if reason := _reason(tree, "finishReason"):
            self.reason, self.message = reason, text_at(tree, "finishMessage")
        elif said:
            self.reason = self.message = ""
        for key, value in tree.items():
            if key in _CANDIDATE or value is None:
                continue
            before = self.extra.get(key)
            if value or before is None:
                joins = key in _PIECEMEAL and before is not None
                self.extra[key] = _joined(before, value) if joins else value
        return events

    def close(self, signature: str = "") -> list[Event]:
        """Ends the open text, if there is one."""
        if self.open is None:
            return []
        self.open = None
        return [PartEnd(self.count - 1, signature, self.index)]

    def end(self) -> End:
        """How the candidate ended."""
        extra = json_of(self.extra) if self.extra else None
        dialect = DIALECT if extra is not None else ""
        return End(self.reason, self.message, self.index, None, extra, dialect)

    def _take_part(self, part: Part, *, joins: bool) -> list[Event]:
        if not isinstance(part, Text | Thought) or part.modifiers is not None:
            return [*self.close(), *self._begin(part), PartEnd(self.count - 1, "", self.index)]
        if joins and type(part) is type(self.open):
            delta = Delta(self.count - 1, part.text, self.index)
            events: list[Event] = [delta] if part.text else []
        elif not part.text and not part.signature and self.count:
            return []
        else:
            bare = msgspec.structs.replace(part, signature="") if part.signature else part
            events = self.close() + self._begin(bare)
            self.open = part
        return events + self.close(part.signature) if part.signature else events

    def _begin(self, part: Part) -> list[Event]:
        self.count += 1
        return [PartStart(self.count - 1, part, self.index)]


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
            if tree.get("error") is not None:
                raise decode_error(0, payload)
            return self._events(tree)
        except Fault:
            raise
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise UpstreamMalformed("The upstream answered with what is not JSON.") from error
        except (TypeError, ValueError, OverflowError) as error:
            raise UpstreamMalformed("The upstream's answer has an unknown shape.") from error

    def finish(self) -> list[Event]:
        """The closing events, once the upstream has closed.

        A block in mid-answer ends what had begun with the block's reason.

        Raises:
            StreamCut: it closed before each candidate had a finish reason.
        """
        candidates = list(self._candidates.values())
        if self._blocked is not None:
            if not candidates:
                return [End("", blocked=self._blocked)]
            for candidate in candidates:
                if not candidate.reason:
                    candidate.reason = self._blocked.reason
                    candidate.message = self._blocked.message
        if not candidates or not all(candidate.reason for candidate in candidates):
            raise StreamCut("The upstream closed before a finish reason; try again.")
        return [event for each in candidates for event in (*each.close(), each.end())]

    def _events(self, tree: Tree) -> list[Event]:
        events: list[Event] = []
        if not self._begun:
            self._begun = True
            events.append(_begin(tree))
        if tree.get("usageMetadata") is not None:
            usage = read_usage(tree_at(tree, "usageMetadata"))
            if usage != self._usage:
                self._usage = usage
                events.append(Tally(usage))
        for item in trees_at(tree, "candidates"):
            index = count_at(item, "index")
            candidate = self._candidates.get(index)
            if candidate is None:
                candidate = self._candidates[index] = _Candidate(index)
            events += candidate.take(item)
        feedback = tree_at(tree, "promptFeedback")
        if reason := _reason(feedback, "blockReason"):
            ratings = feedback.get("safetyRatings")
            self._blocked = Blocked(
                reason,
                None if ratings is None else json_of(ratings),
                text_at(feedback, "blockReasonMessage"),
            )
        return events


def _begin(tree: Tree) -> Begin:
    extra = {key: value for key, value in tree.items() if key not in _TOP and value is not None}
    if _reason(tree_at(extra, "promptFeedback"), "blockReason"):
        del extra["promptFeedback"]
    return Begin(
        text_at(tree, "responseId"),
        text_at(tree, "modelVersion"),
        json_of(extra) if extra else None,
        DIALECT if extra else "",
    )


def _reason(tree: Tree, key: str) -> str:
    """A reason, or `""`: an enum's zero, which some servers print, is none."""
    reason = text_at(tree, key)
    return "" if reason.endswith("_UNSPECIFIED") else reason


def _read(tree: Tree) -> Part | None:
    if None in tree.values():
        tree = {key: value for key, value in tree.items() if value is not None}
    try:
        return read_part(tree)
    except Invalid:  # no payload: nothing is said, but a signature may stand alone
        signature = text_at(tree, "thoughtSignature")
        kind = Thought if tree.get("thought") else Text
        return kind(text="", signature=signature) if signature else None


def _joined(before: object, after: object) -> object:
    """Two pieces of a field as one; a piece that repeats what was there replaces it."""
    if type(before) is dict and type(after) is dict:
        return before | {
            key: _joined(before[key], value) if key in before else value
            for key, value in after.items()
        }
    if type(before) is list and type(after) is list and after[: len(before)] != before:
        before += after
        return before
    return after


class StreamDecoder:
    """`streamGenerateContent?alt=sse` bytes in, canonical events out."""

    def __init__(self) -> None:
        self._sse, self.objects = SSEReader(), ObjectDecoder()

    def feed(self, chunk: bytes) -> Iterator[Event]:
        """Events that `chunk` completes; iterate to the end before the next call.

        They are made while you iterate, so what stands before a fault is given first.  Raises as
        `ObjectDecoder.feed`.
        """
        try:
            payloads = self._sse.feed(chunk)
        except TooLarge as error:  # not the caller's doing
            raise UpstreamMalformed(error.detail) from error
        for payload in payloads:
            if payload not in _SILENT:
                yield from self.objects.feed(payload)

    def finish(self) -> list[Event]:
        """The closing events.  Raises `StreamCut` if the upstream closed too early."""
        self._sse.finish()
        return self.objects.finish()
