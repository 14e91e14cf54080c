"""Error answers to faults.

The status decides, except where a code says that it is our account and not the caller's pace.
Upstream words reach a caller only where they speak of the request, and cleaned: one line, cut to a
length, without keys or organisation ids.
"""

import re
from collections.abc import Mapping
from typing import Final

import msgspec

from geminid.core.content import Json
from geminid.core.errors import (
    DeadlinePassed,
    Fault,
    Invalid,
    Native,
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
from geminid.dialects.openai.parts import DIALECT
from geminid.dialects.openai.tree import Tree

_QUOTE: Final = 500
_DAY: Final = 86_400.0
_STATUS: Final = re.compile(r"[1-5][0-9]{2}")
_SECRET: Final = re.compile(
    r"(?i)\b(?:sk|pk|rk|key|org|proj|user|AIza)[-_][\w*-]{6,}|\bAIza[\w-]{20,}|\bBearer\s+\S+"
)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]+")
_LIMIT: Final = re.compile(r"context (?:length|size|window)\D{0,30}?(\d{1,12})", re.IGNORECASE)
_PROMPT: Final = (
    re.compile(r"(\d{1,12}) (?:in the messages|of text input|in the prompt|input tokens)"),
    re.compile(r"(?:resulted in|requested(?: about)?|has) (\d{1,12})"),
)
_AGAIN: Final = re.compile(r"(?:again|retry) in ((?:\d+(?:\.\d+)?(?:ms|[hms])\s?)+)", re.IGNORECASE)
_SPAN: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|[hms])")
_UNITS: Final = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_NO_FUNDS: Final = frozenset({"insufficient_quota", "billing_hard_limit_reached"})
_FILTERED: Final = frozenset({"content_filter", "content_policy_violation"})
_KINDS: Final = {
    "invalid_request_error": 400,
    "exceed_context_size_error": 400,
    "authentication_error": 401,
    "permission_error": 403,
    "not_found_error": 404,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "insufficient_quota": 429,
    "overloaded_error": 503,
}
"""What an error inside a stream, where no status is, stands for by its `type` or `code`."""


class _Said:
    """An error body in whichever form: an object, a text, in an array, or bare."""

    def __init__(self, body: bytes) -> None:
        found = _error(body)
        self.json = found is not None
        self.tree: Tree = found or {}
        message = self.tree.get("message") or self.tree.get("detail") or ""
        self.message = message if isinstance(message, str) else ""
        self.names = [
            name for name in (self.tree.get("code"), self.tree.get("type")) if isinstance(name, str)
        ]

    @property
    def quote(self) -> str:
        """The message, fit for a caller."""
        line = _CONTROL.sub(" ", _SECRET.sub("…", self.message)).strip()
        return line if len(line) <= _QUOTE else f"{line[:_QUOTE]}…"

    def native(self, status: int) -> Native:
        """The error in this dialect's standard form, with the cleaned message."""
        error = {"message": self.quote} | {
            name: self.tree.get(name) for name in ("type", "param", "code")
        }
        return Native(DIALECT, status, Json(msgspec.json.encode({"error": error})))


def decode_error(status: int, body: bytes, headers: Mapping[str, str] | None = None) -> Fault:
    """The fault that an answer with an error status stands for."""
    said = _Said(body)
    if any(name in _NO_FUNDS for name in said.names):
        return _refused(402)
    match status:
        case 401 | 402 | 403:
            return _moderated(said) or _refused(status)
        case 408 | 504 | 524:
            return DeadlinePassed("The upstream ran out of time; try again, or ask for less.")
        case 429:
            wait = _retry_after(said, headers or {})
            return RateLimited("The upstream's rate limit is used up.", retry_after=wait)
        case 503 | 529:
            return Overloaded("The upstream is overloaded; try again later.")
        case _ if not said.json:
            return UpstreamMalformed(
                f"The upstream answered with status {status} and what is not JSON; if this lasts,"
                " check the channel's base_url."
            )
        case _ if 400 <= status < 500:
            return _caller_fault(status, said)
        case _:
            return UpstreamFault(f"The upstream failed with status {status}; try again.")


def decode_block(status: int, body: bytes) -> Blocked | None:
    """Why the prompt was refused for what it says (Azure, OpenRouter); `None` for other errors."""
    if status not in (400, 403):
        return None
    said = _Said(body)
    if _moderated(said) is None and _FILTERED.isdisjoint(said.names):
        return None
    return Blocked("SAFETY", None, said.quote)


def decode_stream_error(payload: bytes) -> Fault:
    """The fault of an error object inside a stream, or in a body whose status was 200."""
    said = _Said(payload)
    code = said.tree.get("code")
    if isinstance(code, str) and _STATUS.fullmatch(code):
        code = int(code)
    if isinstance(code, int) and 400 <= code < 600:
        return decode_error(code, payload)
    return decode_error(next((_KINDS[n] for n in said.names if n in _KINDS), 500), payload)


def _error(body: bytes) -> Tree | None:
    """The error object in `body`; `None` if it is not JSON."""
    try:
        found = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    if isinstance(found, list):  # Google's compatibility layer
        found = found[0] if found else {}
    if isinstance(found, dict) and "error" in found:
        found = found["error"]
    if isinstance(found, str):  # Ollama
        return {"message": found}
    return found if isinstance(found, dict) else {}


def _refused(status: int) -> UpstreamRefused:
    what = "account: it has no credit left" if status == 402 else "key or account"
    return UpstreamRefused(
        f"The upstream refused this server's {what}. Whoever runs this server must mend it."
    )


def _moderated(said: _Said) -> Fault | None:
    """OpenRouter's 403 for a flagged prompt: about what was said, not about our key."""
    metadata = said.tree.get("metadata")
    if not isinstance(metadata, dict) or "reasons" not in metadata:
        return None
    return Invalid(f"The upstream's moderation refused the prompt: {said.quote}")


def _caller_fault(status: int, said: _Said) -> Fault:
    quote = said.quote or "it did not say why."
    match status:
        case 404:
            return NotFound(f"The upstream does not have this: {quote}", native=said.native(404))
        case 413:
            return TooLarge(f"The upstream takes no request this large: {quote}")
        case _:
            return _too_many_tokens(said) or Invalid(
                f"The upstream refused the request: {quote}", native=said.native(status)
            )


def _too_many_tokens(said: _Said) -> TooManyTokens | None:
    count, limit = said.tree.get("n_prompt_tokens"), said.tree.get("n_ctx")  # llama.cpp
    if not isinstance(count, int) or not isinstance(limit, int):
        bound = _LIMIT.search(said.message)
        counts = [found[1] for pattern in _PROMPT if (found := pattern.search(said.message))]
        if bound is None or not counts:
            return None
        count, limit = int(counts[0]), int(bound[1])
    # If only prompt and answer together do not fit, the upstream's own words say it better.
    return TooManyTokens(count, limit) if count > limit else None


def _retry_after(said: _Said, headers: Mapping[str, str]) -> float | None:
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            wait = float(headers[name]) * unit
        except (KeyError, ValueError):
            continue  # absent, or a date, which only a clock could read
        if 0.0 <= wait <= _DAY:
            return wait
    details = said.tree.get("details")
    for detail in details if isinstance(details, list) else ():
        if isinstance(detail, dict) and isinstance(delay := detail.get("retryDelay"), str):
            return _span(delay)
    found = _AGAIN.search(said.message)
    return _span(found[1]) if found else None


def _span(text: str) -> float | None:
    pieces = _SPAN.findall(text)
    return sum(float(number) * _UNITS[unit] for number, unit in pieces) if pieces else None
