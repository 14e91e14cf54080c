"""Events to `chat.completion.chunk` objects as server-sent events.

What clients of this dialect need shapes it (dialects.md section 2.1): each choice begins with its
role, and in the order of their numbers, since openai-python's helper finds a choice by its place; a
call has an integer `index`, and its name comes once; nothing repeats in a stream that is joined.
"""

from collections.abc import Iterable
from typing import Final, assert_never

import msgspec

from geminid.core.errors import StreamCut
from geminid.core.events import Begin, Delta, End, Event, PartEnd, PartStart, Tally
from geminid.core.usage import Usage
from geminid.dialects.openai.chat.answer.deltas import FIRST, Deltas
from geminid.dialects.openai.chat.answer.ending import (
    Ending,
    blocked,
    ending_of,
    extra_of,
    refuse,
    usable,
)
from geminid.dialects.openai.chat.answer.logprobs import write_logprobs
from geminid.dialects.openai.chat.answer.usage import service_tier, write_meta, write_usage
from geminid.dialects.openai.chat.head import Head
from geminid.dialects.openai.tree import Tree

_DONE: Final = b"data: [DONE]\n\n"
_OPEN: Final = b',"finish_reason":null,"native_finish_reason":null,"logprobs":null}'
_OPEN_PLAIN: Final = b',"finish_reason":null,"logprobs":null}'


def chunk_head(head: Head) -> Tree:
    """The fields that every chunk of an answer begins with.

    `system_fingerprint` is not among them: `null` is refused in a chunk by one SDK, and demanded in
    a whole answer by the same.
    """
    provider: Tree = {"provider": head.provider} if head.extended else {}
    return {
        "id": head.id,
        **provider,
        "model": head.model,
        "object": "chat.completion.chunk",
        "created": head.created,
    }


def framed(encoded: bytes) -> bytes:
    """One object as one event."""
    return b"data: %b\n\n" % encoded


class ChunkEncoder:
    """Events in, framed chunks out."""

    content_type: Final = "text/event-stream"

    def __init__(self, head: Head) -> None:
        self._head = head
        self._front = b"data: %b" % msgspec.json.encode(chunk_head(head))[:-1] + b',"choices":['
        # OpenAI says `null` until the counts come; OpenRouter's own SDK refuses that.
        null = head.usage and not head.errors_as_choices
        self._back = b'],"usage":null}\n\n' if null else b"]}\n\n"
        self._open = (_OPEN if head.extended else _OPEN_PLAIN) + self._back
        self._choices: dict[int, Deltas] = {}
        self._ended: set[int] = set()
        self._broken: list[End] = []  # that may yet stand beside a good one
        self._good = False
        self._usage: Usage | None = None

    def add(self, event: Event) -> tuple[bytes, ...]:
        """The chunks that `event` completes, in order.

        Raises:
            AnswerBroken: every candidate that has begun has ended, and none can be used.
            Unrepresentable: a part has no place in this dialect.
            UpstreamMalformed: the arguments of a call are no JSON object.
        """
        match event:
            case Delta():
                deltas = self._choices[event.candidate].more(event.text)
                return self._chunks(event.candidate, deltas)
            case PartStart():
                begun = self._begin(event.candidate)
                deltas = self._choices[event.candidate].start(event.part)
                return (*begun, *self._chunks(event.candidate, deltas))
            case PartEnd():
                deltas = self._choices[event.candidate].finish(event.signature)
                return self._chunks(event.candidate, deltas)
            case Tally():
                self._usage = event.usage
            case Begin():
                pass
            case End() if event.blocked is not None:
                return self._block(event, blocked(event.blocked))
            case End():
                return self._end(event)
            case _:
                assert_never(event)
        return ()

    def close(self) -> bytes:
        """What ends the stream: the chunk of counts, if the caller wants one and somebody has
        counted, and `[DONE]`.

        Raises:
            StreamCut: the answer has not ended; its end must not be told.
        """
        if not self._choices or self._ended != self._choices.keys():
            raise StreamCut("The answer stopped before its end; try again.")
        if not self._head.usage or self._usage is None:
            return _DONE
        extended = self._head.extended
        tree = chunk_head(self._head) | {"service_tier": service_tier(self._usage), "choices": []}
        tree["usage"] = write_usage(self._usage, extended=extended)
        if extended:
            tree["meta"] = write_meta(self._usage)
        return framed(msgspec.json.encode(tree)) + _DONE

    def _begin(self, candidate: int) -> tuple[bytes, ...]:
        if candidate in self._choices:
            return ()
        begun: list[bytes] = []
        for index in range(candidate + 1):
            if index not in self._choices:
                self._choices[index] = Deltas(index, self._head)
                begun += self._chunks(index, (FIRST,))
        return tuple(begun)

    def _end(self, end: End) -> tuple[bytes, ...]:
        begun = self._begin(end.candidate)
        self._ended.add(end.candidate)
        if usable(end):
            self._good = True
            ended = self._ending(end, ending_of(end, self._choices[end.candidate].called))
        else:
            self._broken.append(end)
            ended = ()
        if self._good:
            broken, self._broken = self._broken, []
            beside = [self._ending(each, ending_of(each)) for each in broken]
            return (*begun, *ended, *(chunk for chunks in beside for chunk in chunks))
        if self._ended == self._choices.keys():
            refuse(sorted(self._broken, key=lambda each: each.candidate))
        return begun

    def _block(self, end: End, ending: Ending) -> tuple[bytes, ...]:
        """Ends all choices; one, if none has begun."""
        begun = self._begin(end.candidate)
        left = self._choices.keys() - self._ended
        self._ended |= left
        chunks = [
            self._ending(msgspec.structs.replace(end, candidate=candidate), ending)
            for candidate in sorted(left)
        ]
        return (*begun, *(chunk for each in chunks for chunk in each))

    def _ending(self, end: End, ending: Ending) -> tuple[bytes, ...]:
        deltas = self._choices[end.candidate].close(end, ending.refusal)
        native: Tree = {"native_finish_reason": ending.native} if self._head.extended else {}
        choice: Tree = {
            "index": end.candidate,
            "delta": {},
            "finish_reason": ending.finish,
            **native,
            "logprobs": write_logprobs(extra_of(end)),
        }
        last = self._front + msgspec.json.encode(choice) + self._back
        return (*self._chunks(end.candidate, deltas), last)

    def _chunks(self, candidate: int, deltas: Iterable[bytes]) -> tuple[bytes, ...]:
        return tuple(
            b'%b{"index":%d,"delta":%b%b' % (self._front, candidate, delta, self._open)
            for delta in deltas
        )
