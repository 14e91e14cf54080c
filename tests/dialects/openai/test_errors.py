"""Error answers to faults: whose fault it is, when to come back, and nothing secret in it."""

import inspect
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geminid.core import errors
from geminid.core.errors import (
    CallerFault,
    DeadlinePassed,
    Fault,
    Invalid,
    NotFound,
    Overloaded,
    RateLimited,
    TooLarge,
    TooManyTokens,
    UpstreamFault,
    UpstreamMalformed,
    UpstreamRefused,
)
from geminid.core.events import Blocked
from geminid.dialects.openai.errors import decode_block, decode_error, decode_stream_error

HTML = b"<html><body>nginx at 10.0.0.7</body></html>"


def decode(status: int, message: str = "said so", **fields: Any) -> Fault:
    body = {"error": {"message": message, "type": "t", "param": None, "code": None} | fields}
    return decode_error(status, msgspec.json.encode(body))


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Invalid),
        (401, UpstreamRefused),
        (402, UpstreamRefused),
        (403, UpstreamRefused),
        (404, NotFound),
        (408, DeadlinePassed),
        (409, Invalid),
        (413, TooLarge),
        (422, Invalid),
        (429, RateLimited),
        (500, UpstreamFault),
        (502, UpstreamFault),
        (503, Overloaded),
        (504, DeadlinePassed),
        (524, DeadlinePassed),
        (529, Overloaded),
        (307, UpstreamFault),
    ],
)
def test_each_status_has_its_fault(status: int, kind: type[Fault]) -> None:
    """A refusal of our key is never the caller's, and quotes nothing of it."""
    fault = decode(status)

    assert type(fault) is kind
    assert ("said so" in fault.detail) == isinstance(fault, CallerFault)


@pytest.mark.parametrize("status", range(300, 600))
def test_a_page_instead_of_json_is_never_shown(status: int) -> None:
    """The status still tells what it can."""
    fault = decode_error(status, HTML)

    assert "nginx" not in fault.detail
    assert not isinstance(fault, CallerFault)
    assert fault.native is None
    if status in (400, 404, 500, 502):
        assert isinstance(fault, UpstreamMalformed)


@pytest.mark.parametrize(
    "body",
    [
        b'{"error":"no such model"}',
        b'{"detail":"no such model"}',
        b'{"object":"error","message":"no such model","code":40401}',
        b'[{"error":{"code":404,"message":"no such model","status":"NOT_FOUND"}}]',
    ],
)
def test_each_server_s_form_is_read(body: bytes) -> None:
    """Ollama's, FastAPI's, an old vLLM's, Google's."""
    assert decode_error(404, body).detail.endswith("no such model")


@pytest.mark.parametrize("body", [b"[]", b"{}", b"null", b"3", b'{"error":null}', b'{"error":[1]}'])
def test_an_error_that_says_nothing_is_still_one(body: bytes) -> None:
    """Nothing is made up."""
    assert "did not say why" in decode_error(400, body).detail


@pytest.mark.parametrize(
    ("message", "fields", "counts"),
    [
        (
            "This model's maximum context length is 8192 tokens. However, your messages resulted in"
            " 10000 tokens.",
            {},
            (10000, 8192),
        ),
        (
            "This model's maximum context length is 2048 tokens. However, you requested 3000 tokens"
            " (2500 in the messages, 500 in the completion).",
            {},
            (2500, 2048),
        ),
        (
            "This endpoint's maximum context length is 131072 tokens. However, you requested about"
            " 200000 tokens (199000 of text input, 1000 in the output).",
            {},
            (199000, 131072),
        ),
        (
            "the request exceeds the available context size, try increasing it",
            {"n_prompt_tokens": 900, "n_ctx": 512, "type": "exceed_context_size_error"},
            (900, 512),
        ),
    ],
)
def test_a_prompt_that_does_not_fit_is_told_in_numbers(
    message: str, fields: dict[str, Any], counts: tuple[int, int]
) -> None:
    """So that the Gemini dialect can say it in its own words."""
    fault = decode(400, message, **fields)

    assert isinstance(fault, TooManyTokens)
    assert (fault.count, fault.limit) == counts


@pytest.mark.parametrize(
    "message",
    [
        "maximum context length is 4097 tokens, however you requested 5000 tokens (1000 in the"
        " messages, 4000 in the completion).",
        "Your input exceeds the context length of this model.",
        f"context length is {'9' * 5000} and has {'9' * 6000}",
    ],
)
def test_what_is_not_surely_the_prompt_is_quoted(message: str) -> None:
    """A prompt that fits must not be called too long."""
    assert type(decode(400, message)) is Invalid


@pytest.mark.parametrize(
    ("headers", "message", "seconds"),
    [
        ({"retry-after": "7"}, "", 7.0),
        ({"retry-after": "7", "retry-after-ms": "1500"}, "", 1.5),
        ({}, "Please try again in 6m0.5s. Visit", 360.5),
        ({}, "Please try again in 20ms.", 0.02),
        ({}, "Please retry in 10.67s.", 10.67),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}, "", None),
        ({"retry-after": "nan"}, "", None),
        ({"retry-after": "-1"}, "", None),
        ({"retry-after": "inf"}, "in a while", None),
    ],
)
def test_when_to_come_back(headers: dict[str, str], message: str, seconds: float | None) -> None:
    """From the header, else from the words; never a guess."""
    body = msgspec.json.encode({"error": {"message": message}})
    fault = decode_error(429, body, headers)

    assert isinstance(fault, RateLimited)
    assert fault.retry_after == (pytest.approx(seconds) if seconds is not None else None)


def test_google_s_retry_info_is_read() -> None:
    """Its compatibility layer wraps the error in an array."""
    details = [{"@type": "Help"}, {"@type": "x.RetryInfo", "retryDelay": "10.5s"}]
    body = msgspec.json.encode([{"error": {"code": 429, "details": details}}])
    fault = decode_error(429, body)

    assert isinstance(fault, RateLimited)
    assert fault.retry_after == 10.5


def test_an_empty_account_is_not_a_rate() -> None:
    """Waiting would not help."""
    fault = decode(429, code="insufficient_quota")

    assert isinstance(fault, UpstreamRefused)
    assert not fault.retryable


@pytest.mark.parametrize(
    ("status", "error", "blocked"),
    [
        (400, {"code": "content_filter", "message": "filtered"}, True),
        (400, {"code": "content_policy_violation", "message": "filtered"}, True),
        (403, {"code": 403, "message": "filtered", "metadata": {"reasons": ["violence"]}}, True),
        (403, {"code": 403, "message": "filtered"}, False),
        (400, {"code": "invalid_prompt", "message": "filtered"}, False),
        (500, {"code": "content_filter", "message": "filtered"}, False),
    ],
)
def test_a_prompt_that_is_refused_for_what_it_says_is_blocked(
    status: int, error: dict[str, Any], *, blocked: bool
) -> None:
    """An ending of its own, as the Gemini API has it; no other error is one."""
    found = decode_block(status, msgspec.json.encode({"error": error}))

    assert found == (Blocked("SAFETY", None, "filtered") if blocked else None)


def test_moderation_speaks_of_the_prompt() -> None:
    """OpenRouter says it with the status of a bad key."""
    fault = decode(403, "flagged", metadata={"reasons": ["violence"], "flagged_input": "…"})

    assert isinstance(fault, Invalid)
    assert "flagged" in fault.detail


def test_a_quote_is_one_short_line_without_secrets() -> None:
    """Whatever an upstream puts into its error."""
    key, org = "sk-proj-abcdefghijklmnop", "org-AbCdEf123456"
    noise = f"Bad\r\nkey {key} of {org}; AIza{'x' * 35}; Bearer abc.def\x00" + "y" * 5000
    fault = decode(400, noise)

    for secret in (key, org, "AIza", "abc.def", "\n", "\r", "\x00"):
        assert secret not in fault.detail
    assert len(fault.detail) < 600
    assert fault.native is not None
    assert key.encode() not in bytes(fault.native.body)
    assert msgspec.json.decode(fault.native.body)["error"]["type"] == "t"


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"code": 429}, RateLimited),
        ({"code": "401"}, UpstreamRefused),
        ({"code": 400, "message": "x"}, Invalid),
        ({"type": "invalid_request_error"}, Invalid),
        ({"code": "rate_limit_exceeded"}, RateLimited),
        ({"code": "insufficient_quota"}, UpstreamRefused),
        ({"code": "²²²"}, UpstreamFault),
        ({"code": 200}, UpstreamFault),
        ({"code": True, "type": 5}, UpstreamFault),
        ({}, UpstreamFault),
    ],
)
def test_an_error_without_a_status_goes_by_its_code(
    error: dict[str, Any], kind: type[Fault]
) -> None:
    """And is the upstream's failure if that says nothing."""
    assert type(decode_stream_error(msgspec.json.encode({"error": error}))) is kind


@given(st.integers(300, 599), st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_answer_gives_a_fault_that_can_be_told(status: int, body: bytes) -> None:
    """Decoding an error never fails itself."""
    for fault in (decode_error(status, body), decode_stream_error(body)):
        assert fault.detail
        assert type(fault) in [kind for _, kind in inspect.getmembers(errors, inspect.isclass)]
