"""Policy: every signature that leaves is kept, and put back when it is lost (DESIGN section 3).

On the way out each is kept before the ending of its answer leaves, so whoever has a whole answer
can rely on it.  On the way in `restore` says what becomes of those that came, and of those that did
not.
"""

import asyncio
from contextlib import aclosing

from geminid.core.events import End, Events
from geminid.core.ports import Context, Vault
from geminid.core.request import Request
from geminid.pipeline.compile import Target
from geminid.pipeline.vault.leaving import Entry, Leaving
from geminid.pipeline.vault.places import Places
from geminid.pipeline.vault.restore import Restorer
from geminid.pipeline.vault.watch import Watch


class Keeping:
    """The policy over a vault.  `mark` is what seals begin with (`Sealer.mark`)."""

    def __init__(self, vault: Vault, mark: str) -> None:
        self._vault, self._mark = vault, mark

    async def put_back(
        self, request: Request, target: Target, context: Context, *, lenient: bool
    ) -> Request:
        """`request` with the signatures that it needs at `target`, and none that was made
        elsewhere; itself if there is nothing to do.

        `lenient`: the caller's dialect is not Gemini's, so what is missing is put back.
        `Signatures.opened` comes after it.
        """
        if not lenient and not any(p.signature for c in request.contents for p in c.parts):
            return request
        places = self._places(target, context)
        restorer = Restorer(request, target, places, mark=self._mark, lenient=lenient)
        wanted = restorer.places()
        found = dict(await self._vault.find(wanted)) if wanted else {}
        if more := restorer.judge(found):  # rare: what came is not valid here
            found |= await self._vault.find(more)
        return restorer.mended(found, context)

    async def kept(
        self, events: Events, request: Request, target: Target, context: Context
    ) -> Events:
        """`events`, which answer `request`, with all that they sign kept.  Owns `events`.

        Nothing waits but the endings, each for what was signed before it.
        """
        leaving = Leaving(self._places(target, context), request, target, mark=self._mark)
        async with aclosing(events):
            async for event in events:
                leaving.take(event)
                if isinstance(event, End):
                    await self._keep(leaving.due())
                yield event

    def watch(self, request: Request | None, target: Target, context: Context) -> Watch:
        """The same for an answer whose bytes pass as they are; `request` if anybody read it."""
        leaving = Leaving(self._places(target, context), request, target, mark=self._mark)
        return Watch(leaving, self._keep, stream=context.stream)

    def _places(self, target: Target, context: Context) -> Places:
        return Places(self._vault, context.caller, target.family)

    async def _keep(self, entries: list[Entry]) -> None:
        if len(entries) == 1:
            await self._vault.keep(*entries[0])
        elif entries:  # together: they share a commit
            async with asyncio.TaskGroup() as group:
                for kept, places in entries:
                    group.create_task(self._vault.keep(kept, places))
