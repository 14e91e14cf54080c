"""Answers that are not quite right are still answers: they were paid for."""

from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geminid.core.content import Call, Json, Text, Thought
from geminid.core.errors import UpstreamMalformed
from geminid.core.events import Event
from geminid.core.fold import Answer, fold
from geminid.core.usage import Usage
from geminid.dialects.openai.loose import Letters, joined
from geminid.dialects.openai.response import decode_response
from geminid.dialects.openai.stream import StreamDecoder


def read(*payloads: bytes | str) -> Answer:
    """A stream of these chunks; the last one has the finish reason."""
    decoder = StreamDecoder()
    events: list[Event] = []
    for payload in payloads:
        line = payload.encode() if isinstance(payload, str) else payload
        events += decoder.feed(b"data: " + line + b"\n\n")
    return fold([*events, *decoder.finish()])


def chunk(delta: dict[str, Any], finish: str | None = None, **fields: Any) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return msgspec.json.encode({"id": "x", "choices": [choice]} | fields)


END = chunk({}, "stop")


@pytest.mark.parametrize(
    "delta",
    [
        {"content": "a", "extra_content": {"google": {"thought_signature": None}}},
        {"content": "a", "extra_content": {"google": None}},
        {"content": "a", "images": [{"image_url": {"url": None}}]},
        {"content": [{"type": None, "text": "a"}]},
        {"content": [{"type": 5, "text": "a"}]},
        {"content": "a", "reasoning_details": [None]},
        {"content": "a", "tool_calls": None, "function_call": None},
    ],
)
def test_what_is_nothing_in_an_odd_place_is_read_past(delta: dict[str, Any]) -> None:
    assert read(chunk(delta), END).candidates[0].content.parts == (Text(text="a"),)


def test_numbers_may_be_words_and_words_numbers() -> None:
    call = {"index": "0", "id": 7, "function": {"name": "f", "arguments": "{"}}
    rest = {"index": "0", "id": 7, "function": {"arguments": "}"}}
    first = {"index": "0", "delta": {"tool_calls": [call]}}
    body = msgspec.json.encode({"id": 5, "choices": [first], "usage": {"prompt_tokens": "5"}})

    answer = read(body, chunk({"tool_calls": [rest]}), END)

    assert answer.begin.response_id == "5"
    assert answer.usage == Usage(prompt=5)
    assert answer.candidates[0].content.parts == (Call(name="f", id="7", args=Json(b"{}")),)


@pytest.mark.parametrize(
    "beside",
    [
        {"usage": "none"},
        {"usage": [1]},
        {"usage": {"prompt_tokens": {"n": 1}}},
        {"meta": [], "service_tier": 5},
        {"error": False},
        {"error": ""},
    ],
)
def test_what_stands_beside_an_answer_cannot_spoil_it(beside: dict[str, Any]) -> None:
    answer = read(chunk({"content": "a"}, "stop", **beside))

    assert answer.candidates[0].content.parts == (Text(text="a"),)
    assert answer.usage is None


def test_numbers_that_are_none_are_read_past() -> None:
    """Python writes them so, JSON does not know them."""
    token = '{"token":"a","logprob":NaN}'
    answer = read(
        '{"choices":[{"delta":{"content":"a"},"finish_reason":"stop","logprobs":'
        f'{{"content":[{token}]}}}}],"usage":{{"prompt_tokens":5,"cost":Infinity,"x":1e400}}}}'
    )

    assert answer.candidates[0].content.parts == (Text(text="a"),)
    assert answer.usage == Usage(prompt=5)


def deltas(field: str, *pieces: str) -> list[str]:
    """One chunk each; `pieces` are JSON already."""
    return [f'{{"choices":[{{"delta":{{"{field}":"{piece}"}}}}]}}' for piece in pieces]


@pytest.mark.parametrize("field", ["content", "reasoning", "reasoning_content"])
def test_a_letter_that_is_cut_between_two_chunks_is_whole_again(field: str) -> None:
    answer = read(*deltas(field, "a\\ud83d", "\\ude00b", "c"), END)

    (part,) = answer.candidates[0].content.parts
    assert isinstance(part, Text | Thought)
    assert part.text == "a😀bc"


def test_a_letter_that_is_cut_between_the_pieces_of_arguments_is_whole_again() -> None:
    pieces = ('{\\"a\\":\\"\\ud83d', '\\ude00\\"}')
    calls = [
        '{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"c","function":'
        f'{{"name":"f","arguments":"{piece}"}}}}]}}}}]}}'
        for piece in pieces
    ]

    (part,) = read(*calls, END).candidates[0].content.parts

    assert part == Call(name="f", id="c", args=Json('{"a":"😀"}'.encode()))


@pytest.mark.parametrize(
    ("pieces", "text"),
    [
        (("a\\ud83d",), "a\ufffd"),
        (("a\\ud83d", "b"), "a\ufffdb"),
        (("\\ude00a",), "\ufffda"),
        (("a\\ud83db\\ud83d\\ude00",), "a\ufffdb😀"),
    ],
)
def test_half_a_letter_whose_other_half_never_comes_is_told_as_such(
    pieces: tuple[str, ...], text: str
) -> None:
    (part,) = read(*deltas("content", *pieces), END).candidates[0].content.parts
    assert part == Text(text=text)

    message = f'{{"content":"{"".join(pieces)}"}}'
    whole = f'{{"choices":[{{"message":{message},"finish_reason":"stop"}}]}}'
    (part,) = fold(decode_response(whole.encode())).candidates[0].content.parts
    assert part == Text(text=text)


def test_half_a_letter_anywhere_else_is_told_as_such() -> None:
    """In a name, an id, a key: nothing of the answer must fail to be written again."""
    choice = '{"delta":{"content":"a"},"finish_reason":"stop"}'
    body = f'{{"id":"\\ud83d","model":"m","\\ude00":1,"choices":[{choice}]}}'

    assert read(body).begin.response_id == "\ufffd"


@pytest.mark.parametrize("body", ['{"choices":"\\ud83d"}', '{"choices":[NaN', "NaN", "\\ud83d"])
def test_what_is_no_answer_at_all_is_malformed(body: str) -> None:
    with pytest.raises(UpstreamMalformed):
        decode_response(body.encode())


@given(st.text(st.sampled_from("a\ud83d\ude00\ud800é"), max_size=12), st.data())
def test_cuts_never_change_the_letters(text: str, data: st.DataObject) -> None:
    """Wherever they are."""
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=5)))
    letters = Letters()

    fed = [letters.feed(text[a:b]) for a, b in pairwise([0, *cuts, len(text)])]

    assert "".join(fed) + letters.finish() == joined(text)
    assert joined(text).encode().decode() == joined(text)
