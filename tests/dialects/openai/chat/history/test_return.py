"""What an answer carried comes back as it was, from a client that returns its message whole."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geminid.core.content import EMPTY_OBJECT, Blob, Call, Part, Text, Thought
from geminid.dialects.openai.chat.functions import Functions
from geminid.dialects.openai.chat.head import Head
from geminid.dialects.openai.chat.history.assistant import read_assistant
from tests import strategies
from tests.dialects.openai.chat.answer.told import HEAD, PLAIN, chunks, events, folded, message

SIG = "RXhhY3RseSB0aGlz"

_FUNCTIONS = Functions(renamed={"my_tool": "my tool"}, custom=frozenset({"shell"}))
_FULL = msgspec.structs.replace(HEAD, functions=_FUNCTIONS)
_BARE = msgspec.structs.replace(PLAIN, functions=_FUNCTIONS)


def back(answer: dict[str, Any]) -> list[Part]:
    """The parts that `answer` is read as, without where its thoughts stood."""
    sent = {theirs: ours for ours, theirs in _FUNCTIONS.renamed.items()}
    parts = read_assistant(answer, "messages[1]", lambda name: sent.get(name, name)).parts
    return [
        msgspec.structs.replace(part, modifiers=None) if isinstance(part, Thought) else part
        for part in parts
    ]


@st.composite
def answers(draw: st.DrawFn) -> list[Part]:
    """Thoughts, words, pictures and calls, as models order and sign them."""
    signed = strategies.signed
    thought = draw(st.sampled_from(["", "Let me see."]))
    text = draw(st.sampled_from(["", "Well."]))
    pictures = [
        Blob(mime="image/png", data=draw(strategies.data.filter(bool)), signature=draw(signed))
        for _ in range(draw(st.integers(0, 2)))
    ]
    calls = [
        _call(place, draw(signed), draw(strategies.objects), draw(st.integers(0, 2)))
        for place in range(draw(st.integers(0 if text or pictures else 1, 3)))
    ]
    return [
        *([Thought(text=thought)] if thought else []),
        *([Text(text=text, signature=draw(signed))] if text else []),
        *pictures,
        *calls,
    ]


def _call(place: int, signature: str, args: Any, kind: int) -> Call:
    name = ("f", "my_tool", "shell")[kind]
    args = msgspec.Raw(b'{"input":"ls"}') if name == "shell" else args
    return Call(name=name, args=args, id=f"call_{place}", signature=signature)


@pytest.mark.parametrize("head", [_FULL, _BARE])
@given(answers())
def test_an_answer_comes_back(head: Head, parts: list[Part]) -> None:
    """Whole, its signatures on the same parts; thoughts where they were told."""
    told = parts if head.extended else [part for part in parts if not isinstance(part, Thought)]

    assert back(message(*parts, head=head)) == told


@given(answers())
def test_a_streamed_answer_comes_back(parts: list[Part]) -> None:
    """Of the pieces that its client has put together."""
    assert back(folded(chunks(events(*parts), _FULL))[0]["message"]) == parts


def test_the_old_form_of_a_call_comes_back() -> None:
    """Without an id; its signature finds it."""
    head = msgspec.structs.replace(HEAD, functions=Functions(legacy=True))
    call = Call(name="f", args=EMPTY_OBJECT, id="call_1", signature=SIG)

    assert back(message(call, head=head)) == [msgspec.structs.replace(call, id="")]
    plain = msgspec.structs.replace(head, extended=False)
    assert back(message(call, head=plain)) == [msgspec.structs.replace(call, id="")]
