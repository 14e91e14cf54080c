"""Asks, watches, and asks again while nothing has left; then ends honestly."""

from collections.abc import Callable
from contextlib import aclosing
from typing import TypeAlias

import msgspec

from geminid.core.events import Begin, Event, Events, Tally
from geminid.core.ports import Context, Meter
from geminid.core.request import Request
from geminid.core.usage import Usage
from geminid.pipeline.compile import Target
from geminid.pipeline.enforce.again import added, repaired, resampled
from geminid.pipeline.enforce.contract import Contract
from geminid.pipeline.enforce.watch import Watch

Ask: TypeAlias = Callable[[Request], Events]


class Enforcer:
    """One request's answer, held to `contract`.

    A channel's `repairs` bound how often it is asked again: the very same question where the model
    is ours (`resamples`), else with what was wrong.  What still breaks the contract then ends
    MALFORMED_FUNCTION_CALL, UNEXPECTED_TOOL_CALL or MALFORMED_RESPONSE; nobody alters an answer.
    """

    def __init__(self, ask: Ask, target: Target, context: Context, meter: Meter) -> None:
        self._ask, self._target, self._context, self._meter = ask, target, context, meter

    async def events(
        self, request: Request, contract: Contract, paid: Callable[[Usage], None]
    ) -> Events:
        """The events of the answer that counts.

        `paid` is told what has been spent so far, also on attempts that nobody will see.
        """
        channel = self._target.channel
        asked, attempt = request, 0
        spent: Usage | None = None
        while True:
            again = contract.bounds_answer and attempt < channel.manner.repairs
            watch = Watch(contract, hold=again)
            async with aclosing(self._ask(asked)) as events:
                async for event in events:
                    if isinstance(event, Tally):
                        paid(added(spent, event.usage))
                    for said in watch.take(event):
                        yield self._counted(said, spent)
                    if spent is not None and isinstance(event, Begin):
                        for said in watch.take(
                            Tally(Usage(cost_nusd=0))
                        ):  # this attempt may tell none
                            yield self._counted(said, spent)
            retry = again and watch.broken is not None and watch.holds
            self._count(watch, first=not attempt, final=not retry)
            if not retry or watch.broken is None:
                break
            attempt += 1
            self._context.notice(
                "asked again, because the answer broke its schema or called what it may not"
            )
            if channel.manner.resamples:
                asked = resampled(request, attempt)
            else:
                asked = repaired(request, watch.text, watch.broken.message)
                spent = added(spent, watch.usage) if watch.usage is not None else spent
        for said in watch.release():
            yield self._counted(said, spent)

    def _counted(self, event: Event, spent: Usage | None) -> Event:
        if spent is None or not isinstance(event, Tally):
            return event
        return msgspec.structs.replace(event, usage=added(spent, event.usage))

    def _count(self, watch: Watch, *, first: bool, final: bool) -> None:
        if not watch.counts:
            return
        for stage, now in (("first", first), ("final", final)):
            if now:
                self._meter.contract(
                    channel=self._target.channel.name,
                    model=self._target.model,
                    stage=stage,
                    kept=watch.broken is None,
                )
