"""Streamed answers to events."""

from collections.abc import Iterator

from geminid.core.errors import TooLarge, UpstreamMalformed
from geminid.core.events import Event
from geminid.dialects.openai.question import Question
from geminid.dialects.openai.response import CompletionDecoder
from geminid.dialects.sse import SSEReader

_DONE = b"[DONE]"


class StreamDecoder:
    """The bytes of a `stream: true` answer in, events out.

    A candidate's `End` is held back until its usage or the end of the stream has come, so that the
    counts stand before it.
    """

    def __init__(self, question: Question | None = None) -> None:
        self._sse = SSEReader()
        self._answer = CompletionDecoder(question)
        self.done = False
        """`[DONE]` has come: nothing more will."""

    def feed(self, chunk: bytes) -> Iterator[Event]:
        """The events that `chunk` completes; those before a fault come out before it.

        Raises:
            UpstreamMalformed: the bytes are not such a stream.
            Fault: the stream says that the upstream failed.
        """
        try:
            payloads = self._sse.feed(chunk)
        except TooLarge as error:  # not the caller's doing
            raise UpstreamMalformed(error.detail) from error
        for payload in payloads:
            if self.done or not payload:
                continue
            if payload.strip() == _DONE:
                self.done = True
                yield from self._answer.finish()
            else:
                yield from self._answer.feed(payload)

    def finish(self) -> list[Event]:
        """The closing events, once the upstream has closed.

        Raises:
            StreamCut: it closed inside an event, or before a finish reason: a clean close, and even
                `[DONE]`, is no proof of a whole answer.
        """
        if self.done:
            return []
        if self._sse.pending().strip() != _DONE:  # some leave its empty line out
            self._sse.finish()
        return self._answer.finish()
