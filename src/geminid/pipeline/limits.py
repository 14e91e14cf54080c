"""Policy: the model's own limit on its input holds, whatever the engine that answers could take."""

from typing import Final, assert_never

from geminid.core.content import (
    Blob,
    Call,
    Code,
    CodeResult,
    FileRef,
    Opaque,
    Part,
    Result,
    Text,
    Thought,
)
from geminid.core.errors import TooManyTokens
from geminid.core.ports import Context
from geminid.core.request import Request
from geminid.pipeline.compile import Target

_DOUBT: Final = 2
"""How far over the limit an estimate must be before it counts."""


async def check_input(request: Request, target: Target, context: Context) -> None:
    """Let a prompt pass that the model could read.

    A token is at least a byte, so a prompt is counted only if it has more bytes than the model may
    have tokens.  Where the engine can only estimate, twice the limit is too much.

    Raises:
        TooManyTokens: it is too long for the model asked for; both limits are named.
        Fault: the engine cannot count it.
    """
    facts = target.facts
    if facts is None or _bytes(request) <= facts.input_limit:
        return
    count = await target.channel.engine.count(request, target.theirs, context)
    if count.total > facts.input_limit * (_DOUBT if count.estimated else 1):
        engine = await target.channel.engine.input_limit(target.theirs)
        raise TooManyTokens(count.total, facts.input_limit, _theirs(engine))


def both_named(fault: TooManyTokens, target: Target) -> TooManyTokens:
    """`fault` of an engine whose limit is lower than the model's, with the model's own beside it.

    An upstream's own words stay as they are.
    """
    facts = target.facts
    if facts is None or fault.native is not None:
        return fault
    if fault.count > facts.input_limit:
        return TooManyTokens(fault.count, facts.input_limit, _theirs(fault.limit))
    note = f"{fault.note} The limit of {facts.id} itself is {facts.input_limit} tokens."
    return TooManyTokens(fault.count, fault.limit, note.strip())


def _theirs(limit: int | None) -> str:
    return "" if limit is None else f"The engine that answers here takes at most {limit}."


def _bytes(request: Request) -> int:
    parts = [part for content in request.contents for part in content.parts]
    size = sum(_size(part) for part in (*request.system, *parts))
    return size + sum(len(bytes(tool.parameters or b"")) for tool in request.functions)


def _size(part: Part) -> int:
    """At most four bytes for each character, which is what counts where a limit is a million."""
    match part:
        case Text() | Thought():
            return 4 * len(part.text)
        case Call():
            return len(bytes(part.args))
        case Result():
            return len(bytes(part.response))
        case Code():
            return 4 * len(part.code)
        case CodeResult():
            return 4 * len(part.output)
        case Blob() | FileRef() | Opaque():
            return 0  # media have token tables of their own
        case _:
            assert_never(part)
