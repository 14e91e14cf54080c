"""An answer that ends STOP keeps to its schema and its tools, or says that it does not."""

import pytest

from geminid.core.content import Call, Content, Json, Part, Text, Thought
from geminid.core.errors import Invalid, RateLimited
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
from geminid.core.fold import Answer, fold
from geminid.core.ports import Context
from geminid.core.request import FunctionTool, OutputFormat, Request, Sampling, ToolChoice
from geminid.core.usage import Usage
from geminid.pipeline.channel import LiveChannel, Manner
from geminid.pipeline.compile import Lane, Target
from geminid.pipeline.enforce import Enforcer, contract_of
from geminid.pipeline.enforce.again import resampled
from geminid.pipeline.validator import Validators
from tests.pipeline.scripted import Scripted, Tallied

SCHEMA = Json(
    b'{"type":"object","properties":{"n":{"type":"integer","maximum":9}},"required":["n"]}'
)
GOOD, BAD = Text(text='{"n":1}'), Text(text='{"n":99}')
LOOK = FunctionTool(name="look", parameters=SCHEMA, json_schema=True)
FINE, WRONG = Call(name="look", args=Json(b'{"n":2}')), Call(name="look", args=Json(b'{"n":"x"}'))
STRANGE = Call(name="format_disk", args=Json(b"{}"))
OUTPUT = OutputFormat("application/json", SCHEMA, json_schema=True)


def asking(
    *functions: FunctionTool,
    mode: str = "",
    allowed: tuple[str, ...] = (),
    output: OutputFormat | None = None,
) -> Request:
    return Request(
        model="m",
        contents=(Content("user", (Text(text="Go."),)),),
        functions=functions,
        tool_choice=ToolChoice(mode, allowed) if mode else None,
        output=output,
        sampling=Sampling(seed=7, temperature=0.0),
    )


def events(*parts: Part, reason: str = "STOP", usage: Usage | None = None) -> list[Event]:
    made: list[Event] = [Begin("r", "m")]
    for index, part in enumerate(parts):
        made += [PartStart(index, part), PartEnd(index)]
    return [*made, Tally(usage or Usage(prompt=10, output=5)), End(reason)]


class Desk:
    """A channel whose engine gives one answer after the other."""

    def __init__(self, *answers: list[Event], repairs: int = 0, resamples: bool = False) -> None:
        self.answers = list(answers)
        self.asked: list[Request] = []
        self.meter = Tallied()
        self.paid: list[Usage] = []
        self.open = 0
        self.context = Context(request_id="r", caller="ada", deadline=1e9, stream=True)
        channel = LiveChannel(
            "door",
            "test",
            Scripted(),
            models={},
            manner=Manner(repairs=repairs, resamples=resamples),
        )
        self.target = Target("m", "m", channel, Lane.EVENTS)

    async def _answer(self, request: Request) -> Events:
        self.asked.append(request)
        self.open += 1
        try:
            for event in self.answers.pop(0):
                yield event
        finally:
            self.open -= 1

    def events(self, request: Request) -> Events:
        enforcer = Enforcer(self._answer, self.target, self.context, self.meter)
        return enforcer.events(request, contract_of(request, Validators()), self.paid.append)

    async def answer(self, request: Request) -> Answer:
        answer = fold([event async for event in self.events(request)])
        assert self.open == 0
        return answer

    async def ended(self, request: Request) -> tuple[str, tuple[Part, ...]]:
        (candidate,) = (await self.answer(request)).candidates
        return candidate.end.reason, candidate.content.parts


@pytest.mark.parametrize(
    ("parts", "reason", "left"),
    [
        ((FINE,), "STOP", (FINE,)),
        ((FINE, FINE), "STOP", (FINE, FINE)),
        ((Text(text="Hi."),), "STOP", (Text(text="Hi."),)),
        ((WRONG,), "MALFORMED_FUNCTION_CALL", ()),
        ((FINE, WRONG), "MALFORMED_FUNCTION_CALL", ()),
        ((Text(text="Hi."), WRONG), "MALFORMED_FUNCTION_CALL", (Text(text="Hi."),)),
        ((STRANGE,), "UNEXPECTED_TOOL_CALL", ()),
    ],
)
async def test_calls_leave_as_a_whole_group_or_not_at_all(
    parts: tuple[Part, ...], reason: str, left: tuple[Part, ...]
) -> None:
    assert await Desk(events(*parts)).ended(asking(LOOK)) == (reason, left)


@pytest.mark.parametrize(
    ("request_", "parts", "reason"),
    [
        (asking(LOOK, mode="NONE"), (FINE,), "UNEXPECTED_TOOL_CALL"),
        (asking(), (FINE,), "UNEXPECTED_TOOL_CALL"),
        (asking(LOOK, mode="ANY"), (Text(text="Hi."),), "MALFORMED_FUNCTION_CALL"),
        (asking(LOOK, mode="ANY", allowed=("other",)), (FINE,), "UNEXPECTED_TOOL_CALL"),
        (asking(LOOK, mode="VALIDATED"), (FINE,), "STOP"),
        (asking(LOOK, mode="VALIDATED"), (Text(text="Hi."),), "STOP"),
        (asking(output=OUTPUT), (GOOD,), "STOP"),
        (asking(output=OUTPUT), (BAD,), "MALFORMED_RESPONSE"),
        (asking(output=OUTPUT), (Text(text="```json\n{}```"),), "MALFORMED_RESPONSE"),
        (asking(output=OUTPUT), (), "MALFORMED_RESPONSE"),
        (asking(LOOK, output=OUTPUT), (FINE,), "STOP"),
        (asking(LOOK, output=OUTPUT), (BAD,), "MALFORMED_RESPONSE"),
        (asking(output=OutputFormat("application/json")), (Text(text="[1]"),), "STOP"),
        (asking(output=OutputFormat("application/json")), (Text(text="no"),), "MALFORMED_RESPONSE"),
        (
            asking(output=OutputFormat("text/x.enum", Json(b'{"type":"STRING","enum":["a","b"]}'))),
            (Text(text="b"),),
            "STOP",
        ),
        (
            asking(output=OutputFormat("text/x.enum", Json(b'{"type":"STRING","enum":["a","b"]}'))),
            (Text(text="bee"),),
            "MALFORMED_RESPONSE",
        ),
    ],
)
async def test_each_mode_and_form_is_held_to(
    request_: Request, parts: tuple[Part, ...], reason: str
) -> None:
    assert (await Desk(events(*parts)).ended(request_))[0] == reason


@pytest.mark.parametrize(
    ("schema", "said", "reason"),
    [
        (b'{"enum":["A",1,null]}', "A", "STOP"),
        (b'{"enum":["A",1,null]}', "1", "MALFORMED_RESPONSE"),
        (b'{"enum":["A",1,null]}', "hello there", "MALFORMED_RESPONSE"),
        (b'{"enum":["AAAA","B"],"maxLength":1}', "B", "STOP"),
        (b'{"enum":["AAAA","B"],"maxLength":1}', "AAAA", "MALFORMED_RESPONSE"),
    ],
)
async def test_a_choice_is_among_the_strings_that_the_schema_allows(
    schema: bytes, said: str, reason: str
) -> None:
    request = asking(output=OutputFormat("text/x.enum", Json(schema), json_schema=True))

    assert (await Desk(events(Text(text=said))).ended(request))[0] == reason


@pytest.mark.parametrize(
    "schema", [None, Json(b'{"enum":[1]}'), Json(b'{"type":"string"}'), Json(b"true")]
)
def test_a_choice_without_a_string_is_refused(schema: Json | None) -> None:
    request = asking(output=OutputFormat("text/x.enum", schema, json_schema=True))

    with pytest.raises(Invalid, match="needs an `enum`"):
        contract_of(request, Validators())


@pytest.mark.parametrize("parts", [(WRONG,), (BAD,)])
async def test_an_answer_that_says_itself_that_it_is_cut_keeps_its_ending(
    parts: tuple[Part, ...],
) -> None:
    """Half a JSON is what MAX_TOKENS leaves; a half call never leaves."""
    request = asking(LOOK, output=OUTPUT)

    reason, left = await Desk(events(*parts, reason="MAX_TOKENS")).ended(request)

    assert reason == "MAX_TOKENS"
    assert not any(isinstance(part, Call) for part in left)


async def test_a_local_model_is_asked_the_same_again_with_other_dice() -> None:
    desk = Desk(events(BAD), events(BAD), events(GOOD), repairs=2, resamples=True)

    assert await desk.ended(asking(output=OUTPUT)) == ("STOP", (GOOD,))
    first, second, third = desk.asked
    assert first.contents == second.contents == third.contents
    assert (first.sampling.seed, second.sampling.seed, third.sampling.seed) == (7, 8, 9)
    assert second.sampling.temperature == 0.7, "the likeliest token would only be the same again"
    assert desk.meter.counted == [("door", "m", "first", False), ("door", "m", "final", True)]
    assert desk.context.notices == [
        "asked again, because the answer broke its schema or called what it may not"
    ]


@pytest.mark.parametrize(("named", "taken"), [(None, 0.7), (0.0, 0.7), (0.69, 0.7), (1.5, 1.5)])
def test_the_dice_fall_the_second_time(named: float | None, taken: float) -> None:
    """Also where the caller named no temperature and the engine took the likeliest token."""
    sampling = Sampling(temperature=named)
    request = Request(model="m", contents=(), sampling=sampling)

    assert resampled(request, 1).sampling == Sampling(temperature=taken)


async def test_a_remote_model_is_told_what_was_wrong_and_every_try_is_paid_for() -> None:
    desk = Desk(events(BAD), events(GOOD), repairs=1)

    answer = await desk.answer(asking(output=OUTPUT))

    assert answer.candidates[0].content.parts == (GOOD,)
    assert answer.usage == Usage(prompt=20, output=10)
    (said,) = desk.asked[1].contents[-1].parts
    assert isinstance(said, Text)
    assert '{"n":99}' in said.text
    assert "maximum" in said.text


async def test_after_the_last_try_it_ends_honestly() -> None:
    desk = Desk(events(WRONG), events(WRONG), repairs=1)

    assert await desk.ended(asking(LOOK, mode="ANY")) == ("MALFORMED_FUNCTION_CALL", ())
    assert desk.meter.counted == [("door", "m", "first", False), ("door", "m", "final", False)]


async def test_words_that_have_left_cannot_be_taken_back() -> None:
    """With tools at hand, plain words stream at once; a bad call after them is not asked again."""
    desk = Desk(events(Text(text="Let me see."), WRONG), events(FINE), repairs=3)

    assert (await desk.ended(asking(LOOK)))[0] == "MALFORMED_FUNCTION_CALL"
    assert len(desk.asked) == 1


async def test_plain_words_flow_while_they_come() -> None:
    desk = Desk(
        [Begin("r", "m"), PartStart(0, Text(text="")), Delta(0, "a"), PartEnd(0), End("STOP")],
        repairs=2,
    )
    coming = desk.events(asking(LOOK))

    got = [await anext(coming) for _ in range(3)]

    assert got[-1] == Delta(0, "a")
    assert desk.open == 1, "the engine is not even done"
    await coming.aclose()
    assert desk.open == 0


async def test_a_thought_of_an_attempt_that_failed_is_not_shown() -> None:
    desk = Desk(events(Thought(text="wrong"), BAD), events(Thought(text="right"), GOOD), repairs=1)

    assert (await desk.ended(asking(output=OUTPUT)))[1] == (Thought(text="right"), GOOD)


async def test_what_a_lost_attempt_cost_is_known_before_the_next_one_answers() -> None:
    """It is paid for, also if the next one dies or tells no counts."""
    silent: list[Event] = [event for event in events(GOOD) if not isinstance(event, Tally)]
    desk = Desk(events(BAD), events(BAD), silent, repairs=2)

    answer = await desk.answer(asking(output=OUTPUT))

    assert answer.usage == Usage(prompt=20, output=10)
    assert desk.paid == [Usage(prompt=10, output=5), Usage(prompt=20, output=10)]


async def test_three_attempts_are_paid_three_times() -> None:
    desk = Desk(events(BAD), events(BAD), events(GOOD), repairs=2)

    assert (await desk.answer(asking(output=OUTPUT))).usage == Usage(prompt=30, output=15)


async def test_a_thought_does_not_end_the_hope_of_another_try() -> None:
    """A model that thinks and then calls wrongly, where it may choose."""
    desk = Desk(events(Thought(text="hm"), WRONG), events(FINE), repairs=1)

    assert await desk.ended(asking(LOOK)) == ("STOP", (FINE,))


async def test_words_after_a_bad_call_do_not_leave_without_it() -> None:
    desk = Desk(events(Text(text="See:"), WRONG, Text(text="Done.")))

    assert (await desk.ended(asking(LOOK)))[1] == (Text(text="See:"),)


async def test_a_blocked_prompt_leaves_at_once() -> None:
    desk = Desk([Begin("r", "m"), End("", blocked=Blocked("SAFETY"))], repairs=2)

    answer = await desk.answer(asking(output=OUTPUT))

    assert answer.blocked is not None
    assert len(desk.asked) == 1
    assert desk.meter.counted == []


async def test_of_several_candidates_each_keeps_its_own_ending() -> None:
    """The first that broke the contract is the one that is told to the model."""
    first, other = Text(text='{"n":99}'), Text(text='{"n":77}')
    both: list[Event] = [
        Begin("r", "m"),
        *(PartStart(0, part, candidate) for candidate, part in enumerate((first, other))),
        *(PartEnd(0, candidate=candidate) for candidate in range(2)),
        *(End("STOP", candidate=candidate) for candidate in range(2)),
    ]
    desk = Desk(both, events(GOOD), repairs=1)

    await desk.answer(asking(output=OUTPUT))

    (said,) = desk.asked[1].contents[-1].parts
    assert isinstance(said, Text)
    assert '{"n":99}' in said.text


@pytest.mark.parametrize("args", [b"[1]", b"", b"NaN", b'{"a":"\\ud800"}', b"[" * 3000])
async def test_arguments_that_are_no_object_never_leave(args: bytes) -> None:
    """Also of a function without a schema."""
    plain = FunctionTool(name="plain")
    call = Call(name="plain", args=Json(args))

    assert await Desk(events(call)).ended(asking(plain)) == ("MALFORMED_FUNCTION_CALL", ())


async def test_arguments_that_come_in_pieces_and_are_no_object_never_leave() -> None:
    pieces: list[Event] = [PartStart(0, Call(name="look")), Delta(0, '{"n":'), Delta(0, "oops")]
    desk = Desk([Begin("r", "m"), *pieces, PartEnd(0), End("STOP")], events(FINE), repairs=1)

    assert await desk.ended(asking(LOOK)) == ("STOP", (FINE,))


async def test_an_upstream_may_know_functions_that_the_request_does_not_declare() -> None:
    """Tools of its own, or in a cached content."""
    desk = Desk(events(STRANGE))
    request = asking()
    enforcer = Enforcer(desk._answer, desk.target, desk.context, desk.meter)  # noqa: SLF001
    contract = contract_of(request, Validators(), others=True)

    left = fold([event async for event in enforcer.events(request, contract, desk.paid.append)])

    assert left.candidates[0].content.parts == (STRANGE,)


@pytest.mark.parametrize("reason", ["MAX_TOKENS", "SAFETY"])
async def test_what_says_that_it_is_not_whole_is_not_counted(reason: str) -> None:
    desk = Desk(events(Text(text='{"n":'), reason=reason))

    await desk.answer(asking(output=OUTPUT))

    assert desk.meter.counted == []


async def test_plain_text_is_not_counted() -> None:
    desk = Desk(events(Text(text="Hi.")))

    await desk.answer(asking(LOOK))

    assert desk.meter.counted == []


async def test_a_failure_of_the_second_try_is_told() -> None:
    async def failing() -> Events:
        for event in [*events(BAD)[:1], None]:
            if event is None:
                raise RateLimited("Later.")
            yield event

    desk = Desk(events(BAD), repairs=1)
    first, answers = desk._answer, iter([False, True])  # noqa: SLF001  the desk's own

    def ask(request: Request) -> Events:
        return failing() if next(answers) else first(request)

    request = asking(output=OUTPUT)
    enforcer = Enforcer(ask, desk.target, desk.context, desk.meter)

    with pytest.raises(RateLimited):
        async for _ in enforcer.events(
            request, contract_of(request, Validators()), desk.paid.append
        ):
            pass


@pytest.mark.parametrize(
    "schema",
    [b'{"$ref":"http://127.0.0.1:9/x"}', b'{"type":"object","properties":{"a":{"$ref":"#/no"}}}'],
)
def test_a_schema_that_cannot_be_used_is_refused_before_anything_is_asked(schema: bytes) -> None:
    with pytest.raises(Invalid):
        contract_of(
            asking(output=OutputFormat("application/json", Json(schema), json_schema=True)),
            Validators(),
        )
