"""Policy: each call leaves with an id, as the real API gives one since mid-2026 (gemini.md 3.1)."""

import hashlib
from contextlib import aclosing
from typing import Final

import msgspec

from geminid.core.content import Call, Part
from geminid.core.events import Events, PartStart

_ALPHABET: Final = "abcdefghijklmnopqrstuvwxyz0123456789"
_LENGTH: Final = 8


async def identified(events: Events, request_id: str) -> Events:
    """`events` with an id on every call that has none.  Owns `events`.

    An id is 8 characters of [a-z0-9], made of the request's id and the call's place in the answer.
    """
    async with aclosing(events):
        async for event in events:
            if isinstance(event, PartStart) and isinstance(event.part, Call) and not event.part.id:
                place = f"{request_id}/{event.candidate}/{event.index}"
                part: Part = msgspec.structs.replace(event.part, id=_short(place))
                yield msgspec.structs.replace(event, part=part)
            else:
                yield event


def _short(place: str) -> str:
    number = int.from_bytes(hashlib.sha256(place.encode()).digest()[:8], "big")
    letters = []
    for _ in range(_LENGTH):
        number, digit = divmod(number, len(_ALPHABET))
        letters.append(_ALPHABET[digit])
    return "".join(letters)
