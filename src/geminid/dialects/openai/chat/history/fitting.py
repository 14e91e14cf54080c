"""A conversation as one model can take it."""

from collections.abc import Iterator
from typing import Final

import msgspec

from geminid.catalog import Model
from geminid.core.content import Content, Modifiers, Part, Thought
from geminid.dialects.openai.parts import DIALECT, Ignore

_PART: Final = "part"
_DETAIL: Final = "messages.content.image_url.detail"


def fitting(
    contents: tuple[Content, ...], facts: Model | None, *, dialect: str, ignore: Ignore
) -> tuple[Content, ...]:
    """`contents` for a model of which the catalog knows `facts`, whose engine speaks `dialect`.

    How another maker's thoughts stood on this wire, and their proofs, is only for an engine that
    speaks it.  The detail of an image is left out, and named, for a model that has none.
    """
    if dialect == DIALECT or not any(
        part.modifiers is not None for content in contents for part in content.parts
    ):
        return contents
    detailed = facts is None or facts.media_resolution == _PART
    return tuple(
        Content(content.role, tuple(_fitting(content.parts, ignore, detailed=detailed)))
        for content in contents
    )


def _fitting(parts: tuple[Part, ...], ignore: Ignore, *, detailed: bool) -> Iterator[Part]:
    for part in parts:
        modifiers = part.modifiers
        if modifiers is None:
            yield part
        elif isinstance(part, Thought):
            if part.text or part.signature:
                yield msgspec.structs.replace(part, modifiers=None)
        elif modifiers.resolution and not detailed:
            ignore(_DETAIL)
            rest = msgspec.structs.replace(modifiers, resolution="")
            yield msgspec.structs.replace(part, modifiers=None if rest == Modifiers() else rest)
        else:
            yield part
