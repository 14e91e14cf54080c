"""Citations: from bytes of a part to characters of the content."""

from typing import Any

import pytest

from geminid.core.content import Code, Text, Thought
from tests.dialects.openai.chat.answer.told import deltas, ending, message

WEB = [{"web": {"uri": "https://x/1", "title": "x"}}, {"web": {"uri": "https://y/2"}}]


def support(text: str, start: int, *sources: int) -> dict[str, Any]:
    """That `text`, which begins at byte `start`, comes from `sources`."""
    segment = {"startIndex": start, "endIndex": start + len(text.encode()), "text": text}
    return {"segment": segment, "groundingChunkIndices": list(sources)}


def grounding(chunks: object, *supports: object) -> Any:
    return ending(groundingMetadata={"groundingChunks": chunks, "groundingSupports": supports})


def test_a_citation_points_at_its_words_in_characters() -> None:
    """Bytes would point past them in every language but English."""
    text = "Grüße 🌍. Es regnet."
    start = len("Grüße 🌍. ".encode())
    end = grounding(WEB, support("Es regnet.", start, 0, 1))
    found = message(Thought(text="hm"), Text(text=text), end=end)

    spans = [each["url_citation"] for each in found["annotations"]]
    assert [text[each["start_index"] : each["end_index"]] for each in spans] == ["Es regnet."] * 2
    assert [(each["url"], each["title"]) for each in spans] == [
        ("https://x/1", "x"),
        ("https://y/2", "https://y/2"),
    ]
    assert {each["type"] for each in found["annotations"]} == {"url_citation"}


def test_a_later_parts_words_are_found_in_the_whole_content() -> None:
    end = grounding(WEB[:1], support("two", 0, 0))
    found = message(Text(text="ône "), Code(code="1"), Text(text="two"), end=end)

    [citation] = found["annotations"]
    span = citation["url_citation"]
    assert found["content"][span["start_index"] : span["end_index"]] == "two"


def test_a_source_of_no_words_in_particular_has_an_empty_span() -> None:
    end = grounding(WEB, support("not there", 0, 0))
    found = message(Text(text="Hi"), end=end)

    assert [
        (each["url_citation"]["start_index"], each["url_citation"]["end_index"])
        for each in found["annotations"]
    ] == [(0, 0), (0, 0)]


def test_a_stream_cites_once_at_its_end() -> None:
    end = grounding(WEB[:1], support("Hi", 0, 0))
    *words, last = deltas(Text(text="Hi"), end=end)

    assert words == [{"content": "Hi"}]
    assert last["annotations"][0]["url_citation"]["end_index"] == 2


@pytest.mark.parametrize(
    "chunks",
    ["x", [{"web": None}], [{"web": {"uri": ""}}], [{"image": {"uri": "https://x"}}], [5]],
)
def test_no_answer_is_lost_for_its_sources(chunks: object) -> None:
    end = grounding(chunks, support("Hi", 0, 0, 7, -1))

    assert "annotations" not in message(Text(text="Hi"), end=end)
