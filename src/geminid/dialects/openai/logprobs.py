"""`choices[].logprobs` as the core keeps them: Gemini's `logprobsResult`, beside a candidate's end.

Token ids are not on this wire, so they are left out.
"""

import msgspec

from geminid.core.content import Json


class TopToken(msgspec.Struct):
    """One alternative."""

    token: str | None = None
    logprob: float | None = None


class TokenLogprob(msgspec.Struct):
    """The token that was chosen, and its alternatives."""

    token: str | None = None
    logprob: float | None = None
    top_logprobs: list[TopToken] | None = None


class Logprobs(msgspec.Struct):
    """The log probabilities of one message or delta."""

    content: list[TokenLogprob] | None = None


def logprobs_result(tokens: list[TokenLogprob]) -> Json:
    """Gemini's candidate fields `logprobsResult` and `avgLogprobs` for the answer's `tokens`."""
    total = sum(token.logprob or 0.0 for token in tokens)
    result: dict[str, object] = {
        "chosenCandidates": [_candidate(token) for token in tokens],
        "logProbabilitySum": total,
    }
    if any(token.top_logprobs for token in tokens):
        result["topCandidates"] = [
            {"candidates": [_candidate(top) for top in token.top_logprobs or ()]}
            for token in tokens
        ]
    fields = {"avgLogprobs": total / len(tokens), "logprobsResult": result}
    return Json(msgspec.json.encode(fields))


def _candidate(token: TokenLogprob | TopToken) -> dict[str, object]:
    return {"token": token.token or "", "logProbability": token.logprob or 0.0}
