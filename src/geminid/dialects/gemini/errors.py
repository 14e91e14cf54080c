"""Failures in the API's own form, both ways (gemini.md section 6).

Outgoing, the class of the fault decides status and text.  An upstream's error in this same dialect
is passed on word for word, except where it speaks of *our* key or account: that is never the
caller's fault and leaves as 502.
"""

import re
from typing import Final

import msgspec

from geminid.core.content import Json
from geminid.core.errors import (
    BadKey,
    DeadlinePassed,
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
    TooManyTokens,
    UnknownModel,
    UpstreamFault,
    UpstreamRefused,
)
from geminid.dialects.gemini.parts import DIALECT
from geminid.dialects.gemini.tree import Tree

_BAD_KEY: Final = "API key not valid. Please pass a valid API key."
_NO_KEY: Final = (
    "Method doesn't allow unregistered callers (callers without established identity)."
    " Please use API Key or other form of API consumer identity to call this API."
)
_INTERNAL: Final = (
    "An internal error has occurred. Please retry or report in"
    " https://developers.generativeai.google/guide/troubleshooting"
)
_DEADLINE: Final = "Deadline expired before operation could complete."

_STATUS: Final = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ABORTED",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}

_CALLERS_403: Final = (
    "You do not have permission to access the File",
    "CachedContent not found",
)
"""What a 403 of the real API says about the caller's own request rather than our key."""

_OUR_400: Final = (
    "API key not valid",
    "API Key not found",
    "API key expired",
    "User location is not supported",
    "Gemini API free tier is not available",
)
"""How a 400 of the real API begins that is about our key or account.

Only the beginning counts, and the `reason` of a detail: a caller's own words may be quoted further
on, and must not make a channel look refused.
"""

_TOKENS: Final = re.compile(
    r"The input token count \(([0-9]{1,12})\) exceeds the maximum number of tokens allowed"
    r" \(([0-9]{1,12})\)"
)
_DELAY: Final = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?s")
_MOST_DELAY: Final = 1e9

_ASKED: Final = {
    "batchEmbedContents": "embedContent",
    "asyncBatchEmbedContent": "embedContent",
    "streamGenerateContent": "generateContent",
}
"""The method that the real API names when it does not have a model for this one."""


class _Error(msgspec.Struct):
    code: int = 0
    message: str = ""
    status: str = ""
    details: msgspec.Raw = msgspec.Raw(b"[]")


class _Body(msgspec.Struct):
    error: _Error


def encode_fault(fault: Fault, version: str = "v1beta") -> tuple[int, bytes]:
    """Status and compact JSON body that tell `fault`; `version` is the one in the path."""
    if fault.native is not None and fault.native.dialect == DIALECT:
        return fault.native.status, bytes(fault.native.body)
    status, message, details = _tell(fault, version)
    error: Tree = {"code": status, "message": message, "status": _STATUS.get(status, "UNKNOWN")}
    if details:
        error["details"] = details
    return status, msgspec.json.encode({"error": error})


def _tell(fault: Fault, version: str) -> tuple[int, str, list[Tree]]:
    match fault:
        case Malformed() if fault.violations:
            return 400, fault.detail, [_bad_request(fault)]
        case BadKey():
            return 400, _BAD_KEY, _bad_key()
        case NoKey():
            return 403, _NO_KEY, []
        case UnknownModel():
            return 404, _unknown_model(fault, version), []
        case DeadlinePassed():
            return 504, f"{_DEADLINE} {fault.detail}".strip(), []
        case RateLimited() if fault.retry_after is not None:
            delay = _seconds(fault.retry_after)
            return 429, fault.detail, [{"@type": _type("rpc.RetryInfo"), "retryDelay": delay}]
        case Internal():
            return 500, _INTERNAL, []
        case _:
            return fault.status, fault.detail, []


def _type(name: str) -> str:
    return f"type.googleapis.com/google.{name}"


def _bad_request(fault: Malformed) -> Tree:
    violations: list[Tree] = []
    for violation in fault.violations:
        tree: Tree = {"field": violation.field} if violation.field else {}
        violations.append(tree | {"description": violation.description})
    return {"@type": _type("rpc.BadRequest"), "fieldViolations": violations}


def _bad_key() -> list[Tree]:
    info: Tree = {
        "@type": _type("rpc.ErrorInfo"),
        "reason": "API_KEY_INVALID",
        "domain": "googleapis.com",
        "metadata": {"service": "generativelanguage.googleapis.com"},
    }
    message: Tree = {
        "@type": _type("rpc.LocalizedMessage"),
        "locale": "en-US",
        "message": _BAD_KEY,
    }
    return [info, message]


def _seconds(seconds: float) -> str:
    """A proto duration, to the millisecond."""
    text = f"{min(max(seconds, 0.0), _MOST_DELAY):.3f}"
    return f"{text.rstrip('0').rstrip('.')}s"


def _unknown_model(fault: UnknownModel, version: str) -> str:
    method = _ASKED.get(fault.method, fault.method)
    call = "ListModels" if method == "embedContent" else "ModelService.ListModels"
    return (
        f"models/{fault.model} is not found for API version {version}, or is not supported for"
        f" {method}. Call {call} to see the list of available models and their supported methods."
    )


def decode_error(status: int, body: bytes) -> Fault:
    """The fault that an upstream of this dialect told with `status` and `body`.

    In mid-stream there is no status of its own: pass 0 and the body's code counts.
    """
    text = body.strip()
    if text.startswith(b"["):  # how the array form of a stream tells it
        text = text.removeprefix(b"[").removesuffix(b"]").strip()
    try:
        error = msgspec.json.decode(text, type=_Body, strict=False).error
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _bare(status)
    status = status or error.code
    if not 400 <= status <= 599:  # an error that claims success must not leave as one
        status = error.code if 400 <= error.code <= 599 else 502
        return UpstreamFault(error.message or _bare(status).detail)
    return _fault(status, error, Native(DIALECT, status, Json(text)))


def _fault(status: int, error: _Error, native: Native) -> Fault:
    message = error.message or _bare(status).detail
    details = _details(error)
    if _about_us(status, message, details):
        return UpstreamRefused(
            f"The upstream refused this server's key or account ({status})."
            " The operator must mend it; `geminid doctor` names the channel."
        )
    match status:
        case 400 if found := _TOKENS.match(message):
            fault: Fault = TooManyTokens(int(found[1]), int(found[2]))
            fault.native = native
            return fault
        case 403:
            fault_type: type[Fault] = Forbidden
        case 404:
            fault_type = NotFound
        case 429:
            return RateLimited(message, retry_after=_retry_delay(details), native=native)
        case 503:
            fault_type = Overloaded
        case 504:
            fault_type = DeadlinePassed
        case _:  # 499 is the upstream's own cancelling: our caller is still there
            fault_type = Invalid if 400 <= status < 499 else UpstreamFault
    return fault_type(message, native=native)


def _about_us(status: int, message: str, details: list[Tree]) -> bool:
    if status == 400:
        reasons = [detail.get("reason") for detail in details]
        refused = any(type(reason) is str and reason.startswith("API_KEY_") for reason in reasons)
        return refused or message.startswith(_OUR_400)
    return status == 401 or (status == 403 and not message.startswith(_CALLERS_403))


def _bare(status: int) -> Fault:
    match status:
        case 401 | 403:
            return UpstreamRefused("The upstream refused this server's key or account.")
        case 429:
            return RateLimited("The upstream's limit is used up; try again later.")
        case 503:
            return Overloaded("The upstream is overloaded; try again later.")
        case 504:
            return DeadlinePassed("The upstream did not answer in time.")
        case _:
            told = f" ({status})" if status else ""
            return UpstreamFault(f"The upstream failed{told} and gave no reason; try again.")


def _details(error: _Error) -> list[Tree]:
    try:
        found: object = msgspec.json.decode(error.details)
    except (msgspec.MsgspecError, RecursionError):
        return []
    return [detail for detail in found if type(detail) is dict] if type(found) is list else []


def _retry_delay(details: list[Tree]) -> float | None:
    for detail in details:
        delay = detail.get("retryDelay")
        if isinstance(delay, str) and _DELAY.fullmatch(delay):
            return float(delay[:-1])
    return None
