"""The short way for requests of nothing but words, which most are.

A typed decoder reads them in a third of the time of the walk (`walk`): canonical spelling, plain
types, no field but those below.  Whatever else there is takes the long way, which knows all of
proto3 JSON's freedoms and names what is wrong.
"""

from typing import Annotated, Final

import msgspec

from geminid.core.content import Content, Text
from geminid.core.request import Request, Sampling

DEPTH: Final = 5
"""JSON values in each other, at most, in such a request."""

_Int32 = Annotated[int, msgspec.Meta(ge=-(1 << 31), le=(1 << 31) - 1)]
_Float = Annotated[float, msgspec.Meta(ge=-3.4e38, le=3.4e38)]


class _Text(msgspec.Struct, forbid_unknown_fields=True):
    text: str


class _Content(msgspec.Struct, forbid_unknown_fields=True):
    parts: Annotated[list[_Text], msgspec.Meta(min_length=1)]
    role: str = ""


class _Config(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    max_output_tokens: _Int32 | None = None
    temperature: _Float | None = None
    top_p: _Float | None = None
    top_k: _Int32 | None = None
    seed: _Int32 | None = None
    stop_sequences: list[str] = []


class _Body(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    contents: Annotated[list[_Content], msgspec.Meta(min_length=1)]
    generation_config: _Config | None = None
    system_instruction: _Content | None = None


_DECODER: Final = msgspec.json.Decoder(_Body)
_ROLES: Final = {"": "user", "user": "user", "model": "model"}
_NONE: Final = Sampling()


def decode_plain(body: bytes, model: str) -> Request | None:
    """What `decode_request` makes of `body`, if it is one of these; `None` if it may be another."""
    try:
        found = _DECODER.decode(body)
        contents = tuple(
            Content(_ROLES[content.role], _texts(content)) for content in found.contents
        )
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, KeyError):
        return None
    system = found.system_instruction
    return Request(
        model=model,
        contents=contents,
        system=_texts(system) if system is not None else (),
        sampling=_sampling(found.generation_config),
    )


def _texts(content: _Content) -> tuple[Text, ...]:
    return tuple([Text(text=part.text) for part in content.parts])


def _sampling(config: _Config | None) -> Sampling:
    if config is None:
        return _NONE
    return Sampling(
        max_output=config.max_output_tokens,
        temperature=config.temperature,
        top_p=config.top_p,
        top_k=config.top_k,
        seed=config.seed,
        stop=tuple(config.stop_sequences),
    )
