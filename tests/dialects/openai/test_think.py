"""Think blocks that servers leave inside the text, however it is cut."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geminid.dialects.openai.think import ThinkSplitter


def split(*pieces: str) -> tuple[str, str]:
    """What is thought and what is said."""
    splitter = ThinkSplitter()
    found = [pair for piece in pieces for pair in splitter.feed(piece)] + splitter.finish()
    assert splitter.passed
    assert all(text for _, text in found)
    thought = "".join(text for tag, text in found if tag)
    return thought, "".join(text for tag, text in found if not tag)


@pytest.mark.parametrize(
    ("text", "thought", "said"),
    [
        ("<think>hm</think>Hi", "hm", "Hi"),
        ("<thought>hm</thought>Hi", "hm", "Hi"),
        ("\n <think>\nhm</think>\n\nHi ", "hm", "Hi "),
        ("<think>\n\n</think>\n\nHi", "", "Hi"),
        ("<think>hm", "hm", ""),
        ("<think>hm</thi", "hm</thi", ""),
        ("<think>a</thought>b</think>c", "a</thought>b", "c"),
        ("<think>a</think>b<think>c</think>", "a", "b<think>c</think>"),
        ("I <think>so</think>", "", "I <think>so</think>"),
        ("<thin", "", "<thin"),
        ("<thinker>x", "", "<thinker>x"),
        ("  \n", "", "  \n"),
        (" " * 65 + "<think>x", "", " " * 65 + "<think>x"),
        ("<think></think>", "", ""),
        ("", "", ""),
    ],
)
@pytest.mark.parametrize("size", [1, 2, 5, 1000])
def test_a_block_at_the_start_is_thought(text: str, thought: str, said: str, size: int) -> None:
    """Nowhere else; one that is not closed runs to the end."""
    assert split(*(text[at : at + size] for at in range(0, len(text), size))) == (thought, said)


PIECES = st.sampled_from(
    ["<think>", "</think>", "<thought>", "</thought>", "<", ">", "</", " ", "\n", "a", "think"]
)


@given(st.lists(PIECES, max_size=12).map("".join), st.data())
def test_slicing_never_changes_what_is_thought(text: str, data: st.DataObject) -> None:
    """A tag may come in any number of pieces."""
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    edges = [0, *cuts, len(text)]
    pieces = [text[a:b] for a, b in pairwise(edges)]

    assert split(*pieces) == split(text)


@given(st.text(max_size=30))
def test_a_text_without_a_block_is_untouched(text: str) -> None:
    """Whatever it holds later."""
    assert split("x" + text) == ("", "x" + text)


def test_words_flow_through_as_they_come() -> None:
    """Only what may become a tag is kept."""
    splitter = ThinkSplitter()

    assert splitter.feed("<thi") == []
    assert splitter.feed("nk>well") == [("think", "well")]
    assert splitter.feed(" then</") == [("think", " then")]
    assert splitter.feed("think>Yes") == [("", "Yes")]
    assert splitter.feed(" <think>") == [("", " <think>")]
