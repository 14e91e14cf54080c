"""Signatures that leave are kept, and put back when they are lost."""

import msgspec
import pytest

from geminid.catalog import load_rules
from geminid.core.content import Blob, Call, Content, Json, Modifiers, Part, Result, Text, Thought
from geminid.core.events import Begin, Delta, End, Event, PartEnd, PartStart
from geminid.core.ports import Kept
from geminid.core.request import Request
from geminid.pipeline.compile import Target
from geminid.pipeline.rules import Rulebook
from geminid.pipeline.signatures import SKIP, is_bypass
from tests.pipeline.scripted import Scripted
from tests.pipeline.vault.conversations import (
    DRAWS,
    PRO,
    Google,
    Plain,
    Router,
    Server,
    bare,
    call,
    context,
    given,
    model,
    native,
    results,
    signatures,
    target,
    user,
    whole,
)

ASK = user("What is the weather?")
SIGNED = call(id="a1b2c3d4", signature=native(1))
PICTURE = Blob(mime="image/png", data="AAAA")


@pytest.fixture
def server() -> Server:
    return Server()


async def made(server: Server, *parts: Part) -> Content:
    """An answer to `ASK` as Google's caller gets it."""
    return await server.down([ASK], parts)


# Put back ---------------------------------------------------------------------------------------


async def test_a_lost_signature_is_found_by_the_id_of_its_call(server: Server) -> None:
    """BerriAI/litellm#16893 and forty more: clients keep the id, and lose all else."""
    answer, who = await made(server, SIGNED), context()
    changed = msgspec.structs.replace(answer.parts[0], args=Json(b'{"city":"Rome"}'), signature="")

    seen = await server.up([ASK, model(changed), results(answer)], who=who)

    assert seen.contents[1].parts[0].signature == native(1)
    assert who.signatures == ["restored"]
    assert len(server.vault.finds) == 1


async def test_a_call_whose_id_was_rewritten_is_found_by_what_was_called(server: Server) -> None:
    await made(server, SIGNED)
    back = call(args='{ "city" : "\\u0050aris" }', id="call_0")

    seen = await server.up([ASK, model(back), results(model(back))])

    assert seen.contents[1].parts[0].signature == native(1)


async def test_two_steps_that_call_alike_get_each_its_own(server: Server) -> None:
    """An agent that polls says the same again and again."""
    history = [ASK]
    for number in range(3):
        step = await server.down(
            history, [call("poll", "{}", signature=native(number)), call("poll", "{}")]
        )
        renamed = model(call("poll", "{}", id="x"), call("poll", "{}", id="y"))
        history += [renamed, results(step)]

    seen = await server.up(history)

    assert [s for s in signatures(seen) if s] == [native(0), native(1), native(2)]


async def test_an_id_alone_does_not_name_another_function(server: Server) -> None:
    """Ids that clients count themselves meet again in other conversations."""
    answer = await made(server, SIGNED)
    assert isinstance(answer.parts[0], Call)
    other = call("delete", "{}", id=answer.parts[0].id)

    seen = await server.up([ASK, model(other), results(model(other))])

    assert signatures(seen)[1] == SKIP


@pytest.mark.parametrize("given_id", ["call_0", "tool_0_look", "functions.look:0"])
async def test_ids_that_engines_count_are_not_what_a_signature_is_found_by(
    server: Server, given_id: str
) -> None:
    """OpenRouter's, Kimi's and others' begin anew in each answer."""
    door, who = target(Router(), origin="openai/door"), context()
    await server.down([ASK], [call(id=given_id, signature=native(1))], door, who, lenient=False)
    other = call(args='{"city":"Rome"}', id=given_id)

    seen = await server.up([user("And Rome?"), model(other), results(model(other))], door)

    assert signatures(seen)[1] == SKIP


async def test_words_are_found_however_they_are_cut(server: Server) -> None:
    """OpenAI's clients make one text of all; the real API signs an empty last piece."""
    said = Text(text="It is "), Text(text="blue.\n"), Text(text="", signature=native(1))
    await made(server, *said)

    for back in (
        model(Text(text="It is blue.")),
        model(Text(text="It"), Text(text=" is blue.")),
        model(Thought(text="hm"), Text(text="It is blue."), call()),
    ):
        seen = await server.up([ASK, back, *([results(back)] if len(back.parts) > 2 else [ASK])])
        texts = [part for part in seen.contents[1].parts if isinstance(part, Text)]
        assert texts[-1].signature == native(1)


async def test_each_of_several_signed_texts_is_known_by_itself(server: Server) -> None:
    """By the words the last is found: of all that came, clients of OpenAI's make one text."""
    said = Text(text="It is ", signature=native(1)), Text(text="blue.", signature=native(2))
    answer = await made(server, *said)

    who = context()
    assert signatures(await server.up([ASK, answer, ASK], who=who)) == [
        "",
        *map(native, (1, 2)),
        "",
    ]
    assert who.notices == []
    one = model(Text(text="It is blue."))
    assert signatures(await server.up([ASK, one, ASK])) == ["", native(2), ""]


async def test_the_same_words_in_another_turn_are_others(server: Server) -> None:
    await server.down([ASK], [Text(text="Yes.", signature=native(1))])
    await server.down([user("Sure?")], [Text(text="Yes.", signature=native(2))])
    yes = model(Text(text="Yes."))

    seen = await server.up([ASK, yes, user("Sure?"), yes, user("Really?"), yes, ASK])

    assert signatures(seen) == ["", native(1), "", native(2), "", "", ""]


async def test_another_caller_s_signature_is_not_found(server: Server) -> None:
    answer = await made(server, SIGNED)

    seen = await server.up([ASK, bare(answer), results(answer)], who=context("eve"))

    assert signatures(seen)[1] == SKIP


async def test_another_family_or_channel_gets_the_bypass_and_none_of_a_stranger_s(
    server: Server,
) -> None:
    """OmniRoute#1410: a switch in mid-conversation, "Thought signature is not valid"."""
    answer = await made(server, SIGNED)
    history = [ASK, bare(answer), results(answer)]

    for where in (target(family="gemini-4-text"), target(origin="google/two")):
        who = context()
        seen = await server.up(history, where, who)
        assert signatures(seen)[1] == SKIP
        assert who.signatures == ["bypassed"]


async def test_a_second_channel_of_one_project_knows_it(server: Server) -> None:
    """Keys rotate; the project stays."""
    answer = await made(server, SIGNED)
    other = target(Google(), origin="google/one")

    assert native(1) in signatures(await server.up([ASK, bare(answer), results(answer)], other))


async def test_a_lost_seal_gives_the_engine_its_thoughts_back(server: Server) -> None:
    """Reasoning of an engine that signs nothing survives a client that shows none."""
    local, who = target(Scripted(), origin="llama/door"), context()
    answer = await server.down([ASK], [Thought(text="hm"), call()], local)
    back = model(*[p for p in bare(answer).parts if isinstance(p, Call)])

    seen = await server.up([ASK, back, results(answer)], local, who)

    assert seen.contents[1].parts == (Thought(text="hm"), *back.parts)
    assert who.signatures == ["restored", "sealed"]


async def test_a_lost_seal_is_no_signature_for_google(server: Server) -> None:
    local = target(Scripted(), origin="llama/door")
    answer = await server.down([ASK], [Thought(text="hm"), call()], local)
    back = model(*[p for p in bare(answer).parts if isinstance(p, Call)])

    seen = await server.up([ASK, back, results(answer)])

    assert signatures(seen)[1] == SKIP


# What came --------------------------------------------------------------------------------------


async def test_what_came_whole_stays(server: Server) -> None:
    answer, who = await made(server, SIGNED), context()

    seen = await server.up([ASK, answer, results(answer)], who=who)

    assert seen.contents[1] == answer
    assert who.signatures == ["native"]


@pytest.mark.parametrize("spoiled", [native(1)[:-8], native(9), "AAAA"])
async def test_what_came_spoiled_is_replaced(server: Server, spoiled: str) -> None:
    """A lenient dialect never answers 400 for a signature."""
    answer, who = await made(server, SIGNED), context()
    back = model(msgspec.structs.replace(answer.parts[0], signature=spoiled))

    seen = await server.up([ASK, back, results(answer)], who=who)

    assert signatures(seen)[1] == native(1)
    assert who.notices == ["a thought signature that is not known here was replaced"]


async def test_what_belongs_to_another_call_is_replaced(server: Server) -> None:
    answer = await server.down([ASK], [call("a", signature=native(1)), call("b")])
    first, second = bare(answer).parts
    moved = model(msgspec.structs.replace(second, signature=native(1)), first)

    seen = await server.up([ASK, moved, results(moved)])

    assert [part.signature for part in seen.contents[1].parts] == [SKIP, native(1)]


async def test_a_gemini_caller_s_unknown_signature_is_google_s_to_judge(server: Server) -> None:
    back, who = model(call(signature=native(7))), context()

    seen = await server.up([ASK, back, results(back)], who=who, lenient=False)

    assert signatures(seen)[1] == native(7)
    assert who.notices == []


async def test_a_gemini_caller_s_lost_signature_stays_lost(server: Server) -> None:
    """That dialect has a place for it: the rules refuse the request, as the real API does."""
    answer = await server.down([ASK], [SIGNED], lenient=False)
    asked = Request(model="m", contents=(ASK, bare(answer), results(answer)))

    assert await server.keeping.put_back(asked, target(), context(), lenient=False) is asked
    assert server.vault.finds == []


async def test_a_gemini_caller_may_change_the_channel(server: Server) -> None:
    """The signature is right, but not there: it must not be refused as corrupted."""
    answer = await server.down([ASK], [SIGNED], lenient=False)
    history = [ASK, answer, results(answer)]

    there, who = target(origin="google/two"), context()
    assert signatures(await server.up(history, there, who, lenient=False))[1] == SKIP
    assert who.notices == ["a thought signature of another channel or model was replaced"]

    there, who = target(Plain(), origin="openai/x"), context()
    assert signatures(await server.up(history, there, who, lenient=False))[1] == ""
    assert who.notices == ["a thought signature of another channel or model was left out"]

    there = target(family="gemini-2-text", model="gemini-2.5-flash")
    assert signatures(await server.up(history, there, lenient=False))[1] == ""


async def test_what_came_with_a_thought_of_another_maker_is_not_touched(server: Server) -> None:
    """OpenRouter's details of other models go back verbatim, proof and all."""
    metadata = Json(b'{"openai":{"detail":{"type":"reasoning.text"}}}')
    thought = Thought(text="hm", signature="cHJvb2Y=", modifiers=Modifiers(metadata=metadata))
    back = model(thought, Text(text="Blue."))

    for engine in (Router(), Plain()):
        who = context()
        seen = await server.up([ASK, back, ASK], target(engine, origin="openai/x"), who)
        assert seen.contents[1] == back
        assert who.notices == []


# Bypassed ---------------------------------------------------------------------------------------


async def test_the_first_call_of_each_step_of_the_current_turn_is_bypassed(server: Server) -> None:
    """A step is one content: so it is counted where it is checked."""
    step = model(call("a", id="1"), call("b", id="2"))
    split = [model(call("a", id="3")), model(call("b", id="4"))]
    both = Content("user", (Result(name="a", id="3"), Result(name="b", id="4")))
    history = [ASK, step, results(step), ASK, step, results(step), *split, both]
    who = context()

    seen = await server.up(history, who=who)

    placed = [[is_bypass(p.signature) for p in c.parts] for c in seen.contents if c.role == "model"]
    assert placed == [[False, False], [True, False], [True], [True]]
    assert who.signatures == ["bypassed"]


@pytest.mark.parametrize(
    "where",
    [target(model="gemini-2.5-flash"), target(Scripted()), target(Plain())],
    ids=["does not look", "local", "another vendor"],
)
async def test_who_asks_for_no_signature_gets_no_bypass(server: Server, where: Target) -> None:
    step = model(call(id="1"))

    seen = await server.up([ASK, step, results(step)], where)

    assert not any(signatures(seen))


async def test_a_bypass_of_the_client_s_own_stays(server: Server) -> None:
    step = model(call(signature=SKIP))

    seen = await server.up([ASK, step, results(step)])

    assert signatures(seen)[1] == SKIP
    assert server.vault.finds == [], "there is nothing to look for"


async def test_thoughts_of_history_are_left_out_where_they_only_cost(server: Server) -> None:
    history = [ASK, model(Thought(text="hm")), model(Thought(text="hm"), Text(text="Blue.")), ASK]

    seen = await server.up(history)
    kept = await server.up(history, target(Router(), origin="openai/x"))

    assert seen.contents == (ASK, model(Text(text="Blue.")), ASK)
    assert kept.contents == tuple(history)


# Pictures ---------------------------------------------------------------------------------------

BOOK = Rulebook(tuple(rule for rule in load_rules() if rule.id.startswith("signature.")))


async def test_pictures_are_found_by_themselves(server: Server) -> None:
    draws = target(family="gemini-3-image", model=DRAWS)
    said = Text(text="Here:", signature=native(1))
    drawn = msgspec.structs.replace(PICTURE, signature=native(2))
    answer = await server.down([ASK], [said, drawn, Text(text="and")], draws)

    seen = await server.up([ASK, bare(answer), ASK], draws)

    assert [part.signature for part in seen.contents[1].parts] == [native(1), native(2), ""]
    hold(seen, draws)


@pytest.mark.parametrize("sealed", [False, True])
async def test_an_image_model_that_misses_signatures_is_bypassed_in_every_turn(
    server: Server, sealed: bool
) -> None:
    draws = target(family="gemini-3-image", model=DRAWS)
    local = target(Scripted(), origin="llama/x", family="gemini-3-image", model=DRAWS)
    parts: list[Part] = [Thought(text="hm"), Text(text="Here:"), PICTURE, Text(text="and"), PICTURE]
    answer = await server.down([ASK], parts, local) if sealed else model(*parts)
    other = Blob(mime="image/png", data="BBBB")
    draft = msgspec.structs.replace(other, modifiers=Modifiers(thought=True))
    history = [ASK, answer, ASK, model(draft, other, Text(text="so")), ASK]

    seen = await server.up(history, draws)

    hold(seen, draws)
    assert [bool(s) for s in signatures(seen)] == [
        *[False, True, True, False, True],
        *[False, False, True, False, False],
    ]


def hold(request: Request, where: Target) -> None:
    BOOK.check(request, where.facts, context())


# Kept -------------------------------------------------------------------------------------------


async def test_an_ending_leaves_after_what_it_ends_is_kept(server: Server) -> None:
    """Whoever has a whole answer can rely on it, whatever happens to the server."""
    events: list[Event] = [
        Begin("r", "m"),
        *whole([SIGNED, Text(text="so", signature=native(2))]),
        End("STOP"),
    ]
    left = server.keeping.kept(
        given(events), Request(model="m", contents=(ASK,)), target(), context()
    )
    kept: list[int] = []

    async for event in left:
        kept.append(len(server.vault.keeps))
        assert event is events[len(kept) - 1], "nothing is changed or held back"

    assert kept == [0] * (len(events) - 1) + [2]
    assert {each.signature for each in server.vault.keeps} == {native(1), native(2)}
    assert server.vault.keeps[0] == Kept(
        signature=native(1), origin="google/one", family="gemini-3-text", name="look"
    )


async def test_arguments_in_pieces_and_candidates_are_kept_apart(server: Server) -> None:
    one = call("f", "{}", id="a1b2c3d4")
    events: list[Event] = [Begin("r", "m")]
    for candidate in range(2):
        start = PartStart(0, msgspec.structs.replace(one, id=f"a1b2c3d{candidate}"), candidate)
        pieces = [Delta(0, '{"n":', candidate), Delta(0, f"{candidate}}}", candidate)]
        events += [start, *pieces, PartEnd(0, native(candidate), candidate)]
    events += [End("STOP", candidate=0), End("STOP", candidate=1)]
    asked = Request(model="m", contents=(ASK,))
    async for _ in server.keeping.kept(given(events), asked, target(), context()):
        pass

    for candidate in range(2):
        back = model(call("f", f'{{"n":{candidate}}}', id="other"))
        seen = await server.up([ASK, back, results(back)])
        assert signatures(seen)[1] == native(candidate)


async def test_an_answer_that_makes_no_sense_still_passes(server: Server) -> None:
    """Whoever folds it says what is wrong; here nothing is kept of it."""
    events: list[Event] = [PartStart(0, call("f", "{}")), Delta(0, "{"), PartEnd(0, native(1))]
    events += [Delta(0, "?"), PartEnd(0), Delta(0, "?", 7), PartEnd(0, "", 7), End("STOP")]
    asked = Request(model="m", contents=())

    left = server.keeping.kept(given(events), asked, target(), context())

    assert [event async for event in left] == events
    assert server.vault.keeps == []


async def test_an_answer_without_signatures_asks_nothing_of_the_vault(server: Server) -> None:
    await made(server, Text(text="Blue."), call())

    assert await server.up([ASK]) == Request(model="m", contents=(ASK,))
    assert (server.vault.keeps, server.vault.finds) == ([], [])


async def test_closing_what_is_kept_closes_the_engine(server: Server) -> None:
    engine = Scripted(
        [Begin("r", PRO), PartStart(0, Text(text="")), Delta(0, "Bl"), PartEnd(0), End("STOP")]
    )
    asked = Request(model="m", contents=(ASK,))
    left = server.keeping.kept(engine.answer(asked, "m", context()), asked, target(), context())

    await anext(left)
    await left.aclose()

    assert engine.open == 0
