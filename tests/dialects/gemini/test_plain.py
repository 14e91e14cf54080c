"""The short way gives what the long way gives, or nothing."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geminid.core.errors import Fault
from geminid.core.request import Request
from geminid.dialects.gemini.plain import DEPTH, decode_plain
from geminid.dialects.gemini.request import decode_request, read_request
from geminid.dialects.gemini.walk import walk

words = st.text(max_size=8)
odd: st.SearchStrategy[object] = st.sampled_from(
    [None, 0, 1, 2.5, -1, 1 << 31, 1e39, "1", "", [], ["a"], [None], {}, True]
)
part = st.fixed_dictionaries({"text": words}, optional={"thought": st.booleans()})
content = st.fixed_dictionaries(
    {"parts": st.lists(part, max_size=3)},
    optional={"role": st.sampled_from(["", "user", "model", "function", "system", None])},
)
config = st.dictionaries(
    st.sampled_from(
        [
            "maxOutputTokens",
            "max_output_tokens",
            "temperature",
            "topP",
            "topK",
            "seed",
            "stopSequences",
            "new",
        ]
    ),
    odd,
    max_size=4,
)
bodies: st.SearchStrategy[dict[str, object]] = st.fixed_dictionaries(
    {"contents": st.lists(content, max_size=3)},
    optional={
        "generationConfig": config | st.none(),
        "systemInstruction": content | st.none(),
        "system_instruction": content,
        "tools": st.just([]),
        "model": words,
    },
)


def long_way(body: bytes) -> Request | None:
    try:
        return read_request(walk("GenerateContentRequest", body), "m")
    except Fault:
        return None


@given(bodies)
def test_what_the_short_way_reads_is_what_the_long_way_reads(tree: dict[str, object]) -> None:
    body = msgspec.json.encode(tree)

    found = decode_plain(body, "m")

    assert found is None or found == long_way(body)


@given(st.lists(st.lists(words, min_size=1, max_size=2), min_size=1, max_size=3))
def test_words_take_the_short_way(contents: list[list[str]]) -> None:
    """Or nothing would be won."""
    tree = {
        "contents": [{"parts": [{"text": text} for text in texts]} for texts in contents],
        "generationConfig": {"maxOutputTokens": 5, "temperature": 1, "stopSequences": ["x"]},
        "systemInstruction": {"parts": [{"text": "s"}]},
    }

    assert decode_plain(msgspec.json.encode(tree), "m") is not None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"contents":[]}',
        b'{"contents":[{"parts":[]}]}',
        b'{"contents":[{"parts":[{"text":"a","thoughtSignature":"QUJD"}]}]}',
        b'{"contents":[{"parts":[{"text":"\\ud800"}]}]}',
        b'{"contents":[{"parts":[{"text":"a"}],"role":"function"}]}',
        b'{"contents":[{"parts":[{"text":"a"}]}],"generationConfig":{"topK":1e0}}',
        b'{"contents":[{"parts":[{"text":"a"}]}],"tools":[]}',
    ],
)
def test_all_else_takes_the_long_way(body: bytes) -> None:
    assert decode_plain(body, "m") is None


def test_a_small_depth_is_kept_to() -> None:
    """The short way is not asked where it could not be allowed."""
    body = b'{"contents":[{"parts":[{"text":"a"}]}]}'

    assert decode_request(body, "m", depth=DEPTH) == decode_plain(body, "m")
    with pytest.raises(Fault, match="deeper"):
        decode_request(body, "m", depth=3)
