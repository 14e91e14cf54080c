"""Chunks: what clients that fold a stream rely on."""

import time

import msgspec
import pytest

from geminid.core.content import Blob, Call, Code, Text, Thought
from geminid.core.errors import StreamCut, UpstreamMalformed
from geminid.core.events import Delta, End, Event, PartEnd, PartStart, Tally
from geminid.core.usage import Usage
from geminid.dialects.openai.chat.answer.stream import ChunkEncoder
from geminid.dialects.openai.chat.functions import Functions
from tests.dialects.openai.chat.answer.told import (
    BEGIN,
    HEAD,
    PLAIN,
    SIGNATURE,
    STOP,
    chunks,
    deltas,
    ending,
    events,
    wire,
)

USAGE = Usage(prompt=2, output=9, thoughts=149)
CONSTANT = (
    b'{"id":"gen-1763566638-cisWU4XUfAZASsAfmDrg","provider":"Google AI Studio",'
    b'"model":"google/gemini-3-pro-preview","object":"chat.completion.chunk","created":1763566638,'
)
OPEN = b',"finish_reason":null,"native_finish_reason":null,"logprobs":null}],"usage":null}'


def test_a_text_begins_with_its_role_and_ends_with_its_counts() -> None:
    told = [*events(), Tally(USAGE)]
    told[1:1] = [PartStart(0, Text(text="H")), Delta(0, "i"), PartEnd(0)]
    first, *rest, counts = wire(told)

    assert first == (
        CONSTANT + b'"choices":[{"index":0,"delta":{"role":"assistant","content":""}' + OPEN
    )
    assert rest == [
        CONSTANT + b'"choices":[{"index":0,"delta":{"content":"H"}' + OPEN,
        CONSTANT + b'"choices":[{"index":0,"delta":{"content":"i"}' + OPEN,
        CONSTANT + b'"choices":[{"index":0,"delta":{},"finish_reason":"stop",'
        b'"native_finish_reason":"STOP","logprobs":null}],"usage":null}',
    ]
    last = msgspec.json.decode(counts)
    assert last["choices"] == []
    assert last["usage"]["total_tokens"] == 160
    assert last["meta"] == {"usage": {"tokens_used": 160, "credits_used": None, "usd_spent": None}}


def test_counts_come_only_to_those_who_want_them() -> None:
    head = msgspec.structs.replace(HEAD, usage=False)
    found = chunks([*events(Text(text="Hi")), Tally(USAGE)], head)

    assert all("usage" not in chunk and chunk["choices"] for chunk in found)


def test_where_nobody_has_counted_no_counts_are_made_up() -> None:
    assert all(chunk["choices"] for chunk in chunks(events(Text(text="Hi"))))


def test_openrouters_form_has_no_empty_counts() -> None:
    """Its own SDK refuses `usage: null` and `system_fingerprint: null` in a chunk."""
    head = msgspec.structs.replace(HEAD, errors_as_choices=True)
    *found, last = chunks([*events(Text(text="Hi")), Tally(USAGE)], head)

    assert not any("usage" in chunk or "system_fingerprint" in chunk for chunk in found)
    assert last["usage"]["completion_tokens"] == 158


def test_the_plain_form_has_openais_fields_only() -> None:
    told = [*events(Thought(text="hm"), Text(text="Hi", signature=SIGNATURE)), Tally(USAGE)]
    found = chunks(told, PLAIN)

    assert {key for chunk in found for key in chunk} == {
        "id",
        "model",
        "object",
        "created",
        "choices",
        "usage",
        "service_tier",
    }
    pieces = [choice for chunk in found for choice in chunk["choices"]]
    assert {key for piece in pieces for key in piece["delta"]} == {
        "role",
        "content",
        "extra_content",
    }
    assert not any("native_finish_reason" in piece for piece in pieces)


def test_a_thought_is_one_detail_however_many_pieces_it_came_in() -> None:
    """openai-python's helper joins all that repeats, also `format` (dialects.md section 2.4)."""
    told: list[Event] = [BEGIN, PartStart(0, Thought(text="")), Delta(0, "h"), Delta(0, "m")]
    told += [PartEnd(0), PartStart(1, Thought(text="so")), PartEnd(1), STOP]
    found = [chunk["choices"][0]["delta"] for chunk in chunks(told)][1:-1]

    assert [each["reasoning"] for each in found] == ["h", "m", "so"]
    assert [each["reasoning_content"] for each in found] == ["h", "m", "so"]
    form = {"format": "google-gemini-v1"}
    assert [each["reasoning_details"] for each in found] == [
        [{"type": "reasoning.text", "text": "h", **form, "index": 0}],
        [{"type": "reasoning.text", "text": "m", "index": 0}],
        [{"type": "reasoning.text", "text": "so", **form, "index": 1}],
    ]


@pytest.mark.parametrize("reasoning", [True, False])
def test_the_proof_of_a_thought_joins_its_detail(reasoning: bool) -> None:
    """Where the words are hidden, it is a detail of its own."""
    head = msgspec.structs.replace(HEAD, reasoning=reasoning)
    told: list[Event] = [BEGIN, PartStart(0, Thought(text="hm")), PartEnd(0, "c2ln"), STOP]
    [*_, last] = [chunk["choices"][0]["delta"] for chunk in chunks(told, head)][:-1]

    shown = {"type": "reasoning.text", "index": 0, "signature": "c2ln"}
    hidden = shown | {"text": "", "format": "google-gemini-v1"}
    assert last == {"reasoning_details": [shown if reasoning else hidden]}


def test_a_call_is_two_deltas_with_an_index() -> None:
    """Google's own layer leaves the index out, and clients fail (openai/openai-python#2806)."""
    told: list[Event] = [
        BEGIN,
        PartStart(0, Call(name="f", id="call_1")),
        Delta(0, '{"a":'),
        Delta(0, "1}"),
        PartEnd(0, SIGNATURE),
        PartStart(1, Call(name="g", id="call_2")),
        PartEnd(1),
        STOP,
    ]
    found = chunks(told)

    assert [chunk["choices"][0]["delta"] for chunk in found][1:-1] == [
        {
            "tool_calls": [
                {
                    "index": 0,
                    "id": "call_1",
                    "type": "function",
                    "function": {"name": "f", "arguments": ""},
                    "extra_content": {"google": {"thought_signature": SIGNATURE}},
                    "provider_specific_fields": {"thought_signature": SIGNATURE},
                }
            ],
            "reasoning_details": [
                {
                    "type": "reasoning.encrypted",
                    "data": SIGNATURE,
                    "id": "call_1",
                    "format": "google-gemini-v1",
                    "index": 0,
                }
            ],
        },
        {"tool_calls": [{"index": 0, "function": {"arguments": '{"a":1}'}}]},
        {
            "tool_calls": [
                {
                    "index": 1,
                    "id": "call_2",
                    "type": "function",
                    "function": {"name": "g", "arguments": ""},
                }
            ]
        },
        {"tool_calls": [{"index": 1, "function": {"arguments": "{}"}}]},
    ]
    assert found[-1]["choices"][0]["finish_reason"] == "tool_calls"


def test_a_call_with_broken_arguments_never_looks_like_one() -> None:
    encoder = ChunkEncoder(HEAD)
    told: list[Event] = [BEGIN, PartStart(0, Call(name="f", id="c")), Delta(0, '{"a"')]
    sent = b"".join(piece for event in told for piece in encoder.add(event))

    with pytest.raises(UpstreamMalformed):
        encoder.add(PartEnd(0))
    assert b"tool_calls" not in sent


def test_the_old_form_streams_one_function_call() -> None:
    head = msgspec.structs.replace(HEAD, functions=Functions(legacy=True))
    found = deltas(Call(name="f", id="c"), Call(name="g", id="d"), head=head)

    assert found == [
        {"function_call": {"name": "f", "arguments": ""}},
        {"function_call": {"arguments": "{}"}},
    ]


def test_the_signature_of_the_words_comes_once_and_last() -> None:
    """A helper that joins would write a second one behind the first, and both were lost."""
    found = deltas(Text(text="a", signature="b2xk"), Text(text="b", signature=SIGNATURE))

    assert found == [
        {"content": "a"},
        {"content": "b"},
        {
            "content": "",
            "extra_content": {"google": {"thought_signature": SIGNATURE}},
            "provider_specific_fields": {"thought_signatures": [SIGNATURE]},
            "reasoning_details": [
                {
                    "type": "reasoning.encrypted",
                    "data": SIGNATURE,
                    "id": None,
                    "format": "google-gemini-v1",
                    "index": 0,
                }
            ],
        },
    ]


def test_images_come_whole() -> None:
    found = deltas(Blob(mime="image/png", data="AAAA"), Blob(mime="image/png", data="BBBB"))

    assert [each["images"][0]["index"] for each in found] == [0, 1]
    assert found[1]["images"][0]["image_url"] == {"url": "data:image/png;base64,BBBB"}


def test_code_flows_into_the_content() -> None:
    told: list[Event] = [BEGIN, PartStart(0, Code(code="")), Delta(0, "1"), PartEnd(0), STOP]
    found = [chunk["choices"][0]["delta"].get("content", "") for chunk in chunks(told)]

    assert "".join(found) == "\n```python\n1\n```\n"


def test_log_probabilities_come_with_the_end() -> None:
    chosen = {"chosenCandidates": [{"token": "H", "logProbability": -0.5}]}
    last = chunks(events(Text(text="H"), end=ending(logprobsResult=chosen)))[-1]

    assert last["choices"][0]["logprobs"]["content"][0]["token"] == "H"


def test_choices_begin_in_the_order_of_their_numbers() -> None:
    """openai-python's helper finds a choice by its place in a list."""
    told: list[Event] = [
        BEGIN,
        PartStart(0, Text(text="b"), 1),
        PartStart(0, Text(text="a")),
        PartEnd(0, "", 1),
        PartEnd(0),
        End("STOP", candidate=1),
        STOP,
    ]
    found = [chunk["choices"][0] for chunk in chunks(told)]

    assert [each["index"] for each in found] == [0, 1, 1, 0, 1, 0]
    assert [each["delta"].get("role") for each in found[:2]] == ["assistant", "assistant"]


def test_counts_after_the_end_still_count() -> None:
    told = [*events(Text(text="Hi")), Tally(Usage(prompt=1)), Tally(USAGE)]

    assert chunks(told)[-1]["usage"]["prompt_tokens"] == 2


def test_a_stream_that_has_not_ended_is_never_closed() -> None:
    """freellmapi#1288, rig#2328: a cut stream was followed by `[DONE]`."""
    for told in ([BEGIN], events(Text(text="Hi"))[:-1]):
        encoder = ChunkEncoder(HEAD)
        for event in told:
            encoder.add(event)
        with pytest.raises(StreamCut):
            encoder.close()


def test_every_event_is_one_line_of_data() -> None:
    for frame in wire(events(Text(text="a\nb\r\n\u2028c"))):
        assert b"\n" not in frame
        assert b"\r" not in frame


def test_a_long_answer_costs_what_its_pieces_cost() -> None:
    """Also a call's arguments, which are joined once."""

    def cost(pieces: int) -> float:
        encoder = ChunkEncoder(HEAD)
        encoder.add(BEGIN)
        encoder.add(PartStart(0, Call(name="f", id="c")))
        began = time.process_time()
        encoder.add(Delta(0, '{"a":"'))
        for _ in range(pieces):
            encoder.add(Delta(0, "x" * 20))
        encoder.add(Delta(0, '"}'))
        encoder.add(PartEnd(0))
        return time.process_time() - began

    assert cost(100_000) < 30 * max(cost(10_000), 0.002)
