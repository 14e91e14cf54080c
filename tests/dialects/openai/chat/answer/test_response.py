"""Whole answers: what the clients of this dialect find in them."""

from typing import Any

import msgspec
import pytest

from geminid.core.content import (
    Blob,
    Call,
    Code,
    CodeResult,
    FileRef,
    Json,
    Modifiers,
    Opaque,
    Part,
    Result,
    Text,
    Thought,
)
from geminid.core.errors import Unrepresentable
from geminid.core.events import Begin, Blocked, End, Tally
from geminid.core.usage import Usage
from geminid.dialects.openai.chat.functions import Functions
from tests.dialects.openai.chat.answer.told import HEAD, PLAIN, SIGNATURE, events, message, whole

SAMPLE: dict[str, Any] = {
    "id": "gen-1763566638-cisWU4XUfAZASsAfmDrg",
    "provider": "Google AI Studio",
    "model": "google/gemini-3-pro-preview",
    "object": "chat.completion",
    "created": 1763566638,
    "choices": [
        {
            "logprobs": None,
            "finish_reason": "stop",
            "native_finish_reason": "STOP",
            "index": 0,
            "message": {
                "role": "assistant",
                "content": "Hello! How can I help you today?",
                "refusal": None,
                "reasoning": "**Greeting**\n\nA hello.\n\n\n",
                "reasoning_details": [
                    {
                        "type": "reasoning.text",
                        "text": "**Greeting**\n\nA hello.\n\n\n",
                        "format": "google-gemini-v1",
                        "index": 0,
                    },
                    {
                        "type": "reasoning.encrypted",
                        "data": SIGNATURE,
                        "format": "google-gemini-v1",
                        "index": 1,
                    },
                ],
            },
        }
    ],
    "usage": {
        "prompt_tokens": 2,
        "completion_tokens": 158,
        "total_tokens": 160,
        "prompt_tokens_details": {"cached_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 149, "image_tokens": 0},
    },
    "meta": {"usage": {"tokens_used": 4213}},
}
"""The answer of the aggregator's guide, shortened; its second index is 0 there, and its tokens are
credits with a margin (4,211).
"""
ANSWER: tuple[Part, ...] = (
    Thought(text="**Greeting**\n\nA hello.\n\n\n"),
    Text(text="Hello! How can I help you today?", signature=SIGNATURE),
)
USAGE = Usage(prompt=2, output=9, thoughts=149)


def check_holds(found: Any, sample: Any, path: str = "") -> None:
    """`found` has every field of `sample`, with its value, and in its order."""
    match sample:
        case dict():
            assert [key for key in found if key in sample] == list(sample), path
            for key, value in sample.items():
                check_holds(found[key], value, f"{path}.{key}")
        case list():
            assert len(found) == len(sample), path
            for number, value in enumerate(sample):
                check_holds(found[number], value, f"{path}[{number}]")
        case _:
            assert found == sample, path


def test_an_answer_holds_every_field_of_the_aggregators_sample() -> None:
    cost = msgspec.structs.replace(USAGE, cost_nusd=2_106_500)

    check_holds(whole([*events(*ANSWER), Tally(cost)]), SAMPLE)


def test_an_answer_without_thoughts_has_the_fields_for_them_too() -> None:
    """A script that reads `reasoning` must not break on a model that did not think."""
    found = message(Text(text="Hi"))

    assert {*SAMPLE["choices"][0]["message"], "reasoning_content"} == set(found)
    assert found["reasoning"] is None
    assert found["reasoning_content"] is None
    assert found["reasoning_details"] == []


def test_the_plain_form_has_openais_own_fields_and_signatures() -> None:
    """What Google's compatibility layer would say; strict clients of it know nothing else."""
    answer = whole([*events(*ANSWER), Tally(USAGE)], PLAIN)

    assert set(answer) == {
        "id",
        "model",
        "object",
        "created",
        "system_fingerprint",
        "service_tier",
        "choices",
        "usage",
    }
    [choice] = answer["choices"]
    assert set(choice) == {"logprobs", "finish_reason", "index", "message"}
    assert choice["message"] == {
        "role": "assistant",
        "content": "Hello! How can I help you today?",
        "refusal": None,
        "extra_content": {"google": {"thought_signature": SIGNATURE}},
    }
    assert "cost" not in answer["usage"]


def test_a_signed_text_is_carried_for_every_client() -> None:
    """Which carrier comes back depends on the client (dialects.md section 3.1)."""
    found = message(Text(text="a", signature="b2xk"), Text(text="b", signature=SIGNATURE))

    assert found["content"] == "ab"
    assert found["extra_content"] == {"google": {"thought_signature": SIGNATURE}}
    assert found["provider_specific_fields"] == {"thought_signatures": [SIGNATURE]}
    assert found["reasoning_details"] == [
        {
            "type": "reasoning.encrypted",
            "data": SIGNATURE,
            "id": None,
            "format": "google-gemini-v1",
            "index": 0,
        }
    ]


def test_parallel_calls_have_their_signature_where_it_was() -> None:
    """litellm#16893 and forty others: a signature that is lost is a 400 on the next turn."""
    args = Json(b'{"city": "Paris",  "days":2}')
    found = message(
        Call(name="f", args=args, id="call_1", signature=SIGNATURE), Call(name="g", id="call_2")
    )

    assert found["content"] is None
    assert found["tool_calls"] == [
        {
            "id": "call_1",
            "type": "function",
            "function": {"name": "f", "arguments": '{"city": "Paris",  "days":2}'},
            "extra_content": {"google": {"thought_signature": SIGNATURE}},
            "provider_specific_fields": {"thought_signature": SIGNATURE},
        },
        {"id": "call_2", "type": "function", "function": {"name": "g", "arguments": "{}"}},
    ]
    assert found["reasoning_details"] == [
        {
            "type": "reasoning.encrypted",
            "data": SIGNATURE,
            "id": "call_1",
            "format": "google-gemini-v1",
            "index": 0,
        }
    ]


def test_a_call_id_never_holds_a_signature() -> None:
    """litellm#41534: an id of 949 characters breaks the fallback to another vendor."""
    [call] = message(Call(name="f", id="call_1", signature="A" * 900))["tool_calls"]

    assert call["id"] == "call_1"


def test_the_reason_is_tool_calls_when_a_function_was_called() -> None:
    """Google's own layer says `stop`, and agents end there (googleapis/python-genai#2868)."""
    [choice] = whole(events(Text(text="Wait."), Call(name="f", id="c")))["choices"]

    assert (choice["finish_reason"], choice["native_finish_reason"]) == ("tool_calls", "STOP")
    assert choice["message"]["content"] == "Wait."


def test_a_call_has_the_callers_name_for_the_function() -> None:
    head = msgspec.structs.replace(HEAD, functions=Functions(renamed={"f_1": "f 1"}))
    [call] = message(Call(name="f_1", id="c"), head=head)["tool_calls"]

    assert call["function"]["name"] == "f 1"


@pytest.mark.parametrize(
    ("args", "text"),
    [
        (b'{"input":"SELECT \\"1\\""}', 'SELECT "1"'),
        (b'{"sql":"x"}', '{"sql":"x"}'),
        (b'{"input":1}', '{"input":1}'),
    ],
)
def test_a_free_form_tool_gets_its_text(args: bytes, text: str) -> None:
    """Or all that the model wrote, where it did not write the one argument."""
    head = msgspec.structs.replace(HEAD, functions=Functions(custom=frozenset({"sql"})))
    found = message(Call(name="sql", id="c", args=Json(args)), head=head)

    assert found["tool_calls"] == [
        {"id": "c", "type": "custom", "custom": {"name": "sql", "input": text}}
    ]


def test_the_old_form_gets_one_function_call() -> None:
    """It has no place for a second; the first is the one that is signed."""
    head = msgspec.structs.replace(HEAD, functions=Functions(legacy=True))
    calls = Call(name="f", id="c", signature=SIGNATURE), Call(name="g", id="d")
    [choice] = whole(events(*calls), head)["choices"]

    assert choice["finish_reason"] == "function_call"
    assert "tool_calls" not in choice["message"]
    assert choice["message"]["function_call"] == {
        "name": "f",
        "arguments": "{}",
        "extra_content": {"google": {"thought_signature": SIGNATURE}},
    }


def test_images_are_where_openrouters_clients_look() -> None:
    found = message(
        Blob(mime="image/png", data="AAAA", signature=SIGNATURE),
        FileRef(uri="https://x/a.jpg", mime="image/jpeg"),
    )

    assert found["content"] is None
    assert found["images"] == [
        {
            "type": "image_url",
            "image_url": {"url": "data:image/png;base64,AAAA"},
            "index": 0,
            "extra_content": {"google": {"thought_signature": SIGNATURE}},
        },
        {"type": "image_url", "image_url": {"url": "https://x/a.jpg"}, "index": 1},
    ]


def test_a_draft_image_is_not_the_answer() -> None:
    """Image models think in pictures; many a client shows the first it finds."""
    draft = Blob(mime="image/png", data="AAAA", modifiers=Modifiers(thought=True))
    found = message(draft, Blob(mime="image/png", data="BBBB"))

    assert [image["image_url"]["url"][-4:] for image in found["images"]] == ["BBBB"]


def test_hidden_thoughts_leave_no_words() -> None:
    """`reasoning.exclude`: the signatures flow on."""
    head = msgspec.structs.replace(HEAD, reasoning=False)
    found = message(Thought(text="secret", signature="c2ln"), *ANSWER[1:], head=head)

    assert found["reasoning"] is None
    assert [(each["type"], each.get("text")) for each in found["reasoning_details"]] == [
        ("reasoning.text", ""),
        ("reasoning.encrypted", None),
    ]


def test_an_empty_answer_is_a_text_of_nothing() -> None:
    """`null` would say that there is something else."""
    assert message()["content"] == ""
    assert message(end=End("MAX_TOKENS"))["content"] == ""


def test_code_that_was_run_is_shown_in_the_content() -> None:
    found = message(
        Text(text="So:"),
        Code(code="print(1)"),
        CodeResult(outcome="OUTCOME_OK", output="1"),
        CodeResult(outcome="OUTCOME_DEADLINE_EXCEEDED"),
    )

    assert found["content"] == (
        "So:\n```python\nprint(1)\n```\n\n```\n1\n```\n\n```\nOUTCOME_DEADLINE_EXCEEDED\n```\n"
    )


def test_records_of_googles_own_tools_are_left_out() -> None:
    """What they found is in the text and its citations."""
    record = Opaque(dialect="gemini", kind="toolCall", body=Json(b'{"toolCall":{}}'))

    assert message(record, Text(text="It rains."))["content"] == "It rains."


@pytest.mark.parametrize(
    "part",
    [
        Result(name="f"),
        Opaque(dialect="gemini", kind="speech", body=Json(b"{}")),
        Blob(mime="video/mp4", data="AAAA"),
        FileRef(uri="https://x/a.pdf", mime="application/pdf"),
    ],
)
def test_a_part_without_a_field_never_disappears(part: Part) -> None:
    with pytest.raises(Unrepresentable, match="Gemini's own API"):
        message(part)


def test_a_blocked_prompt_is_a_refusal() -> None:
    end = End("", blocked=Blocked("PROHIBITED_CONTENT"))
    [choice] = whole([Begin("r", "m"), end])["choices"]

    assert choice["finish_reason"] == "content_filter"
    assert choice["native_finish_reason"] == "PROHIBITED_CONTENT"
    assert choice["message"]["content"] is None
    assert choice["message"]["refusal"] == "The prompt was blocked (PROHIBITED_CONTENT)."


def test_without_counts_there_are_no_zeros() -> None:
    answer = whole(events(Text(text="Hi")))

    assert "usage" not in answer
    assert answer["meta"]["usage"]["tokens_used"] is None
