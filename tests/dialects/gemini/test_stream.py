"""Answers of the API to events: texts, calls, signatures, candidates, and any cut of the bytes."""

import itertools

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geminid.core.content import Blob, Call, Code, CodeResult, Json, Opaque, Text, Thought
from geminid.core.errors import (
    StreamCut,
    UpstreamFault,
)
from geminid.core.events import Begin, Delta, End, Event, PartEnd, PartStart, Tally
from geminid.core.fold import fold
from geminid.core.usage import Usage
from geminid.dialects.gemini.stream import ObjectDecoder, StreamDecoder
from geminid.dialects.gemini.tree import Tree
from tests import strategies
from tests.dialects.gemini.answers import (
    SIGNATURE,
    chunk,
    counted,
    encoded,
    joined,
    only,
    sse,
    streamed,
    unary,
)

BEGIN = Begin("r1", "gemini-3-pro-preview")
TEXT = [
    counted(chunk({"text": "hm", "thought": True}), promptTokenCount=9, thoughtsTokenCount=2),
    counted(chunk({"text": "Hi"}), promptTokenCount=9, thoughtsTokenCount=2),
    counted(
        chunk({"text": " there ü€😀"}),
        promptTokenCount=9,
        candidatesTokenCount=3,
        thoughtsTokenCount=2,
    ),
    counted(
        chunk({"text": "", "thoughtSignature": SIGNATURE}, finishReason="STOP"),
        promptTokenCount=12,
        candidatesTokenCount=3,
        thoughtsTokenCount=2,
    ),
]


def test_a_text_with_thoughts_and_a_late_signature() -> None:
    assert streamed(sse(*TEXT)) == [
        BEGIN,
        Tally(Usage(prompt=9, thoughts=2)),
        PartStart(0, Thought(text="hm")),
        PartEnd(0),
        PartStart(1, Text(text="Hi")),
        Tally(Usage(prompt=9, output=3, thoughts=2)),
        Delta(1, " there ü€😀"),
        Tally(Usage(prompt=12, output=3, thoughts=2)),
        PartEnd(1, SIGNATURE),
        End("STOP"),
    ]


def test_cut_at_every_byte_the_events_are_the_same() -> None:
    """Sockets cut where they like; nobody may be able to tell."""
    wire = sse(*TEXT)
    expected = streamed(wire)

    for size in (1, 2, 3, 7, 64):
        assert streamed(wire, size) == expected
    for place in range(1, len(wire)):
        decoder = StreamDecoder()
        found = [*decoder.feed(wire[:place]), *decoder.feed(wire[place:]), *decoder.finish()]
        assert found == expected, place


def test_a_stream_that_stops_anywhere_is_cut() -> None:
    """A clean close is no proof of a whole answer (pains.md 21)."""
    wire = sse(*TEXT)
    for length in range(len(wire) - 4):  # the last event is whole with its last brace and newline
        decoder = StreamDecoder()
        list(decoder.feed(wire[:length]))
        with pytest.raises(StreamCut):
            decoder.finish()


@pytest.mark.parametrize("newline", [b"\n", b"\r", b"\r\n"])
def test_other_line_ends_are_read_too(newline: bytes) -> None:
    wire = sse(*TEXT)

    assert streamed(wire.replace(b"\r\n", newline)) == streamed(wire)


def test_what_says_nothing_is_passed_over() -> None:
    """Comments, empty events and `[DONE]` are not Google's, but of servers that speak its API."""
    wire = b": hello\r\n\r\ndata:\r\n\r\n" + sse(*TEXT) + b"data: [DONE]\r\n\r\n"

    assert streamed(wire) == streamed(sse(*TEXT))


def test_a_call_comes_whole_and_the_empty_text_after_it_is_no_part() -> None:
    call = {"functionCall": {"name": "f", "args": {"a_b": 1}, "id": "i"}}
    wire = sse(
        chunk(call | {"thoughtSignature": SIGNATURE}),
        chunk({"text": ""}, finishReason="STOP", finishMessage="Model generated function call(s)."),
    )

    assert streamed(wire) == [
        BEGIN,
        PartStart(0, Call(name="f", args=Json(b'{"a_b":1}'), id="i", signature=SIGNATURE)),
        PartEnd(0),
        End("STOP", "Model generated function call(s)."),
    ]


def test_parallel_calls_keep_their_order_and_the_first_ones_signature() -> None:
    calls: list[dict[str, object]] = [{"functionCall": {"name": n, "args": {}}} for n in "abc"]
    tree = chunk(calls[0] | {"thoughtSignature": SIGNATURE}, *calls[1:], finishReason="STOP")

    assert only(unary(tree)) == (
        Call(name="a", signature=SIGNATURE),
        Call(name="b"),
        Call(name="c"),
    )


@pytest.mark.parametrize(
    ("chunks", "parts"),
    [
        # Late, on the closing empty text.
        ([[{"text": "a"}], [{"text": "", "thoughtSignature": SIGNATURE}]],
         (Text(text="a", signature=SIGNATURE),)),
        # Early, as 2.5 models do: what follows is a part of its own, so it stays where it was.
        ([[{"text": "a", "thoughtSignature": SIGNATURE}], [{"text": "b"}], [{"text": "c"}]],
         (Text(text="a", signature=SIGNATURE), Text(text="bc"))),
        # On an empty text that comes first.
        ([[{"text": "", "thoughtSignature": SIGNATURE}], [{"text": "b"}]],
         (Text(text="", signature=SIGNATURE), Text(text="b"))),
        # After a thought: it is the answer's, not the thought's.
        ([[{"text": "t", "thought": True}], [{"text": "", "thoughtSignature": SIGNATURE}]],
         (Thought(text="t"), Text(text="", signature=SIGNATURE))),
        # On a thought, which only other engines do.
        ([[{"text": "t", "thought": True}],
          [{"text": "", "thought": True, "thoughtSignature": SIGNATURE}], [{"text": "a"}]],
         (Thought(text="t", signature=SIGNATURE), Text(text="a"))),
        # Alone, without any payload: dropping it would break the caller's next turn.
        ([[{"text": "a"}], [{"thoughtSignature": SIGNATURE}]],
         (Text(text="a", signature=SIGNATURE),)),
        ([[{"functionCall": {"name": "f"}}], [{"thoughtSignature": SIGNATURE}]],
         (Call(name="f"), Text(text="", signature=SIGNATURE))),
        # Two in a row.
        ([[{"text": "", "thoughtSignature": "YQ=="}], [{"text": "", "thoughtSignature": "Yg=="}]],
         (Text(text="", signature="YQ=="), Text(text="", signature="Yg=="))),
    ],
)  # fmt: skip
def test_no_signature_is_lost_wherever_it_comes(
    chunks: list[list[dict[str, object]]], parts: tuple[Text, ...]
) -> None:
    trees = [chunk(*pieces) for pieces in chunks]
    wire = sse(*trees, chunk({"text": ""}, finishReason="STOP"))

    assert only(streamed(wire)) == parts


def test_parts_of_one_object_are_never_joined() -> None:
    """Grounding names them by number: `segment.partIndex` pointed at the wrong text."""
    tree = chunk({"text": "a"}, {"text": "b"}, {"text": "", "thoughtSignature": SIGNATURE})

    parts = only(unary(tree | {"candidates": [tree["candidates"][0] | {"finishReason": "STOP"}]}))  # type: ignore[index]
    assert parts == (Text(text="a"), Text(text="b"), Text(text="", signature=SIGNATURE))


def test_only_the_first_part_of_a_chunk_continues_the_text_before() -> None:
    wire = sse(
        chunk({"text": "a"}), chunk({"text": "b"}, {"text": "c"}), chunk(finishReason="STOP")
    )

    assert only(streamed(wire)) == (Text(text="ab"), Text(text="c"))


def test_code_execution_between_texts() -> None:
    """As recorded: each result in a chunk of its own that may lack `index`."""
    wire = sse(
        chunk({"text": "Let me "}),
        chunk({"executableCode": {"language": "PYTHON", "code": "1"}}),
        {"candidates": [{"content": {"parts": [
            {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1\n"}}]}}]},
        chunk({"text": "see: "}), chunk({"text": "1"}, finishReason="STOP"),
    )  # fmt: skip

    assert only(streamed(wire)) == (
        Text(text="Let me "),
        Code(code="1"),
        CodeResult(outcome="OUTCOME_OK", output="1\n"),
        Text(text="see: 1"),
    )


def test_images_drafts_and_unknown_parts_come_whole() -> None:
    image: Tree = {"inlineData": {"mimeType": "image/png", "data": "iVBORw=="}}
    tree = chunk(image | {"thought": True}, image, {"newThing": {"a": 1}}, finishReason="STOP")

    draft, final, new = only(unary(tree))
    assert isinstance(draft, Blob)
    assert draft.modifiers is not None
    assert draft.modifiers.thought
    assert final == Blob(mime="image/png", data="iVBORw==")
    assert isinstance(new, Opaque)


def test_candidates_that_come_mixed_are_told_apart() -> None:
    wire = sse(
        chunk({"text": "a"}), chunk({"text": "x"}, index=1),
        chunk({"text": "b"}), chunk({"text": "y"}, index=1),
        chunk({"text": ""}, finishReason="STOP"),
        chunk({"text": "z"}, index=1, finishReason="MAX_TOKENS"),
    )  # fmt: skip

    found = streamed(wire)
    assert [
        (each.index, each.end.reason, each.content.parts) for each in fold(found).candidates
    ] == [(0, "STOP", (Text(text="ab"),)), (1, "MAX_TOKENS", (Text(text="xyz"),))]
    for candidate in (0, 1):  # rule 2 of core.events
        own = [event for event in found if getattr(event, "candidate", None) == candidate]
        assert [type(event) for event in own] == [
            PartStart, *[Delta] * (1 + candidate), PartEnd, End
        ]  # fmt: skip


def test_one_candidate_without_an_ending_cuts_the_answer() -> None:
    wire = sse(chunk({"text": "a"}), chunk({"text": "x"}, index=1, finishReason="STOP"))

    with pytest.raises(StreamCut):
        streamed(wire)


@given(strategies.events(most=3))
def test_a_stream_tells_what_the_events_told(events: list[Event]) -> None:
    """Interleaved candidates, early and late signatures, deltas of any size; the wire loses
    nothing but the border between two like texts.
    """
    assert fold(streamed(encoded(events))) == joined(fold(events))


@given(strategies.events(most=1), st.data())
@settings(max_examples=50)
def test_no_beginning_of_a_stream_is_whole(events: list[Event], data: st.DataObject) -> None:
    objects = encoded(events).split(b"\r\n\r\n")[:-1]
    last = max(n for n, found in enumerate(objects) if b'"finishReason"' in found)
    kept = data.draw(st.integers(0, last))

    with pytest.raises(StreamCut):
        streamed(b"".join(found + b"\r\n\r\n" for found in objects[:kept]))


@given(strategies.events(), st.lists(st.integers(0, 4_000), max_size=6))
@settings(max_examples=50)
def test_random_cuts_change_nothing(events: list[Event], places: list[int]) -> None:
    wire = encoded(events)
    borders = [0, *sorted(min(place, len(wire)) for place in places), len(wire)]
    decoder, found = StreamDecoder(), list[Event]()
    for start, stop in itertools.pairwise(borders):
        found += decoder.feed(wire[start:stop])

    assert found + decoder.finish() == streamed(wire)


@given(strategies.json_values)
def test_any_json_is_an_answer_or_the_upstreams_fault(tree: object) -> None:
    decoder = ObjectDecoder()
    try:
        events = decoder.feed(msgspec.json.encode(tree))
    except UpstreamFault:
        events = [BEGIN]

    assert isinstance(events[0], Begin)
