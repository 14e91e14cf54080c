"""Everything that can go wrong and that a caller may be told.

    Fault
    ├── CallerFault                the request cannot be answered as it stands
    │   ├── Malformed              not JSON, wrong types, unknown fields
    │   ├── Invalid                well formed, but against a rule
    │   ├── TooLarge               body, event or nesting past a limit
    │   ├── TooManyTokens          the prompt does not fit the model
    │   ├── Unsupported            the serving engine cannot do this
    │   ├── Unrepresentable        a part no other dialect can carry
    │   ├── BadKey / NoKey / Forbidden
    │   └── UnknownModel / UnknownMethod / NotFound
    ├── RateLimited                a limit of ours or of the upstream; `retry_after` says when
    ├── Overloaded                 no room now (503)
    ├── DeadlinePassed             the caller's or the channel's deadline (504)
    ├── CallerLeft                 nobody is there to be told; never sent
    ├── UpstreamFault              the other side failed (502)
    │   ├── UpstreamRefused        it refused *us*: our key, our account; never shown as a 401
    │   ├── UpstreamUnreachable    no connection
    │   ├── UpstreamMalformed      its answer is not what its dialect says
    │   ├── StreamCut              it stopped before its answer had ended
    │   ├── AnswerBroken           it ended, and what it made cannot be used
    │   └── EngineDown             the local model's process is not there
    └── Internal                   our own bug; the caller learns only that

The class fixes status, code and whether another try can help; the dialect decides how that looks
on the wire.  `retryable` is false unless a class says so.
"""

from typing import ClassVar

import msgspec

from geminid.core.content import Json


class Violation(msgspec.Struct, frozen=True):
    """One field that is wrong: its snake_case path and what is wrong with it."""

    field: str
    description: str


class Native(msgspec.Struct, frozen=True):
    """An upstream's own error, kept so that its own dialect can say it word for word."""

    dialect: str
    status: int
    body: Json


class Fault(Exception):
    """A failure that a caller may be told about.

    `detail` is written for the caller: what happened, then what to do.  Secrets and bodies go in
    `__cause__` only.  `native` is set when an upstream said it in a dialect of its own.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal"
    retryable: ClassVar[bool] = False

    def __init__(self, detail: str, *, native: Native | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.native = native


class CallerFault(Fault):
    """The request cannot be answered as it stands; the same request will fail again."""

    status, code = 400, "invalid_request"


class Malformed(CallerFault):
    """The body is not JSON, or its fields are unknown or of a wrong type.

    `violations` lists *all* of them, in the order of the body.
    """

    code = "malformed"

    def __init__(self, detail: str, violations: tuple[Violation, ...] = ()) -> None:
        super().__init__(detail)
        self.violations = violations


class Invalid(CallerFault):
    """A rule of the model or of the API is broken."""

    code = "invalid"


class TooLarge(CallerFault):
    """A body, an event or a nesting passed its limit; `detail` names the limit."""

    code = "too_large"


class TooManyTokens(CallerFault):
    """The prompt has `count` tokens and at most `limit` fit; `note` says where, and what to do."""

    code = "too_many_tokens"

    def __init__(self, count: int, limit: int, note: str = "") -> None:
        detail = (
            f"The input token count ({count}) exceeds the maximum number of tokens allowed"
            f" ({limit})."
        )
        super().__init__(f"{detail} {note}" if note else detail)
        self.count, self.limit, self.note = count, limit, note


class Unsupported(CallerFault):
    """The serving engine cannot do what is asked; `detail` names what, and another way."""

    code = "unsupported"


class Unrepresentable(CallerFault):
    """A part or field exists in one dialect only, and the answer must come from another."""

    code = "unrepresentable"


class BadKey(CallerFault):
    """A key was sent and it is not one of ours."""

    status, code = 401, "bad_key"


class NoKey(CallerFault):
    """No key was sent where one is needed."""

    status, code = 403, "no_key"


class Forbidden(CallerFault):
    """The caller, or the page the request comes from, may not do this."""

    status, code = 403, "forbidden"


class NotFound(CallerFault):
    """There is nothing at this path or under this name."""

    status, code = 404, "not_found"


class UnknownModel(NotFound):
    """`model` is not served, or not for `method`."""

    code = "unknown_model"

    def __init__(self, model: str, method: str = "generateContent") -> None:
        super().__init__(f"Model {model!r} is not served here for {method}.")
        self.model, self.method = model, method


class UnknownMethod(NotFound):
    """The path names a method that does not exist."""

    code = "unknown_method"


class RateLimited(Fault):
    """A limit is used up; `retry_after` is in seconds, `None` if nobody knows."""

    status, code, retryable = 429, "rate_limited", True

    def __init__(
        self, detail: str, *, retry_after: float | None = None, native: Native | None = None
    ) -> None:
        super().__init__(detail, native=native)
        self.retry_after = retry_after


class Overloaded(Fault):
    """There is no room now; another try later can succeed."""

    status, code, retryable = 503, "overloaded", True


class DeadlinePassed(Fault):
    """The deadline of the request or of the attempt passed before the answer ended."""

    status, code, retryable = 504, "deadline", True


class CallerLeft(Fault):
    """The caller closed the connection; kept for the log, never sent."""

    status, code = 499, "caller_left"


class UpstreamFault(Fault):
    """The other side failed.  `status` may be narrowed per instance to what it answered."""

    status, code, retryable = 502, "upstream", True


class UpstreamRefused(UpstreamFault):
    """The upstream refused our key or account: our fault, never the caller's."""

    code, retryable = "upstream_refused", False


class UpstreamUnreachable(UpstreamFault):
    """No connection to the upstream could be made."""

    code = "upstream_unreachable"


class UpstreamMalformed(UpstreamFault):
    """The upstream's answer is not what its dialect says it should be."""

    code = "upstream_malformed"


class StreamCut(UpstreamFault):
    """The answer stopped before its end: a clean close is not proof of a complete answer."""

    code = "stream_cut"


class AnswerBroken(UpstreamFault):
    """The model ended its answer in a way that its caller's dialect has no word for: a malformed
    call, no image, a reason of its own.  It must not look whole there; `detail` names the reason.
    """

    code = "answer_broken"


class EngineDown(UpstreamFault):
    """The process of the local model is gone or does not start."""

    status, code = 503, "engine_down"


class Internal(Fault):
    """Our own bug.  The cause is logged under the request's id; the caller learns only that."""
