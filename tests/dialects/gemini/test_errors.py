"""Failures in Google's form, both ways: each row of gemini.md section 6, and hostile upstreams."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geminid.core.content import Json
from geminid.core.errors import (
    BadKey,
    CallerFault,
    DeadlinePassed,
    EngineDown,
    Fault,
    Forbidden,
    Internal,
    Invalid,
    Malformed,
    Native,
    NoKey,
    NotFound,
    Overloaded,
    RateLimited,
    StreamCut,
    TooLarge,
    TooManyTokens,
    UnknownMethod,
    UnknownModel,
    UpstreamFault,
    UpstreamRefused,
    Violation,
)
from geminid.dialects.gemini.errors import decode_error, encode_fault

BAD_KEY = "API key not valid. Please pass a valid API key."
NO_KEY = (
    "Method doesn't allow unregistered callers (callers without established identity). Please use"
    " API Key or other form of API consumer identity to call this API."
)
INTERNAL = (
    "An internal error has occurred. Please retry or report in"
    " https://developers.generativeai.google/guide/troubleshooting"
)
RPC = "type.googleapis.com/google.rpc"
KEY_INFO = {
    "@type": f"{RPC}.ErrorInfo",
    "reason": "API_KEY_INVALID",
    "domain": "googleapis.com",
    "metadata": {"service": "generativelanguage.googleapis.com"},
}


def error(code: int, message: str, status: str, *details: object) -> dict[str, object]:
    found: dict[str, object] = {"code": code, "message": message, "status": status}
    return {"error": found | ({"details": list(details)} if details else {})}


def told(fault: Fault, version: str = "v1beta") -> dict[str, object]:
    """The body that tells `fault`; its code is also the HTTP status."""
    status, body = encode_fault(fault, version)
    found: dict[str, object] = msgspec.json.decode(body)
    assert isinstance(found["error"], dict)
    assert found["error"]["code"] == status
    return found


TABLE: list[tuple[Fault, dict[str, object]]] = [
    (
        Malformed("A.\nB.", (Violation("x.y", "A."), Violation("", "B."))),
        error(
            400, "A.\nB.", "INVALID_ARGUMENT",
            {"@type": f"{RPC}.BadRequest",
             "fieldViolations": [{"field": "x.y", "description": "A."}, {"description": "B."}]},
        ),
    ),
    (Malformed("It is not so."), error(400, "It is not so.", "INVALID_ARGUMENT")),
    (Invalid("A rule."), error(400, "A rule.", "INVALID_ARGUMENT")),
    (TooLarge("Too big."), error(400, "Too big.", "INVALID_ARGUMENT")),
    (
        TooManyTokens(9, 8),
        error(400, "The input token count (9) exceeds the maximum number of tokens allowed (8).",
              "INVALID_ARGUMENT"),
    ),
    (
        BadKey("No such key."),
        error(400, BAD_KEY, "INVALID_ARGUMENT", KEY_INFO,
              {"@type": f"{RPC}.LocalizedMessage", "locale": "en-US", "message": BAD_KEY}),
    ),
    (NoKey("None sent."), error(403, NO_KEY, "PERMISSION_DENIED")),
    (Forbidden("Not from there."), error(403, "Not from there.", "PERMISSION_DENIED")),
    (NotFound("Nothing there."), error(404, "Nothing there.", "NOT_FOUND")),
    (UnknownMethod("No such method."), error(404, "No such method.", "NOT_FOUND")),
    (RateLimited("Slow down."), error(429, "Slow down.", "RESOURCE_EXHAUSTED")),
    (
        RateLimited("Slow down.", retry_after=10.67),
        error(429, "Slow down.", "RESOURCE_EXHAUSTED",
              {"@type": f"{RPC}.RetryInfo", "retryDelay": "10.67s"}),
    ),
    (Internal("secret trace"), error(500, INTERNAL, "INTERNAL")),
    (UpstreamFault("It failed."), error(502, "It failed.", "UNAVAILABLE")),
    (UpstreamRefused("Our key."), error(502, "Our key.", "UNAVAILABLE")),
    (StreamCut("It stopped."), error(502, "It stopped.", "UNAVAILABLE")),
    (EngineDown("It is gone."), error(503, "It is gone.", "UNAVAILABLE")),
    (Overloaded("The model is overloaded. Please try again later."),
     error(503, "The model is overloaded. Please try again later.", "UNAVAILABLE")),
    (
        DeadlinePassed("10 s had been given."),
        error(504, "Deadline expired before operation could complete. 10 s had been given.",
              "DEADLINE_EXCEEDED"),
    ),
    (DeadlinePassed(""),
     error(504, "Deadline expired before operation could complete.", "DEADLINE_EXCEEDED")),
]  # fmt: skip


@pytest.mark.parametrize(("fault", "body"), TABLE, ids=lambda row: type(row).__name__)
def test_each_fault_is_told_as_google_tells_it(fault: Fault, body: dict[str, object]) -> None:
    assert told(fault) == body


@pytest.mark.parametrize(
    ("method", "version", "text"),
    [
        ("generateContent", "v1beta",
         "models/x is not found for API version v1beta, or is not supported for generateContent."
         " Call ModelService.ListModels to see the list of available models and their supported"
         " methods."),
        ("streamGenerateContent", "v1",
         "models/x is not found for API version v1, or is not supported for generateContent."
         " Call ModelService.ListModels to see the list of available models and their supported"
         " methods."),
        ("countTokens", "v1alpha",
         "models/x is not found for API version v1alpha, or is not supported for countTokens."
         " Call ModelService.ListModels to see the list of available models and their supported"
         " methods."),
        ("batchEmbedContents", "v1beta",
         "models/x is not found for API version v1beta, or is not supported for embedContent."
         " Call ListModels to see the list of available models and their supported methods."),
    ],
)  # fmt: skip
def test_an_unknown_model_is_told_with_version_and_method(
    method: str, version: str, text: str
) -> None:
    assert told(UnknownModel("x", method), version) == error(404, text, "NOT_FOUND")


@pytest.mark.parametrize(
    ("seconds", "delay"),
    [(0, "0s"), (10, "10s"), (0.5, "0.5s"), (1234567.0, "1234567s"), (1e-7, "0s"), (-3, "0s"),
     (float("inf"), "1000000000s"), (100.0, "100s")],
)  # fmt: skip
def test_a_delay_is_a_proto_duration(seconds: float, delay: str) -> None:
    """`%g` wrote `1.23457e+06s`, which no client can read."""
    body = encode_fault(RateLimited("x", retry_after=seconds))[1]

    assert msgspec.json.decode(body)["error"]["details"][0]["retryDelay"] == delay


def test_an_upstreams_own_words_pass_untouched() -> None:
    body = b'{ "error": {"code": 400, "message": "M", "status": "S", "details": [{"x": 1}]} }'
    fault = decode_error(400, body)

    assert isinstance(fault, Invalid)
    assert encode_fault(fault) == (400, body)


def test_another_dialects_words_do_not() -> None:
    fault = Invalid("Told.", native=Native("openai", 400, Json(b'{"error":{"type":"x"}}')))

    assert told(fault) == error(400, "Told.", "INVALID_ARGUMENT")


# --- what an upstream says -----------------------------------------------------------------------

QUOTA = "You exceeded your current quota, please check your plan and billing details."
FROM_UPSTREAM: list[tuple[int, dict[str, object], type[Fault]]] = [
    (400, error(400, "Cannot fetch content from the provided URL.", "INVALID_ARGUMENT"), Invalid),
    (400, error(400, "The File x is not in an ACTIVE state and usage is not allowed.",
                "FAILED_PRECONDITION"), Invalid),
    (400, error(400, "The input token count (1048577) exceeds the maximum number of tokens allowed"
                " (1048576).", "INVALID_ARGUMENT"), TooManyTokens),
    (403, error(403, "You do not have permission to access the File x or it may not exist.",
                "PERMISSION_DENIED"), Forbidden),
    (403, error(403, "CachedContent not found (or permission denied)", "PERMISSION_DENIED"),
     Forbidden),
    (404, error(404, "models/x is not found for API version v1beta", "NOT_FOUND"), NotFound),
    (429, error(429, QUOTA, "RESOURCE_EXHAUSTED"), RateLimited),
    (499, error(499, "The operation was cancelled.", "CANCELLED"), UpstreamFault),
    (500, error(500, INTERNAL, "INTERNAL"), UpstreamFault),
    (503, error(503, "The model is overloaded. Please try again later.", "UNAVAILABLE"),
     Overloaded),
    (504, error(504, "Deadline expired before operation could complete.", "DEADLINE_EXCEEDED"),
     DeadlinePassed),
    (501, error(501, "Not implemented.", "UNIMPLEMENTED"), UpstreamFault),
    (409, error(409, "Aborted.", "ABORTED"), Invalid),
]  # fmt: skip


@pytest.mark.parametrize(("status", "body", "kind"), FROM_UPSTREAM)
def test_each_upstream_error_is_understood_and_passed_on(
    status: int, body: dict[str, object], kind: type[Fault]
) -> None:
    fault = decode_error(status, msgspec.json.encode(body))

    assert type(fault) is kind
    assert fault.detail
    assert told(fault) == body


OUR_FAULT: list[tuple[int, dict[str, object]]] = [
    (400, error(400, BAD_KEY, "INVALID_ARGUMENT", KEY_INFO)),
    (400, error(400, BAD_KEY, "INVALID_ARGUMENT")),
    (400, error(400, "API key expired. Please renew the API key.", "INVALID_ARGUMENT", KEY_INFO)),
    (400, error(400, "API Key not found. Please pass a valid API key.", "INVALID_ARGUMENT",
                KEY_INFO)),
    (400, error(400, "Something new.", "INVALID_ARGUMENT", {"reason": "API_KEY_EXPIRED"})),
    (400, error(400, "User location is not supported for the API use.", "FAILED_PRECONDITION")),
    (400, error(400, "Gemini API free tier is not available in your country.",
                "FAILED_PRECONDITION")),
    (401, error(401, "Request had invalid authentication credentials.", "UNAUTHENTICATED")),
    (403, error(403, NO_KEY, "PERMISSION_DENIED")),
    (403, error(403, "Your API key was reported as leaked.", "PERMISSION_DENIED")),
    (403, error(403, "Generative Language API has not been used in project 123 before.",
                "PERMISSION_DENIED")),
    (403, error(403, "", "PERMISSION_DENIED")),
]  # fmt: skip


@pytest.mark.parametrize("in_stream", [False, True])
@pytest.mark.parametrize(("status", "body"), OUR_FAULT)
def test_what_is_wrong_with_our_key_is_never_shown_as_the_callers(
    status: int, body: dict[str, object], in_stream: bool
) -> None:
    """A caller told `API key not valid` would change a key that is good."""
    fault = decode_error(0 if in_stream else status, msgspec.json.encode(body))

    assert isinstance(fault, UpstreamRefused)
    assert not fault.retryable
    status_out, encoded = encode_fault(fault)
    assert status_out == 502
    for word in (b"API_KEY", b"API key not", b"leaked", b"123", b"unregistered"):
        assert word not in encoded


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("body", [b"", b"<html>no</html>", b"{}", b'{"error":"x"}'])
def test_a_refusal_without_a_reason_is_ours_too(status: int, body: bytes) -> None:
    fault = decode_error(status, body)

    assert isinstance(fault, UpstreamRefused)
    assert encode_fault(fault)[0] == 502


@pytest.mark.parametrize(
    "message",
    [
        'Invalid JSON payload received. Unknown name "API_KEY_INVALID": Cannot find field.',
        "Invalid value at 'model' (TYPE_STRING), \"API key expired\"",
        "models/API key not valid",
    ],
)
def test_a_caller_cannot_make_a_channel_look_refused_by_its_own_words(message: str) -> None:
    """Google quotes what the caller wrote; a channel taken out for that would be their doing."""
    details = {
        "@type": f"{RPC}.BadRequest",
        "fieldViolations": [{"field": "API_KEY_INVALID", "description": message}],
    }
    body = error(400, message, "INVALID_ARGUMENT", details)

    fault = decode_error(400, msgspec.json.encode(body))
    assert isinstance(fault, Invalid)
    assert told(fault) == body


def retry(delay: object) -> bytes:
    details = [{"links": []}, {"@type": f"{RPC}.RetryInfo", "retryDelay": delay}]
    return msgspec.json.encode(error(429, QUOTA, "RESOURCE_EXHAUSTED", *details))


@pytest.mark.parametrize(
    ("delay", "seconds"),
    [("10s", 10.0), ("34.074824224s", 34.074824224), ("0s", 0.0), ("10", None), ("-1s", None),
     ("s", None), ("1e9s", None), (10, None), (None, None), ("9" * 400 + "s", None), ("٣s", None),
     ({"seconds": 3}, None), ("nans", None), ("10s ", None)],
)  # fmt: skip
def test_the_delay_of_a_quota_error(delay: object, seconds: float | None) -> None:
    fault = decode_error(429, retry(delay))

    assert isinstance(fault, RateLimited)
    assert fault.retry_after == seconds


@pytest.mark.parametrize(
    "details", ["5", "[5]", "[null]", "{}", "null", '"x"', "[[]]", '[{"retryDelay":[]}]',
                '[{"reason":5}]', "[" * 100_000 + "]" * 100_000],
)  # fmt: skip
@pytest.mark.parametrize("status", [400, 429])
def test_details_of_any_shape_break_nothing(details: str, status: int) -> None:
    body = '{"error":{"code":%d,"message":"m","details":%s}}' % (status, details)  # noqa: UP031  braces

    fault = decode_error(status, body.encode())
    assert type(fault) in (Invalid, RateLimited, UpstreamFault)
    assert fault.detail


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>Bad gateway</html>", b"null", b"[]", b"[{}]", b"5", b'"x"', b"\xff\xfe",
     b'{"error":null}', b'{"error":"x"}', b'{"error":[]}', b'{"error":{"code":"x"}}',
     b'{"error":{"message":5}}', b"[" * 100_000, b'{"error":' * 100_000],
)  # fmt: skip
@pytest.mark.parametrize(
    ("status", "kind"),
    [(0, UpstreamFault), (400, UpstreamFault), (404, UpstreamFault), (429, RateLimited),
     (500, UpstreamFault), (502, UpstreamFault), (503, Overloaded), (504, DeadlinePassed)],
)  # fmt: skip
def test_what_is_no_error_body_still_has_its_status(
    body: bytes, status: int, kind: type[Fault]
) -> None:
    fault = decode_error(status, body)

    assert type(fault) is kind
    assert fault.native is None
    assert "(0)" not in fault.detail
    assert told(fault)


def test_the_array_form_of_an_error() -> None:
    """A stream without `alt=sse` that fails before its first byte (gemini.md 1.2)."""
    body = error(503, "The model is overloaded.", "UNAVAILABLE")

    fault = decode_error(503, b"[%b\n]\n" % msgspec.json.encode(body))
    assert isinstance(fault, Overloaded)
    assert told(fault) == body


@pytest.mark.parametrize("status", [0, 100, 200, 201, 204, 302, 600, 1000])
@pytest.mark.parametrize("code", [0, 200, 302, 99999, -5])
def test_an_error_that_claims_success_never_leaves_as_one(status: int, code: int) -> None:
    """A 2xx with an error body is a good answer to JS clients."""
    fault = decode_error(status, msgspec.json.encode(error(code, "m", "OK")))

    assert type(fault) is UpstreamFault
    assert encode_fault(fault)[0] == 502


def test_an_empty_message_is_replaced() -> None:
    fault = decode_error(400, b'{"error":{"code":400}}')

    assert fault.detail
    assert encode_fault(fault) == (400, b'{"error":{"code":400}}')


@pytest.mark.parametrize("count", ["9" * 5000, "12345678901234"])
def test_a_token_count_of_a_thousand_digits_is_no_crash(count: str) -> None:
    message = f"The input token count ({count}) exceeds the maximum number of tokens allowed (1)."

    fault = decode_error(400, msgspec.json.encode(error(400, message, "INVALID_ARGUMENT")))
    assert type(fault) is Invalid


@given(st.integers(-10, 700), st.binary(max_size=200))
def test_any_bytes_are_some_fault(status: int, body: bytes) -> None:
    found = encode_fault(decode_error(status, body))

    assert 400 <= found[0] <= 599
    assert "error" in msgspec.json.decode(found[1])


@given(st.sampled_from([0, 400, 403, 429, 500]), st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(
        st.sampled_from(["error", "code", "message", "details", "reason", "retryDelay"]), inner),
))  # fmt: skip
def test_any_json_is_some_fault(status: int, tree: object) -> None:
    fault = decode_error(status, msgspec.json.encode({"error": tree}))

    code, _ = encode_fault(fault)
    assert 400 <= code <= 599
    assert not isinstance(fault, CallerFault) or status or 400 <= code < 500
