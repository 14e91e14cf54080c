"""Folding a stream into one answer: what joins, and what is refused."""

import msgspec
import pytest
from hypothesis import given

from geminid.core.content import EMPTY_OBJECT, Blob, Call, Code, Content, Json, Part, Text, Thought
from geminid.core.errors import StreamCut, UpstreamMalformed
from geminid.core.events import Begin, Blocked, Delta, End, Event, PartEnd, PartStart, Tally
from geminid.core.fold import Answer, Candidate, Folder, closed, fold
from geminid.core.usage import Usage
from tests import strategies

BEGIN = Begin("r1", "m")
STOP = End("STOP")


def said(*events: Event) -> tuple[Part, ...]:
    """The parts of an answer with one candidate."""
    [candidate] = fold([BEGIN, *events, STOP]).candidates
    return candidate.content.parts


def test_deltas_grow_a_text_and_a_late_signature_lands_on_it() -> None:
    parts = said(
        PartStart(0, Thought(text="h")),
        Delta(0, "m"),
        PartEnd(0),
        PartStart(1, Text(text="")),
        Delta(1, "Hi"),
        Delta(1, "!"),
        PartEnd(1, "c2ln"),
    )

    assert parts == (Thought(text="hm"), Text(text="Hi!", signature="c2ln"))


def test_a_late_signature_replaces_an_early_one() -> None:
    assert said(PartStart(0, Text(text="a", signature="b2xk")), PartEnd(0, "bmV3")) == (
        Text(text="a", signature="bmV3"),
    )


def test_an_early_signature_stays_when_none_comes_late() -> None:
    assert said(PartStart(0, Text(text="a", signature="b2xk")), Delta(0, "b"), PartEnd(0)) == (
        Text(text="ab", signature="b2xk"),
    )


def test_deltas_of_a_call_spell_its_arguments() -> None:
    parts = said(
        PartStart(0, Call(name="f", id="i")), Delta(0, '{"a'), Delta(0, '": [1]}'), PartEnd(0)
    )

    assert parts == (Call(name="f", id="i", args=Json(b'{"a": [1]}')),)


def test_a_call_without_deltas_has_no_arguments() -> None:
    assert said(PartStart(0, Call(name="f")), PartEnd(0)) == (Call(name="f", args=EMPTY_OBJECT),)


@pytest.mark.parametrize("text", ['{"a":', "[1]", '"x"', '{"a":1}}', "null", "[" * 100_000])
def test_arguments_that_are_no_object_never_pass_for_a_call(text: str) -> None:
    """A cut or malformed call looked like a good one, and its bytes broke the caller's JSON."""
    with pytest.raises(UpstreamMalformed, match="not a JSON object"):
        closed(Call(name="f"), text, "")


def test_code_grows() -> None:
    assert said(PartStart(0, Code(code="a=")), Delta(0, "1"), PartEnd(0)) == (Code(code="a=1"),)


def test_candidates_may_come_mixed_and_leave_in_order() -> None:
    answer = fold(
        [
            BEGIN,
            PartStart(0, Text(text="b"), 1),
            PartStart(0, Text(text="a"), 0),
            Delta(0, "B", 1),
            Delta(0, "A", 0),
            PartEnd(0, "", 0),
            PartEnd(0, "", 1),
            End("MAX_TOKENS", candidate=1),
            STOP,
        ]
    )

    assert [(each.index, each.end.reason, each.content.parts[0]) for each in answer.candidates] == [
        (0, "STOP", Text(text="aA")),
        (1, "MAX_TOKENS", Text(text="bB")),
    ]


def test_the_last_tally_counts() -> None:
    one, two = Usage(prompt=1), Usage(prompt=2)

    assert fold([BEGIN, Tally(one), STOP, Tally(two)]).usage == two


def test_a_candidate_may_end_without_a_part() -> None:
    """All tokens went into thoughts: MAX_TOKENS and nothing said (gemini.md 2.1)."""
    end = End("MAX_TOKENS")

    assert fold([BEGIN, end]) == Answer(BEGIN, (Candidate(0, Content("model", ()), end),))


def test_a_blocked_prompt_is_a_whole_answer_without_candidates() -> None:
    end = End("", blocked=Blocked("SAFETY"))

    assert fold([BEGIN, end]) == Answer(BEGIN, (), None, end)


WHOLE: list[Event] = [
    BEGIN,
    PartStart(0, Text(text="a"), 0),
    PartStart(0, Text(text="b"), 1),
    Delta(0, "a", 0),
    PartEnd(0, "", 0),
    PartEnd(0, "", 1),
    End("STOP", candidate=0),
    End("STOP", candidate=1),
]


@pytest.mark.parametrize("length", range(len(WHOLE)))
def test_no_beginning_of_a_stream_passes_for_the_whole(length: int) -> None:
    with pytest.raises(StreamCut):
        fold(WHOLE[:length])


@pytest.mark.parametrize(
    "events",
    [
        [STOP],
        [PartStart(0, Text(text="a"))],
        [BEGIN, BEGIN],
        [BEGIN, PartStart(1, Text(text="a"))],
        [BEGIN, PartStart(0, Text(text="a")), PartStart(1, Text(text="b"))],
        [BEGIN, Delta(0, "a")],
        [BEGIN, PartEnd(0)],
        [BEGIN, PartStart(0, Text(text="a")), PartEnd(0), Delta(0, "b")],
        [BEGIN, PartStart(0, Text(text="a")), Delta(0, "b", 1)],
        [BEGIN, PartStart(0, Text(text="a")), PartEnd(1)],
        [BEGIN, PartStart(0, Blob(mime="a/b", data="")), Delta(0, "x"), PartEnd(0)],
        [BEGIN, PartStart(0, Text(text="a")), STOP],
        [BEGIN, STOP, STOP],
        [BEGIN, STOP, PartStart(0, Text(text="a"))],
    ],
)
def test_an_engine_that_breaks_the_order_is_found(events: list[Event]) -> None:
    with pytest.raises(UpstreamMalformed):
        fold(events)


def test_a_block_does_not_hide_a_candidate_without_an_end() -> None:
    folder = Folder()
    for event in (BEGIN, PartStart(0, Text(text="a")), PartEnd(0), End("", blocked=Blocked("X"))):
        folder.add(event)

    with pytest.raises(StreamCut):
        folder.answer()


@given(strategies.events(most=3))
def test_every_ordered_stream_folds_to_what_it_said(events: list[Event]) -> None:
    """The parts that were begun come out, in order, grown by their deltas and nothing else."""
    answer = fold(events)

    starts = [event for event in events if isinstance(event, PartStart)]
    assert [type(part) for each in answer.candidates for part in each.content.parts] == [
        type(start.part) for start in sorted(starts, key=lambda event: event.candidate)
    ]
    ends = {event.candidate: event for event in events if isinstance(event, End)}
    assert {each.index: each.end for each in answer.candidates} == ends
    for each in answer.candidates:
        for index, part in enumerate(each.content.parts):
            grown = "".join(
                event.text
                for event in events
                if isinstance(event, Delta)
                and (event.candidate, event.index) == (each.index, index)
            )
            assert grown in _text_of(part)


def _text_of(part: Part) -> str:
    match part:
        case Text() | Thought():
            return part.text
        case Code():
            return part.code
        case Call():
            return bytes(part.args).decode()
        case _:
            return ""


def test_the_json_of_a_part_compares_by_its_bytes() -> None:
    """`core.content` promises it; equality of parts and all round trips stand on it."""
    assert Json(b'{"a":1}') == msgspec.Raw(b'{"a":1}')
    assert Json(b'{"a":1}') != Json(b'{"a": 1}')
