"""The next question, after an answer that broke its contract."""

from typing import Final

import msgspec

from geminid.core.content import Content, Text
from geminid.core.request import Request
from geminid.core.usage import Usage

_QUOTED: Final = 4000
_WARM: Final = 0.7
"""A model that always takes the likeliest token would only say the same again."""


def resampled(request: Request, attempt: int) -> Request:
    """The same question with other dice: another seed, and a temperature that lets them fall.

    Where none was named the engine may have taken the likeliest token.
    """
    sampling = request.sampling
    cold = sampling.temperature is None or sampling.temperature < _WARM
    return msgspec.structs.replace(
        request,
        sampling=msgspec.structs.replace(
            sampling,
            seed=None if sampling.seed is None else (sampling.seed + attempt) % (1 << 31),
            temperature=_WARM if cold else sampling.temperature,
        ),
    )


def repaired(request: Request, said: str, problem: str) -> Request:
    """The question with what was `said` and what was wrong with it put after it, for the model to
    mend; nobody else touches an answer.
    """
    words = (
        f"Your last answer cannot be used. {problem}\n\nIt was:\n{said[:_QUOTED]}\n\n"
        "Answer again, mend that, and say nothing about this."
    )
    turn = Content("user", (Text(text=words),))
    return msgspec.structs.replace(request, contents=(*request.contents, turn))


def added(spent: Usage | None, usage: Usage) -> Usage:
    """The counts of all attempts together: each was paid for."""
    if spent is None:
        return usage
    return msgspec.structs.replace(
        usage,
        prompt=spent.prompt + usage.prompt,
        output=spent.output + usage.output,
        thoughts=spent.thoughts + usage.thoughts,
        cached=spent.cached + usage.cached,
        tool_use=spent.tool_use + usage.tool_use,
        prompt_details=(),
        output_details=(),
        cache_details=(),
        tool_use_details=(),
        cost_nusd=None
        if spent.cost_nusd is None or usage.cost_nusd is None
        else spent.cost_nusd + usage.cost_nusd,
    )
