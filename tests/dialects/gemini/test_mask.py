"""The `fields` parameter: which parts of an answer are kept."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geminid.core.errors import Malformed
from geminid.dialects.gemini.mask import apply_mask, parse_mask
from tests import strategies

ANSWER = {
    "candidates": [
        {
            "content": {"parts": [{"text": "a", "thought": True}, {"text": "b"}], "role": "model"},
            "finishReason": "STOP",
            "index": 0,
        },
        {"content": {"role": "model"}, "index": 1},
    ],
    "usageMetadata": {"promptTokenCount": 1, "totalTokenCount": 2},
    "modelVersion": "m",
}


def kept(fields: str) -> object:
    return msgspec.json.decode(apply_mask(parse_mask(fields), msgspec.json.encode(ANSWER)))


TEXTS = {"candidates": [{"content": {"parts": [{"text": "a"}, {"text": "b"}]}}, {"content": {}}]}
REASONS = {"candidates": [{"finishReason": "STOP"}, {}]}
USAGE = {"usageMetadata": {"totalTokenCount": 2}}
INDEX = {"candidates": [{"index": 0}, {"index": 1}]}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("*", ANSWER),
        ("modelVersion", {"modelVersion": "m"}),
        ("model_version", {"modelVersion": "m"}),
        ("candidates", {"candidates": ANSWER["candidates"]}),
        ("candidates/content/parts/text", TEXTS),
        ("candidates.content.parts.text", TEXTS),
        ("candidates(content(parts(text)))", TEXTS),
        ("candidates(content/parts/text)", TEXTS),
        ("candidates/content(parts.text)", TEXTS),
        ("candidates/finishReason,usageMetadata/totalTokenCount", REASONS | USAGE),
        ("candidates(finish_reason),usageMetadata(totalTokenCount)", REASONS | USAGE),
        ("*/totalTokenCount", {"candidates": [{}, {}]} | USAGE | {"modelVersion": "m"}),
        ("nothing", {}),
        ("candidates/nothing", {"candidates": [{}, {}]}),
        # What one selection keeps no other takes away.
        ("candidates,candidates/index", {"candidates": ANSWER["candidates"]}),
        ("candidates/index,candidates", {"candidates": ANSWER["candidates"]}),
        ("candidates(index,index/x)", INDEX),
        ("candidates(content/parts),candidates(content/role)",
         {"candidates": [{"content": c["content"]} for c in ANSWER["candidates"]]}),  # type: ignore[index]
        ("*/index,candidates/finishReason",
         {"candidates": [{"finishReason": "STOP", "index": 0}, {"index": 1}],
          "usageMetadata": {}, "modelVersion": "m"}),
    ],
)  # fmt: skip
def test_what_is_named_is_kept(fields: str, expected: object) -> None:
    assert kept(fields) == expected


@pytest.mark.parametrize(
    "fields", ["a(", "a)", "a(b", "a(b))", "a//b", "a/", "/a", "a,", ",a", "a,,b", "a()", "()", " ",
               "a b", "a;b", "a..b", "a(b)c", "a(b)/c", "(a)", "\x00", "a/" * 60 + "a", "a(" * 60],
)  # fmt: skip
def test_what_is_no_selection_is_refused(fields: str) -> None:
    with pytest.raises(Malformed) as caught:
        parse_mask(fields)

    [violation] = caught.value.violations
    assert violation.field == "fields"
    assert violation.description == f"Invalid field selection {fields[:200]}"


def test_a_selection_of_a_megabyte_is_no_crash() -> None:
    with pytest.raises(Malformed):
        parse_mask("a(" * 500_000)


@given(st.text(max_size=30) | st.text("ab*(),/.", max_size=30))
def test_any_text_is_a_mask_or_refused(text: str) -> None:
    try:
        mask = parse_mask(text)
    except Malformed:
        mask = {}

    assert isinstance(msgspec.json.decode(apply_mask(mask, b'{"a":{"b":[1]}}')), dict)


@given(strategies.objects)
def test_an_empty_mask_keeps_all(encoded: bytes) -> None:
    assert msgspec.json.decode(apply_mask({}, encoded)) == msgspec.json.decode(encoded)
