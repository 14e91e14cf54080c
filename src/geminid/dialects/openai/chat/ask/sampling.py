"""The knobs of generation: as they are asked for, and as a model has them."""

from typing import Final

import msgspec

from geminid.catalog import Model
from geminid.core.request import Sampling
from geminid.dialects.openai.chat.ask.reading import Node
from geminid.dialects.openai.parts import Ignore

_STOPS: Final = 5
_UNBOUNDED: Final = -1  # local servers' customary word for no limit
_INT32: Final = (1 << 31) - 1
_PLAIN: Final = Sampling()
_FIELDS: Final = frozenset(
    {"temperature", "top_p", "top_k", "seed", "max_tokens", "max_completion_tokens", "stop", "n"}
    | {"presence_penalty", "frequency_penalty", "logprobs", "top_logprobs"}
)
_CANDIDATES: Final = 8
"""So many Gemini's rules let any model be asked for (`range.candidate_count`)."""


def read_sampling(root: Node) -> Sampling:
    """What is asked for; types and ranges of the fields have been looked at (`fields`)."""
    if _FIELDS.isdisjoint(root.tree):
        return _PLAIN
    logprobs = root.flag("logprobs") or None
    top_k = root.whole("top_k")
    return Sampling(
        temperature=root.number("temperature"),
        top_p=root.number("top_p"),
        top_k=min(top_k, _INT32) if top_k is not None and top_k > 0 else None,
        seed=root.whole("seed"),
        max_output=_bound(root),
        stop=_stop(root),
        candidates=root.whole("n"),
        presence_penalty=root.number("presence_penalty"),
        frequency_penalty=root.number("frequency_penalty"),
        logprobs=logprobs,
        top_logprobs=_alternatives(root, logprobs=logprobs),
    )


def fitted(sampling: Sampling, facts: Model | None, *, dialect: str, ignore: Ignore) -> Sampling:
    """`sampling` with what the model has of it; what it has not is named.

    A bound above what the model can say at once is that: nothing is lost by it.
    """
    changes: dict[str, object] = {}
    most = facts.candidates if facts is not None else _CANDIDATES
    if not dialect:  # no engine of our own gives more
        most = 1
    if sampling.candidates is not None and sampling.candidates > most:
        changes["candidates"] = most
        ignore("n")
    if sampling.seed is not None and dialect != "openai" and abs(sampling.seed) > _INT32:
        # A seed has 64 bits here and 32 in Gemini: the same one becomes the same.
        changes["seed"] = sampling.seed & _INT32
    if facts is not None:
        changes |= _had(sampling, facts, ignore)
    return msgspec.structs.replace(sampling, **changes) if changes else sampling


def _had(sampling: Sampling, facts: Model, ignore: Ignore) -> dict[str, object]:
    """What must change for the model that `facts` are about."""
    changes: dict[str, object] = {}
    if not facts.penalties:
        for name in ("presence_penalty", "frequency_penalty"):
            changes[name] = None
            if getattr(sampling, name):
                ignore(name)
    if not facts.logprobs and sampling.logprobs:
        changes |= {"logprobs": None, "top_logprobs": None}
        ignore("logprobs")
    if sampling.max_output is not None:
        changes["max_output"] = min(sampling.max_output, facts.output_limit)
    hottest, asked = facts.max_temperature, sampling.temperature
    if hottest is not None and asked is not None and asked > hottest:
        changes["temperature"] = hottest
        ignore("temperature")
    return changes


def _bound(root: Node) -> int | None:
    """The most tokens of the answer; the newer of its two names is the one that counts."""
    bounds = {name: root.whole(name) for name in ("max_completion_tokens", "max_tokens")}
    for name, bound in bounds.items():
        if bound is None or bound == _UNBOUNDED:
            continue
        if bound < 1:
            root.reading.below(name, bound, 1)
        return min(bound, _INT32)
    return None


def _stop(root: Node) -> tuple[str, ...]:
    """The texts to stop at; an empty one is the customary way to say none."""
    found = root.value("stop", "string", "array")
    texts = [found] if isinstance(found, str) else root.texts("stop") if found else []
    stops = tuple(filter(None, texts))
    if len(stops) > _STOPS:
        root.reading.add(
            "stop",
            f"Invalid 'stop': array too long. Expected an array with maximum length {_STOPS},"
            f" but got an array with length {len(stops)} instead.",
        )
    return stops


def _alternatives(root: Node, *, logprobs: bool | None) -> int | None:
    top = root.whole("top_logprobs")
    if top and not logprobs:
        root.reading.add(
            "top_logprobs", "Invalid value: 'top_logprobs' is only allowed when 'logprobs' is true."
        )
    return top if logprobs else None
