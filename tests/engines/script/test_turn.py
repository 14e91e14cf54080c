"""One turn as events: in order, within the limits, counted."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geminid.config import ScriptedCall, ScriptedCode, ScriptedUsage, Turn
from geminid.core.content import Call, Code, CodeResult, Json, Text, Thought
from geminid.core.events import Begin, Blocked, Delta, End, PartEnd, PartStart, Tally
from geminid.core.fold import fold
from geminid.core.request import Request, Sampling, Thinking
from geminid.core.usage import Usage
from geminid.engines.script.turn import events_of
from tests import strategies
from tests.engines.script.scenes import MODEL, request, said, spoken, turns

CALLS = (
    ScriptedCall(name="get_weather", args='{"city":"Paris"}', id="one"),
    ScriptedCall(name="get_weather", args='{"city":"Rome"}'),
)
CALLED = End("STOP", "Model generated function call(s).")
PROMPT = 5  # tokens of the question that `request` asks


def test_thoughts_come_first_then_text_in_words_then_calls() -> None:
    turn = Turn(thoughts=("Both cities.", "Hm."), text="Let me  see.", calls=CALLS[:1])

    assert events_of(turn, request(), MODEL) == [
        Begin("", MODEL),
        PartStart(0, Thought(text="Both ")),
        Delta(0, "cities."),
        PartEnd(0),
        PartStart(1, Thought(text="Hm.")),
        PartEnd(1),
        PartStart(2, Text(text="Let ")),
        Delta(2, "me  "),
        Delta(2, "see."),
        PartEnd(2),
        PartStart(3, Call(name="get_weather", args=Json(b'{"city":"Paris"}'), id="one")),
        PartEnd(3),
        Tally(Usage(prompt=PROMPT, thoughts=4, output=3 + 7)),
        CALLED,
    ]


def test_text_comes_in_the_pieces_that_are_listed() -> None:
    turn = Turn(text="ab cd", pieces=("ab c", "d"))

    assert events_of(turn, request(), MODEL)[1:4] == [
        PartStart(0, Text(text="ab c")),
        Delta(0, "d"),
        PartEnd(0),
    ]


def test_parallel_calls_share_a_content_and_the_first_has_the_signature() -> None:
    answer = said(Turn(calls=CALLS, signature="c2ln"))

    parts = answer.candidates[0].content.parts
    assert [part.signature for part in parts] == ["c2ln", ""]
    assert [part.id for part in parts if isinstance(part, Call)] == ["one", ""]
    assert answer.candidates[0].end == CALLED


@pytest.mark.parametrize("text", ["", "a b"])
def test_without_a_call_the_signature_comes_at_the_end_of_the_text(text: str) -> None:
    """Also of an empty one: it may stand alone."""
    last = events_of(Turn(text=text, signature="c2ln"), request(), MODEL)[-3]

    assert last == PartEnd(0, "c2ln")


def test_code_and_its_result_come_before_the_text() -> None:
    code = (
        ScriptedCode(code="1+1", outcome="OUTCOME_OK", output="2"),
        ScriptedCode(code="ls"),
    )

    answer = said(Turn(code=code, text="Two."))

    assert answer.candidates[0].content.parts == (
        Code(code="1+1"),
        CodeResult(outcome="OUTCOME_OK", output="2"),
        Code(code="ls"),
        Text(text="Two."),
    )
    assert answer.usage == Usage(prompt=PROMPT, output=3)


@pytest.mark.parametrize(
    ("turn", "end"),
    [
        (Turn(text="a"), End("STOP")),
        (Turn(text="a", message="m"), End("STOP", "m")),
        (Turn(finish="SAFETY", message="m"), End("SAFETY", "m")),
        (Turn(calls=CALLS), CALLED),
        (Turn(calls=CALLS, message="m"), End("STOP", "m")),
        (Turn(calls=CALLS, finish="UNEXPECTED_TOOL_CALL"), End("UNEXPECTED_TOOL_CALL")),
        (Turn(), End("STOP")),
    ],
)
def test_an_answer_ends_as_the_script_says(turn: Turn, end: End) -> None:
    assert said(turn).candidates[0].end == end


def test_a_block_is_the_whole_answer() -> None:
    turn = Turn(block="SAFETY", message="No.", usage=ScriptedUsage(prompt=9))

    assert events_of(turn, request(), MODEL) == [
        Begin("", MODEL),
        Tally(Usage(prompt=9)),
        End("", blocked=Blocked("SAFETY", message="No.")),
    ]


@pytest.mark.parametrize(
    ("most", "thought", "text", "usage", "reason"),
    [
        (1, "1234", "", Usage(prompt=PROMPT, thoughts=1), "MAX_TOKENS"),
        (2, "12345678", "", Usage(prompt=PROMPT, thoughts=2), "MAX_TOKENS"),
        (3, "12345678", "abcd", Usage(prompt=PROMPT, thoughts=2, output=1), "MAX_TOKENS"),
        (4, "12345678", "abcd efg", Usage(prompt=PROMPT, thoughts=2, output=2), "STOP"),
        (0, "", "", Usage(prompt=PROMPT), "MAX_TOKENS"),
    ],
)
def test_max_output_bounds_thoughts_and_text_together(
    most: int, thought: str, text: str, usage: Usage, reason: str
) -> None:
    """Spent inside the thoughts, there is no text at all."""
    turn = Turn(thoughts=("12345678",), text="abcd efg", signature="c2ln")

    answer = said(turn, request(sampling=Sampling(max_output=most)))

    assert (spoken(answer, Thought), spoken(answer)) == (thought, text)
    assert answer.usage == usage
    assert answer.candidates[0].end == End(reason)
    signed = [part.signature for part in answer.candidates[0].content.parts if part.signature]
    assert signed == (["c2ln"] if reason == "STOP" else [])


@pytest.mark.parametrize(
    ("most", "calls", "output"), [(6, 0, 6), (7, 1, 7), (10, 1, 10), (14, 2, 14)]
)
def test_a_call_that_does_not_fit_is_left_out(most: int, calls: int, output: int) -> None:
    """There are no half calls; its tokens were spent all the same."""
    answer = said(Turn(calls=CALLS), request(sampling=Sampling(max_output=most)))

    assert len(answer.candidates[0].content.parts) == calls
    assert answer.candidates[0].end.reason == ("STOP" if calls == len(CALLS) else "MAX_TOKENS")
    assert answer.usage == Usage(prompt=PROMPT, output=output)


def test_code_that_does_not_fit_ends_the_answer() -> None:
    turn = Turn(code=(ScriptedCode(code="12345", outcome="OUTCOME_OK"),), text="a")

    answer = said(turn, request(sampling=Sampling(max_output=1)))

    assert answer.candidates[0].content.parts == ()
    assert answer.candidates[0].end == End("MAX_TOKENS")


def test_listed_pieces_are_cut_where_the_limit_is() -> None:
    turn = Turn(text="abcdefgh", pieces=("abc", "def", "gh"))

    events = events_of(turn, request(sampling=Sampling(max_output=1)), MODEL)

    assert events[1:4] == [PartStart(0, Text(text="abc")), Delta(0, "d"), PartEnd(0)]


@pytest.mark.parametrize(
    ("stop", "text", "calls"),
    [
        (("cd",), "ab ", 0),
        (("ef", "d"), "ab c", 0),
        (("ab",), "", 0),
        (("", "zz"), "ab cd ef", 2),
    ],
)
def test_a_stop_sequence_ends_the_answer_and_is_not_in_it(
    stop: tuple[str, ...], text: str, calls: int
) -> None:
    turn = Turn(thoughts=("cd ab",), text="ab cd ef", calls=CALLS, finish="STOP", message="m")

    answer = said(turn, request(sampling=Sampling(stop=stop)))

    parts = answer.candidates[0].content.parts
    assert spoken(answer) == text
    assert sum(isinstance(part, Call) for part in parts) == calls
    assert answer.candidates[0].end == End("STOP", "m" if calls else "")


@pytest.mark.parametrize(
    "thinking", [Thinking(budget=0), Thinking(level="MINIMAL"), Thinking(level="minimal")]
)
def test_a_model_that_is_told_not_to_think_does_not(thinking: Thinking) -> None:
    turn = Turn(thoughts=("Hm.",), text="a", usage=ScriptedUsage(thoughts=7))

    answer = said(turn, request(thinking=thinking))

    assert answer.candidates[0].content.parts == (Text(text="a"),)
    assert answer.usage == Usage(prompt=PROMPT, output=1)


@pytest.mark.parametrize("thinking", [None, Thinking(level="LOW"), Thinking(budget=-1)])
def test_thoughts_are_said_whether_they_are_shown_or_not(thinking: Thinking | None) -> None:
    """The server hides them, after it has sealed them into the signature."""
    assert spoken(said(Turn(thoughts=("Hm.",)), request(thinking=thinking)), Thought) == "Hm."


def test_usage_is_what_the_script_tells_and_counted_where_it_is_silent() -> None:
    turn = Turn(thoughts=("Hm.",), text="abcde", usage=ScriptedUsage(prompt=100, cached=90))
    told = ScriptedUsage(output=50, thoughts=60)

    assert said(turn).usage == Usage(prompt=100, cached=90, thoughts=1, output=2)
    assert said(Turn(text="a", usage=told)).usage == Usage(prompt=PROMPT, output=50, thoughts=60)


@pytest.mark.parametrize("sampling", [Sampling(max_output=2), Sampling(stop=("e",))])
def test_an_answer_that_was_cut_is_counted(sampling: Sampling) -> None:
    """What the script tells is of the whole."""
    turn = Turn(thoughts=("Hm.",), text="abcde", usage=ScriptedUsage(output=50, thoughts=60))

    assert said(turn, request(sampling=sampling)).usage == Usage(
        prompt=PROMPT, thoughts=1, output=1
    )


@given(turns, strategies.requests, st.none() | st.integers(-1, 20))
def test_any_turn_for_any_request_is_a_whole_answer_within_its_limits(
    turn: Turn, asked: Request, most: int | None
) -> None:
    """Told in the order that every consumer relies on, and the same each time."""
    sampling = msgspec.structs.replace(asked.sampling, max_output=most)
    asked = msgspec.structs.replace(asked, sampling=sampling)

    events = events_of(turn, asked, MODEL)

    answer = fold(events)

    assert events_of(turn, asked, MODEL) == events
    assert (answer.blocked is not None) == bool(turn.block)
    assert turn.text.startswith(spoken(answer))
    assert "".join(turn.thoughts).startswith(spoken(answer, Thought))
    assert answer.usage is not None
    if most is not None and turn.usage == ScriptedUsage():
        assert answer.usage.output + answer.usage.thoughts <= max(most, 0)
