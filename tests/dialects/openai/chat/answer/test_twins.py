"""A stream and its unary twin are one answer, whatever an engine says and in whatever pieces."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from geminid.core.content import Blob
from geminid.core.errors import AnswerBroken, Fault
from geminid.core.events import End, Event, PartStart
from geminid.dialects.openai.chat.answer.ending import usable
from geminid.dialects.openai.chat.functions import Functions
from geminid.dialects.openai.chat.head import Head
from tests import strategies
from tests.dialects.openai.chat.answer.told import HEAD, chunks, events, folded, tidy, whole

heads = st.builds(
    lambda **fields: msgspec.structs.replace(HEAD, **fields),
    usage=st.booleans(),
    reasoning=st.booleans(),
    extended=st.booleans(),
    errors_as_choices=st.booleans(),
    audio_format=st.sampled_from(["", "wav", "pcm16"]),
    functions=st.builds(
        lambda custom, legacy: Functions(custom=frozenset(custom), legacy=legacy),
        st.lists(strategies.names, max_size=1),
        st.booleans(),
    ),
)
sounds = st.builds(
    Blob,
    mime=st.sampled_from(["audio/L16;codec=pcm;rate=24000", "audio/mp3"]),
    data=strategies.data,
)


def gives_up(told: list[Event]) -> bool:
    """Whether there is a moment when all that has begun has ended, and nothing of it is usable."""
    begun: set[int] = set()
    ended: set[int] = set()
    for event in told:
        if isinstance(event, PartStart | End):
            begun |= set(range(event.candidate + 1))
        if isinstance(event, End):
            ended.add(event.candidate)
            if usable(event):
                return False
            if begun == ended:
                return True
    return False


def check(told: list[Event], head: Head) -> None:
    """Both forms fold to the same choices, or both fail."""
    try:
        unary = whole(told, head)
        failure = None
    except Fault as fault:
        failure = fault
    try:
        found = chunks(told, head)
    except AnswerBroken:
        assert failure is not None or gives_up(told)
        return
    except Fault:
        assert failure is not None
        return
    assert failure is None

    pieces = folded(found)
    assert sorted(pieces) == [choice["index"] for choice in unary["choices"]]
    for choice in unary["choices"]:
        piece = pieces[choice["index"]]
        assert tidy(piece["message"]) == tidy(choice["message"])
        for key in ("finish_reason", "native_finish_reason", "logprobs"):
            assert piece.get(key) == choice.get(key)
    counted = [chunk["usage"] for chunk in found if not chunk["choices"]]
    assert counted == ([unary["usage"]] if head.usage and "usage" in unary else [])


@given(strategies.events(), heads)
def test_any_answer(told: list[Event], head: Head) -> None:
    check(told, head)


@given(st.lists(sounds, min_size=1, max_size=4), heads)
def test_sound_in_pieces(blobs: list[Blob], head: Head) -> None:
    check(events(*blobs), head)


@given(strategies.blocked_events, heads)
def test_a_blocked_prompt(told: list[Event], head: Head) -> None:
    check(told, head)
