"""Whole answers to events; a stream is a row of them, each with less in it."""

from typing import Final

import msgspec

from geminid.core.errors import StreamCut, UpstreamMalformed
from geminid.core.events import Begin, Event, Tally
from geminid.core.usage import Usage
from geminid.dialects.openai.candidate import Candidate
from geminid.dialects.openai.errors import decode_stream_error
from geminid.dialects.openai.loose import loosely
from geminid.dialects.openai.question import Question
from geminid.dialects.openai.usage import usage_of
from geminid.dialects.openai.wire import Choice, Completion, Message

_NOTHING: Final = Message()


class CompletionDecoder:
    """`chat.completion` objects or chunks in, events out.  Shared by unary and stream."""

    def __init__(self, question: Question | None = None) -> None:
        self._question = question or Question()
        self._begun = False
        self._usage: Usage | None = None
        self._candidates: dict[int, Candidate] = {}

    def feed(self, payload: bytes) -> list[Event]:
        """The events of one object.

        Raises:
            UpstreamMalformed: it is not such an object.
            Fault: it is an error, or holds one.
        """
        found = _decoded(payload)
        if _says(found.error):
            raise decode_stream_error(payload)
        events: list[Event] = []
        choices = found.choices or []
        if not self._begun:
            if not choices and found.usage is None:
                return events  # Azure begins with its filter's results
            self._begun = True
            events.append(Begin(str(found.id or ""), found.model or ""))
        for choice in choices:
            events += self._choice(choice)
        if found.usage is not None:
            usage = usage_of(found.usage, found.meta, found.service_tier)
            if usage is not None and usage != self._usage:
                self._usage = usage
                events.append(Tally(usage))
            events += self._ends()
        return events

    def finish(self) -> list[Event]:
        """The closing events.

        Raises:
            StreamCut: a candidate has no finish reason, or there is none at all.
        """
        whole = all(candidate.reason for candidate in self._candidates.values())
        if not self._candidates or not whole:
            raise StreamCut("The upstream closed before a finish reason; try again.")
        return self._ends()

    def _choice(self, choice: Choice) -> list[Event]:
        index = choice.index or 0
        candidate = self._candidates.get(index)
        if candidate is None:
            candidate = self._candidates[index] = Candidate(index, self._question)
        if _says(choice.error):
            raise decode_stream_error(msgspec.json.encode(choice.error))
        if candidate.ended:  # a closing chunk after the usage, which says nothing new
            return []
        events = candidate.add(
            choice.message or choice.delta or _NOTHING, whole=choice.message is not None
        )
        if choice.logprobs is not None and choice.logprobs.content:
            candidate.add_logprobs(choice.logprobs.content)
        if choice.finish_reason == "error":
            raise decode_stream_error(b"{}")
        candidate.reason = choice.finish_reason or candidate.reason
        return events

    def _ends(self) -> list[Event]:
        events: list[Event] = []
        for candidate in self._candidates.values():
            if candidate.reason and not candidate.ended:
                events += candidate.end()
        return events


def decode_response(body: bytes, question: Question | None = None) -> list[Event]:
    """The events of a whole answer to `question`.

    Raises:
        UpstreamMalformed: it is not a `chat.completion`, or one without an ending.
        Fault: it is an error under a status of 200.
    """
    decoder = CompletionDecoder(question)
    events = decoder.feed(body)
    try:
        return events + decoder.finish()
    except StreamCut as error:
        raise UpstreamMalformed("The upstream's answer has no finish reason.") from error


def _decoded(payload: bytes) -> Completion:
    # Not strict: some servers write numbers as strings.
    try:
        try:
            return msgspec.json.decode(payload, type=Completion, strict=False)
        except msgspec.ValidationError:
            raise
        except msgspec.DecodeError:
            return msgspec.convert(loosely(payload), Completion, strict=False)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise UpstreamMalformed(
            "The upstream's answer is not what a chat completion is."
        ) from error


def _says(error: object) -> bool:
    return error is not None and error is not False and error != ""
