"""A request under examination, and what it has in it that a rule could be about."""

from functools import cached_property
from typing import Final

from geminid.catalog import Model
from geminid.core.content import Blob, Call, Content, FileRef, Opaque, Result, Text
from geminid.core.request import Request, Sampling
from geminid.pipeline.rules.extra import Fields, fields_of
from geminid.pipeline.rules.schema import Faults, faults_of
from geminid.pipeline.rules.turns import Turn, turns_of

# Plain numbers: an IntFlag's `|` costs a microsecond, and this runs for every part.
ANY: Final = 1
FUNCTIONS: Final = 2
BUILTINS: Final = 4
CHOICE: Final = 8
CALLS: Final = 16
"""Calls or responses."""
THINKING: Final = 32
OUTPUT: Final = 128
MODALITIES: Final = 256
EXTRA: Final = 512
MODIFIERS: Final = 1024
MODEL: Final = 2048
"""Contents that a model said."""
MEDIA: Final = 4096

SAMPLED: Final[dict[str, int]] = {
    name: 1 << (16 + number) for number, name in enumerate(Sampling.__struct_fields__)
}
"""A constant for each knob of `Sampling` that is set."""

_PARTS: Final[dict[type, int]] = {Call: CALLS, Result: CALLS, Blob: MEDIA, FileRef: MEDIA}
_OPAQUE: Final = {"functionCall": CALLS, "functionResponse": CALLS, "inlineData": MEDIA}
_PLAIN: Final = Sampling()
_UNSET: Final = (None, ())


class Case:
    """One request for one model; what several checks need is worked out once, on demand.

    `model` is `None` for a model that the catalog does not know.
    """

    def __init__(self, request: Request, model: Model | None) -> None:
        self.request, self.model = request, model

    @property
    def known(self) -> Model:
        """The model, for checks that are only asked about models of the catalog."""
        assert self.model is not None
        return self.model

    @property
    def name(self) -> str:
        """The model's name as errors tell it."""
        return self.model.id if self.model is not None else self.request.model

    @cached_property
    def turns(self) -> tuple[Turn, ...]:
        """The conversation, neighbours of one role put together."""
        return turns_of(self.request)

    @cached_property
    def fields(self) -> Fields:
        """The fields of the dialect alone."""
        return fields_of(self.request.extra)

    @cached_property
    def faults(self) -> Faults:
        """What is wrong with the request's schemas."""
        return faults_of(self.request)

    @property
    def cached(self) -> bool:
        """Whether the contents go on from those of a cache, which nobody here can see."""
        return bool(self.fields.cached_content)


def features_of(request: Request) -> int:
    """What the request has in it, as a sum of the constants above."""
    found = ANY
    if request.functions:
        found |= FUNCTIONS
    if request.builtins:
        found |= BUILTINS
    if request.tool_choice is not None:
        found |= CHOICE
    if request.thinking is not None:
        found |= THINKING
    sampling = request.sampling
    if sampling != _PLAIN:
        for name, feature in SAMPLED.items():
            if getattr(sampling, name) not in _UNSET:
                found |= feature
    if request.output is not None:
        found |= OUTPUT
    if request.modalities:
        found |= MODALITIES
    if request.extra is not None:
        found |= EXTRA
    return found | _said(request.contents)


def _said(contents: tuple[Content, ...]) -> int:
    found = 0
    for content in contents:
        if content.role == "model":
            found |= MODEL
        for part in content.parts:
            kind = type(part)
            if kind is not Text:
                found |= _PARTS.get(kind, 0)
                if type(part) is Opaque:
                    found |= _OPAQUE.get(part.kind, 0) | MODIFIERS
            if part.modifiers is not None:
                found |= MODIFIERS
    return found
