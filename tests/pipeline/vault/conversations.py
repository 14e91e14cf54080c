"""A server's policies on signatures, and who answers, for tests of whole conversations."""

import hashlib
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from geminid.catalog import load
from geminid.core.content import Call, Content, Json, Part, Result, Text
from geminid.core.events import Begin, End, Event, Events, PartEnd, PartStart
from geminid.core.fold import fold
from geminid.core.ports import Context, Kept
from geminid.core.request import Request
from geminid.pipeline.callids import identified
from geminid.pipeline.channel import LiveChannel, Manner
from geminid.pipeline.compile import Lane, Target
from geminid.pipeline.signatures import Signatures
from geminid.pipeline.vault import Keeping
from geminid.stores.seals import memory_seals
from tests.pipeline.scripted import CORRUPTED, Scripted

PRO = "gemini-3-pro-preview"
DRAWS = "gemini-3-pro-image"


class Google(Scripted):
    """Signs by itself, and speaks Gemini's dialect."""

    dialect, native_signatures = "gemini", True


class Router(Scripted):
    """Passes Gemini's signatures on, in OpenAI's dialect."""

    dialect, native_signatures = "openai", True


class Plain(Scripted):
    """Knows no signatures, and speaks OpenAI's dialect."""

    dialect = "openai"


def target(
    engine: Scripted | None = None,
    *,
    origin: str = "google/one",
    family: str = "gemini-3-text",
    model: str = PRO,
) -> Target:
    manner = Manner(origin=origin)
    channel = LiveChannel(origin, "test", engine or Google(), models={"m": "m"}, manner=manner)
    return Target("m", "m", channel, Lane.EVENTS, load().get(model), family)


def context(caller: str = "ada", request_id: str = "r1", *, stream: bool = True) -> Context:
    return Context(request_id=request_id, caller=caller, deadline=1e9, stream=stream)


class DictVault:
    """`core.ports.Vault` in a dict.  `finds` has what was looked for, `keeps` what was kept."""

    def __init__(self) -> None:
        self.kept: dict[bytes, Kept] = {}
        self.finds: list[int] = []
        self.keeps: list[Kept] = []

    def place(self, *words: str) -> bytes:
        return hashlib.sha256(msgspec.json.encode(words)).digest()

    async def find(self, places: Sequence[bytes]) -> Mapping[bytes, Kept]:
        self.finds.append(len(places))
        return {place: self.kept[place] for place in places if place in self.kept}

    async def keep(self, kept: Kept, places: Sequence[bytes]) -> None:
        self.keeps.append(kept)
        self.kept.update(dict.fromkeys(places, kept))


class Server:
    """What `run` does to signatures, around an engine that the test plays."""

    def __init__(self) -> None:
        seals = memory_seals()
        self.mark = seals.mark
        self.vault = DictVault()
        self.signatures = Signatures(seals, lambda _: CORRUPTED)
        self.keeping = Keeping(self.vault, self.mark)

    async def up(
        self,
        contents: Iterable[Content],
        where: Target | None = None,
        who: Context | None = None,
        *,
        lenient: bool = True,
    ) -> Request:
        """The request as the engine gets it."""
        where, who = where or target(), who or context()
        asked = Request(model="m", contents=tuple(contents))
        put = await self.keeping.put_back(asked, where, who, lenient=lenient)
        return self.signatures.opened(put, where, who, refuse=not lenient)

    async def down(
        self,
        contents: Iterable[Content],
        parts: Iterable[Part],
        where: Target | None = None,
        who: Context | None = None,
        *,
        lenient: bool = True,
    ) -> Content:
        """What the caller gets when the engine answers `contents` with `parts`."""
        where, who = where or target(), who or context()
        asked = Request(model="m", contents=tuple(contents))
        events = given([Begin("r", "m"), *whole(parts), End("STOP")])
        if where.channel.engine.dialect != "gemini":
            events = self.signatures.signed(identified(events, who.request_id), where, who)
        if lenient:
            trusted = where.channel.engine.dialect == "gemini"
            events = identified(events, who.request_id, long=True, trusted=trusted)
        left = self.keeping.kept(events, asked, where, who)
        return fold([event async for event in left]).candidates[0].content


async def given(events: Iterable[Event]) -> Events:
    for event in events:
        yield event


def whole(parts: Iterable[Part], candidate: int = 0) -> list[Event]:
    events: list[Event] = []
    for index, part in enumerate(parts):
        late = msgspec.structs.replace(part, signature="")
        events += [PartStart(index, late, candidate), PartEnd(index, part.signature, candidate)]
    return events


def user(words: str) -> Content:
    return Content("user", (Text(text=words),))


def model(*parts: Part) -> Content:
    return Content("model", parts)


def results(content: Content) -> Content:
    """What a client sends for the calls of `content`."""
    calls = [part for part in content.parts if isinstance(part, Call)]
    return Content("user", tuple(Result(name=call.name, id=call.id) for call in calls))


def native(number: int) -> str:
    """A signature as Google makes them."""
    return b64encode(b"\x12\xfb\xef\xbe" + number.to_bytes(2, "big") + b"\x00" * 120).decode()


def call(
    name: str = "look",
    args: str = '{"city":"Paris"}',
    *,
    id: str = "",  # noqa: A002  the part's own word
    signature: str = "",
) -> Call:
    return Call(name=name, args=Json(args.encode()), id=id, signature=signature)


def bare(content: Content) -> Content:
    """`content` as most clients send it back: without any signature."""
    parts = tuple(msgspec.structs.replace(part, signature="") for part in content.parts)
    return Content(content.role, parts)


def signatures(request: Request) -> list[str]:
    return [part.signature for content in request.contents for part in content.parts]
