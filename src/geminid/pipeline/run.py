"""A request from its target to its settlement, by either lane.

Both lanes keep the same book: an opening before anything is sent, one settlement at the end, also
when the caller leaves.  Both are generators that own the engine's; closing them closes it.  There
is no timeout around a `yield`: the deadline is in the `Context`, and the engine's transport keeps
it.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from typing import cast

import msgspec

from geminid.core.errors import CallerLeft, Fault, Internal, StreamCut
from geminid.core.events import Begin, End, Event, Events, PartEnd, PartStart, Tally
from geminid.core.ports import (
    Account,
    ByteEngine,
    Clock,
    Context,
    Opening,
    Relay,
    RelayTail,
    Settlement,
    TokenCount,
)
from geminid.core.request import Request
from geminid.core.usage import Usage
from geminid.pipeline.compile import Lane, Target


class _Progress:
    """What is known of an answer that is under way."""

    def __init__(self) -> None:
        self.finish = ""
        self.usage: Usage | None = None
        self.first = 0.0
        self._parts = 0  # begun and not ended
        self._candidates: set[int] = set()  # begun and not ended

    @property
    def whole(self) -> bool:
        """Whether all that began has ended, by the rules of `core.events`."""
        return bool(self.finish) and not self._parts and not self._candidates

    def take(self, event: Event) -> None:
        match event:
            case PartStart():
                self._parts += 1
                self._candidates.add(event.candidate)
            case PartEnd():
                self._parts -= 1
            case Tally():
                self.usage = event.usage
            case End():
                self._candidates.discard(event.candidate)
                self.finish = event.blocked.reason if event.blocked else event.reason
            case _:
                pass


class Runner:
    """Runs requests on their targets and keeps the book."""

    def __init__(self, account: Account, clock: Clock) -> None:
        self._account, self._clock = account, clock

    async def run(self, request: Request, target: Target, context: Context, dialect: str) -> Events:
        """The event lane: the engine's events, and `Begin.response_id` filled in if it has none.

        Raises:
            Fault: what the engine raised, or the book that could not be written; nothing was sent
                then.
            StreamCut: the engine stopped before all it had begun was ended.
        """
        context = self._bounded(context, target)
        async with self._booked(target, context, dialect) as progress:
            async with aclosing(
                target.channel.engine.answer(request, target.theirs, context)
            ) as events:
                async for event in events:
                    progress.first = progress.first or self._clock.now()
                    progress.take(event)
                    if isinstance(event, Begin) and not event.response_id:
                        yield msgspec.structs.replace(event, response_id=context.request_id)
                    else:
                        yield event
            if not progress.whole:
                raise StreamCut("The engine stopped before the answer had ended; try again.")

    async def relay(self, body: bytes, target: Target, context: Context, dialect: str) -> Relay:
        """The byte lane: the upstream's own bytes.  The target's lane must be `BYTES`.

        Raises as `run`.
        """
        if target.lane is not Lane.BYTES:
            raise Internal(f"Channel {target.channel.name} cannot pass bytes through.")
        # `compile` has seen that it is one; asking a protocol again costs 18 µs a request.
        engine = cast("ByteEngine", target.channel.engine)
        context = self._bounded(context, target)
        async with (
            self._booked(target, context, dialect) as progress,
            aclosing(engine.relay(body, target.theirs, context)) as pieces,
        ):
            async for piece in pieces:
                if isinstance(piece, RelayTail):
                    progress.finish, progress.usage = piece.finish, piece.usage
                progress.first = progress.first or self._clock.now()
                yield piece
            if not progress.whole:
                raise StreamCut("The engine stopped before the answer had ended; try again.")

    async def count(self, request: Request, target: Target, context: Context) -> TokenCount:
        """Tokens of a prompt.  Not booked: counting is free.  Raises what the engine raises."""
        context = self._bounded(context, target)
        async with target.channel.used() as engine:
            return await engine.count(request, target.theirs, context)

    def _bounded(self, context: Context, target: Target) -> Context:
        """`context` with the attempt's own deadline if that is nearer; notices stay shared."""
        attempt = self._clock.monotonic() + target.channel.timeout_s
        if attempt >= context.deadline:
            return context
        return msgspec.structs.replace(context, deadline=attempt)

    @asynccontextmanager
    async def _booked(
        self, target: Target, context: Context, dialect: str
    ) -> AsyncGenerator[_Progress, None]:
        self._account.open(
            Opening(
                request_id=context.request_id,
                started=self._clock.now(),
                caller=context.caller,
                dialect=dialect,
                model=target.model,
                channel=target.channel.name,
                engine=target.channel.kind,
                upstream_model=target.theirs,
                stream=context.stream,
            )
        )
        progress = _Progress()
        outcome = Internal.code
        try:
            async with target.channel.used():
                yield progress
            outcome = "ok"
        except Fault as fault:
            outcome = fault.code
            raise
        except (asyncio.CancelledError, GeneratorExit):
            # A caller who leaves after the ending has had the whole answer.
            if _cancelled():
                outcome = "ok" if progress.finish else CallerLeft.code
            raise
        finally:
            # Appending to the journal takes a microsecond and awaits nothing: no shield is needed.
            self._account.settle(
                Settlement(
                    request_id=context.request_id,
                    outcome=outcome,
                    finish=progress.finish,
                    usage=progress.usage,
                    ended=self._clock.now(),
                    first_byte=progress.first,
                )
            )


def _cancelled() -> bool:
    """Whether the caller left (`http` cancels the task then), or our own reader failed."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
