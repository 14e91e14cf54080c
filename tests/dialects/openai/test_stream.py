"""Answers of OpenAI-like servers to events: streams of every shape, whole bodies, bad endings."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geminid.core.content import Blob, Call, FileRef, Json, Text, Thought
from geminid.core.errors import (
    Fault,
    Overloaded,
    RateLimited,
    StreamCut,
    UpstreamFault,
    UpstreamMalformed,
)
from geminid.core.events import Begin, Delta, End, Event, PartEnd, PartStart, Tally
from geminid.core.fold import Answer, fold
from geminid.core.request import FunctionTool, OutputFormat, Request
from geminid.core.usage import Usage
from geminid.dialects.openai.names import Names, wire_name
from geminid.dialects.openai.question import Question, question_of
from geminid.dialects.openai.reasoning import Origin
from geminid.dialects.openai.response import decode_response
from geminid.dialects.openai.stream import StreamDecoder
from tests.fakes import shapes

CALLED = "Model generated function call(s)."
ASKED: dict[str, Any] = {"model": "m", "stream_options": {"include_usage": True}}
DONE = b"data: [DONE]\n\n"


def decode(wire: bytes, size: int = 0, *, question: Question | None = None) -> list[Event]:
    decoder = StreamDecoder(question)
    size = size or max(len(wire), 1)
    events = [e for at in range(0, len(wire), size) for e in decoder.feed(wire[at : at + size])]
    return events + decoder.finish()


def chunks(*deltas: dict[str, Any], finish: str | None = "stop") -> bytes:
    """A stream of these deltas of one candidate."""
    pieces = [shapes.openai_chunk(delta, ASKED) for delta in deltas]
    if finish is not None:
        pieces.append(shapes.openai_chunk({}, ASKED, finish))
    return b"".join(pieces) + DONE


def parts(*deltas: dict[str, Any], finish: str | None = "stop") -> list[Any]:
    return list(only(fold(decode(chunks(*deltas, finish=finish)))).content.parts)


def thought(text: str, field: str) -> Thought:
    return Thought(text=text, modifiers=Origin(field=field).modifiers)


def only(answer: Answer) -> Any:
    assert len(answer.candidates) == 1
    return answer.candidates[0]


def call(name: str | None = None, arguments: Any = None, **fields: Any) -> dict[str, Any]:
    function = {"name": name, "arguments": arguments}
    return {"function": {k: v for k, v in function.items() if v is not None}} | fields


def calls(*fragments: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"tool_calls": [fragment]} for fragment in fragments]


TEXT = b"".join(shapes.openai_stream(ASKED))
THINKS = b"".join(shapes.openai_stream(ASKED | {"reasoning_effort": "low"}))
TOOLS = ASKED | {"tools": [{}], "reasoning": {"effort": "low"}}
CALLS = b"".join(shapes.openai_stream(TOOLS))
INLINE = chunks({"content": "<thi"}, {"content": "nk>hm</th"}, {"content": "ink>Hi <think>"})


def test_a_text_stream_gives_these_events() -> None:
    """Counts come before the ending, and the first words with the part's start."""
    assert decode(TEXT) == [
        Begin("chatcmpl-fake1", "m"),
        PartStart(0, Text(text="The ")),
        Delta(0, "fake "),
        Delta(0, "upstream "),
        Delta(0, "says "),
        Delta(0, "hello."),
        Tally(Usage(prompt=7, output=5, cached=2)),
        PartEnd(0),
        End("STOP"),
    ]


@pytest.mark.parametrize("asked", [ASKED, ASKED | {"reasoning_effort": "low"}, TOOLS])
def test_a_whole_answer_is_the_fold_of_its_stream(asked: dict[str, Any]) -> None:
    """One path: text, thoughts and calls come out the same either way."""
    streamed = fold(decode(b"".join(shapes.openai_stream(asked))))
    whole = fold(decode_response(msgspec.json.encode(shapes.openai_unary(asked))))

    assert streamed == whole


@pytest.mark.parametrize("wire", [TEXT, THINKS, CALLS, INLINE])
@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 1000])
def test_slicing_never_changes_the_events(wire: bytes, size: int) -> None:
    """Sockets cut where they like; the caller must not be able to tell."""
    assert decode(wire, size) == decode(wire)


@given(st.sampled_from([TEXT, THINKS, CALLS, INLINE]), st.data())
def test_a_truncated_stream_is_never_taken_for_a_whole_one(
    wire: bytes, data: st.DataObject
) -> None:
    """Cut anywhere before the finish reason's event is complete, it ends in a fault."""
    at = data.draw(st.integers(0, wire.index(b'"finish_reason":"')))

    with pytest.raises(StreamCut):
        decode(wire[:at])


@given(st.binary(max_size=200))
def test_arbitrary_bytes_give_events_or_a_fault(junk: bytes) -> None:
    """Nothing an upstream sends is our own crash."""
    for wire in (junk, b"data: " + junk + b"\n\n", TEXT[: len(junk) * 5] + junk):
        try:
            decode(wire)
        except Fault:
            continue


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)
NAMES = (
    "content tool_calls reasoning images finish_reason delta choices usage function arguments"
    " index id name error reasoning_details message"
)
FIELDS = st.sampled_from(NAMES.split())
TREES = st.recursive(
    JSON,
    lambda inner: st.dictionaries(FIELDS, inner, max_size=4) | st.lists(inner, max_size=2),
    max_leaves=12,
)


@given(st.dictionaries(FIELDS, TREES, max_size=4))
def test_odd_objects_give_events_or_a_fault(tree: dict[str, Any]) -> None:
    """Right names with wrong things in them."""
    body = msgspec.json.encode(tree)
    for wire in (body, b"data: " + body + b"\n\n"):
        try:
            decode_response(body)
            decode(wire)
        except Fault:
            continue


def test_thoughts_are_always_said() -> None:
    """Who may see them is not for the codec to say: the next turn needs them."""
    events = decode(THINKS)

    assert only(fold(events)).content.parts == (
        thought(shapes.THOUGHT, "reasoning_content"),
        Text(text="".join(shapes.WORDS)),
    )
    assert Tally(Usage(prompt=7, output=5, thoughts=4, cached=2)) in events


@pytest.mark.parametrize(
    ("field", "deltas"),
    [
        ("reasoning_content", [{"reasoning_content": "hm"}, {"content": "Hi"}]),
        ("reasoning", [{"reasoning": "hm"}, {"content": "Hi"}]),
        (
            "reasoning",
            [
                {"reasoning": "h", "reasoning_content": "h"},
                {"reasoning": "m", "reasoning_content": "m"},
                {"content": "H", "reasoning": None},
                {"content": "i", "reasoning": ""},
            ],
        ),
        ("think", [{"content": "<think>hm"}, {"content": "</think>Hi"}]),
        (
            "thinking",
            [
                {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}]},
                {"content": [{"type": "text", "text": "H"}, {"type": "text", "text": "i"}]},
            ],
        ),
    ],
)
def test_each_server_s_reasoning_field_is_a_thought(
    field: str, deltas: list[dict[str, Any]]
) -> None:
    """Said twice in two fields, it is one thought; and it remembers where it stood."""
    assert parts(*deltas) == [thought("hm", field), Text(text="Hi")]


ONE = Call(name="f", args=Json(b'{"a":1}'), id="c1")
TWO = Call(name="g", args=Json(b'{"b":[2]}'), id="c2")


@pytest.mark.parametrize(
    "deltas",
    [
        calls(call("f", "", index=0, id="c1"), call(None, '{"a"', index=0))
        + calls(call(None, ":1}", index=0), call("g", '{"b":[2]}', index=1, id="c2")),
        # interleaved, the id late, the name repeated
        calls(call("f", '{"a"', index=0), call("g", '{"b"', index=1))
        + calls(call("f", ":1}", index=0, id="c1"), call("g", ":[2]}", index=1, id="c2")),
        # complete in one delta, without an index (Google's compatibility layer)
        calls(call("f", '{"a":1}', id="c1"), call("g", '{"b":[2]}', id="c2")),
        # both in one delta, both index 0
        [
            {
                "tool_calls": [
                    call("f", '{"a":1}', id="c1", index=0),
                    call("g", '{"b":[2]}', id="c2", index=0),
                ]
            }
        ],
        # without an index, in fragments that name their id
        calls(call("f", '{"a"', id="c1"), call("g", '{"b":', id="c2"))
        + calls(call(None, ":1}", id="c1"), call(None, "[2]}", id="c2")),
        # arguments as an object
        calls(call("f", {"a": 1}, id="c1"), call("g", {"b": [2]}, id="c2")),
    ],
)
@pytest.mark.parametrize("finish", ["tool_calls", "stop", "function_call"])
def test_parallel_calls_come_whole_and_in_order(deltas: list[dict[str, Any]], finish: str) -> None:
    """However a server cuts them up, and whatever it calls that ending."""
    answer = only(fold(decode(chunks(*deltas, finish=finish))))

    assert answer.content.parts == (ONE, TWO)
    assert answer.end == End("STOP", CALLED)


def test_calls_without_ids_and_indices_are_told_apart_by_their_arguments() -> None:
    """Whole arguments take no more, so the same name again is another call."""
    args = '{"a":1}'
    wanted = Call(name="f", args=Json(args.encode()))

    assert parts(*calls(call("f", args, id=""), call("f", args, id=""))) == [wanted] * 2
    assert parts(*calls(call("f", args, index=0), call("f", args, index=0))) == [wanted] * 2


def test_calls_without_ids_and_indices_are_told_apart_by_their_names() -> None:
    """Servers that leave the index out send each call whole."""
    found = parts(*calls(call("f", ""), call("g", "")))
    assert [part.name for part in found] == ["f", "g"]


def test_an_id_may_come_alone_and_a_name_in_pieces() -> None:
    """Whatever a server sends first."""
    late = calls({"id": "c1", "index": 0}, call("get_", "", index=0), call("x", "{}", index=0))
    assert parts(*late) == [Call(name="get_x", id="c1")]


def test_nothing_follows_an_ending_that_was_given() -> None:
    """With the counts in its own chunk, an ending is given at once; a later chunk says no more."""
    chunk = {"choices": [{"index": 0, "delta": {"content": "x"}, "finish_reason": "stop"}]}
    usage = {"usage": {"prompt_tokens": 1}}
    empty = {"choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": None}]}
    wire = shapes.openai_event(chunk | usage) + shapes.openai_event(empty)

    assert decode(wire)[-1] == End("STOP")


def test_a_whole_message_holds_as_many_calls_as_it_lists() -> None:
    """Without any index or id, and with no arguments at all."""
    body = shapes.openai_unary(ASKED)
    message = body["choices"][0]["message"]
    message["tool_calls"] = [call("f", ""), call("f", None), call("g", "{}")]

    found = only(fold(decode_response(msgspec.json.encode(body)))).content.parts[1:]
    assert [(part.name, bytes(part.args)) for part in found] == [
        ("f", b"{}"),
        ("f", b"{}"),
        ("g", b"{}"),
    ]


def test_text_around_calls_keeps_its_place() -> None:
    """Parts of a candidate never interleave."""
    see, ok = {"content": "Let me see. "}, {"content": "Ok"}
    first, *rest = calls(call("f", "", id="c1", index=0), call(None, '{"a":1}', index=0))
    wanted = [Text(text="Let me see. "), ONE, Text(text="Ok")]

    assert parts(see, first, *rest, ok) == wanted
    assert parts(see, first, ok, *rest) == [Text(text="Let me see. Ok"), ONE]


@pytest.mark.parametrize(
    "arguments",
    [
        '{"a":',
        "[1]",
        '"text"',
        '{"a":1}{"b":2}',
        "{'a':1}",
        '{"a":NaN}',
        '{"a":"\\ud800"}',
        "{" * 5000,
    ],
)
def test_a_malformed_call_never_looks_valid(arguments: str) -> None:
    """No part for it nor for those beside it, and an ending that says so."""
    deltas = calls(call("g", "{}", id="c2", index=0), call("f", arguments, id="c1", index=1))
    answer = only(fold(decode(chunks(*deltas))))

    assert answer.content.parts == ()
    assert answer.end.reason == "MALFORMED_FUNCTION_CALL"
    assert "'f'" in answer.end.message


def test_a_call_cut_by_the_token_limit_ends_as_that() -> None:
    """The limit is what the caller can change."""
    answer = only(fold(decode(chunks(*calls(call("f", '{"a":', id="c1")), finish="length"))))

    assert answer.content.parts == ()
    assert answer.end.reason == "MAX_TOKENS"
    assert "'f'" in answer.end.message


@pytest.mark.parametrize(
    ("finish", "reason"),
    [
        ("stop", "STOP"),
        ("length", "MAX_TOKENS"),
        ("content_filter", "SAFETY"),
        ("abort", "OTHER"),
        ("MAX_TOKENS", "MAX_TOKENS"),
        ("end_turn", "STOP"),
    ],
)
def test_each_ending_has_its_reason(finish: str, reason: str) -> None:
    """One that is unknown is never taken for a good one, and is named."""
    end = only(fold(decode(chunks({"content": "x"}, finish=finish)))).end

    assert end.reason == reason
    assert ("abort" in end.message) == (reason == "OTHER")
    assert ("content filter" in end.message) == (reason == "SAFETY")


def test_a_refusal_is_an_ending_with_the_model_s_words() -> None:
    """It is no answer of the kind that was asked for, so it is no text of it."""
    answer = only(fold(decode(chunks({"refusal": "I can"}, {"refusal": "not."}))))

    assert answer.content.parts == ()
    assert answer.end == End("SAFETY", "I cannot.")


def test_images_are_parts_of_their_own() -> None:
    """Inline where a server sends a data URL, by address where it sends that."""

    def image(url: str) -> dict[str, Any]:
        return {"type": "image_url", "image_url": {"url": url}, "index": 0}

    found = parts(
        {"content": "See:"},
        {"images": [image("data:image/png;base64,iVBORw"), image("https://a.example/b.png")]},
    )
    assert found == [
        Text(text="See:"),
        Blob(mime="image/png", data="iVBORw=="),
        FileRef(uri="https://a.example/b.png"),
    ]
    with pytest.raises(UpstreamMalformed, match="data URL"):
        parts({"images": [image("data:image/png,raw")]})


def test_candidates_are_told_apart_by_their_index() -> None:
    """Their deltas may interleave; their parts do not."""

    def chunk(index: int, delta: dict[str, Any], finish: str | None = None) -> bytes:
        choice = {"index": index, "delta": delta, "finish_reason": finish}
        return shapes.openai_event({"id": "i", "model": "m", "choices": [choice]})

    wire = [chunk(0, {"content": "a"}), chunk(1, {"content": "b"}), chunk(0, {"content": "A"})]
    ends = [chunk(0, {}, "stop"), chunk(1, {}, "length")]
    answer = fold(decode(b"".join([*wire, *ends, DONE])))

    assert [found.content.parts for found in answer.candidates] == [
        (Text(text="aA"),),
        (Text(text="b"),),
    ]
    assert [found.end.reason for found in answer.candidates] == ["STOP", "MAX_TOKENS"]
    with pytest.raises(StreamCut):
        decode(b"".join([*wire, ends[0], DONE]))


def test_google_s_signatures_are_kept_with_their_part() -> None:
    """On a call and on a text, in either carrier; those of other makers are not Gemini's."""
    google = {"google": {"thought_signature": "c2ln"}}
    detail = {"type": "reasoning.encrypted", "data": "c2ln", "format": "google-gemini-v1"}
    other = detail | {"format": "anthropic-claude-v1"}
    bare = call("f", '{"a":1}', id="c1")
    signed = msgspec.structs.replace(ONE, signature="c2ln")

    assert parts(*calls(bare | {"extra_content": google})) == [signed]
    assert parts({"reasoning_details": [detail | {"id": "c1"}]}, *calls(bare)) == [signed]
    assert parts({"reasoning_details": [other | {"id": "c1"}]}, *calls(bare))[-1] == ONE
    text = [Text(text="x", signature="c2ln")]
    assert parts({"content": "x", "extra_content": google}) == text
    assert parts({"content": "x"}, {"reasoning_details": [detail]}) == text
    assert parts({"reasoning_details": [detail]}) == [Text(text="", signature="c2ln")]


def test_a_name_that_the_wire_does_not_take_is_given_back() -> None:
    """Also where the call is broken, and what nobody declared stays as it is."""
    name = "files.read:größe"
    question = Question(Names([FunctionTool(name=name)]))
    wire = chunks(*calls(call(wire_name(name), "{}", id="c1"), call("other", "{}", id="c2")))
    found = only(fold(decode(wire, question=question))).content.parts
    broken = chunks(*calls(call(wire_name(name), "[", id="c1")))

    assert [part.name for part in found] == [name, "other"]
    assert repr(name) in only(fold(decode(broken, question=question))).end.message


@pytest.mark.parametrize(
    ("said", "text"),
    [('{"value":"two words"}', "two words"), ('"a"', "a"), ("a", "a"), ('{"value":1}', None)],
)
def test_a_word_of_a_list_is_taken_out_of_its_object(said: str, text: str | None) -> None:
    """In one piece; what a server says against the schema stays, for others to judge."""
    request = Request(model="m", contents=(), output=OutputFormat("text/x.enum"))
    pieces = [{"content": said[:3]}, {"content": said[3:]}]
    found = only(fold(decode(chunks(*pieces), question=question_of(request)))).content.parts

    assert found == (Text(text=said if text is None else text),)


def test_log_probabilities_ride_on_the_ending() -> None:
    """In Gemini's words, which are the core's."""
    token = {"token": "Hi", "logprob": -0.5, "bytes": [72], "top_logprobs": []}
    top = token | {"logprob": -1.5, "top_logprobs": [{"token": "Ho", "logprob": -2.0}]}
    choice = {"index": 0, "delta": {"content": "Hi"}, "finish_reason": None}
    pieces = [choice | {"logprobs": {"content": [each]}} for each in (token, top)]
    pieces.append(choice | {"delta": {}, "finish_reason": "stop"})
    wire = b"".join(shapes.openai_event({"choices": [piece]}) for piece in pieces) + DONE
    end = only(fold(decode(wire))).end

    assert end.extra_dialect == "gemini"
    assert msgspec.json.decode(end.extra) == {
        "avgLogprobs": -1.0,
        "logprobsResult": {
            "chosenCandidates": [
                {"token": "Hi", "logProbability": -0.5},
                {"token": "Hi", "logProbability": -1.5},
            ],
            "topCandidates": [
                {"candidates": []},
                {"candidates": [{"token": "Ho", "logProbability": -2.0}]},
            ],
            "logProbabilitySum": -2.0,
        },
    }


@pytest.mark.parametrize(
    "wire",
    [
        chunks({"content": "x"}, finish=None),
        chunks({"content": "x"}, finish=None).removesuffix(DONE),
        DONE,
        b"",
        b": only comments\n\n",
        TEXT[: TEXT.index(b'"usage"')],
    ],
)
def test_an_ending_that_is_none_is_a_cut(wire: bytes) -> None:
    """A clean close, and even [DONE], proves nothing without a finish reason."""
    with pytest.raises(StreamCut):
        decode(wire)


@pytest.mark.parametrize(
    "wire",
    [
        TEXT,
        TEXT.removesuffix(DONE),  # some servers never send it
        TEXT.removesuffix(b"\n\n"),  # or leave its last lines out
        TEXT + b"data: {broken",  # nothing after it counts
        TEXT.replace(b"\n", b"\r\n"),
        b": GEMINID PROCESSING\n\n" + TEXT,
        b'data: {"id":"","model":"","choices":[],"prompt_filter_results":[]}\n\n' + TEXT,
        TEXT.replace(b'"finish_reason":null', b'"finish_reason":null,"error":null'),
    ],
)
def test_harmless_habits_of_servers_change_nothing(wire: bytes) -> None:
    """The answer is whole, so it is given."""
    assert decode(wire) == decode(TEXT)


def test_usage_may_be_missing_or_come_again_and_again() -> None:
    """Each tally replaces the one before; none is made up."""
    chunk = shapes.openai_chunk({"content": "a"}, ASKED)
    usage = b'{"usage":{"prompt_tokens":%d,"completion_tokens":1},'
    twice = chunk.replace(b"{", usage % 1, 1) + chunk.replace(b"{", usage % 2, 1)
    end = shapes.openai_chunk({}, ASKED, "stop").replace(b"{", usage % 2, 1)

    assert not [event for event in decode(chunks({"content": "a"})) if isinstance(event, Tally)]
    tallies = [event for event in decode(twice + end + DONE) if isinstance(event, Tally)]
    assert [tally.usage.prompt for tally in tallies] == [1, 2]


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"code": 429, "message": "slow down"}, RateLimited),
        ({"code": "502", "message": "provider gone"}, UpstreamFault),
        ({"type": "overloaded_error", "message": "busy"}, Overloaded),
        ({"message": "?"}, UpstreamFault),
        ("text", UpstreamFault),
    ],
)
def test_an_error_in_mid_stream_is_raised(error: Any, kind: type[Fault]) -> None:
    """After parts of the answer, and whatever follows it."""
    wire = shapes.openai_chunk({"content": "x"}, ASKED) + shapes.openai_event({"error": error})

    with pytest.raises(kind) as caught:
        decode(wire + shapes.openai_chunk({}, ASKED, "stop") + DONE)
    assert type(caught.value) is kind


def test_what_came_in_one_chunk_with_an_error_is_given_first() -> None:
    """Nothing made is lost."""
    wire = shapes.openai_chunk({"content": "x"}, ASKED) + shapes.openai_event({"error": "no"})
    events = StreamDecoder().feed(wire)

    assert [next(events), next(events)] == [
        Begin("chatcmpl-fake1", "m"),
        PartStart(0, Text(text="x")),
    ]
    with pytest.raises(UpstreamFault):
        next(events)


def test_an_error_under_status_200_is_raised() -> None:
    """In the body, in a choice, or as a finish reason."""
    body = shapes.openai_unary(ASKED)
    body["choices"][0]["error"] = {"code": 503, "message": "gone"}

    with pytest.raises(Overloaded):
        decode_response(b'{"error":{"code":503,"message":"gone"}}')
    with pytest.raises(Overloaded):
        decode_response(msgspec.json.encode(body))
    with pytest.raises(UpstreamFault):
        decode(chunks({"content": "x"}, finish="error"))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'{"choices":[]}',
        b'{"choices":[{"message":{"content":"x"},"finish_reason":null}]}',
        b'{"choices":[{"message":{"content":5},"finish_reason":"stop"}]}',
        b"<html>",
        b'{"a":' * 5000,
    ],
)
def test_a_body_that_is_no_completion_is_malformed(body: bytes) -> None:
    """And its content is not repeated to the caller."""
    with pytest.raises(UpstreamMalformed) as caught:
        decode_response(body)
    assert "html" not in caught.value.detail


def test_an_event_past_the_limit_is_the_upstream_s_fault() -> None:
    """A caller who asked nothing wrong must not be told 400."""
    decoder = StreamDecoder()
    megabyte = b"x" * (1 << 20)

    with pytest.raises(UpstreamMalformed):
        [list(decoder.feed(megabyte)) for _ in range(65)]
