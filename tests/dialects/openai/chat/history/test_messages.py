"""Any OpenAI conversation becomes one that Gemini takes, or is refused in clear words."""

import time
from base64 import b64encode
from contextlib import suppress
from typing import Any, cast

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geminid.core.content import Call, Content, Json, Part, Result, Text, Thought
from geminid.core.errors import CallerFault, Malformed
from geminid.core.request import Request
from geminid.dialects.gemini.request import encode_request
from geminid.dialects.openai.chat.ask.reading import Left
from geminid.dialects.openai.chat.history.messages import Conversation, read_messages
from geminid.pipeline.rules.turns import turns_of
from tests.fakes import gemini_rules
from tests.strategies import json_values

SIG = "RXhhY3RseSB0aGlz"
BLANK = Content("user", (Text(text=" "),))


def read(*messages: dict[str, Any]) -> Conversation:
    return read_messages(list(messages), sent=str)


def says(role: str, content: object = "Hi", **others: Any) -> dict[str, Any]:
    return {"role": role, "content": content} | others


def calls(*ids: str, content: str | None = None, **others: Any) -> dict[str, Any]:
    tool_calls = [
        {"id": sent, "type": "function", "function": {"name": f"f_{sent}", "arguments": "{}"}}
        for sent in ids
    ]
    return says("assistant", content, tool_calls=tool_calls) | others


def tool(sent: str, content: str = "ok") -> dict[str, Any]:
    return says("tool", content, tool_call_id=sent)


def spoken(role: str, *texts: str) -> Content:
    return Content(role, tuple(Text(text=text) for text in texts))


def called(*ids: str) -> Content:
    return Content("model", tuple(Call(name=f"f_{sent}", id=sent) for sent in ids))


def answered(*ids: str) -> Content:
    response = Json(b'{"result":"ok"}')
    return Content(
        "user", tuple(Result(name=f"f_{sent}", id=sent, response=response) for sent in ids)
    )


def check(conversation: Conversation) -> None:
    """What Gemini says of its order."""
    request = Request(model="m", contents=conversation.contents, system=conversation.system)
    gemini_rules.check(msgspec.json.decode(encode_request(request)), "gemini-2.5-flash", ())


@pytest.mark.parametrize(
    ("messages", "system", "contents"),
    [
        ([says("user")], "", [spoken("user", "Hi")]),
        (
            [says("system", "a"), says("user"), says("developer", "b"), says("system", "")],
            "ab",
            [spoken("user", "Hi")],
        ),
        (
            [says("user"), says("assistant", "Yes?"), says("user", "Go.")],
            "",
            [spoken("user", "Hi"), spoken("model", "Yes?"), spoken("user", "Go.")],
        ),
        # a loop, its results in any order, and what comes after it
        (
            [says("user"), calls("a", "b"), tool("b"), tool("a"), calls("c"), tool("c")],
            "",
            [
                spoken("user", "Hi"),
                called("a", "b"),
                answered("a", "b"),
                called("c"),
                answered("c"),
            ],
        ),
        (
            [says("user"), calls("a"), tool("a"), says("user", "And?")],
            "",
            [spoken("user", "Hi"), called("a"), answered("a"), spoken("user", "And?")],
        ),
        # what stands between calls and results, and says nothing to the model
        (
            [
                says("user"),
                calls("a", "b"),
                says("system", "x"),
                tool("a"),
                says("assistant", None),
                tool("b"),
            ],
            "x",
            [spoken("user", "Hi"), called("a", "b"), answered("a", "b")],
        ),
        # every step numbers its calls anew
        (
            [says("user"), calls("call_0"), tool("call_0"), calls("call_0"), tool("call_0")],
            "",
            [
                spoken("user", "Hi"),
                called("call_0"),
                answered("call_0"),
                called("call_0"),
                answered("call_0"),
            ],
        ),
        # histories that were cut
        ([calls("a"), tool("a")], "", [BLANK, called("a"), answered("a")]),
        (
            [says("assistant", "Well."), calls("a"), tool("a")],
            "",
            [BLANK, spoken("model", "Well."), called("a"), answered("a")],
        ),
        (
            [says("assistant", "Well."), says("user")],
            "",
            [spoken("model", "Well."), spoken("user", "Hi")],
        ),
        # emptiness
        ([says("user", "")], "", [BLANK]),
        ([says("user", [])], "", [BLANK]),
        ([says("user", [{"type": "text", "text": ""}])], "", [BLANK]),
        ([says("system", "Say hi.")], "", [spoken("user", "Say hi.")]),
        ([says("system", "a"), says("developer", "b")], "", [spoken("user", "a", "b")]),
        ([says("system", "")], "", [BLANK]),
        ([says("system", "a"), says("assistant", "")], "", [spoken("user", "a")]),
        ([says("user"), says("assistant", ""), says("user")], "", [spoken("user", "Hi")] * 2),
    ],
)
def test_a_conversation_becomes_contents(
    messages: list[dict[str, Any]], system: str, contents: list[Content]
) -> None:
    """In an order that Gemini takes."""
    conversation = read(*messages)

    assert list(conversation.contents) == contents
    assert "".join(cast("Text", part).text for part in conversation.system) == system
    check(conversation)


@pytest.mark.parametrize(
    ("messages", "asks"),
    [
        ([says("user"), calls("a"), tool("a"), calls("b"), tool("b")], 0),
        ([says("user"), calls("a"), tool("a"), says("user")], 2),
        ([calls("a"), tool("a")], 0),
    ],
)
def test_the_current_turn_begins_with_the_user_s_last_words(
    messages: list[dict[str, Any]], asks: int
) -> None:
    """Not with a tool's results: what they ask for is one turn with what was asked before."""
    turns = turns_of(Request(model="m", contents=read(*messages).contents))

    assert max(place for place, turn in enumerate(turns) if turn.asks()) == asks


def test_an_empty_answer_that_carries_a_signature_stays() -> None:
    """Its upstream wants it back."""
    extra = {"google": {"thought_signature": SIG}}

    conversation = read(says("user"), says("assistant", "", extra_content=extra))

    assert conversation.contents[1] == Content("model", (Text(text="", signature=SIG),))


@pytest.mark.parametrize(
    ("messages", "place", "said"),
    [
        (None, "messages", "Missing required parameter: 'messages'."),
        ("Hi", "messages", "expected an array of objects, but got a string instead"),
        ({}, "messages", "but got an object instead"),
        ([], "messages", "Invalid 'messages': empty array."),
        (["Hi"], "messages[0]", "expected an object, but got a string instead"),
        ([{}], "messages[0].role", "Missing required parameter: 'messages[0].role'."),
        ([says("user"), {"role": 1}], "messages[1].role", "but got an integer instead"),
        (
            [says("model")],
            "messages[0].role",
            "Invalid value: 'model'. Supported values are: 'system', 'assistant', 'user',"
            " 'function', 'tool', and 'developer'.",
        ),
        ([says("user", None)], "messages[0].content", "expected a string, got null"),
        ([{"role": "user"}], "messages[0].content", "expected a string, got null"),
        ([says("user", 5)], "messages[0].content", "but got an integer instead"),
        ([says("user", ["a"])], "messages[0].content[0]", "but got a string instead"),
        ([says("system", {})], "messages[0].content", "but got an object instead"),
        (
            [says("system", [{"type": "text", "text": "a"}, {"type": "image_url"}])],
            "messages[0].content[1].type",
            "Invalid value: 'image_url'. Supported values are: 'text'.",
        ),
        ([says("assistant", None)], "messages", "none of them says anything"),
        ([tool("a")], "messages[0].role", "must be a response to a preceding message"),
        ([says("user"), tool("a")], "messages[1].role", "must be a response to a preceding"),
        (
            [says("user"), calls("a"), tool("b")],
            "messages[2].tool_call_id",
            "waits for a result of the id 'b'",
        ),
        (
            [says("user"), calls("a"), tool("a"), says("user"), tool("a")],
            "messages[4].role",
            "must be a response to a preceding",
        ),
        (
            [says("user"), calls("a", "b"), tool("a"), says("user")],
            "messages[1].tool_calls",
            "did not have response messages: b",
        ),
        ([says("user"), calls("a")], "messages[1].tool_calls", "response messages: a"),
        ([calls("a"), calls("b"), tool("a")], "messages[0].tool_calls", "response messages: a"),
    ],
)
def test_what_is_no_conversation_is_refused_by_its_place(
    messages: object, place: str, said: str
) -> None:
    """In OpenAI's words, where it has some."""
    with pytest.raises(Malformed) as caught:
        read_messages(messages, sent=str)

    assert caught.value.violations[0].field == place
    assert said in caught.value.detail


def test_fields_that_nobody_uses_are_named_once() -> None:
    """Those that an answer had, and that came back with it, ask for nothing."""
    conversation = read(
        says("system", name="x"),
        says("user", name="Ann"),
        says("assistant", annotations=[{"type": "url_citation"}], prefix=False, parsed=None),
        says("user", name="Bob", refusal="x", reasoning=""),
    )

    assert conversation.left == (
        Left("messages.name"),
        Left("messages.annotations", service=True),
        Left("messages.refusal"),
    )


_IDS = st.sampled_from(["", "a", "b", "c__thought__eA"])
_TOOL_CALLS = st.lists(
    st.builds(
        lambda sent, args: {"id": sent, "function": {"name": "f", "arguments": args}},
        _IDS,
        st.sampled_from(["{}", "", "[", '{"a":1}']),
    ),
    max_size=3,
)
_MESSAGES = st.one_of(
    st.builds(says, st.sampled_from(["system", "developer"]), st.sampled_from(["", "a"])),
    st.builds(says, st.just("user"), st.sampled_from(["", "Hi", []])),
    st.builds(
        lambda content, tool_calls: says("assistant", content, tool_calls=tool_calls),
        st.sampled_from([None, "", "Well."]),
        _TOOL_CALLS,
    ),
    st.builds(tool, _IDS),
    st.builds(lambda: says("function", "ok", name="f")),
)


@given(st.lists(_MESSAGES, max_size=8))
def test_no_conversation_comes_out_in_an_order_that_gemini_refuses(
    messages: list[dict[str, Any]],
) -> None:
    """Repaired or refused here, before anything is asked."""
    with suppress(Malformed):
        conversation = read(*messages)
        check(conversation)
        assert all(content.parts for content in conversation.contents)


@st.composite
def _loops(draw: st.DrawFn) -> tuple[list[dict[str, Any]], list[list[str]]]:
    """Steps of parallel calls with signatures, results shuffled; and the signatures by step."""
    messages, signed = [says("user")], []
    for step in range(draw(st.integers(1, 4))):
        ids = [f"call_{step}_{place}" for place in range(draw(st.integers(1, 4)))]
        signatures = [
            draw(st.binary(min_size=1, max_size=12).map(_base64)) if draw(st.booleans()) else ""
            for _ in ids
        ]
        message = calls(*ids)
        for each, signature in zip(message["tool_calls"], signatures, strict=True):
            if signature:
                carry(draw(st.integers(0, 3)), message, each, signature)
        messages += [message, *map(tool, draw(st.permutations(ids)))]
        signed.append(signatures)
    return messages, signed


def carry(how: int, message: dict[str, Any], call: dict[str, Any], signature: str) -> None:
    """Puts `signature` where clients do."""
    match how:
        case 0:
            call["extra_content"] = {"google": {"thought_signature": signature}}
        case 1:
            call["provider_specific_fields"] = {"thought_signature": signature.rstrip("=")}
        case 2:
            detail = {"type": "reasoning.encrypted", "data": signature, "id": call["id"]}
            message.setdefault("reasoning_details", []).append(detail)
        case _:
            safe = signature.replace("+", "-").replace("/", "_")
            call["id"] = f"{call['id']}__thought__{safe}"


def _base64(data: bytes) -> str:
    return b64encode(data).decode()


@given(_loops())
def test_signatures_that_go_in_come_out_and_results_follow_their_calls(
    loop: tuple[list[dict[str, Any]], list[list[str]]],
) -> None:
    """Whatever carried them, and whatever the order in which the functions ended."""
    messages, signed = loop

    contents = read(*messages).contents

    steps = [content.parts for content in contents if content.role == "model"]
    gave = [content.parts for content in contents[1:] if content.role == "user"]
    assert [[part.signature for part in parts] for parts in steps] == signed
    assert [[_id(part) for part in parts] for parts in gave] == [
        [_id(part) for part in parts] for parts in steps
    ]


def _id(part: Part) -> str:
    assert isinstance(part, Call | Result)
    return part.id


_KEYS = st.sampled_from(
    [
        "role",
        "content",
        "type",
        "text",
        "image_url",
        "url",
        "detail",
        "file",
        "file_data",
        "filename",
        "input_audio",
        "data",
        "format",
        "tool_calls",
        "tool_call_id",
        "function_call",
        "function",
        "custom",
        "name",
        "arguments",
        "input",
        "id",
        "images",
        "audio",
        "transcript",
        "refusal",
        "reasoning",
        "reasoning_details",
        "extra_content",
        "google",
        "thought_signature",
    ]
)
_WORDS = st.sampled_from(
    [
        *("user", "assistant", "tool", "function", "system", "text", "image_url", "file"),
        *("input_audio", "video_url", "thinking", "reasoning.text", "reasoning.encrypted", "wav"),
        *("data:,x", "https://example.com", "http://[", "{", "{}", SIG, ""),
    ]
)
_WILD = st.recursive(
    _WORDS | st.none() | st.integers(-3, 3) | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=4),
    max_leaves=20,
)
_ROLED = st.builds(
    lambda role, rest: rest | {"role": role},
    st.sampled_from(["user", "assistant", "tool", "function", "system"]),
    st.dictionaries(_KEYS, _WILD, max_size=5),
)


@given(st.lists(_ROLED | _WILD | json_values, max_size=5) | json_values)
def test_any_json_is_a_conversation_or_a_fault(messages: object) -> None:
    """Never anything else."""
    with suppress(CallerFault):
        assert read_messages(messages, sent=str).contents


def test_a_long_history_costs_next_to_nothing() -> None:
    """100 messages with calls, thoughts and signatures: well under 2 ms (CPU, best of many)."""
    details = [
        {"type": "reasoning.text", "text": "Hm.", "format": "google-gemini-v1", "index": 0},
        {"type": "reasoning.encrypted", "data": SIG * 20, "id": "a", "index": 1},
    ]
    step = [
        says("user", [{"type": "text", "text": "Hi"}]),
        calls("a", "b", reasoning="Hm.", reasoning_details=details),
        tool("b", '{"a": 1}'),
        tool("a", "ok"),
        says("assistant", "Well.", reasoning="Hm."),
    ]
    messages = step * 20

    best = min(_cost(messages) for _ in range(20))

    assert best < 0.004
    assert sum(isinstance(p, Thought) for c in read(*messages).contents for p in c.parts) == 40


def test_cost_grows_with_the_length_alone() -> None:
    """Ten thousand parallel calls of one id and no name to tell them by."""
    many = ["x"] * 10_000
    messages = [says("user"), calls(*many), *(tool("", "ok") for _ in many)]

    assert _cost(messages) < 2


def _cost(messages: list[dict[str, Any]]) -> float:
    before = time.process_time()
    read(*messages)
    return time.process_time() - before
