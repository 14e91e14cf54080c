"""Events to Google's objects and framings: what the vendor's clients must be able to read."""

import msgspec
import pytest
from hypothesis import given

from geminid.core.content import Blob, Call, Code, Json, Modifiers, Opaque, Text, Thought
from geminid.core.errors import StreamCut, Unrepresentable, UpstreamMalformed
from geminid.core.events import Begin, Blocked, Delta, End, Event, PartEnd, PartStart, Tally
from geminid.core.fold import fold
from geminid.core.usage import ModalityCount, Usage
from geminid.dialects.gemini.errors import encode_fault
from geminid.dialects.gemini.response import (
    ArrayFraming,
    ObjectEncoder,
    SSEFraming,
    encode_answer,
    pretty,
)
from tests import strategies
from tests.dialects.gemini.answers import SIGNATURE, encoded, streamed, unary

BEGIN = Begin("r1", "m")
TAIL = b'"modelVersion":"m","responseId":"r1"'
CLOSING = b'"parts":[{"text":""}],"role":"model"'
SIGNED = b'"parts":[{"text":"","thoughtSignature":"%b"}],"role":"model"' % SIGNATURE.encode()


def objects(*events: Event) -> list[bytes]:
    """The objects that the events complete."""
    encoder = ObjectEncoder()
    return [found for event in events for found in encoder.add(event)]


def piece(part: bytes, index: int = 0) -> bytes:
    """One object that holds one part."""
    content = b'{"parts":[%b],"role":"model"}' % part
    return b'{"candidates":[{"content":%b,"index":%d}],%b}' % (content, index, TAIL)


def closing(content: bytes = CLOSING, reason: bytes = b"STOP", rest: bytes = b"") -> bytes:
    """The last object of a candidate."""
    head = b'{"candidates":[{"content":{%b},"finishReason":"%b","index":0' % (content, reason)
    return b"%b%b}],%b}" % (head, rest, TAIL)


def test_a_text_flows_as_it_comes_and_its_signature_closes_it() -> None:
    """As the real API sends it (gemini.md 1.2): the last chunk is an empty text."""
    assert objects(
        BEGIN,
        PartStart(0, Thought(text="")),
        Delta(0, "hm"),
        PartEnd(0),
        PartStart(1, Text(text="H")),
        Delta(1, "i"),
        PartEnd(1, SIGNATURE),
        End("STOP"),
    ) == [
        piece(b'{"text":"hm","thought":true}'),
        piece(b'{"text":"H"}'),
        piece(b'{"text":"i"}'),
        closing(
            b'"parts":[{"text":"","thoughtSignature":"%b"}],"role":"model"' % SIGNATURE.encode()
        ),
    ]


def test_a_call_leaves_whole_when_it_ends() -> None:
    """No vendor's client takes half a call."""
    assert objects(
        BEGIN,
        PartStart(0, Call(name="f", id="i")),
        Delta(0, '{"a":'),
        Delta(0, "1}"),
        PartEnd(0, "c2ln"),
        End("STOP", "Model generated function call(s)."),
    ) == [
        piece(b'{"functionCall":{"name":"f","args":{"a":1},"id":"i"},"thoughtSignature":"c2ln"}'),
        closing(rest=b',"finishMessage":"Model generated function call(s)."'),
    ]


def test_calls_of_one_group_leave_in_one_object() -> None:
    """google-genai makes a content of each object, and only the first call is signed."""
    first, second = Call(name="f", signature="c2ln"), Call(name="g")
    assert objects(
        BEGIN,
        PartStart(0, first),
        PartEnd(0),
        PartStart(1, second),
        PartEnd(1),
        PartStart(2, Text(text="a")),
        PartEnd(2),
        End("STOP"),
    ) == [
        piece(
            b'{"functionCall":{"name":"f","args":{}},"thoughtSignature":"c2ln"},'
            b'{"functionCall":{"name":"g","args":{}}},{"text":"a"}'
        ),
        closing(),
    ]


def test_a_signature_never_waits_past_the_next_part() -> None:
    assert objects(
        BEGIN,
        PartStart(0, Text(text="a")),
        PartEnd(0, "c2ln"),
        PartStart(1, Call(name="f")),
        PartEnd(1),
        End("STOP"),
    ) == [
        piece(b'{"text":"a"}'),
        piece(b'{"text":"","thoughtSignature":"c2ln"}'),
        piece(b'{"functionCall":{"name":"f","args":{}}}'),
        closing(),
    ]


def test_a_signature_on_a_thought_is_told_as_the_thoughts() -> None:
    assert objects(
        BEGIN,
        PartStart(0, Thought(text="t")),
        PartEnd(0, "c2ln"),
        PartStart(1, Text(text="a")),
        PartEnd(1),
        End("STOP"),
    ) == [
        piece(b'{"text":"t","thought":true}'),
        piece(b'{"text":"","thought":true,"thoughtSignature":"c2ln"},{"text":"a"}'),
        closing(),
    ]


def test_a_text_with_modifiers_leaves_whole() -> None:
    marked = Text(text="a", modifiers=Modifiers(metadata=Json(b'{"b":1}')))

    assert objects(BEGIN, PartStart(0, marked), Delta(0, "c"), PartEnd(0), End("STOP")) == [
        piece(b'{"text":"ac","partMetadata":{"b":1}}'),
        closing(),
    ]


def test_code_and_media_leave_whole() -> None:
    assert objects(
        BEGIN,
        PartStart(0, Code(code="1")),
        Delta(0, "+1"),
        PartEnd(0),
        PartStart(1, Blob(mime="image/png", data="QQ==")),
        PartEnd(1),
        End("STOP"),
    ) == [
        piece(b'{"executableCode":{"language":"PYTHON","code":"1+1"}}'),
        piece(b'{"inlineData":{"mimeType":"image/png","data":"QQ=="}}'),
        closing(),
    ]


def test_an_answer_that_said_nothing_has_a_role_and_no_parts() -> None:
    """MAX_TOKENS in thought, as recorded (gemini.md 2.1)."""
    assert objects(BEGIN, End("MAX_TOKENS")) == [closing(b'"role":"model"', b"MAX_TOKENS")]


def test_candidates_are_told_apart_by_index() -> None:
    one, two, *_ = objects(
        BEGIN,
        PartStart(0, Text(text="a"), 0),
        PartStart(0, Text(text="x"), 1),
        PartEnd(0, "", 0),
        PartEnd(0, "", 1),
    )

    assert (one, two) == (piece(b'{"text":"a"}'), piece(b'{"text":"x"}', 1))


def test_a_blocked_prompt_has_feedback_and_no_candidates() -> None:
    end = End("", blocked=Blocked("SAFETY", Json(b'[{"category":"X"}]'), "no"))
    expected = (
        b'{"promptFeedback":{"blockReason":"SAFETY","safetyRatings":[{"category":"X"}],'
        b'"blockReasonMessage":"no"},%b}' % TAIL
    )

    assert objects(BEGIN, end) == [expected]
    assert encode_answer(fold([BEGIN, end])) == expected


def test_usage_stands_in_every_object_from_then_on() -> None:
    """Clients read the last they see; each replaces the one before (gemini.md 1.2)."""
    first, second, third = objects(
        BEGIN,
        Tally(Usage(prompt=1)),
        PartStart(0, Text(text="a")),
        Tally(Usage(prompt=1, output=2)),
        Delta(0, "b"),
        PartEnd(0),
        End("STOP"),
    )

    one = b'"usageMetadata":{"promptTokenCount":1,"totalTokenCount":1}'
    two = b'"usageMetadata":{"promptTokenCount":1,"candidatesTokenCount":2,"totalTokenCount":3}'
    assert one in first
    assert two in second
    assert two in third


def test_usage_that_comes_after_the_ending_is_told() -> None:
    """Servers in OpenAI's way count last; those tokens were on nobody's bill."""
    *_, last = objects(BEGIN, End("STOP"), Tally(Usage(prompt=1)))

    assert last == b'{"usageMetadata":{"promptTokenCount":1,"totalTokenCount":1},%b}' % TAIL


def test_usage_adds_up_and_leaves_zeros_out() -> None:
    """total = prompt + candidates + thoughts + tool use (gemini.md 2.2); cached is in prompt."""
    usage = Usage(
        prompt=95,
        output=66,
        tool_use=132,
        thoughts=439,
        cached=9,
        prompt_details=(ModalityCount("TEXT", 95), ModalityCount("IMAGE", 0)),
        service_tier="standard",
    )
    answer = encode_answer(fold([BEGIN, Tally(usage), End("STOP")]))

    assert msgspec.json.decode(answer)["usageMetadata"] == {
        "promptTokenCount": 95,
        "candidatesTokenCount": 66,
        "thoughtsTokenCount": 439,
        "toolUsePromptTokenCount": 132,
        "cachedContentTokenCount": 9,
        "totalTokenCount": 732,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 95}, {"modality": "IMAGE"}],
        "serviceTier": "standard",
    }
    nothing = encode_answer(fold([BEGIN, Tally(Usage()), End("STOP")]))
    assert msgspec.json.decode(nothing)["usageMetadata"] == {"totalTokenCount": 0}


def test_what_the_engine_does_not_name_is_left_out() -> None:
    """Proto3 has no empty strings; and a tail without fields made broken JSON."""
    begin = Begin("", "")

    assert objects(begin, PartStart(0, Text(text="a")), PartEnd(0), End("STOP")) == [
        b'{"candidates":[{"content":{"parts":[{"text":"a"}],"role":"model"},"index":0}]}',
        b'{"candidates":[{"content":{%b},"finishReason":"STOP","index":0}]}' % CLOSING,
    ]


def test_our_own_extra_is_written_and_another_dialects_is_not() -> None:
    ours = Begin("r1", "m", Json(b'{"modelStatus":{"modelStage":"X"}}'), "gemini")
    end = End("STOP", extra=Json(b'{"avgLogprobs":-1.5}'), extra_dialect="gemini")
    written = encode_answer(fold([ours, end]))
    assert b'"avgLogprobs":-1.5' in written
    assert b'"modelStatus":{"modelStage":"X"}' in written

    theirs = Begin("r1", "m", Json(b'{"system_fingerprint":"x"}'), "openai")
    end = End("STOP", extra=Json(b'{"logprobs":null}'), extra_dialect="openai")
    assert encode_answer(fold([theirs, end])) == closing(b'"role":"model"')


def test_a_part_that_cannot_be_told_is_a_fault() -> None:
    part = Opaque(dialect="openai", kind="refusal", body=Json(b"{}"))

    with pytest.raises(Unrepresentable):
        objects(BEGIN, PartStart(0, part), PartEnd(0))


def test_a_call_cut_in_its_arguments_breaks_the_answer_and_not_the_json() -> None:
    with pytest.raises(UpstreamMalformed, match="'f'"):
        objects(BEGIN, PartStart(0, Call(name="f")), Delta(0, '{"a":'), PartEnd(0))


@given(strategies.events(most=3))
def test_a_whole_answer_survives_the_wire(events: list[Event]) -> None:
    answer = fold(events)

    assert fold(unary(msgspec.json.decode(encode_answer(answer)))) == answer


@given(strategies.blocked_events)
def test_a_blocked_answer_survives_both_wires(events: list[Event]) -> None:
    answer = fold(events)

    assert fold(unary(msgspec.json.decode(encode_answer(answer)))) == answer
    assert fold(streamed(encoded(events))) == answer


@given(strategies.events(most=2))
def test_every_object_of_a_stream_is_what_a_client_expects(events: list[Event]) -> None:
    """Content with a role in each piece, an index, and one finish reason for each candidate."""
    found = [msgspec.json.decode(each) for each in objects(*events)]
    candidates = [candidate for each in found for candidate in each.get("candidates", [])]
    ended = [each["index"] for each in candidates if "finishReason" in each]

    assert all(candidate["content"]["role"] == "model" for candidate in candidates)
    assert sorted(ended) == sorted({each["index"] for each in candidates})
    assert all(each.get("usageMetadata", {"totalTokenCount": 0}) for each in found)


# --- framing -------------------------------------------------------------------------------------


def test_sse_is_one_line_and_two_line_ends_and_nothing_else() -> None:
    """A comment, an event name or `[DONE]` breaks Google's own clients (gemini.md 1.2)."""
    framing = SSEFraming()

    assert framing.frame(b'{"a":"\\n"}') == b'data: {"a":"\\n"}\r\n\r\n'
    assert framing.close() == b""
    assert framing.content_type == "text/event-stream"


@given(strategies.events())
def test_no_text_can_break_out_of_its_event(events: list[Event]) -> None:
    """JSON escapes line ends; were one raw, a client would see two events, or garbage."""
    wire = encoded(events)

    assert wire.endswith(b"\r\n\r\n")
    for event in wire.removesuffix(b"\r\n\r\n").split(b"\r\n\r\n"):
        assert event.startswith(b"data: {")
        assert b"\n" not in event
        assert b"\r" not in event


def test_the_array_form_is_google_own() -> None:
    """`[{...}` newline comma newline `{...}` newline `]`, as recorded (gemini.md 1.2)."""
    framing = ArrayFraming(pretty=False)

    told = [framing.frame(b'{"a":1}'), framing.frame(b'{"b":2}'), framing.close()]
    assert b"".join(told) == b'[{"a":1}\n,\n{"b":2}\n]'
    assert framing.content_type == "application/json; charset=UTF-8"


def test_the_array_form_is_pretty_unless_asked_otherwise() -> None:
    framing = ArrayFraming()

    assert framing.frame(b'{"a":[1]}') + framing.close() == b'[{\n  "a": [\n    1\n  ]\n}\n]'


@pytest.mark.parametrize("nice", [True, False])
def test_an_empty_array_is_one_too(nice: bool) -> None:
    assert ArrayFraming(pretty=nice).close() == b"[]"


@pytest.mark.parametrize("nice", [True, False])
def test_an_array_with_an_error_in_the_middle_is_whole_json(nice: bool) -> None:
    """The status is out already; a client that parses the array must find the error in it."""
    framing = ArrayFraming(pretty=nice)
    error = encode_fault(StreamCut("It stopped; try again."))[1]

    array = framing.frame(b'{"a":1}') + framing.frame(error) + framing.close()
    assert msgspec.json.decode(array) == [
        {"a": 1},
        {"error": {"code": 502, "message": "It stopped; try again.", "status": "UNAVAILABLE"}},
    ]


def test_printing_nicely_changes_nothing_but_white_space() -> None:
    encoded_ = '{"a":{},"b":[],"c":"ü\\u2028","d":123456789012345678901234567890,"e":1.0}'.encode()

    assert (
        pretty(encoded_)
        == (
            '{\n  "a": {},\n  "b": [],\n  "c": "ü\\u2028",\n'
            '  "d": 123456789012345678901234567890,\n  "e": 1.0\n}\n'
        ).encode()
    )
