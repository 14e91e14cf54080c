"""Faults in OpenAI's form, whole and at the end of a stream (dialects.md section 2).

The class of a fault decides its status and its words, and the status its `type`, from which the
clients make their exceptions.  What an upstream of this dialect says of the request is told in its
own words; what any says of our key or account never reaches a caller, nor does its 401.
"""

from typing import Final

import msgspec

from geminid.core.content import Json
from geminid.core.errors import (
    BadKey,
    CallerFault,
    Fault,
    Internal,
    Invalid,
    Malformed,
    NoKey,
    RateLimited,
    TooManyTokens,
    UnknownModel,
)
from geminid.dialects.openai.chat.answer.stream import chunk_head, framed
from geminid.dialects.openai.chat.head import Head
from geminid.dialects.openai.parts import DIALECT
from geminid.dialects.openai.tree import Tree

_TYPES: Final = {
    401: "authentication_error",
    403: "permission_error",
    429: "rate_limit_error",
}
_INTERNAL: Final = (
    "The server had an error while it processed your request. Try again; if this lasts, give"
    " whoever runs this server the `x-request-id` of the answer."
)
_BAD_KEY: Final = "Incorrect API key provided: send one of this server's keys as a bearer token."
_NO_KEY: Final = (
    "You didn't provide an API key. Send one of this server's keys as"
    " `Authorization: Bearer YOUR_KEY`."
)


class _Native(msgspec.Struct):
    message: str = ""
    param: object = None
    code: object = None


class _Body(msgspec.Struct):
    error: _Native


def encode_fault(fault: Fault, *, numbered: bool = False) -> tuple[int, bytes]:
    """Status and JSON body that tell `fault`.

    `numbered`: as OpenRouter does, with the status as `code`, and the upstream's own error, if
    there is one, in `metadata.raw`.
    """
    status, error = _tell(fault)
    if numbered:
        error["code"] = status
        if fault.native is not None:
            error["metadata"] = {"raw": bytes(fault.native.body).decode(errors="replace")}
    return status, msgspec.json.encode({"error": error})


def fault_event(fault: Fault, head: Head | None) -> bytes:
    """The one event that ends a stream which failed.  Nothing follows it, above all no `[DONE]`.

    openai-python and openai-node raise for an `error` at the top of any event; OpenRouter's clients
    look for a choice that ended with `error` too.
    """
    status, error = _tell(fault)
    if head is None or not head.errors_as_choices:
        return framed(msgspec.json.encode({"error": error}))
    native: Tree = {"native_finish_reason": None} if head.extended else {}
    choice: Tree = {"index": 0, "delta": {"content": ""}, "finish_reason": "error", **native}
    told = {"code": status, "message": error["message"]}
    tree = chunk_head(head) | {"error": told, "choices": [choice | {"logprobs": None}]}
    return framed(msgspec.json.encode(tree))


def _tell(fault: Fault) -> tuple[int, Tree]:
    """The status, and the error with a `code` in letters."""
    status, code, message = fault.status, fault.code, fault.detail
    match fault:
        case BadKey():
            code, message = "invalid_api_key", _BAD_KEY
        case NoKey():  # Gemini's API answers 403; here that would be another exception
            status, code, message = 401, "invalid_api_key", _NO_KEY
        case UnknownModel():
            code = "model_not_found"
            message = (
                f"The model `{fault.model}` does not exist here; `GET /v1/models` lists those that"
                " do."
            )
        case TooManyTokens():
            code, message = "context_length_exceeded", _too_long(fault)
        case RateLimited():
            code = "rate_limit_exceeded"
        case Internal():
            message = _INTERNAL
        case Invalid() if fault.native is not None and fault.native.dialect == DIALECT:
            return _own_words(fault, fault.native.status, fault.native.body)
        case _:
            pass
    return status, _error(status, message, code, _param(fault))


def _error(status: int, message: str, code: str, param: str | None) -> Tree:
    kind = "server_error" if status >= 500 else _TYPES.get(status, "invalid_request_error")
    return {"message": message, "type": kind, "param": param, "code": code}


def _param(fault: Fault) -> str | None:
    """The field that is wrong; of several the first."""
    fields = [each.field for each in fault.violations] if isinstance(fault, Malformed) else []
    return next(filter(None, fields), None)


def _too_long(fault: TooManyTokens) -> str:
    words = (
        f"This model's maximum context length is {fault.limit} tokens. However, your messages"
        f" resulted in {fault.count} tokens. Please reduce the length of the messages."
    )
    return f"{words} {fault.note}" if fault.note else words


def _own_words(fault: CallerFault, status: int, body: Json) -> tuple[int, Tree]:
    """What an upstream of this dialect said of the request; the engine has cleaned it."""
    try:
        found = msgspec.json.decode(body, type=_Body).error
    except msgspec.MsgspecError:
        found = _Native()
    code = found.code if isinstance(found.code, str) and found.code else fault.code
    param = found.param if isinstance(found.param, str) else None
    return status, _error(status, found.message or fault.detail, code, param)
