"""The fields of a request body, and what becomes of each.

Sources: openai-python 3.52, spec/dialects.md sections 2.1 and 2.4, November 2026.
"""

from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from geminid.dialects.openai.chat.ask.reading import Kind, Reading, fits
from geminid.dialects.openai.tree import Tree

Use = Literal["used", "service", "openai"]


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """One top-level field.

    `use`: it is `used`; or a `service` matter that alters no answer, so that it may be left out
    even for callers who require every field; or `openai`, a wish that only engines of this dialect
    may know.  `kinds` are the types it may have, `low` and `high` the ends of its range.  `idle`
    values, like `null`, `[]` and `{}`, ask for nothing.  `verbatim`: it is used, and engines of
    this dialect get it as it is.  `bare`: even `{}` asks for something.
    """

    use: Use
    kinds: tuple[Kind, ...]
    low: float | None = None
    high: float | None = None
    idle: tuple[object, ...] = ()
    verbatim: bool = False
    bare: bool = False

    def asks(self, value: object) -> bool:
        """Whether `value` asks for anything."""
        if value is None or value in self.idle:
            return False
        return self.bare or value not in ([], {})


def _used(*kinds: Kind, low: float | None = None, high: float | None = None) -> Field:
    return Field(use="used", kinds=kinds, low=low, high=high)


def _verbatim(*kinds: Kind) -> Field:
    return Field(use="used", kinds=kinds, verbatim=True)


def _service(*kinds: Kind, idle: tuple[object, ...] = ()) -> Field:
    return Field(use="service", kinds=kinds, idle=idle)


def _openai(*kinds: Kind, idle: tuple[object, ...] = ()) -> Field:
    return Field(use="openai", kinds=kinds, idle=idle)


_UNKNOWN: Final = Field(use="openai", kinds=())

FIELDS: Final[Mapping[str, Field]] = {
    # OpenAI's
    "audio": _verbatim("object"),
    "frequency_penalty": _used("number", low=-2, high=2),
    "function_call": _used("string", "object"),
    "functions": _used("array"),
    "logit_bias": _openai("object"),
    "logprobs": _used("boolean"),
    "max_completion_tokens": _used("integer"),
    "max_tokens": _used("integer"),
    "messages": _used("array"),
    "metadata": _service("object"),
    "modalities": _used("array"),
    "model": _used("string"),
    "moderation": _openai("object"),
    "n": _used("integer", low=1, high=128),
    "parallel_tool_calls": _openai("boolean", idle=(True,)),
    "prediction": _openai("object"),
    "presence_penalty": _used("number", low=-2, high=2),
    "prompt_cache_key": _service("string"),
    "prompt_cache_options": _service("object"),
    "prompt_cache_retention": _service("string"),
    "reasoning_effort": _used("string"),
    "response_format": _used("object"),
    "safety_identifier": _service("string"),
    "seed": _used("integer"),
    "service_tier": _verbatim("string"),
    "stop": _used("string", "array"),
    "store": _service("boolean", idle=(False,)),
    "stream": _used("boolean"),
    "stream_options": _used("object"),
    "temperature": _used("number", low=0, high=2),
    "tool_choice": _used("string", "object"),
    "tools": _used("array"),
    "top_logprobs": _used("integer", low=0, high=20),
    "top_p": _used("number", low=0, high=1),
    "user": _service("string"),
    "verbosity": _openai("string", idle=("medium",)),
    "web_search_options": Field(use="used", kinds=("object",), verbatim=True, bare=True),
    # OpenRouter's
    "cache_control": _service("object"),
    "image_config": _verbatim("object"),
    "include_reasoning": _used("boolean"),
    "min_p": _openai("number", idle=(0,)),
    "models": _used("array"),
    "plugins": _verbatim("array"),
    "provider": Field(use="service", kinds=("object",), verbatim=True),
    "reasoning": _used("object"),
    "repetition_penalty": _openai("number", idle=(1,)),
    "route": _service("string", idle=("fallback",)),
    "session_id": _service("string"),
    "structured_outputs": _openai("boolean", "object", idle=(True, False)),
    "top_a": _openai("number", idle=(0,)),
    "top_k": _used("integer"),
    "trace": _service("object"),
    "transforms": _openai("array"),
    "usage": _used("object"),
    # Of Google's layer, and of others
    "extra_body": _used("object"),
    "google": _used("object"),
    "thinking": _used("object"),
}
"""By name; what is not here nobody has a word for but, perhaps, an engine of this dialect."""


def check_fields(tree: Tree, reading: Reading) -> None:
    """Look through the top-level values of a body: types, ranges, and which are not used."""
    for name, value in tree.items():
        field = FIELDS.get(name, _UNKNOWN)
        if value is None:
            continue
        if field.kinds and not fits(value, field.kinds):
            reading.wrong(name, field.kinds, value)
        elif field.low is not None and value < field.low:  # type: ignore[operator]  # a number
            reading.below(name, value, field.low)
        elif field.high is not None and value > field.high:  # type: ignore[operator]  # a number
            reading.above(name, value, field.high)
        elif field.use != "used" and not field.verbatim and field.asks(value):
            reading.leave(name, service=field.use == "service")


def goes_on(path: str) -> bool:
    """Whether an engine of this dialect gets what stands at `path` as it is."""
    field = FIELDS.get(path.partition(".")[0], _UNKNOWN)
    return field.use != "used" or field.verbatim


def verbatim(tree: Tree) -> Tree:
    """What an engine of this dialect gets as it is."""
    return {
        name: value
        for name, value in tree.items()
        if goes_on(name) and FIELDS.get(name, _UNKNOWN).asks(value)
    }
