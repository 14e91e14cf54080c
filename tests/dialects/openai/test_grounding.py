"""Sources of an answer, as every dialect of ours can tell them."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geminid.core.fold import fold
from geminid.dialects.openai.grounding import Sources
from geminid.dialects.openai.response import decode_response
from geminid.dialects.openai.stream import StreamDecoder


def cited(url: str, start: int = 0, end: int = 0, **more: Any) -> dict[str, Any]:
    citation = {"url": url, "start_index": start, "end_index": end} | more
    return {"type": "url_citation", "url_citation": citation}


def metadata(texts: list[str], *annotations: object) -> Any:
    sources = Sources()
    for part, text in enumerate(texts):
        sources.say(part, text)
    sources.add(list(annotations))
    return sources.metadata()


def test_characters_of_the_content_become_bytes_of_a_part() -> None:
    """Gemini counts in UTF-8, and names the part unless it is the first."""
    found = metadata(
        ["Grüße.", "Über Öl"],
        cited("https://a.example", 0, 5, title="A", content="..."),
        cited("https://b.example", 11, 13, title="B"),
        cited("https://a.example", 4, 8),
    )

    assert found == {
        "groundingChunks": [
            {"web": {"uri": "https://a.example", "title": "A"}},
            {"web": {"uri": "https://b.example", "title": "B"}},
        ],
        "groundingSupports": [
            {"segment": {"endIndex": 7, "text": "Grüße"}, "groundingChunkIndices": [0]},
            {
                "segment": {"partIndex": 1, "startIndex": 6, "endIndex": 9, "text": "Öl"},
                "groundingChunkIndices": [1],
            },
            {
                "segment": {"startIndex": 6, "endIndex": 8, "text": "e."},
                "groundingChunkIndices": [0],
            },
            {
                "segment": {"partIndex": 1, "endIndex": 3, "text": "Üb"},
                "groundingChunkIndices": [0],
            },
        ],
    }


def test_a_source_that_marks_no_words_is_still_named() -> None:
    """Also where its marks are beyond what was said."""
    chunk = {"web": {"uri": "https://a.example", "title": "https://a.example"}}

    for annotation in (cited("https://a.example"), cited("https://a.example", 90, 99)):
        assert metadata(["x"], annotation, annotation) == {"groundingChunks": [chunk]}
    assert metadata(["x"]) is None


@pytest.mark.parametrize("found", [3, "x", [3], [{"url_citation": 1}], [{"type": "file"}], None])
def test_annotations_of_another_form_cost_no_answer(found: object) -> None:
    """It was paid for."""
    message = {"role": "assistant", "content": "hi", "annotations": found}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    answer = fold(decode_response(msgspec.json.encode({"id": "a", "choices": [choice]})))

    assert answer.candidates[0].end.extra is None


@pytest.mark.parametrize("again", [1, 3])
def test_a_stream_and_a_whole_answer_name_the_same_sources(again: int) -> None:
    """Whenever they come, and however often."""
    note = cited("https://a.example", 3, 6, title="A")
    whole = {"content": "Ask him.", "annotations": [note], "reasoning": "hm"}
    choice = {"index": 0, "message": whole, "finish_reason": "stop"}
    deltas: list[dict[str, Any]] = [
        {"reasoning": "hm"},
        *({"content": text, "annotations": [note]} for text in ("Ask ", "hi")),
        {"content": "m."},
        *({"annotations": [note]} for _ in range(again)),
    ]
    chunks = [{"choices": [{"index": 0, "delta": delta}]} for delta in deltas]
    chunks.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    wire = b"".join(b"data: %b\n\n" % msgspec.json.encode({"id": "a"} | c) for c in chunks)
    decoder = StreamDecoder()
    events = [*decoder.feed(wire + b"data: [DONE]\n\n"), *decoder.finish()]
    ends = [
        fold(found).candidates[0].end
        for found in (
            events,
            decode_response(msgspec.json.encode({"id": "a", "choices": [choice]})),
        )
    ]

    assert ends[0] == ends[1]
    assert ends[0].extra_dialect == "gemini"
    grounding = msgspec.json.decode(ends[0].extra or b"")["groundingMetadata"]
    segment = {"partIndex": 1, "startIndex": 3, "endIndex": 6, "text": " hi"}
    assert grounding["groundingSupports"] == [{"segment": segment, "groundingChunkIndices": [0]}]


@given(
    texts=st.lists(st.text(max_size=8), max_size=4),
    spans=st.lists(st.tuples(st.integers(-3, 30), st.integers(-3, 30)), max_size=4),
)
def test_every_segment_is_where_it_says(texts: list[str], spans: list[tuple[int, int]]) -> None:
    """Bytes of the part cut there are the words that it names."""
    found = metadata(texts, *(cited("https://a.example", *span) for span in spans)) or {}

    for support in found.get("groundingSupports", ()):
        segment = support["segment"]
        part = texts[segment.get("partIndex", 0)].encode()
        piece = part[segment.get("startIndex", 0) : segment["endIndex"]]
        assert piece.decode() == segment["text"] != ""
