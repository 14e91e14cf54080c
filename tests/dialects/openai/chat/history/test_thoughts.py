"""What a model thought comes back once, and whole."""

from typing import Any

import msgspec
import pytest

from geminid.core.content import Content, Json, Text, Thought
from geminid.core.request import Request
from geminid.dialects.openai.chat.history.assistant import read_assistant
from geminid.dialects.openai.chat.history.thoughts import read_thinking, read_thoughts
from geminid.dialects.openai.flavor import FLAVORS
from geminid.dialects.openai.reasoning import Origin
from geminid.dialects.openai.request import encode_request

GEMINI = "google-gemini-v1"
SIG = "RXhhY3RseSB0aGlz"
CLAUDE = {
    "type": "reasoning.text",
    "text": "Let me see.",
    "signature": "RXJvQ2xhdWRl",
    "format": "anthropic-claude-v1",
    "index": 0,
}
REDACTED = {"type": "reasoning.encrypted", "data": "cmVk", "format": "anthropic-claude-v1"}
SUMMARY = {"type": "reasoning.summary", "summary": "Plan.", "format": "openai-responses-v1"}
SEALED = {"type": "reasoning.encrypted", "data": "gAAAAABo", "format": "openai-responses-v1"}
UNKNOWN = {"type": "reasoning.tool_use", "text": 5, "x": {"y": [1, None]}}


def said(text: str, **details: Any) -> dict[str, Any]:
    return {"type": "reasoning.text", "text": text} | details


def words(message: dict[str, Any]) -> list[str]:
    return [thought.text for thought in read_thoughts(message)]


@pytest.mark.parametrize("field", ["reasoning", "reasoning_content"])
def test_a_field_of_words_is_a_thought(field: str) -> None:
    """It goes back to where it came from."""
    assert read_thoughts({field: "Hm."}) == [
        Thought(text="Hm.", modifiers=Origin(field=field).modifiers)
    ]


@pytest.mark.parametrize(
    "message",
    [
        {"reasoning": "Hm.", "reasoning_content": "Hm."},
        {"reasoning": "Hm.", "reasoning_details": [said("Hm.", format=GEMINI, index=0)]},
        {
            "reasoning": "Hm.",
            "reasoning_content": "Hm.",
            "reasoning_details": [
                said("H", format=GEMINI, index=0),
                said("m.", index=0),
                {"type": "reasoning.encrypted", "data": SIG, "format": GEMINI, "index": 1},
            ],
        },
        # as openai-python's stream helper joins two details of one index
        {
            "reasoning_details": [
                {
                    "type": "reasoning.encrypted",
                    "text": "Hm.",
                    "data": SIG,
                    "format": GEMINI * 2,
                    "index": 0,
                }
            ]
        },
    ],
)
def test_words_that_are_said_twice_are_one_thought(message: dict[str, Any]) -> None:
    """In two fields, in the details too, or in pieces as a stream brought them."""
    assert words(message) == ["Hm."]


def test_details_of_one_index_that_are_whole_stay_apart() -> None:
    """Seed 001 numbers all of them 0."""
    message = {"reasoning_details": [said("a", format=GEMINI, index=0)] * 2}

    assert words(message) == ["a", "a"]


@pytest.mark.parametrize("format_", [GEMINI, None, GEMINI * 2])
def test_a_thought_signature_is_no_thought(format_: str | None) -> None:
    """The carriers have it."""
    detail = {"type": "reasoning.encrypted", "data": SIG, "format": format_, "index": 0}

    assert read_thoughts({"reasoning_details": [detail], "reasoning": "Hm."}) == [
        Thought(text="Hm.", modifiers=Origin(field="reasoning").modifiers)
    ]


def test_gemini_s_own_signature_of_a_thought_stays_on_it() -> None:
    """It leaves in the detail of the words."""
    detail = said("Hm.", signature=SIG, format=GEMINI, index=0)

    (thought,) = read_thoughts({"reasoning_details": [detail]})

    assert (thought.text, thought.signature) == ("Hm.", SIG)


@pytest.mark.parametrize("details", [[CLAUDE], [REDACTED], [SUMMARY, SEALED], [CLAUDE, UNKNOWN]])
def test_another_maker_s_details_go_back_verbatim(details: list[dict[str, Any]]) -> None:
    """To OpenRouter, which wants them so; no other upstream sees a signature in them."""
    message: dict[str, Any] = {
        "content": "Hi",
        "reasoning_details": details,
        "reasoning": "Let me see.",
    }
    parts = read_assistant(message, "messages[0]", str).parts
    request = Request(model="m", contents=(Content("model", parts),))

    ignored: list[str] = []
    body = encode_request(
        request, "m", stream=False, flavor=FLAVORS["openrouter"], ignore=ignored.append
    )

    sent = msgspec.json.decode(body)["messages"][0]["reasoning_details"]
    assert [detail for detail in sent if detail in details] == details
    assert not any(part.signature for part in parts)
    assert not ignored


@pytest.mark.parametrize(
    ("thinking", "text"),
    [
        ("Hm.", "Hm."),
        ([{"type": "text", "text": "H"}, {"type": "text", "text": "m."}], "Hm."),
        ([], ""),
        (None, ""),
        ([5, {"text": None}], ""),
    ],
)
def test_mistral_s_thoughts_are_a_part_of_the_content(thinking: object, text: str) -> None:
    """And are thoughts nevertheless."""
    modifiers = Origin(field="thinking").modifiers

    assert read_thinking({"type": "thinking", "thinking": thinking}) == (
        [Thought(text=text, modifiers=modifiers)] if text else []
    )


@pytest.mark.parametrize("details", [None, 5, "x", {}, [5, None, "x"], [{}], [{"type": 5}]])
@pytest.mark.parametrize("field", [None, 5, [], {"a": 1}, ""])
def test_reasoning_that_cannot_be_read_is_not_refused(details: object, field: object) -> None:
    """It is only a summary."""
    message = {"content": "Hi", "reasoning": field, "reasoning_details": details}

    said = read_assistant(message, "messages[0]", str)

    assert said.parts[-1] == Text(text="Hi")
    assert all(
        isinstance(part.modifiers.metadata, Json)
        for part in said.parts[:-1]
        if part.modifiers is not None
    )
