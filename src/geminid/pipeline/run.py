"""A request from its target to its settlement, by either lane.

Both lanes keep the same book: an opening before anything is sent, one settlement at the end, also
when the caller leaves.  Both are generators that own the engine's; closing them closes it.  There
is no timeout around a `yield`: the deadline is in the `Context`, and the engine's transport keeps
it.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, asynccontextmanager
from typing import Final, cast

import msgspec

from geminid.core.errors import CallerLeft, Fault, Internal, StreamCut, TooManyTokens
from geminid.core.events import Begin, End, Event, Events, PartEnd, PartStart, Tally
from geminid.core.ports import (
    Account,
    ByteEngine,
    Clock,
    Context,
    Meter,
    Opening,
    Relay,
    RelayTail,
    Settlement,
    TokenCount,
)
from geminid.core.request import Request
from geminid.core.usage import Usage
from geminid.pipeline.callids import identified
from geminid.pipeline.compile import Lane, Target
from geminid.pipeline.enforce import Contract, Enforcer, contract_of
from geminid.pipeline.limits import both_named, check_input
from geminid.pipeline.signatures import Signatures
from geminid.pipeline.thoughts import shown, wanted
from geminid.pipeline.validator import Validators
from geminid.pipeline.vault import Keeping

_NATIVE: Final = "gemini"
_ENDING: Final = b'"finishReason"'


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

    def paid(self, usage: Usage) -> None:
        """So much was spent so far, whoever sees it."""
        self.usage = usage

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


class Policies(msgspec.Struct, frozen=True, kw_only=True):
    """What holds for every answer: signatures and where they are kept, and contracts with their
    validators and counts.
    """

    signatures: Signatures
    keeping: Keeping
    validators: Validators
    meter: Meter


class Runner:
    """Runs requests on their targets and keeps the book."""

    def __init__(self, account: Account, clock: Clock, policies: Policies) -> None:
        self._account, self._clock, self._policies = account, clock, policies

    def sealed(self, body: bytes) -> bool:
        """Whether `body` may hold a signature that was sealed here, which no upstream knows."""
        return self._policies.signatures.mark in body

    async def looked(self, request: Request, target: Target, context: Context) -> Request:
        """A Gemini caller's request whose bytes could pass as they are: itself if they may, else
        what must be sent instead, since a signature in it is not valid at this target.

        Raises:
            Invalid: a signature is corrupted.
        """
        request = await self._policies.keeping.put_back(request, target, context, lenient=False)
        self._policies.signatures.opened(request, target, context)
        return request

    async def run(self, request: Request, target: Target, context: Context, dialect: str) -> Events:
        """The event lane: the engine's events, and `Begin.response_id` filled in if it has none.

        Raises:
            Invalid: a signature or a schema of the request; nothing was sent or booked.
            Fault: what the engine raised, or the book that could not be written; nothing was sent
                then.
            StreamCut: the engine stopped before all it had begun was ended.
        """
        context, lenient = self._bounded(context, target), dialect != _NATIVE
        keeping, signatures = self._policies.keeping, self._policies.signatures
        request = await keeping.put_back(request, target, context, lenient=lenient)
        opened = signatures.opened(request, target, context, refuse=not lenient)
        contract = self._contract(opened, target, context.notice if lenient else None)
        async with self._booked(target, context, dialect) as progress:
            answered = self._answered(opened, target, context, contract, progress)
            if lenient:
                engine = target.channel.engine
                answered = identified(
                    answered, context.request_id, long=True, trusted=engine.dialect == _NATIVE
                )
            async with aclosing(keeping.kept(answered, request, target, context)) as events:
                async for event in events:
                    progress.first = progress.first or self._clock.now()
                    progress.take(event)
                    if isinstance(event, Begin) and not event.response_id:
                        yield msgspec.structs.replace(event, response_id=context.request_id)
                    else:
                        yield event
            if not progress.whole:
                raise StreamCut("The engine stopped before the answer had ended; try again.")

    def _contract(
        self, request: Request, target: Target, unchecked: Callable[[str], None] | None
    ) -> Contract | None:
        """What the answer is held to; an engine of Gemini's own dialect only where it may be asked
        again, and there it may know functions that the request does not declare.
        """
        native = target.channel.engine.dialect == _NATIVE
        if native and not target.channel.manner.repairs:
            return None
        validators = self._policies.validators
        return contract_of(request, validators, others=native, unchecked=unchecked)

    def _answered(
        self,
        request: Request,
        target: Target,
        context: Context,
        contract: Contract | None,
        progress: _Progress,
    ) -> Events:
        """The engine's events under all policies.

        An engine of Gemini's own dialect hides thoughts, signs and numbers calls itself.
        """
        engine = target.channel.engine
        if contract is None:
            return engine.answer(request, target.theirs, context)

        def ask(asked: Request) -> Events:
            return engine.answer(asked, target.theirs, context)

        enforcer = Enforcer(ask, target, context, self._policies.meter)
        events = enforcer.events(request, contract, progress.paid)
        if engine.dialect == _NATIVE:
            return events
        events = _fitting(events, request, target, context)
        events = self._policies.signatures.signed(
            identified(events, context.request_id), target, context
        )
        return shown(events, include=wanted(request, context))

    async def relay(
        self,
        body: bytes,
        target: Target,
        context: Context,
        dialect: str,
        request: Request | None = None,
    ) -> Relay:
        """The byte lane: the upstream's own bytes.  The target's lane must be `BYTES`.

        `request` is what `body` says, if anybody looked.  Raises as `run`.
        """
        if target.lane is not Lane.BYTES:
            raise Internal(f"Channel {target.channel.name} cannot pass bytes through.")
        # `compile` has seen that it is one; asking a protocol again costs 18 µs a request.
        engine = cast("ByteEngine", target.channel.engine)
        context = self._bounded(context, target)
        watch = self._policies.keeping.watch(request, target, context)
        async with (
            self._booked(target, context, dialect) as progress,
            aclosing(engine.relay(body, target.theirs, context)) as pieces,
        ):
            async for piece in pieces:
                if isinstance(piece, RelayTail):
                    progress.finish, progress.usage = piece.finish, piece.usage
                    await watch.done()
                elif isinstance(piece, bytes):
                    watch.see(piece)
                    if _ENDING in piece:  # what ends the answer leaves after what it signed is kept
                        await watch.done()
                progress.first = progress.first or self._clock.now()
                yield piece
            if not progress.whole:
                raise StreamCut("The engine stopped before the answer had ended; try again.")

    async def count(self, request: Request, target: Target, context: Context) -> TokenCount:
        """Tokens of a prompt.  Not booked: counting is free.  Raises what the engine raises."""
        context = self._bounded(context, target)
        request = self._policies.signatures.opened(request, target, context, refuse=False)
        async with target.channel.used() as engine:
            try:
                return await engine.count(request, target.theirs, context)
            except TooManyTokens as fault:
                raise both_named(fault, target) from fault

    def _bounded(self, context: Context, target: Target) -> Context:
        """`context` with the attempt's own deadline if that is nearer; notices stay shared."""
        attempt = self._clock.monotonic() + target.channel.manner.timeout_s
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


async def _fitting(events: Events, request: Request, target: Target, context: Context) -> Events:
    """`events`, of a prompt that fits the model.  Owns `events`."""
    async with aclosing(events):
        await check_input(request, target, context)
        try:
            async for event in events:
                yield event
        except TooManyTokens as fault:
            raise both_named(fault, target) from fault
