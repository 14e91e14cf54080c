"""Faults in OpenAI's form: the exception that a client makes of them is the right one."""

import inspect
from typing import Any

import msgspec
import pytest

from geminid.core import errors
from geminid.core.content import Json
from geminid.core.errors import (
    AnswerBroken,
    BadKey,
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
    UpstreamRefused,
    Violation,
)
from geminid.dialects.gemini.errors import decode_error as decode_gemini
from geminid.dialects.openai.chat.errors import encode_fault, fault_event
from geminid.dialects.openai.errors import decode_error
from tests.dialects.openai.chat.answer.told import HEAD

SPECIAL: dict[type[Fault], Fault] = {
    TooManyTokens: TooManyTokens(9, 8),
    UnknownModel: UnknownModel("x"),
}


def told(fault: Fault, *, numbered: bool = False) -> tuple[int, Any]:
    status, body = encode_fault(fault, numbered=numbered)
    return status, msgspec.json.decode(body)["error"]


@pytest.mark.parametrize(
    ("fault", "status", "kind", "code"),
    [
        (Invalid("No."), 400, "invalid_request_error", "invalid"),
        (TooLarge("Too large."), 400, "invalid_request_error", "too_large"),
        (TooManyTokens(9, 8), 400, "invalid_request_error", "context_length_exceeded"),
        (BadKey("x"), 401, "authentication_error", "invalid_api_key"),
        (NoKey("x"), 401, "authentication_error", "invalid_api_key"),
        (Forbidden("No."), 403, "permission_error", "forbidden"),
        (NotFound("Nothing."), 404, "invalid_request_error", "not_found"),
        (UnknownModel("x"), 404, "invalid_request_error", "model_not_found"),
        (UnknownMethod("Nothing."), 404, "invalid_request_error", "unknown_method"),
        (RateLimited("Wait."), 429, "rate_limit_error", "rate_limit_exceeded"),
        (Internal("secret"), 500, "server_error", "internal"),
        (UpstreamRefused("Ours."), 502, "server_error", "upstream_refused"),
        (AnswerBroken("Broken."), 502, "server_error", "answer_broken"),
        (Overloaded("Full."), 503, "server_error", "overloaded"),
        (EngineDown("Down."), 503, "server_error", "engine_down"),
        (DeadlinePassed("Late."), 504, "server_error", "deadline"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_status_decides_the_exception(fault: Fault, status: int, kind: str, code: str) -> None:
    found, error = told(fault)

    assert (found, error["type"], error["code"]) == (status, kind, code)
    assert list(error) == ["message", "type", "param", "code"]
    assert error["message"]


def test_a_wrong_field_is_the_param() -> None:
    first, second = Violation("messages[3].content[0]", "a"), Violation("n", "b")
    _, error = told(Malformed("Wrong.", (Violation("", "c"), first, second)))

    assert (error["message"], error["param"]) == ("Wrong.", "messages[3].content[0]")
    assert told(Malformed("Not JSON."))[1]["param"] is None


def test_a_prompt_that_is_too_long_says_how_long_in_words_that_clients_know() -> None:
    _, error = told(TooManyTokens(9031, 4095, "Raise `context`."))

    assert error["message"] == (
        "This model's maximum context length is 4095 tokens. However, your messages resulted in"
        " 9031 tokens. Please reduce the length of the messages. Raise `context`."
    )


def test_our_own_bug_is_told_without_its_text() -> None:
    assert "secret" not in told(Internal("secret"))[1]["message"]


def test_no_fault_of_an_upstream_is_a_401() -> None:
    """A caller would throw away a good key (OpenRouter, August 2025)."""
    body = b'{"error":{"message":"Incorrect API key","type":"x","code":"invalid_api_key"}}'
    for fault in (decode_error(401, body), decode_gemini(401, b'{"error":{"code":401}}')):
        status, error = told(fault)
        assert (status, error["type"]) == (502, "server_error")
        assert "Incorrect" not in error["message"]


def test_an_upstream_of_this_dialect_is_told_in_its_own_words() -> None:
    body = {"error": {"message": "No 'top_k'.", "type": "t", "param": "top_k", "code": "bad"}}
    status, error = told(decode_error(422, msgspec.json.encode(body)))

    assert status == 422
    assert error == {
        "message": "No 'top_k'.",
        "type": "invalid_request_error",
        "param": "top_k",
        "code": "bad",
    }


@pytest.mark.parametrize("body", [b"{}", b"5", b'{"error":{"message":5}}'])
def test_an_upstreams_words_that_cannot_be_read_are_ours(body: bytes) -> None:
    native = Native("openai", 400, Json(body))

    assert told(Invalid("The upstream refused it.", native=native)) == (
        400,
        {
            "message": "The upstream refused it.",
            "type": "invalid_request_error",
            "param": None,
            "code": "invalid",
        },
    )


def test_googles_words_are_the_message() -> None:
    body = b'{"error":{"code":400,"message":"Budget 0 is invalid.","status":"INVALID_ARGUMENT"}}'
    status, error = told(decode_gemini(400, body))

    assert (status, error["message"], error["code"]) == (400, "Budget 0 is invalid.", "invalid")


def test_openrouters_form_has_the_status_for_its_code() -> None:
    body = b'{"error":{"code":429,"message":"Slow down.","status":"RESOURCE_EXHAUSTED"}}'
    status, error = told(decode_gemini(429, body), numbered=True)

    assert (status, error["code"]) == (429, 429)
    assert error["metadata"] == {"raw": body.decode()}
    assert "metadata" not in told(Overloaded("Full."), numbered=True)[1]


def test_a_failed_stream_ends_with_an_error_alone() -> None:
    event = fault_event(StreamCut("It stopped."), HEAD)

    assert event == (
        b'data: {"error":{"message":"It stopped.","type":"server_error","param":null,'
        b'"code":"stream_cut"}}\n\n'
    )
    assert fault_event(StreamCut("It stopped."), None) == event


def test_openrouters_clients_see_a_choice_that_failed() -> None:
    head = msgspec.structs.replace(HEAD, errors_as_choices=True)
    event = fault_event(StreamCut("It stopped."), head)
    chunk = msgspec.json.decode(event.removeprefix(b"data: "))

    assert chunk["error"] == {"code": 502, "message": "It stopped."}
    assert (chunk["id"], chunk["object"]) == (HEAD.id, "chat.completion.chunk")
    [choice] = chunk["choices"]
    assert (choice["index"], choice["finish_reason"]) == (0, "error")
    assert b"[DONE]" not in event


def test_every_fault_can_be_told() -> None:
    kinds = [kind for _, kind in inspect.getmembers(errors, inspect.isclass)]
    faults = [kind for kind in kinds if issubclass(kind, Fault)]
    for kind in faults:
        fault = SPECIAL.get(kind) or kind("It broke.")
        status, error = told(fault)
        assert 400 <= status < 600
        assert fault_event(fault, HEAD).endswith(b"\n\n")
        assert error["code"]
