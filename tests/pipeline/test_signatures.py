"""Thought signatures: made for engines that make none, opened when they come back."""

import base64
import json
from collections.abc import Iterable

import msgspec
import pytest
from hypothesis import given

from geminid.catalog import Model, load
from geminid.core.content import Blob, Call, Content, Json, Part, Result, Text, Thought
from geminid.core.errors import Invalid
from geminid.core.events import Begin, Blocked, Delta, End, Event, Events, PartEnd, PartStart
from geminid.core.fold import fold
from geminid.core.ports import Context
from geminid.core.request import Request
from geminid.pipeline.channel import LiveChannel, Manner
from geminid.pipeline.compile import Lane, Target
from geminid.pipeline.signatures import BYPASS, Signatures, is_bypass
from geminid.stores.seals import memory_seals
from tests import strategies
from tests.pipeline.scripted import CORRUPTED, Scripted

ASK = Content("user", (Text(text="What is the weather?"),))
CALL = Call(name="look", args=Json(b'{"city":"Paris","days":2}'), id="a1")
RESULT = Content("user", (Result(name="look", response=Json(b'{"sky":"blue"}')),))
NATIVE = "QUJD" * 40


class Native(Scripted):
    """An engine whose upstream signs for itself."""

    native_signatures = True


def target(
    engine: Scripted | None = None,
    *,
    name: str = "door",
    family: str = "gemini-3-text",
    strict: bool = True,
    model: str = "gemini-3-pro-preview",
) -> Target:
    channel = LiveChannel(
        name, "test", engine or Scripted(), models={"m": "m"}, manner=Manner(strict=strict)
    )
    return Target("m", "m", channel, Lane.EVENTS, load().get(model), family)


def context(caller: str = "ada") -> Context:
    return Context(request_id="r1", caller=caller, deadline=1e9, stream=True)


class Desk:
    """The policy with one key, and what a client would keep of its answers."""

    def __init__(self) -> None:
        self.policy = Signatures(memory_seals(), _corrupted)

    async def answered(self, *parts: Part, where: Target | None = None) -> list[Part]:
        """The parts of an answer as they leave."""
        events = [Begin("r", "m"), *whole(parts), End("STOP")]
        signed = self.policy.signed(_given(events), where or target(), context())
        return list(fold([event async for event in signed]).candidates[0].content.parts)

    def asked(
        self, parts: Iterable[Part], where: Target | None = None, who: Context | None = None
    ) -> list[Part]:
        """What the engine sees of the model's `parts` when the client sends a result after."""
        contents = (ASK, Content("model", tuple(parts)), RESULT)
        request = Request(model="m", contents=contents)
        opened = self.policy.opened(request, where or target(), who or context())
        return list(opened.contents[1].parts)


def _corrupted(facts: Model | None) -> str:
    return CORRUPTED if facts is not None and facts.checks_signatures else ""


async def _given(events: Iterable[Event]) -> Events:
    for event in events:
        yield event


def whole(parts: Iterable[Part]) -> list[Event]:
    events: list[Event] = []
    for index, part in enumerate(parts):
        events += [PartStart(index, part), PartEnd(index)]
    return events


def signed(parts: Iterable[Part]) -> list[bool]:
    return [bool(part.signature) for part in parts]


@pytest.fixture
def desk() -> Desk:
    return Desk()


# Going out --------------------------------------------------------------------------------------


async def test_only_the_first_of_parallel_calls_is_signed(desk: Desk) -> None:
    parts = await desk.answered(Thought(text="hm"), Text(text="Let me see."), CALL, CALL)

    assert signed(parts) == [False, False, True, False]


async def test_a_text_is_signed_at_its_end_if_there_were_thoughts(desk: Desk) -> None:
    assert signed(await desk.answered(Thought(text="hm"), Text(text="Blue."))) == [False, True]
    assert signed(await desk.answered(Text(text="Blue."))) == [False]


async def test_an_answer_that_is_not_whole_is_not_signed(desk: Desk) -> None:
    events = [Begin("r", "m"), *whole([Thought(text="hm"), Text(text="Bl")]), End("MAX_TOKENS")]

    left = [event async for event in desk.policy.signed(_given(events), target(), context())]

    assert left == events


async def test_a_thought_at_the_very_end_is_not_lost(desk: Desk) -> None:
    """Some upstreams send what proves a thought after the words."""
    proof = Thought(text="", signature=NATIVE)

    parts = await desk.answered(Text(text="Blue."), proof)

    assert [type(part) for part in parts] == [Text, Thought, Text]
    assert signed(parts) == [False, False, True]
    assert desk.asked(parts[2:]) == [proof, Text(text="")]


async def test_a_signature_of_the_engine_s_own_stays(desk: Desk) -> None:
    """A Gemini model behind another door signs its calls itself."""
    parts = await desk.answered(msgspec.structs.replace(CALL, signature=NATIVE), CALL)

    assert [part.signature for part in parts] == [NATIVE, ""]


async def test_thoughts_show_no_signature_of_theirs(desk: Desk) -> None:
    """What proves them to their maker goes into the seal."""
    parts = await desk.answered(Thought(text="hm", signature=NATIVE), CALL)

    assert signed(parts) == [False, True]


async def test_arguments_that_come_in_pieces_are_signed_whole(desk: Desk) -> None:
    bare = msgspec.structs.replace(CALL, args=Json(b"{}"))
    pieces = [Delta(0, '{"city":"Paris",'), Delta(0, '"days":2}')]
    begun: list[Event] = [Begin("r", "m"), PartStart(0, bare)]
    events = [*begun, *pieces, PartEnd(0), End("STOP")]

    left = desk.policy.signed(_given(events), target(), context())
    (part,) = fold([event async for event in left]).candidates[0].content.parts

    assert desk.asked([part]) == [CALL]


async def test_each_group_of_calls_is_signed_and_each_seal_has_its_own_thoughts(desk: Desk) -> None:
    """Words between two calls make two contents of them at Google's own client."""
    first, second = Thought(text="first"), Thought(text="second")
    parts = await desk.answered(first, CALL, CALL, Text(text="And now:"), second, CALL)

    assert signed(parts) == [False, True, False, False, False, True]
    assert desk.asked(parts[1:3]) == [first, CALL, CALL]
    assert desk.asked(parts[5:]) == [second, CALL]


PICTURE = Blob(mime="image/png", data="AAAA")


async def test_an_image_model_signs_the_first_part_and_every_picture(desk: Desk) -> None:
    """Its own rules want that, in the next turn."""
    draws = target(family="gemini-3-image", model="gemini-3-pro-image")

    parts = await desk.answered(
        Thought(text="hm"), Text(text="Here:"), PICTURE, Text(text="and"), PICTURE, where=draws
    )

    assert signed(parts) == [False, True, True, False, True]
    assert desk.asked(parts, draws)[0] == Thought(text="hm")
    assert signed(await desk.answered(PICTURE, PICTURE, where=draws)) == [True, True]


async def test_candidates_are_signed_each_for_itself(desk: Desk) -> None:
    parts: list[Event] = [PartStart(0, CALL, 0), PartEnd(0, "", 0)]
    others: list[Event] = [PartStart(0, CALL, 1), PartEnd(0, "", 1)]
    ends: list[Event] = [End("STOP", candidate=0), End("STOP", candidate=1)]
    events = [Begin("r", "m"), *parts, *others, *ends]

    left = fold([event async for event in desk.policy.signed(_given(events), target(), context())])

    assert [signed(each.content.parts) for each in left.candidates] == [[True], [True]]


async def test_a_block_in_mid_answer_leaves_no_part_open(desk: Desk) -> None:
    said = whole([Thought(text="hm"), Text(text="Bl")])
    events = [Begin("r", "m"), *said, End("", blocked=Blocked("SAFETY"))]

    left = [event async for event in desk.policy.signed(_given(events), target(), context())]

    assert left == events


async def test_arguments_that_no_decoder_takes_are_signed_as_they_stand(desk: Desk) -> None:
    deep = Call(name="f", args=Json(b'{"a":' * 5000 + b"1" + b"}" * 5000))

    (part,) = await desk.answered(deep)

    assert desk.asked([part]) == [deep]


# Coming back ------------------------------------------------------------------------------------


async def test_thoughts_come_back_before_their_part(desk: Desk) -> None:
    """The reasoning of an engine that signs nothing survives a client that knows only Gemini."""
    said: list[Part] = [Thought(text="Rain, "), Thought(text="or sun?", signature="cHJvb2Y="), CALL]
    parts = [part for part in await desk.answered(*said) if isinstance(part, Call)]
    who = context()

    assert desk.asked(parts, who=who) == said
    assert who.signatures == ["sealed"]


async def test_arguments_may_be_written_another_way(desk: Desk) -> None:
    """Clients decode arguments and encode them again: other order, other blanks, 2.0 for 2."""
    (part,) = await desk.answered(CALL)
    other = msgspec.structs.replace(part, args=Json(b'{ "days": 2.0, "city": "\\u0050aris" }'))

    (seen,) = desk.asked([other])

    assert not seen.signature


@given(strategies.objects)
async def test_any_arguments_survive_a_client(args: Json) -> None:
    desk = Desk()
    (part,) = await desk.answered(Call(name="größe.Ω", args=args))
    again = Json(json.dumps(json.loads(bytes(args)), indent=2, ensure_ascii=True).encode())

    assert not desk.asked([Call(name="größe.Ω", args=again, signature=part.signature)])[0].signature


@pytest.mark.parametrize(
    "changed",
    [{"name": "other"}, {"args": Json(b'{"city":"Rome","days":2}')}],
    ids=["name", "arguments"],
)
async def test_a_call_that_was_changed_is_refused(desk: Desk, changed: dict[str, object]) -> None:
    (part,) = await desk.answered(CALL)

    with pytest.raises(Invalid, match=f"^{CORRUPTED}$"):
        desk.asked([msgspec.structs.replace(part, **changed)])


async def test_another_caller_and_another_family_are_refused(desk: Desk) -> None:
    parts = await desk.answered(CALL)

    with pytest.raises(Invalid, match=CORRUPTED):
        desk.asked(parts, who=context("eve"))
    with pytest.raises(Invalid, match=CORRUPTED):
        desk.asked(parts, target(family="gemini-2-text"))


async def test_a_door_to_many_makers_gets_its_own_thoughts_back_and_no_bypass(desk: Desk) -> None:
    """Behind one OpenRouter are Gemini, which signs, and others, for which seals are made here."""
    both = target(Native())
    parts = await desk.answered(Thought(text="hm"), CALL, where=both)

    assert desk.asked(parts[1:], both) == [Thought(text="hm"), CALL]


async def test_another_channel_gets_the_call_without_the_thoughts(desk: Desk) -> None:
    """Nothing is wrong with it: a fail-over must not break the conversation."""
    parts = await desk.answered(Thought(text="hm"), CALL)
    who = context()

    assert desk.asked(parts[1:], target(name="other"), who) == [CALL]
    assert "thoughts of another channel" in who.notices[0]


async def test_an_upstream_that_signs_itself_gets_the_documented_bypass(desk: Desk) -> None:
    """It would refuse our seal, and a call without a signature."""
    parts = await desk.answered(CALL)
    who = context()

    (seen,) = desk.asked(parts, target(Native(), name="google"), who)

    assert is_bypass(seen.signature)
    assert who.signatures == ["sealed", "bypassed"]


def test_an_upstream_s_own_signature_reaches_it_untouched(desk: Desk) -> None:
    part, who = msgspec.structs.replace(CALL, signature=NATIVE), context()

    assert desk.asked([part], target(Native()), who) == [part]
    assert who.signatures == ["native"]


def test_what_nobody_here_can_read_is_refused_in_the_current_turn(desk: Desk) -> None:
    with pytest.raises(Invalid, match=f"^{CORRUPTED}$"):
        desk.asked([msgspec.structs.replace(CALL, signature=NATIVE)])


def test_what_nobody_can_read_is_left_out_where_rules_are_off(desk: Desk) -> None:
    who = context()

    seen = desk.asked([msgspec.structs.replace(CALL, signature=NATIVE)], target(strict=False), who)

    assert seen == [CALL]
    assert who.notices == ["a thought signature that was not made here was left out"]


def test_an_older_turn_is_not_refused(desk: Desk) -> None:
    """Keys are forgotten some day, and old conversations go on."""
    old = Content("model", (msgspec.structs.replace(CALL, signature=NATIVE),))
    request = Request(
        model="m", contents=(ASK, old, RESULT, Content("model", (Text(text="Blue."),)), ASK)
    )

    opened = desk.policy.opened(request, target(), context())

    assert opened.contents[1] == Content("model", (CALL,))


@pytest.mark.parametrize("words", BYPASS)
@pytest.mark.parametrize("form", ["raw", "standard alphabet", "encoded again"])
def test_the_bypass_strings_pass_in_every_spelling(desk: Desk, words: str, form: str) -> None:
    """Clients send the words as they are, or as bytes that are encoded once more."""
    spelled = (
        {
            "raw": words,
            "standard alphabet": base64.b64encode(base64.urlsafe_b64decode(words)).decode(),
            "encoded again": base64.b64encode(words.encode()).decode(),
        }[form]
        .replace("-", "+")
        .replace("_", "/")
    )
    who = context()

    assert is_bypass(spelled)
    assert desk.asked([msgspec.structs.replace(CALL, signature=spelled)], who=who) == [CALL]
    assert who.signatures == ["bypassed"]


async def test_a_thought_that_was_shown_is_not_given_back_twice(desk: Desk) -> None:
    """Clients send shown thoughts back too, in a content of their own where they were streamed."""
    thought = Thought(text="hm")
    parts = await desk.answered(thought, CALL)
    pieces = (Content("model", (thought,)), Content("model", (parts[1],)))
    request = Request(model="m", contents=(ASK, *pieces, RESULT))

    assert desk.asked(parts) == [thought, CALL]
    opened = desk.policy.opened(request, target(), context())
    assert [part for c in opened.contents[1:3] for part in c.parts] == [thought, CALL]


@pytest.mark.parametrize("model", ["gemini-2.5-flash", "llama3"])
def test_a_model_that_checks_no_signatures_refuses_none(desk: Desk, model: str) -> None:
    part, who = msgspec.structs.replace(CALL, signature=NATIVE), context()

    assert desk.asked([part], target(model=model), who) == [CALL]
    assert who.notices == ["a thought signature that was not made here was left out"]


def test_a_refusal_says_nothing_of_what_was_left_out(desk: Desk) -> None:
    who = context()

    with pytest.raises(Invalid):
        desk.asked([msgspec.structs.replace(CALL, signature=NATIVE)], who=who)
    assert who.notices == []


async def test_where_rules_are_off_google_still_gets_a_signature(desk: Desk) -> None:
    """It would refuse a bare call, for a seal that somebody else's conversation brought."""
    parts = await desk.answered(CALL)

    (seen,) = desk.asked(parts, target(Native(), name="google", strict=False), context("eve"))

    assert is_bypass(seen.signature)


def test_counting_never_refuses(desk: Desk) -> None:
    contents = (ASK, Content("model", (msgspec.structs.replace(CALL, signature=NATIVE),)), RESULT)

    opened = desk.policy.opened(
        Request(model="m", contents=contents), target(), context(), refuse=False
    )

    assert opened.contents[1].parts == (CALL,)
