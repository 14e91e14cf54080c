"""The fake Gemini 3: each rule refuses what breaks it, and its answers have the recorded shapes."""

import base64
import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import aiohttp
import pytest

from tests.fakes import gemini_rules as rules
from tests.fakes.gemini_agent import CALLED, GeminiAgent, Turn
from tests.fakes.gemini_rules import Refused, check
from tests.fakes.test_upstream import RECORDED, shape
from tests.fakes.upstream import FakeUpstream

MODEL = "gemini-3-pro-preview"
OURS = b"\x12 a signature of this model"
SIGNATURE = base64.b64encode(OURS).decode()
WEATHER = ({"city": "Paris"}, {"city": "London"})

Break = Callable[[dict[str, Any]], None]


def call(args: dict[str, str], **more: str) -> dict[str, Any]:
    return {"functionCall": {"name": "weather", "args": args}, **more}


def response(degrees: int) -> dict[str, Any]:
    return {"functionResponse": {"name": "weather", "response": {"degrees": degrees}}}


def conversation() -> dict[str, Any]:
    """A user's words, a parallel group, its results, one more step and its result."""
    return {
        "contents": [
            {"role": "user", "parts": [{"text": "How warm is it?"}]},
            {
                "role": "model",
                "parts": [call(WEATHER[0], thoughtSignature=SIGNATURE), call(WEATHER[1])],
            },
            {"role": "user", "parts": [response(15), response(12)]},
            {"role": "model", "parts": [call({"city": "Oslo"}, thoughtSignature=SIGNATURE)]},
            {"role": "user", "parts": [response(2)]},
        ],
        "generationConfig": {"thinkingConfig": {"thinkingLevel": "low"}},
    }


def refusal(asked: dict[str, Any], model: str = MODEL) -> str:
    with pytest.raises(Refused) as caught:
        check(asked, model, {OURS})
    return caught.value.message


def set_signature(asked: dict[str, Any], value: str, content: int = 3) -> None:
    asked["contents"][content]["parts"][0]["thoughtSignature"] = value


def broken() -> Iterator[tuple[str, Break, str]]:
    """What is wrong, what makes it wrong, and what the API says."""
    missing = rules.MISSING.format
    last = missing(name="weather", position=4)
    yield "no signature", lambda a: set_signature(a, ""), last
    first = missing(name="weather", position=2)
    yield "none on the first", lambda a: a["contents"][1]["parts"][0].pop("thoughtSignature"), first
    yield (
        "another's",
        lambda a: set_signature(a, base64.b64encode(b"x" * 99).decode()),
        (rules.CORRUPTED),
    )
    yield "on a later call", lambda a: a["contents"][1]["parts"].reverse(), first
    yield "a result too few", lambda a: a["contents"][2]["parts"].pop(), rules.COUNT
    yield "a result too many", lambda a: a["contents"][4]["parts"].append(response(1)), rules.COUNT
    yield (
        "words for a result",
        lambda a: a["contents"][2].update(parts=[{"text": "?"}]),
        (rules.COUNT),
    )
    yield "begins with a call", lambda a: a["contents"].pop(0), rules.ORDER
    yield "a role of its own", lambda a: a["contents"][0].update(role="assistant"), rules.ROLE
    yield "nothing said", lambda a: a["contents"].clear(), rules.NO_CONTENTS
    thinking = "generationConfig", "thinkingConfig"
    yield (
        "both thoughts",
        lambda a: a[thinking[0]][thinking[1]].update(thinkingBudget=9),
        (rules.BOTH_THOUGHTS),
    )
    yield (
        "no such level",
        lambda a: a[thinking[0]][thinking[1]].update(thinkingLevel="MEDIUM"),
        (rules.LEVEL.format(level="MEDIUM")),
    )


BROKEN = list(broken())


def test_a_conversation_that_keeps_the_rules_is_taken() -> None:
    carried = check(conversation(), MODEL, {OURS})

    assert [(each.content, each.part, each.data) for each in carried] == [
        (1, 0, OURS),
        (3, 0, OURS),
    ]


@pytest.mark.parametrize(
    ("spoil", "said"), [case[1:] for case in BROKEN], ids=[c[0] for c in BROKEN]
)
def test_each_rule_refuses_what_breaks_it(spoil: Break, said: str) -> None:
    asked = conversation()
    spoil(asked)

    assert refusal(asked) == said


def test_snake_case_is_held_to_the_same_rules() -> None:
    part = {"function_call": {"name": "weather"}, "thought_signature": SIGNATURE}
    asked = {"contents": [{"parts": [{"text": "?"}]}, {"role": "model", "parts": [part]}]}

    assert [each.data for each in check(asked, MODEL, {OURS})] == [OURS]
    del part["thought_signature"]
    assert refusal(asked) == rules.MISSING.format(name="weather", position=2)


@pytest.mark.parametrize("bypass", rules.BYPASSES)
def test_both_bypasses_pass_raw_and_encoded_again(bypass: str) -> None:
    """A client whose field is bytes encodes the string again, in either alphabet."""
    for encoded in (
        bypass,
        base64.b64encode(bypass.encode()).decode(),
        base64.urlsafe_b64encode(bypass.encode()).decode().rstrip("="),
        bypass.translate(str.maketrans("-_", "+/")),
    ):
        asked = conversation()
        set_signature(asked, encoded)
        assert check(asked, MODEL, {OURS})[1].text == encoded


def test_only_the_current_turn_of_a_third_generation_model_must_be_signed() -> None:
    earlier, older = conversation(), conversation()
    for content in (1, 3):
        set_signature(earlier, "", content)
    older = copy.deepcopy(earlier)
    earlier["contents"] += [
        {"role": "model", "parts": [{"text": "2 to 15."}]},
        {"role": "user", "parts": [{"text": "Thanks."}]},
    ]
    older["generationConfig"] = {}

    assert check(earlier, MODEL, {OURS}) == ()
    assert check(older, "gemini-2.5-pro", ()) == ()


def test_what_is_not_base64_is_a_violation_of_its_field() -> None:
    asked = conversation()
    set_signature(asked, "not base64!")

    with pytest.raises(Refused) as caught:
        check(asked, MODEL, {OURS})

    [detail] = caught.value.body()["error"]["details"]
    [violation] = detail["fieldViolations"]
    assert violation["field"] == "contents[3].parts[0].thought_signature"
    assert "Base64 decoding failed" in violation["description"]


def test_a_streams_closing_text_may_stand_between_a_call_and_its_result() -> None:
    asked = conversation()
    asked["contents"].insert(4, {"role": "model", "parts": [{"text": ""}]})

    assert len(check(asked, MODEL, {OURS})) == 2


def test_each_content_with_calls_is_a_step_of_its_own() -> None:
    """The calls of a parallel group must come back in the one content that they came in."""
    asked = conversation()
    group = asked["contents"][1]["parts"]
    asked["contents"][1:2] = [{"role": "model", "parts": [part]} for part in group]

    assert refusal(asked) == rules.MISSING.format(name="weather", position=3)


SCRIPT = (
    Turn(calls=(("weather", WEATHER[0]), ("weather", WEATHER[1])), thoughts="Two cities."),
    Turn(text=("It is ", "warm.")),
)


async def asked_of(agent: GeminiAgent, body: dict[str, Any], method: str) -> tuple[int, str]:
    async with FakeUpstream(answer=agent) as upstream, aiohttp.ClientSession() as session:
        url = f"{upstream.url}/v1beta/models/{MODEL}:{method}"
        async with session.post(url, json=body) as reply:
            return reply.status, await reply.text()


def chunks_of(text: str) -> list[Any]:
    return [json.loads(event.removeprefix("data: ")) for event in text.split("\r\n\r\n") if event]


async def test_the_agent_signs_and_ends_as_the_recorded_streams_do() -> None:
    """Names and types; later recordings have ids and a service tier, which those of 01 lack."""
    agent = GeminiAgent({MODEL: SCRIPT})
    asked = {"contents": [{"parts": [{"text": "How warm?"}]}]}

    _, whole = await asked_of(agent, asked, "generateContent")
    _, streamed = await asked_of(agent, asked, "streamGenerateContent?alt=sse")

    answer, chunks = json.loads(whole), chunks_of(streamed)
    [candidate] = answer["candidates"]
    first, second = candidate["content"]["parts"]
    assert candidate["finishMessage"] == CALLED
    assert base64.b64decode(first["thoughtSignature"]) == agent.issued[MODEL][0]
    assert "thoughtSignature" not in second
    assert len(chunks) == 2
    assert [len(chunk["candidates"][0]["content"]["parts"]) for chunk in chunks] == [2, 1]
    assert chunks[-1]["candidates"][0]["content"]["parts"] == [{"text": ""}]
    if RECORDED.exists():
        held = json.loads(RECORDED.read_text())
        real = held["packages/google/src/__fixtures__/google-tool-call-gemini3.chunks.txt"]
        for mine, theirs in zip(chunks, real, strict=True):
            del mine["usageMetadata"]["serviceTier"]
            mine["candidates"][0]["content"]["parts"][0].get("functionCall", {}).pop("id", None)
            mine["candidates"][0]["content"]["parts"][0].get("functionCall", {})["args"] = {}
            theirs["candidates"][0]["content"]["parts"][0].get("functionCall", {})["args"] = {}
            assert shape(mine) == shape(theirs)


async def test_a_text_is_signed_on_its_last_part() -> None:
    agent = GeminiAgent({MODEL: SCRIPT[1:]})
    asked = {"contents": [{"parts": [{"text": "How warm?"}]}]}

    _, whole = await asked_of(agent, asked, "generateContent")
    _, streamed = await asked_of(agent, asked, "streamGenerateContent?alt=sse")

    [part] = json.loads(whole)["candidates"][0]["content"]["parts"]
    closing = chunks_of(streamed)[-1]["candidates"][0]
    signatures = [part["thoughtSignature"], closing["content"]["parts"][0]["thoughtSignature"]]
    assert [base64.b64decode(each) for each in signatures] == agent.issued[MODEL]
    assert part["text"] == "It is warm."
    assert (closing["content"]["parts"][0]["text"], closing["finishReason"]) == ("", "STOP")


async def test_the_agent_plays_the_turn_that_the_conversation_has_reached() -> None:
    """... and takes only what it has signed itself, as often as it is asked."""
    agent = GeminiAgent({MODEL: SCRIPT})
    asked: dict[str, Any] = {"contents": [{"role": "user", "parts": [{"text": "How warm?"}]}]}
    _, first = await asked_of(agent, asked, "generateContent")
    asked["contents"] += [
        json.loads(first)["candidates"][0]["content"],
        {"role": "user", "parts": [response(15), response(12)]},
    ]

    _, second = await asked_of(agent, asked, "generateContent")
    set_signature(asked, SIGNATURE, 1)
    status, third = await asked_of(agent, asked, "generateContent")

    assert json.loads(second)["candidates"][0]["content"]["parts"][0]["text"] == "It is warm."
    assert [each.data for each in agent.accepted[1].signatures] == agent.issued[MODEL][:1]
    assert (status, json.loads(third)["error"]["message"]) == (400, rules.CORRUPTED)
    assert agent.refused == [rules.CORRUPTED]
