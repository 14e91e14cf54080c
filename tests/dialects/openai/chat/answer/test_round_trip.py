"""What an answer said comes back as it was said, signatures and all, whole or streamed.

pains.md A1 and A2 (litellm#16893, litellm#41534): signatures in places of their own, ids short.
"""

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from geminid.core.content import Blob, Call, Part, Text, Thought
from geminid.dialects.openai.chat.history.messages import read_messages
from tests import strategies
from tests.dialects.openai.chat.answer.told import HEAD, chunks, events, folded, message

PLAIN = msgspec.structs.replace(HEAD, extended=False)


@st.composite
def answers(draw: st.DrawFn) -> list[Part]:
    """Words, then an image, then parallel calls; each may be there, and be signed."""
    found: list[Part] = []
    if draw(st.booleans()):
        found.append(Text(text=draw(strategies.words), signature=draw(strategies.signed)))
    if draw(st.booleans()):
        found.append(Blob(mime="image/png", data="AAAA", signature=draw(strategies.signed)))
    for number in range(draw(st.integers(0, 3))):
        call = Call(
            name=draw(strategies.names),
            args=draw(strategies.objects),
            id=f"call_{number}",
            signature=draw(strategies.signed),
        )
        found.append(call)
    return found or [Text(text="Hi")]


def returned(said: Any) -> list[Part]:
    """The parts of an assistant message that a client sends back, but for its thoughts."""
    results = [
        {"role": "tool", "tool_call_id": call["id"], "content": "1"}
        for call in said.get("tool_calls", ())
    ]
    user = {"role": "user", "content": "x"}
    history = [user, {"role": "assistant"} | said, *results, user]
    conversation = read_messages(history, sent=str)
    parts = conversation.contents[1].parts
    return [part for part in parts if not isinstance(part, Thought)]


@given(answers())
def test_a_whole_message_comes_back_as_it_was(parts: list[Part]) -> None:
    assert returned(message(*parts)) == parts
    assert returned(message(*parts, head=PLAIN)) == parts


@given(answers())
def test_a_folded_stream_comes_back_as_it_was(parts: list[Part]) -> None:
    [choice] = folded(chunks(events(*parts))).values()

    assert returned(choice["message"]) == parts


@given(answers())
def test_details_alone_bring_the_signatures_of_calls_back(parts: list[Part]) -> None:
    """All that OpenRouter's own clients send back of them."""
    said = message(*parts)
    for call in said.get("tool_calls", ()):
        call.pop("extra_content", None)
        call.pop("provider_specific_fields", None)
    back = [part for part in returned(said) if isinstance(part, Call)]

    assert back == [part for part in parts if isinstance(part, Call)]
