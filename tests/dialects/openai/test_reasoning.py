"""An engine's reasoning comes back to it as it was said: thoughts, proofs, and all else."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geminid.core.content import Call, Content, Json, Modifiers, Part, Result, Text, Thought
from geminid.core.fold import fold
from geminid.core.request import Request
from geminid.dialects.openai.flavor import FLAVORS
from geminid.dialects.openai.reasoning import SIGNED, Origin
from geminid.dialects.openai.request import encode_request
from geminid.dialects.openai.response import decode_response
from geminid.dialects.openai.stream import StreamDecoder
from tests.fakes import shapes

CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
CLAUDE: dict[str, Any] = {
    "type": "reasoning.text",
    "text": "Let me see.",
    "signature": "RXJvQ2xhdWRl",
    "format": "anthropic-claude-v1",
    "index": 0,
}
REDACTED = {"type": "reasoning.encrypted", "data": "cmVk", "format": "anthropic-claude-v1"}
SUMMARY = {
    "type": "reasoning.summary",
    "summary": "**Planning**",
    "format": "openai-responses-v1",
    "id": None,
    "index": 0,
}
SEALED = {
    "type": "reasoning.encrypted",
    "data": "gAAAAABo",
    "format": "openai-responses-v1",
    "id": "rs_1",
    "index": 0,
}
XAI = {"type": "reasoning.text", "text": "So.", "format": "xai-responses-v1", "index": 1}
UNKNOWN = {"type": "reasoning.tool_use", "text": 5, "x": {"y": [1, None]}, "format": "unknown"}
DETAILS = [CLAUDE, CLAUDE, REDACTED, SUMMARY, SEALED, XAI, UNKNOWN]


def read(message: dict[str, Any], *, stream: bool) -> tuple[Part, ...]:
    """The parts of an answer that says `message`, whole or with its words in pieces."""
    if not stream:
        body = {"choices": [{"message": message, "finish_reason": "stop"}]}
        return fold(decode_response(msgspec.json.encode(body))).candidates[0].content.parts
    wire = [shapes.openai_chunk(delta, {}) for delta in pieces(message)]
    decoder = StreamDecoder()
    ending = shapes.openai_chunk({}, {}, "stop")
    events = [event for chunk in (*wire, ending) for event in decoder.feed(chunk)]
    return fold([*events, *decoder.finish()]).candidates[0].content.parts


def pieces(message: dict[str, Any]) -> list[dict[str, Any]]:
    """`message` as OpenRouter streams it: the proof after the words, a detail a chunk."""
    deltas: list[dict[str, Any]] = []
    for detail in message.get("reasoning_details", ()):
        words = next((key for key in ("text", "summary") if isinstance(detail.get(key), str)), "")
        if not words:
            deltas.append({"reasoning_details": [detail]})
            continue
        bare = {key: value for key, value in detail.items() if key != "signature"}
        text = detail[words]
        deltas += [
            {"reasoning": piece, "reasoning_details": [bare | {words: piece}]}
            for piece in (text[:2], text[2:])
        ]
        if "signature" in detail:
            proof = {"type": detail["type"], "signature": detail["signature"], "index": 0}
            deltas.append({"reasoning_details": [proof]})
    rest = {key: value for key, value in message.items() if key != "reasoning_details"}
    if deltas:
        rest.pop("reasoning", None)
    calls = rest.pop("tool_calls", [])
    deltas += [{key: value} for key, value in rest.items()]
    return [*deltas, *({"tool_calls": [call | {"index": 0}]} for call in calls)]


def written(*parts: Part, flavor: str = "openrouter") -> tuple[dict[str, Any], list[str]]:
    """The assistant's message of a turn with `parts`, and what was left out."""
    ignored: list[str] = []
    contents = (Content("user", (Text(text="go"),)), Content("model", parts))
    body = encode_request(
        Request(model="m", contents=contents),
        "m",
        FLAVORS[flavor],
        stream=False,
        ignore=ignored.append,
    )
    return msgspec.json.decode(body)["messages"][1], ignored


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("details", [DETAILS, *([detail] for detail in DETAILS)])
@pytest.mark.parametrize("flavor", ["openrouter", "generic", "aimlapi"])
def test_details_of_every_maker_survive_the_round_trip(
    flavor: str, details: list[dict[str, Any]], *, stream: bool
) -> None:
    """Word for word, in their order, the whole and the streamed alike; and none comes twice."""
    said = "".join(
        text
        for detail in details
        if isinstance(text := detail.get("text", detail.get("summary", "")), str)
    )
    message = {
        "reasoning": said,
        "reasoning_details": details,
        "content": "Hi",
        "tool_calls": [CALL],
    }
    parts = read(message, stream=stream)
    thoughts = [part for part in parts if isinstance(part, Thought)]
    back, ignored = written(*parts, flavor=flavor)

    assert "".join(thought.text for thought in thoughts) == said
    assert [thought.signature for thought in thoughts] == [
        detail.get("signature", detail.get("data", "")) for detail in details
    ]
    assert back["reasoning_details"] == details
    assert "reasoning" not in back
    assert (back["content"], back["tool_calls"]) == ("Hi", [CALL])
    assert ignored == []


VALUES = st.none() | st.text(max_size=5) | st.integers(0, 9)


@given(
    st.lists(
        st.fixed_dictionaries(
            {"type": st.sampled_from(["reasoning.text", "reasoning.encrypted", "x"])},
            optional=dict.fromkeys(["text", "signature", "data", "id", "index", "format"], VALUES),
        ),
        max_size=4,
    )
)
def test_odd_details_come_back_as_they_were(details: list[dict[str, Any]]) -> None:
    """Whatever a server puts in them; only text that says and proves nothing goes."""
    back, _ = written(*read({"reasoning_details": details, "content": "Hi"}, stream=False))
    kept = [
        detail
        for detail in details
        if detail["type"] != "reasoning.text"
        or any(isinstance(detail.get(key), str) and detail[key] for key in ("text", "signature"))
    ]

    assert back.get("reasoning_details", []) == kept


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("field", ["reasoning", "reasoning_content"])
@pytest.mark.parametrize("flavor", ["generic", "vllm", "ollama", "llama", "openrouter"])
def test_words_in_a_field_go_back_in_it(flavor: str, field: str, *, stream: bool) -> None:
    """A server knows the field that it uses itself."""
    parts = read({field: "Hm.", "content": "Hi"}, stream=stream)
    back, ignored = written(*parts, flavor=flavor)

    assert back == {"role": "assistant", "content": "Hi", field: "Hm."}
    assert ignored == []


@pytest.mark.parametrize("tag", ["think", "thought"])
def test_words_in_a_tag_go_back_in_it(tag: str) -> None:
    """As every plain client sends them: inside the content."""
    parts = read({"content": f"<{tag}>Hm.</{tag}>\n\nHi"}, stream=False)
    back, _ = written(*parts)

    assert parts[1] == Text(text="Hi")
    assert back == {"role": "assistant", "content": f"<{tag}>Hm.</{tag}>Hi"}


def test_words_in_a_part_of_the_content_go_back_in_one() -> None:
    """Mistral's way."""
    content = [
        {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]},
        {"type": "text", "text": "Hi"},
    ]
    back, _ = written(*read({"content": content}, stream=False))

    assert back == {"role": "assistant", "content": content}


def test_a_block_of_thoughts_ends_where_a_call_begins() -> None:
    """An unclosed one as well; and the thought stands before its call."""
    parts = read({"content": "<think>I call", "tool_calls": [CALL]}, stream=True)

    assert parts == (
        Thought(text="I call", modifiers=Origin(field="think").modifiers),
        Call(name="f", id="c1"),
    )


def test_words_that_a_late_detail_repeats_are_said_once() -> None:
    """Some servers stream the words, and send the detail with its proof at the end."""
    deltas: list[dict[str, Any]] = [
        {"reasoning": "Let me "},
        {"reasoning": "see."},
        {"reasoning_details": [CLAUDE]},
        {"content": "Hi"},
    ]
    decoder = StreamDecoder()
    wire = [*(shapes.openai_chunk(d, {}) for d in deltas), shapes.openai_chunk({}, {}, "stop")]
    events = [event for chunk in wire for event in decoder.feed(chunk)]
    parts = fold([*events, *decoder.finish()]).candidates[0].content.parts
    back, _ = written(*parts)

    assert [part.text for part in parts if isinstance(part, Thought)] == ["Let me see.", ""]
    assert back["reasoning_details"] == [CLAUDE]


def test_gemini_s_signature_stays_on_its_part_beside_the_thoughts() -> None:
    """It is native, and no thought."""
    signature = {
        "type": "reasoning.encrypted",
        "data": "c2ln",
        "id": "c1",
        "format": "google-gemini-v1",
        "index": 1,
    }
    text = {"type": "reasoning.text", "text": "Hm.", "format": "google-gemini-v1", "index": 0}
    message = {"reasoning": "Hm.", "reasoning_details": [text, signature], "tool_calls": [CALL]}
    parts = read(message, stream=False)

    assert isinstance(parts[0], Thought)
    assert parts[1:] == (Call(name="f", id="c1", signature="c2ln"),)
    assert written(*parts)[0]["reasoning_details"] == [text, signature]


def test_gemini_s_signature_has_no_place_beside_the_thoughts_of_others() -> None:
    """What stands there then is a bypass string, which means nothing to that model."""
    thoughts = read({"reasoning_details": [CLAUDE], "content": None}, stream=False)
    back, ignored = written(*thoughts, Call(name="f", id="c1", signature="c2tpcA=="))

    assert back["reasoning_details"] == [CLAUDE]
    assert ignored == ["contents.parts.thoughtSignature"]


THOUGHT = Thought(text="Hm.", modifiers=Origin(field="reasoning").modifiers)


@pytest.mark.parametrize(
    ("thought", "ignored"),
    [
        (Thought(text="Hm."), ["contents.parts.thought"]),
        (
            Thought(text="Hm.", signature="c2ln"),
            ["contents.parts.thought", "contents.parts.thoughtSignature"],
        ),
        (
            Thought(text="Hm.", modifiers=Modifiers(metadata=Json(b'{"openai":5}'))),
            ["contents.parts.thought"],
        ),
        (
            Thought(text="Hm.", modifiers=Modifiers(metadata=Json(b'{"openai":{"field":"role"}}'))),
            ["contents.parts.thought"],
        ),
        (THOUGHT, []),
    ],
)
def test_thoughts_of_which_nobody_knows_whence_are_named(
    thought: Thought, ignored: list[str]
) -> None:
    """No server is sent a field that it never spoke of, nor one that a caller made up."""
    back, named = written(thought, Text(text="Hi"), flavor="generic")

    assert named == ignored
    assert ("reasoning" in back) == (thought is THOUGHT)
    assert back["role"] == "assistant"


@pytest.mark.parametrize(
    ("flavor", "field"), [("openrouter", "reasoning"), ("llama", "reasoning_content")]
)
def test_servers_with_a_field_of_their_own_take_any_thought(flavor: str, field: str) -> None:
    """Whoever thought it."""
    assert written(Thought(text="Hm."), Text(text="Hi"), flavor=flavor)[0][field] == "Hm."


@pytest.mark.parametrize("flavor", ["openai", "google"])
def test_servers_that_refuse_thoughts_get_none(flavor: str) -> None:
    """They would answer with an error about an unknown field."""
    back, ignored = written(THOUGHT, Text(text="Hi"), flavor=flavor)

    assert back == {"role": "assistant", "content": "Hi"}
    assert ignored == ["contents.parts.thought"]


def test_each_step_of_a_tool_loop_keeps_its_own_thoughts() -> None:
    """Not those of the step before."""
    one, two = (
        Thought(text=text, modifiers=Origin(field="reasoning").modifiers) for text in ("1", "2")
    )
    contents = (
        Content("model", (one, Call(name="f"))),
        Content("user", (Result(name="f"),)),
        Content("model", (two, Call(name="f"))),
        Content("user", (Result(name="f"),)),
    )
    ignored: list[str] = []
    body = encode_request(
        Request(model="m", contents=contents),
        "m",
        FLAVORS["vllm"],
        stream=False,
        ignore=ignored.append,
    )
    messages = msgspec.json.decode(body)["messages"]

    assert [message.get("reasoning") for message in messages] == ["1", None, "2", None]
    assert ignored == []


CALL_2 = {"id": "c2", "type": "function", "function": {"name": "g", "arguments": "{}"}}


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("named", "signatures"),
    [
        (["c1"], ["c2ln", ""]),
        (["c2"], ["", "c2ln"]),
        (["c2", "c1"], ["b3Ro", "c2ln"]),
        (["zz"], ["c2ln", ""]),
        ([None], ["c2ln", ""]),
        (["c1", "zz"], ["c2ln", "b3Ro"]),
        (["c1", None], ["c2ln", ""]),
        (["zz", None], ["c2ln", ""]),
    ],
)
def test_gemini_s_signature_of_a_call_is_never_lost(
    named: list[str | None], signatures: list[str], *, stream: bool
) -> None:
    """One that names no call of the answer is the first unsigned call's: without it the next turn
    would be refused.  One without a name beside a signed call is the text's.
    """
    details = [
        {"type": "reasoning.encrypted", "data": data, "id": name, "format": "google-gemini-v1"}
        for data, name in zip(("c2ln", "b3Ro"), named, strict=False)
    ]

    found = read({"reasoning_details": details, "tool_calls": [CALL, CALL_2]}, stream=stream)

    assert [part.signature for part in found if isinstance(part, Call)] == signatures
    left = len(named) - sum(map(bool, signatures))
    assert [part.signature for part in found if isinstance(part, Text)] == ["b3Ro"] * left


def test_a_signature_of_a_call_that_never_came_is_the_text_s() -> None:
    detail = {"type": "reasoning.encrypted", "data": "c2ln", "id": "zz", "format": SIGNED}

    found = read({"content": "Hi", "reasoning_details": [detail]}, stream=False)

    assert found == (Text(text="Hi", signature="c2ln"),)
