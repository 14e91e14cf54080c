"""How answers end, what stands beside their parts, and how upstreams fail."""

import time

import msgspec
import pytest

from geminid.core.content import Code, Json, Text
from geminid.core.errors import (
    Fault,
    Overloaded,
    RateLimited,
    StreamCut,
    UpstreamFault,
    UpstreamMalformed,
    UpstreamRefused,
)
from geminid.core.events import Begin, Blocked, End, Event, PartStart, Tally
from geminid.core.fold import fold
from geminid.core.usage import ModalityCount, Usage
from geminid.dialects.gemini.stream import ObjectDecoder, StreamDecoder
from geminid.dialects.sse import EVENT_LIMIT
from tests.dialects.gemini.answers import (
    chunk,
    counted,
    only,
    sse,
    streamed,
    unary,
)

BEGIN = Begin("r1", "gemini-3-pro-preview")


def test_a_finish_reason_in_the_middle_does_not_end_the_answer() -> None:
    """With built-in tools one comes early; clients that believed it lost the answer (pains 21)."""
    wire = sse(
        chunk({"executableCode": {"code": "1"}}, finishReason="STOP", finishMessage="early"),
        chunk({"text": "so "}),
        chunk({"text": "it is 1"}, finishReason="MAX_TOKENS"),
    )

    [*_, end] = streamed(wire)
    assert end == End("MAX_TOKENS")
    assert only(streamed(wire)) == (Code(code="1", language=""), Text(text="so it is 1"))


def test_a_cut_after_an_early_finish_reason_is_still_a_cut() -> None:
    wire = sse(chunk({"text": ""}, finishReason="STOP"), chunk({"text": "so "}))

    with pytest.raises(StreamCut):
        streamed(wire)


def test_a_reason_on_every_chunk_as_old_models_send_it() -> None:
    wire = sse(*(chunk({"text": text}, finishReason="STOP") for text in "abc"))

    assert only(streamed(wire)) == (Text(text="abc"),)


def test_a_reason_that_says_nothing_ends_nothing() -> None:
    """Some servers print every enum's zero; a cut after one looked whole."""
    unspecified = chunk({"text": "a"}, finishReason="FINISH_REASON_UNSPECIFIED")
    unspecified["promptFeedback"] = {"blockReason": "BLOCK_REASON_UNSPECIFIED"}

    with pytest.raises(StreamCut):
        streamed(sse(unspecified))
    assert streamed(sse(unspecified, chunk(finishReason="STOP")))[-1] == End("STOP")


def test_a_closing_chunk_after_the_reason_changes_nothing() -> None:
    """Usage, grounding or an empty text may trail behind (vercel/ai 13123, laravel/ai 912)."""
    wire = sse(
        chunk({"text": "a"}),
        chunk({"text": "b"}, finishReason="STOP"),
        chunk({"text": ""}, groundingMetadata={"webSearchQueries": ["q"]}),
        {"usageMetadata": {"promptTokenCount": 3}},
    )

    [*_, end] = found = streamed(wire)
    assert end == End(
        "STOP",
        extra=Json(b'{"groundingMetadata":{"webSearchQueries":["q"]}}'),
        extra_dialect="gemini",
    )
    assert fold(found).usage == Usage(prompt=3)


def test_all_tokens_went_into_thoughts() -> None:
    tree = {"candidates": [{"content": {"role": "model"}, "finishReason": "MAX_TOKENS"}]}

    assert unary(tree) == [Begin("", ""), End("MAX_TOKENS")]


@pytest.mark.parametrize(
    "tree", [{}, {"candidates": []}, {"usageMetadata": {}}, chunk({"text": "a"})]
)
def test_an_answer_without_an_ending_is_cut(tree: object) -> None:
    with pytest.raises(StreamCut):
        unary(tree)


def test_a_blocked_prompt() -> None:
    tree = {
        "promptFeedback": {
            "blockReason": "PROHIBITED_CONTENT",
            "blockReasonMessage": "no",
            "safetyRatings": [{"category": "X"}],
        },
        "usageMetadata": {"promptTokenCount": 4},
        "modelVersion": "m",
    }

    blocked = Blocked("PROHIBITED_CONTENT", Json(b'[{"category":"X"}]'), "no")
    assert unary(tree) == [Begin("", "m"), Tally(Usage(prompt=4)), End("", blocked=blocked)]


def test_a_block_in_mid_answer_ends_it_and_is_no_cut() -> None:
    """It was reported as a cut, which is retried and paid again, and its reason was lost."""
    wire = sse(chunk({"text": "bad"}), {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}})

    found = streamed(wire)
    assert found[-1] == End("PROHIBITED_CONTENT")
    assert only(found) == (Text(text="bad"),)


def test_ratings_without_a_block_are_kept() -> None:
    feedback = {"safetyRatings": [{"category": "X"}]}
    begin = unary(chunk({"text": "a"}, finishReason="STOP") | {"promptFeedback": feedback})[0]

    assert isinstance(begin, Begin)
    assert msgspec.json.decode(begin.extra or b"") == {"promptFeedback": feedback}


def test_grounding_from_an_early_chunk_survives_an_empty_one_later() -> None:
    """`groundingMetadata: {}` stands in every chunk of a recorded stream (pains.md 25)."""
    grounding = {"webSearchQueries": ["q"], "groundingChunks": [{"web": {"uri": "u"}}]}
    wire = sse(
        chunk({"text": "a"}, groundingMetadata={}),
        chunk({"text": "b"}, groundingMetadata=grounding, safetyRatings=None),
        chunk({"text": "c"}, groundingMetadata={}, finishReason="STOP"),
    )

    [*_, end] = streamed(wire)
    assert isinstance(end, End)
    assert msgspec.json.decode(end.extra or b"") == {"groundingMetadata": grounding}


def test_log_probabilities_and_citations_of_all_chunks_are_kept() -> None:
    def piece(token: str) -> dict[str, object]:
        chosen = [{"token": token, "logProbability": -1}]
        return {"chosenCandidates": chosen, "topCandidates": [{"candidates": chosen}]}

    wire = sse(
        chunk({"text": "a"}, logprobsResult=piece("a")),
        chunk({"text": "b"}, logprobsResult=piece("b"),
              citationMetadata={"citationSources": [{"uri": "1"}]}),
        chunk({"text": ""}, finishReason="STOP",
              citationMetadata={"citationSources": [{"uri": "1"}, {"uri": "2"}]}),
    )  # fmt: skip

    [*_, end] = streamed(wire)
    assert isinstance(end, End)
    extra = msgspec.json.decode(end.extra or b"")
    assert [each["token"] for each in extra["logprobsResult"]["chosenCandidates"]] == ["a", "b"]
    assert len(extra["logprobsResult"]["topCandidates"]) == 2
    assert extra["citationMetadata"] == {"citationSources": [{"uri": "1"}, {"uri": "2"}]}


def test_unknown_fields_keep_their_order_in_every_process() -> None:
    names = [f"field{number}" for number in range(20)]
    tree = chunk({"text": "a"}, finishReason="STOP", **dict.fromkeys(names, 1))

    [*_, end] = unary(tree | dict.fromkeys(names, 2))
    assert isinstance(end, End)
    assert list(msgspec.json.decode(end.extra or b"")) == names


def test_usage_is_told_when_it_changes_and_only_then() -> None:
    one = {"promptTokenCount": 1}
    wire = sse(
        counted(chunk({"text": "a"}), **one), counted(chunk({"text": "b"}), **one),
        chunk({"text": "c"}), counted(chunk(finishReason="STOP"), promptTokenCount=2),
    )  # fmt: skip

    found = [event for event in streamed(wire) if isinstance(event, Tally)]
    assert found == [Tally(Usage(prompt=1)), Tally(Usage(prompt=2))]


def test_all_counts_of_usage() -> None:
    """gemini.md 2.2: the total is never read, it is the sum."""
    text = [{"modality": "TEXT", "tokenCount": 1}]
    counts = {
        "promptTokenCount": 95, "candidatesTokenCount": "66", "toolUsePromptTokenCount": 132,
        "thoughtsTokenCount": 439.0, "cachedContentTokenCount": 9, "totalTokenCount": 732,
        "promptTokensDetails": text, "candidatesTokensDetails": text,
        "cacheTokensDetails": text, "toolUsePromptTokensDetails": text, "serviceTier": "standard",
        "trafficType": "ON_DEMAND",
    }  # fmt: skip
    one = (ModalityCount("TEXT", 1),)

    usage = fold(unary(chunk(finishReason="STOP") | {"usageMetadata": counts})).usage
    assert usage == Usage(
        prompt=95, output=66, thoughts=439, cached=9, tool_use=132, prompt_details=one,
        output_details=one, cache_details=one, tool_use_details=one, service_tier="standard",
    )  # fmt: skip
    assert usage.total == 732


def test_an_error_in_mid_stream_is_told_after_all_that_came_before_it() -> None:
    """What was made is not lost, also if the error came in the same packet."""
    error = {"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}}
    found: list[Event] = []

    with pytest.raises(Overloaded, match="The model is overloaded") as caught:
        found.extend(StreamDecoder().feed(sse(chunk({"text": "a"}), error)))

    assert found == [BEGIN, PartStart(0, Text(text="a"))]
    assert caught.value.native is not None
    assert caught.value.native.status == 503


@pytest.mark.parametrize(
    ("code", "kind"),
    [(429, RateLimited), (500, UpstreamFault), (401, UpstreamRefused), (0, UpstreamFault)],
)
def test_the_code_of_an_error_object_decides(code: int, kind: type[Fault]) -> None:
    with pytest.raises(kind):
        streamed(sse({"error": {"code": code, "message": "m"}}))


def test_an_error_of_null_is_no_error() -> None:
    assert only(unary(chunk({"text": "a"}, finishReason="STOP") | {"error": None}))


@pytest.mark.parametrize(
    "payload",
    [
        b"<html>", b"[]", b"5", b'"x"', b"null", b"{", b"\xff", b"[" * 100_000,
        b'{"candidates":{}}', b'{"candidates":[5]}', b'{"candidates":[{"content":[]}]}',
        b'{"candidates":[{"content":{"parts":{}}}]}', b'{"candidates":[{"content":{"parts":[5]}}]}',
        b'{"candidates":[{"content":{"parts":[{"text":5}]}}]}',
        b'{"candidates":[{"content":{"parts":[{"functionCall":[]}]}}]}',
        b'{"candidates":[{"index":"x"}]}', b'{"candidates":[{"index":[]}]}',
        b'{"candidates":[{"finishReason":5}]}',
        b'{"usageMetadata":[]}', b'{"usageMetadata":{"promptTokenCount":"x"}}',
        b'{"usageMetadata":{"promptTokenCount":1.5}}',
        b'{"usageMetadata":{"promptTokensDetails":5}}',
        b'{"promptFeedback":[]}', b'{"promptFeedback":{"blockReason":5}}', b'{"modelVersion":5}',
        b'{"candidates":[{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}]}",
    ],
)  # fmt: skip
def test_what_is_no_answer_is_the_upstreams_fault(payload: bytes) -> None:
    with pytest.raises(UpstreamMalformed):
        ObjectDecoder().feed(payload)


@pytest.mark.parametrize(
    "tree",
    [
        {"candidates": None, "usageMetadata": None, "promptFeedback": None, "responseId": None},
        {"candidates": [{"content": None, "index": None, "finishReason": None}]},
        {"candidates": [{"content": {"parts": None, "role": None}, "finishMessage": None}]},
        {"candidates": [{"content": {"parts": [{"text": None}, {}]}}]},
    ],
)
def test_null_says_nothing(tree: object) -> None:
    """Servers that speak Google's API print nulls where Google prints nothing."""
    assert ObjectDecoder().feed(msgspec.json.encode(tree)) == [Begin("", "")]


def test_an_event_past_the_limit_is_not_the_callers_fault() -> None:
    decoder = StreamDecoder()
    piece = b"x" * (8 << 20)

    for _ in range(EVENT_LIMIT // len(piece)):
        assert list(decoder.feed(piece)) == []
    with pytest.raises(UpstreamMalformed, match=f"{EVENT_LIMIT}"):
        next(decoder.feed(piece))


def test_ten_thousand_chunks_take_ten_times_as_long_as_a_thousand() -> None:
    def cost(chunks: int) -> float:
        trees = [chunk({"text": "a"}, logprobsResult={"chosenCandidates": [{"token": "a"}]})]
        wire = sse(*trees * chunks, chunk(finishReason="STOP"))
        best = float("inf")
        for _ in range(3):
            began = time.process_time()
            streamed(wire)
            best = min(best, time.process_time() - began)
        return best

    assert cost(10_000) < 40 * cost(1_000)
