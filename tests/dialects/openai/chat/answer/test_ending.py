"""How answers end: no broken one may look whole (pains.md A7)."""

from typing import Any

import pytest

from geminid.core.content import Call, Text
from geminid.core.errors import AnswerBroken
from geminid.core.events import Begin, Blocked, Delta, End, Event, PartEnd, PartStart
from tests.dialects.openai.chat.answer.told import BEGIN, chunks, events, folded, whole

FILTERS = [
    "SAFETY",
    "RECITATION",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "SPII",
    "IMAGE_SAFETY",
    "IMAGE_PROHIBITED_CONTENT",
    "IMAGE_RECITATION",
]
BROKEN = [
    "MALFORMED_FUNCTION_CALL",
    "MALFORMED_RESPONSE",
    "UNEXPECTED_TOOL_CALL",
    "TOO_MANY_TOOL_CALLS",
    "MISSING_THOUGHT_SIGNATURE",
    "NO_IMAGE",
    "IMAGE_OTHER",
    "LANGUAGE",
    "OTHER",
    "ESCALATION",
    "A_WORD_OF_NEXT_YEAR",
]


def both(told: list[Event]) -> list[Any]:
    """The choices of the whole answer and of the stream, each by index."""
    unary = {choice["index"]: choice for choice in whole(told)["choices"]}
    return [unary, folded(chunks(told))]


@pytest.mark.parametrize("reason", FILTERS)
def test_a_filter_is_told_as_a_refusal_that_names_it(reason: str) -> None:
    """litellm#28989: a blocked image was an empty list, without a reason."""
    for choices in both(events(Text(text="So"), end=End(reason))):
        choice = choices[0]
        assert choice["finish_reason"] == "content_filter"
        assert choice["native_finish_reason"] == reason
        assert choice["message"]["content"] == "So"
        assert reason in choice["message"]["refusal"]


def test_googles_own_words_are_the_refusal() -> None:
    for choices in both(events(end=End("SAFETY", "Not this."))):
        assert choices[0]["message"]["refusal"] == "Not this."


@pytest.mark.parametrize("reason", BROKEN)
def test_a_broken_answer_is_a_failure_that_names_its_reason(reason: str) -> None:
    """hermes-agent#83882, agno#5628: MALFORMED_FUNCTION_CALL was reported as success."""
    told = events(Text(text="So"), end=End(reason, "Malformed: print(f(x=."))
    for encode in (whole, chunks):
        with pytest.raises(AnswerBroken) as caught:
            encode(told)
        assert f"({reason}: Malformed: print(f(x=); try again" in caught.value.detail


def test_an_ending_without_a_reason_is_broken() -> None:
    for encode in (whole, chunks):
        with pytest.raises(AnswerBroken, match="no reason given"):
            encode(events(end=End("")))


def test_tokens_that_ran_out_are_length_even_after_a_call() -> None:
    for choices in both(events(Call(name="f", id="c"), end=End("MAX_TOKENS"))):
        assert choices[0]["finish_reason"] == "length"


def test_a_call_that_was_cut_off_is_not_shown() -> None:
    told: list[Event] = [BEGIN, PartStart(0, Call(name="f", id="c")), Delta(0, '{"a":')]
    [choice] = folded(chunks([*told, End("MAX_TOKENS")])).values()

    assert choice["finish_reason"] == "length"
    assert "tool_calls" not in choice["message"]


@pytest.mark.parametrize("first", [0, 1])
def test_a_broken_candidate_beside_a_good_one_is_a_refusal(first: int) -> None:
    """Whichever ends first: both have begun."""
    ends = [End("MALFORMED_FUNCTION_CALL", "print("), End("STOP", candidate=1)]
    told: list[Event] = [
        BEGIN,
        PartStart(0, Text(text="a")),
        PartStart(0, Text(text="b"), 1),
        PartEnd(0),
        PartEnd(0, "", 1),
        ends[first],
        ends[1 - first],
    ]
    for choices in both(told):
        assert choices[0]["finish_reason"] == "content_filter"
        assert choices[0]["native_finish_reason"] == "MALFORMED_FUNCTION_CALL"
        assert "MALFORMED_FUNCTION_CALL: print(" in choices[0]["message"]["refusal"]
        assert choices[1]["finish_reason"] == "stop"
        assert "refusal" not in choices[1]["message"] or choices[1]["message"]["refusal"] is None


def test_several_broken_candidates_are_one_failure() -> None:
    told: list[Event] = [BEGIN, End("NO_IMAGE", candidate=1), End("OTHER")]
    for encode in (whole, chunks):
        with pytest.raises(AnswerBroken, match="OTHER"):
            encode(told)


def test_a_block_in_mid_answer_ends_what_has_begun() -> None:
    told: list[Event] = [BEGIN]
    for candidate in range(3):
        told += [PartStart(0, Text(text="So"), candidate), PartEnd(0, "", candidate)]
    told += [End("STOP", candidate=1), End("", blocked=Blocked("SAFETY", message="No."))]
    found = folded(chunks(told))

    assert [found[index]["finish_reason"] for index in range(3)] == [
        "content_filter",
        "stop",
        "content_filter",
    ]
    assert found[2]["message"] == {"role": "assistant", "content": "So", "refusal": "No."}


def test_a_blocked_prompt_streams_as_its_one_choice() -> None:
    for choices in both([Begin("r", "m"), End("", blocked=Blocked("OTHER"))]):
        assert choices[0]["native_finish_reason"] == "OTHER"
        assert choices[0]["message"]["refusal"] == "The prompt was blocked (OTHER)."
