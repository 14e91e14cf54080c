"""How an answer arrives: one stream of frozen events, the same for every engine and dialect.

The rules, which `fold` relies on and every decoder keeps:

1. `Begin` comes first, once.
2. A part is `PartStart`, any number of `Delta`, `PartEnd`; parts of a candidate never interleave,
   and a candidate's parts are numbered 0, 1, 2, ...
3. `PartStart.part` holds what is known when the part begins.  A `Delta` appends to the growing
   field of a `Text`, `Thought`, `Code` or `Call` (there: to the JSON text of `args`, which starts
   empty); all other parts arrive whole in their `PartStart`.
4. A signature that comes late rides on `PartEnd`, and replaces the one of `PartStart`, if any.
5. Each candidate has one `End`, after its last `PartEnd`.  The stream is whole only if every
   candidate that began has ended; a prompt that was blocked is a single `End` with `blocked`.
6. Failures are raised as `Fault`, never sent as events, so no consumer can forget them.
"""

from collections.abc import AsyncGenerator
from typing import TypeAlias

import msgspec

from geminid.core.content import Json, Part
from geminid.core.usage import Usage


class Begin(msgspec.Struct, frozen=True, tag="begin"):
    """The answer has begun.  `model` is what the engine says answered, without `models/`.

    `extra` holds further fields of the whole answer in the dialect `extra_dialect`, verbatim.
    """

    response_id: str
    model: str
    extra: Json | None = None
    extra_dialect: str = ""


class PartStart(msgspec.Struct, frozen=True, tag="part_start"):
    """Part `index` of `candidate` begins as `part`."""

    index: int
    part: Part
    candidate: int = 0


class Delta(msgspec.Struct, frozen=True, tag="delta"):
    """More text of part `index`."""

    index: int
    text: str
    candidate: int = 0


class PartEnd(msgspec.Struct, frozen=True, tag="part_end"):
    """Part `index` is whole."""

    index: int
    signature: str = ""
    candidate: int = 0


class Tally(msgspec.Struct, frozen=True, tag="tally"):
    """Token counts up to here.  Replaces the tally before it."""

    usage: Usage


class Blocked(msgspec.Struct, frozen=True):
    """The prompt was refused before any candidate: `reason` is Gemini's `blockReason`."""

    reason: str
    ratings: Json | None = None
    message: str = ""


class End(msgspec.Struct, frozen=True, tag="end"):
    """A candidate has ended, and how: `reason` is Gemini's `finishReason`.

    `extra` holds the candidate's further fields in the dialect named by `extra_dialect`
    (grounding, citations, ratings), verbatim.
    """

    reason: str
    message: str = ""
    candidate: int = 0
    blocked: Blocked | None = None
    extra: Json | None = None
    extra_dialect: str = ""


Event: TypeAlias = Begin | PartStart | Delta | PartEnd | Tally | End

Events: TypeAlias = AsyncGenerator[Event, None]
"""A pull-only stream of events.  Whoever iterates closes it (`contextlib.aclosing`)."""
