"""Policy: each call leaves with an id, as the real API gives one since mid-2026 (gemini.md 3.1).

Clients of other dialects keep a call's id when they lose all else of it, and put it where ids have
limits: theirs are long enough to be told apart for ever, and short enough for every vendor
(dialects.md 3.2).
"""

import hashlib
import re
from contextlib import aclosing
from typing import Final

import msgspec

from geminid.core.content import Call, Part
from geminid.core.events import Events, PartStart

_ALPHABET: Final = "abcdefghijklmnopqrstuvwxyz0123456789"
_SHORT: Final = 8
_LONG: Final = 24
_PREFIX: Final = "call_"
_OURS: Final = re.compile(r"call_[a-z0-9]{24}|[a-z0-9]{8}")
_GOOD: Final = re.compile(r"[A-Za-z0-9_-]{8,40}")


async def identified(
    events: Events, request_id: str, *, long: bool = False, trusted: bool = True
) -> Events:
    """`events` with an id on every call.  Owns `events`.

    An id is 8 characters of [a-z0-9], made of the request's id and the call's place in the answer;
    one that the engine gave stays.  If it is to be `long`, it is `call_` and 24 of them, and one of
    the engine's own stays only if its ids can be `trusted` and it has 8 to 40 plain characters.
    """
    async with aclosing(events):
        async for event in events:
            if isinstance(event, PartStart) and isinstance(event.part, Call):
                given = event.part.id
                if not given or (long and not (trusted and _GOOD.fullmatch(given))):
                    place = f"{request_id}/{event.candidate}/{event.index}"
                    name = _PREFIX + _letters(place, _LONG) if long else _letters(place, _SHORT)
                    part: Part = msgspec.structs.replace(event.part, id=name)
                    yield msgspec.structs.replace(event, part=part)
                    continue
            yield event


def lasting(name: str, *, trusted: bool) -> bool:
    """Whether no other call will ever have the id `name`: it was made here, or by an engine whose
    ids can be `trusted` (Google's can; others count from 0 in each answer).
    """
    return _OURS.fullmatch(name) is not None or (trusted and _GOOD.fullmatch(name) is not None)


def _letters(place: str, count: int) -> str:
    number = int.from_bytes(hashlib.sha256(place.encode()).digest()[:count], "big")
    letters = []
    for _ in range(count):
        number, digit = divmod(number, len(_ALPHABET))
        letters.append(_ALPHABET[digit])
    return "".join(letters)
