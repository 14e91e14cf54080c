"""One request by either lane: what it says, and what the book says of it."""

import asyncio
from contextlib import aclosing

import msgspec
import pytest

from geminid import catalog
from geminid.core.content import Blob, Call, Content, Json, Text
from geminid.core.errors import CallerLeft, Fault, Internal, RateLimited, StreamCut
from geminid.core.events import (
    Begin,
    Blocked,
    Delta,
    End,
    Event,
    Events,
    PartEnd,
    PartStart,
    Tally,
)
from geminid.core.ports import (
    Context,
    Engine,
    Opening,
    RelayHead,
    RelayTail,
    Settlement,
    TokenCount,
)
from geminid.core.request import FunctionTool, OutputFormat, Request
from geminid.core.usage import Usage
from geminid.pipeline.channel import LiveChannel, Manner
from geminid.pipeline.compile import Need, Routes, Target
from geminid.pipeline.run import Runner
from geminid.stores.account import MemoryAccount
from geminid.stores.errors import JournalFull
from geminid.stores.record import Row
from tests.http.served import until
from tests.pipeline.scripted import USAGE, Hands, Odd, Scripted, ScriptedBytes, policies, said

REQUEST = Request(model="m", contents=())


class Full(MemoryAccount):
    """A book on a full disk."""

    def open(self, opening: Opening) -> None:
        raise JournalFull("The server cannot write this request down.")

    def settle(self, settlement: Settlement) -> None:
        raise AssertionError("What was never opened cannot be settled.")


class Desk:
    """A runner with its book and clock, and a target on one channel."""

    def __init__(
        self, engine: Engine, account: MemoryAccount | None = None, *, repairs: int = 0
    ) -> None:
        self.account, self.clock, self.engine = account or MemoryAccount(), Hands(), engine
        self.runner = Runner(self.account, self.clock, policies())
        self.channel = LiveChannel(
            "one",
            "test",
            engine,
            models={"m": "their-m"},
            manner=Manner(timeout_s=60.0, repairs=repairs),
        )

    def target(self) -> Target:
        return Routes([self.channel], catalog.load(), dialect="gemini", needs=[Need.HEAD]).find("m")

    def context(self, *, deadline_s: float = 1e9, stream: bool = True) -> Context:
        deadline = self.clock.monotonic() + deadline_s
        return Context(request_id="id-1", caller="ada", deadline=deadline, stream=stream)

    async def events(
        self, context: Context | None = None, request: Request = REQUEST
    ) -> list[Event]:
        events = self.runner.run(request, self.target(), context or self.context(), "gemini")
        async with aclosing(events):
            return [event async for event in events]

    async def relayed(self) -> list[RelayHead | bytes | RelayTail]:
        relay = self.runner.relay(b"{}", self.target(), self.context(), "gemini")
        async with aclosing(relay):
            return [piece async for piece in relay]

    def row(self) -> Row:
        """The one request in the book, which has nothing open any more."""
        assert self.account.close(0)
        (row,) = self.account.recent(10)
        assert self.channel.users == 0
        return row


async def test_an_answer_passes_as_it_is_and_is_booked() -> None:
    desk = Desk(Scripted(said("a", "b")))

    assert await desk.events() == said("a", "b")

    row = desk.row()
    assert row.request_id == "id-1"
    assert (row.caller, row.dialect, row.model, row.upstream_model) == (
        "ada",
        "gemini",
        "m",
        "their-m",
    )
    assert (row.channel, row.engine, row.stream) == ("one", "test", True)
    assert (row.outcome, row.finish, row.usage) == ("ok", "STOP", USAGE)
    assert row.started == row.ended == row.first_byte == desk.clock.now()


async def test_a_response_without_an_id_gets_the_request_s() -> None:
    desk = Desk(Scripted(said("a", response_id="")))

    begin = (await desk.events())[0]

    assert begin == Begin("id-1", "scripted-1")
    assert desk.row().first_byte == desk.clock.now()


async def test_the_request_is_written_down_before_the_engine_is_asked() -> None:
    """A crash between the two must find it in the journal."""
    desk = Desk(Scripted(said("a")))
    events = desk.runner.run(REQUEST, desk.target(), desk.context(), "gemini")
    assert desk.account.close(0), "nothing is booked before somebody pulls"

    async with aclosing(events):
        await anext(events)
        assert not desk.account.close(0)

    assert desk.row().request_id == "id-1"


async def test_what_cannot_be_written_down_is_not_sent() -> None:
    engine = Scripted(said("a"))

    with pytest.raises(JournalFull):
        await Desk(engine, Full()).events()

    assert engine.asked == []


async def test_what_cannot_be_written_down_is_not_relayed() -> None:
    engine = ScriptedBytes([b"x"], RelayTail("STOP", None))

    with pytest.raises(JournalFull):
        await Desk(engine, Full()).relayed()

    assert engine.bodies == []


@pytest.mark.parametrize("after", range(7))
async def test_a_fault_is_booked_by_its_code_wherever_it_comes(after: int) -> None:
    desk = Desk(Scripted([*said("a", "b")[:after], Odd("It went wrong.")]))

    with pytest.raises(Odd):
        await desk.events()

    row = desk.row()
    assert row.outcome == "odd"
    assert (row.first_byte != 0) == (after > 0)


async def test_a_bug_in_an_engine_is_booked_as_internal() -> None:
    desk = Desk(Scripted([*said("a")[:3], RuntimeError("oops")]))

    with pytest.raises(RuntimeError):
        await desk.events()

    assert desk.row().outcome == Internal.code


@pytest.mark.parametrize("count", range(6))
async def test_an_engine_that_stops_early_has_cut_the_answer(count: int) -> None:
    """Nothing but an `End` makes an answer whole."""
    desk = Desk(Scripted(said("a")[:count]))

    with pytest.raises(StreamCut):
        await desk.events()

    row = desk.row()
    assert (row.outcome, row.finish) == (StreamCut.code, "")


@pytest.mark.parametrize(
    "events",
    [
        [*said("a"), PartStart(0, Text(text="b"), 1), PartEnd(0, "", 1)],
        [*said("a"), PartStart(0, Text(text="b"), 1)],
        [*said("a")[:3], End("STOP")],
    ],
    ids=["a candidate without an end", "one inside a part", "an end inside a part"],
)
async def test_every_candidate_and_part_must_end(events: list[Event]) -> None:
    """A stream must not pass for whole where its fold is refused."""
    desk = Desk(Scripted(events))

    with pytest.raises(StreamCut):
        await desk.events()

    assert desk.row().outcome == StreamCut.code


async def test_a_blocked_prompt_is_an_answer() -> None:
    blocked = End("", blocked=Blocked("SAFETY"))
    desk = Desk(Scripted([Begin("r", "m"), blocked]))

    assert (await desk.events())[-1] == blocked

    row = desk.row()
    assert (row.outcome, row.finish, row.usage) == ("ok", "SAFETY", None)


async def test_the_newest_tally_counts() -> None:
    late = Usage(prompt=9, output=9)
    blob = Blob(mime="image/png", data="")
    events: list[Event] = [
        Begin("r", "m"),
        Tally(USAGE),
        PartStart(0, blob),
        PartEnd(0),
        End("STOP"),
        Tally(late),
    ]
    desk = Desk(Scripted(events))

    await desk.events()

    assert desk.row().usage == late


class Crowd:
    """Reads `count` events and is then cancelled, as the caller who leaves is."""

    def __init__(self, desk: Desk, count: int) -> None:
        self._desk, self._count, self.there = desk, count, asyncio.Event()

    async def read(self) -> None:
        events = self._desk.runner.run(REQUEST, self._desk.target(), self._desk.context(), "gemini")
        async with aclosing(events):
            for _ in range(self._count):
                await anext(events)
            self.there.set()
            await asyncio.Event().wait()


@pytest.mark.parametrize(
    ("count", "outcome"), [(1, "caller_left"), (3, "caller_left"), (5, "caller_left"), (6, "ok")]
)
async def test_a_caller_who_leaves_closes_the_engine_and_is_booked_once(
    count: int, outcome: str
) -> None:
    """After the ending they have had the whole answer."""
    engine = Scripted([*said("a"), asyncio.Event()])
    desk = Desk(engine)
    crowd = Crowd(desk, count)
    reading = asyncio.create_task(crowd.read())
    await crowd.there.wait()
    assert engine.open == 1

    reading.cancel()
    await asyncio.wait([reading])

    assert reading.cancelled()
    assert engine.open == 0
    assert desk.row().outcome == outcome


async def test_a_caller_who_leaves_while_the_engine_is_silent() -> None:
    engine = Scripted([*said("a")[:2], asyncio.Event()])
    desk = Desk(engine)
    reading = asyncio.create_task(desk.events())
    await until(lambda: engine.open == 1)

    reading.cancel()
    await asyncio.wait([reading])

    assert engine.open == 0
    assert desk.row().outcome == CallerLeft.code


@pytest.mark.parametrize("count", [1, 3])
async def test_our_own_failure_between_two_events_is_no_caller_who_left(count: int) -> None:
    """Who reads may fail too: an encoder with a bug, an event out of order."""
    desk = Desk(Scripted(said("a")))

    async def fail() -> None:
        events = desk.runner.run(REQUEST, desk.target(), desk.context(), "gemini")
        async with aclosing(events):
            for _ in range(count):
                await anext(events)
            raise KeyError

    with pytest.raises(KeyError):
        await fail()

    assert desk.row().outcome == Internal.code


async def test_the_nearer_of_two_deadlines_holds_and_notices_are_shared() -> None:
    engine = Scripted(said("a"))
    engine.notices = ["a notice"]
    desk = Desk(engine)
    near, far = desk.context(deadline_s=5.0), desk.context(deadline_s=100.0)

    await desk.events(near)
    desk.account = MemoryAccount()
    desk.runner = Runner(desk.account, desk.clock, policies())
    await desk.events(far)

    given = [context.deadline - desk.clock.monotonic() for _, _, context in engine.asked]
    assert given == [5.0, 60.0]  # the channel allows an attempt 60 seconds
    assert far.notices == ["a notice"]


async def test_bytes_pass_untouched_and_their_tail_is_booked() -> None:
    tail = RelayTail("MAX_TOKENS", USAGE)
    desk = Desk(ScriptedBytes([b"{", b"}"], tail))

    assert await desk.relayed() == [RelayHead("application/json"), b"{", b"}", tail]

    row = desk.row()
    assert (row.outcome, row.finish, row.usage) == ("ok", "MAX_TOKENS", USAGE)


@pytest.mark.parametrize(
    ("failure", "raised", "outcome"),
    [
        (RateLimited("Later.", retry_after=3), RateLimited, "rate_limited"),
        (ValueError("bug"), ValueError, "internal"),
    ],
)
async def test_a_relay_s_failure_is_booked(
    failure: Exception, raised: type[Exception], outcome: str
) -> None:
    engine = ScriptedBytes([b"{", failure])
    desk = Desk(engine)

    with pytest.raises(raised):
        await desk.relayed()

    assert desk.row().outcome == outcome
    assert engine.open == 0


async def test_a_relay_without_its_tail_has_been_cut() -> None:
    desk = Desk(ScriptedBytes([b"{"]))

    with pytest.raises(StreamCut):
        await desk.relayed()

    assert desk.row().outcome == StreamCut.code


async def test_an_engine_that_passes_no_bytes_is_a_mistake_of_ours() -> None:
    desk = Desk(Scripted(said("a")))

    with pytest.raises(Internal):
        await desk.relayed()

    assert desk.account.count() == 0


async def test_counting_is_not_booked_and_holds_the_channel() -> None:
    engine = Scripted(tokens=TokenCount(12))
    desk = Desk(engine)

    count = await desk.runner.count(REQUEST, desk.target(), desk.context(deadline_s=5.0))

    assert count == TokenCount(12)
    assert engine.asked[0][1] == "their-m"
    assert (desk.account.count(), desk.account.close(0), desk.channel.users) == (0, True, 0)


async def test_a_failed_count_leaves_the_channel() -> None:
    desk = Desk(Scripted(tokens=Odd("No.")))

    with pytest.raises(Fault, match="No"):
        await desk.runner.count(REQUEST, desk.target(), desk.context())

    assert desk.channel.users == 0


async def test_a_delta_is_passed_before_the_next_is_asked_for() -> None:
    """Pull only: the reader's pace decides."""
    gate = asyncio.Event()
    desk = Desk(Scripted([*said("a")[:3], gate, *said("a")[3:]]))

    async with aclosing(
        desk.runner.run(REQUEST, desk.target(), desk.context(), "gemini")
    ) as events:
        got = [await anext(events) for _ in range(3)]
        gate.set()
        got += [event async for event in events]

    assert got[2] == Delta(0, "a")
    assert got == said("a")
    assert desk.row().outcome == "ok"


class Twice(Scripted):
    """Gives another answer each time."""

    def __init__(self, *answers: list[Event | Exception], dialect: str = "") -> None:
        super().__init__()
        self._answers, self.dialect = list(answers), dialect

    async def answer(self, request: Request, model: str, context: Context) -> Events:
        self._steps = list(self._answers.pop(0))
        async for event in super().answer(request, model, context):
            yield event


OUTPUT = OutputFormat("application/json", Json(b'{"type":"object"}'), json_schema=True)


@pytest.mark.parametrize("dialect", ["", "gemini"])
async def test_a_channel_may_ask_again_also_where_google_answers(dialect: str) -> None:
    desk = Desk(Twice([*said("no")], [*said("{}")], dialect=dialect), repairs=1)

    left = await desk.events(request=msgspec.structs.replace(REQUEST, output=OUTPUT))

    assert [event.text for event in left if isinstance(event, Delta)] == ["{}"]
    assert desk.row().usage == Usage(prompt=6, output=4)


async def test_what_a_lost_attempt_cost_is_booked_when_the_next_one_dies() -> None:
    desk = Desk(Twice([*said("no")], [RateLimited("Later.")]), repairs=1)

    with pytest.raises(RateLimited):
        await desk.events(request=msgspec.structs.replace(REQUEST, output=OUTPUT))

    assert desk.row().usage == USAGE


async def test_what_is_held_back_is_booked_when_the_caller_leaves() -> None:
    gate = asyncio.Event()
    held: list[Event | Exception] = [*said("no")[:-1]]
    engine = Scripted([*held, gate])
    desk = Desk(engine, repairs=1)
    request = msgspec.structs.replace(REQUEST, output=OUTPUT)
    task = asyncio.create_task(desk.events(request=request))
    await until(lambda: engine.open == 1 and bool(engine.asked))
    await asyncio.sleep(0)

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    row = desk.row()
    assert (row.outcome, row.usage) == ("caller_left", USAGE)


async def test_counting_opens_seals_too() -> None:
    """An upstream that counts knows no more of them than one that answers."""
    calls: list[Event] = [
        Begin("r", "m"),
        PartStart(0, Call(name="f")),
        PartEnd(0),
        End("STOP"),
    ]
    desk = Desk(Scripted(calls))
    request = msgspec.structs.replace(REQUEST, functions=(FunctionTool(name="f"),))
    left = await desk.events(request=request)
    (signature,) = {event.signature for event in left if isinstance(event, PartEnd)}
    assert signature
    call = Call(name="f", signature=signature)
    asked = msgspec.structs.replace(REQUEST, contents=(Content("model", (call,)),))

    await desk.runner.count(asked, desk.target(), desk.context())

    assert isinstance(desk.engine, Scripted)
    assert desk.engine.asked[-1][0].contents == (Content("model", (Call(name="f"),)),)
