"""Values that no model takes: the ranges of `generationConfig`, as the API words them.

Source: gemini.md section 2.1 for the ranges, public error reports for the wording; the bounds of
the penalties are from memory [M].  Google checks its own requests; this holds where another engine
answers, which might take -1 for "no limit" and an empty stop text for "stop at once".
"""

from typing import Final

import msgspec

from geminid.core.errors import Invalid
from geminid.core.request import Request, Sampling

_STOPS: Final = 5


class _Range(msgspec.Struct, frozen=True):
    """The bounds of one field, both included; `high` None means no upper one."""

    field: str
    low: float
    high: float | None = None

    def wrong(self, value: float) -> bool:
        return not (self.low <= value and (self.high is None or value <= self.high))

    def words(self) -> str:
        if self.high is None:
            return f"{self.field} must be positive."
        return f"{self.field} must be in the range [{self.low}, {self.high}]."


_RANGES: Final[dict[str, _Range]] = {
    "temperature": _Range("temperature", 0.0, 2.0),
    "top_p": _Range("top_p", 0.0, 1.0),
    "top_k": _Range("top_k", 1),
    "max_output": _Range("max_output_tokens", 1),
    "candidates": _Range("candidate_count", 1, 8),
    "presence_penalty": _Range("presence_penalty", -2.0, 2.0),
    "frequency_penalty": _Range("frequency_penalty", -2.0, 2.0),
    "top_logprobs": _Range("logprobs", 0, 20),
}
"""Fields of `Sampling` and what they may hold."""


def check_ranges(request: Request) -> None:
    """Let the request pass.

    Raises:
        Invalid: values are out of range; all are named.
    """
    wrong = _outside(request.sampling) + _stops(request.sampling.stop)
    thinking = request.thinking
    if thinking is not None and thinking.budget is not None and thinking.budget < -1:
        wrong.append(("thinking_config.thinking_budget", "thinking_budget must be -1 or more."))
    if wrong:
        prefix = "* GenerateContentRequest.generation_config"
        raise Invalid("".join(f"{prefix}.{field}: {words}\n" for field, words in wrong))


def _outside(sampling: Sampling) -> list[tuple[str, str]]:
    wrong: list[tuple[str, str]] = []
    for name, bounds in _RANGES.items():
        value = getattr(sampling, name)
        if value is not None and bounds.wrong(value):
            wrong.append((bounds.field, bounds.words()))
    return wrong


def _stops(stops: tuple[str, ...]) -> list[tuple[str, str]]:
    if len(stops) > _STOPS:
        return [("stop_sequences", f"at most {_STOPS} stop sequences are allowed.")]
    return [
        (f"stop_sequences[{index}]", "stop sequence must not be empty.")
        for index, stop in enumerate(stops)
        if not stop
    ]
