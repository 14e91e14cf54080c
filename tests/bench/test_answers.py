"""What travels in the measuring has the sizes and the shapes that spec and report speak of."""

import msgspec

from bench.answers import ANSWER, EVENT, LAST_EVENT, prompt
from geminid.dialects.gemini.stream import StreamDecoder


def test_the_answer_has_539_bytes_and_a_finish_reason() -> None:
    """Other projects were measured with this size."""
    assert len(ANSWER) == 539
    assert msgspec.json.decode(ANSWER)["candidates"][0]["finishReason"] == "STOP"


def test_the_prompt_has_1_1_kb() -> None:
    """The same for the request."""
    assert 1050 <= len(prompt()) <= 1150
    assert msgspec.json.decode(prompt())["contents"][0]["role"] == "user"


def test_the_events_are_a_whole_stream_to_our_own_decoder() -> None:
    """A stream that ended badly would be measured as a failure, not as a stream."""
    decoder = StreamDecoder()

    events = [*decoder.feed(EVENT + EVENT + LAST_EVENT), *decoder.finish()]

    assert type(events[-1]).__name__ == "End"
