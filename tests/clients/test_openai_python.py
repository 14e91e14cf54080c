"""openai (Python) in tool loops, as its users write them: what they drop is put back.

Most tutorials build the assistant message by hand, from the text and the calls alone; the Gemini 3
upstream refuses whoever does not bring its signatures back (litellm#16893 and forty others).
"""

import json
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeAlias

import openai
import pytest
from openai import AsyncOpenAI, OpenAI

from tests.clients.agents import LOOPS, THREE, TWO, Loop, Place
from tests.clients.desk import TOOLS, Desk

Message: TypeAlias = Any
"""A message as its user passes it on: an object of the client, or a dict."""


class Said(NamedTuple):
    """One answer: the message for the history, and what its user reads in it."""

    message: Message
    calls: list[tuple[str, str, str]]
    text: str
    ending: str | None


Way: TypeAlias = Callable[[OpenAI, str, list[Message]], Said]


def calls_of(message: Any) -> list[tuple[str, str, str]]:
    return [
        (call.id, call.function.name, call.function.arguments) for call in message.tool_calls or ()
    ]


def by_hand(text: str, calls: list[tuple[str, str, str]]) -> Message:
    """The message as tutorials write it: only what the API's reference calls required."""
    made = [
        {"id": id_, "type": "function", "function": {"name": name, "arguments": arguments}}
        for id_, name, arguments in calls
    ]
    if made:
        return {"role": "assistant", "content": text or None, "tool_calls": made}
    return {"role": "assistant", "content": text}


def object_appended(client: OpenAI, model: str, messages: list[Message]) -> Said:
    answer = client.chat.completions.create(model=model, messages=messages, tools=TOOLS)
    [choice] = answer.choices
    message = choice.message
    return Said(message, calls_of(message), message.content or "", choice.finish_reason)


def dumped(client: OpenAI, model: str, messages: list[Message]) -> Said:
    said = object_appended(client, model, messages)
    return said._replace(message=said.message.model_dump())


def dumped_without_nulls(client: OpenAI, model: str, messages: list[Message]) -> Said:
    said = object_appended(client, model, messages)
    return said._replace(message=said.message.model_dump(exclude_none=True))


def built_by_hand(client: OpenAI, model: str, messages: list[Message]) -> Said:
    said = object_appended(client, model, messages)
    return said._replace(message=by_hand(said.text, said.calls))


def streamed(client: OpenAI, model: str, messages: list[Message]) -> Said:
    """Deltas gathered by their index, as the API's guide does it."""
    text, ending = "", None
    calls: dict[int, list[str]] = {}
    for chunk in client.chat.completions.create(
        model=model, messages=messages, tools=TOOLS, stream=True
    ):
        for choice in chunk.choices:
            text += choice.delta.content or ""
            ending = choice.finish_reason or ending
            for delta in choice.delta.tool_calls or ():
                gathered = calls.setdefault(delta.index, ["", "", ""])
                assert delta.function is not None
                gathered[0] += delta.id or ""
                gathered[1] += delta.function.name or ""
                gathered[2] += delta.function.arguments or ""
    listed = [(id_, name, arguments) for id_, name, arguments in calls.values()]
    assert list(calls) == list(range(len(calls)))
    return Said(by_hand(text, listed), listed, text, ending)


def stream_helper(client: OpenAI, model: str, messages: list[Message]) -> Said:
    """The client's own accumulator, whose message goes back as it is."""
    with client.chat.completions.stream(model=model, messages=messages, tools=TOOLS) as stream:
        answer = stream.get_final_completion()
    [choice] = answer.choices
    message = choice.message
    return Said(message, calls_of(message), message.content or "", choice.finish_reason)


WAYS: list[Way] = [
    object_appended,
    dumped,
    dumped_without_nulls,
    built_by_hand,
    streamed,
    stream_helper,
]

every_loop = pytest.mark.parametrize("loop", LOOPS, ids=lambda loop: loop.name)
every_way = pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)


@pytest.fixture
def client(place: Place) -> Iterator[OpenAI]:
    with OpenAI(base_url=place.openai, api_key="any", max_retries=0) as client:
        yield client


def results_of(said: Said, desk: Desk) -> list[Message]:
    return [
        {
            "role": "tool",
            "tool_call_id": id_,
            "content": json.dumps(desk.do(name, json.loads(arguments)), ensure_ascii=False),
        }
        for id_, name, arguments in said.calls
    ]


def converse(way: Way, client: OpenAI, loop: Loop, messages: list[Message], desk: Desk) -> str:
    """Until a text comes; it is appended, too."""
    while True:
        said = way(client, loop.model, messages)
        assert said.ending == ("tool_calls" if said.calls else "stop")
        messages.append(said.message)
        if not said.calls:
            return said.text
        messages += results_of(said, desk)


def asked(loop: Loop) -> list[Message]:
    return [{"role": "user", "content": loop.asked}]


@every_loop
@every_way
def test_functions_are_called_until_the_text_comes(
    way: Way, loop: Loop, client: OpenAI, place: Place
) -> None:
    desk = Desk()

    assert converse(way, client, loop, asked(loop), desk) == loop.told

    assert desk.called == loop.calls
    place.check_brought_back(loop)


@every_way
def test_a_second_question_brings_the_texts_signature_back_too(
    way: Way, client: OpenAI, place: Place
) -> None:
    messages, desk = asked(TWO), Desk()
    converse(way, client, TWO, messages, desk)
    messages.append({"role": "user", "content": "Thank you."})

    assert converse(way, client, TWO, messages, desk) == "You are welcome."

    place.check_signed(TWO.model, TWO.signatures + 1)


@every_loop
@pytest.mark.parametrize("streams", [False, True], ids=["whole", "streamed"])
async def test_the_async_client_does_it_too(streams: bool, loop: Loop, place: Place) -> None:
    desk, messages = Desk(), asked(loop)
    async with AsyncOpenAI(base_url=place.openai, api_key="any", max_retries=0) as client:
        while True:
            said = await (async_streamed if streams else async_whole)(client, loop.model, messages)
            messages.append(said.message)
            if not said.calls:
                break
            messages += results_of(said, desk)

    assert (said.text, desk.called) == (loop.told, loop.calls)
    place.check_brought_back(loop)


async def async_whole(client: AsyncOpenAI, model: str, messages: list[Message]) -> Said:
    answer = await client.chat.completions.create(model=model, messages=messages, tools=TOOLS)
    [choice] = answer.choices
    calls, text = calls_of(choice.message), choice.message.content or ""
    return Said(by_hand(text, calls), calls, text, choice.finish_reason)


async def async_streamed(client: AsyncOpenAI, model: str, messages: list[Message]) -> Said:
    asking = client.chat.completions.stream(model=model, messages=messages, tools=TOOLS)
    async with asking as stream:
        answer = await stream.get_final_completion()
    [choice] = answer.choices
    calls, text = calls_of(choice.message), choice.message.content or ""
    return Said(choice.message, calls, text, choice.finish_reason)


@pytest.mark.parametrize("way", [built_by_hand, streamed], ids=lambda way: way.__name__)
def test_a_restart_in_the_middle_loses_nothing(way: Way, client: OpenAI, place: Place) -> None:
    """Nothing but the vault remembers what the client dropped and the process forgot."""
    desk = Desk(first=place.restart)

    assert converse(way, client, THREE, asked(THREE), desk) == THREE.told

    assert desk.called == THREE.calls
    place.check_brought_back(THREE)


def test_results_of_parallel_calls_may_come_in_any_order(google: Place) -> None:
    [*_, loop] = LOOPS
    desk, messages = Desk(), asked(loop)
    with OpenAI(base_url=google.openai, api_key="any", max_retries=0) as client:
        said = built_by_hand(client, loop.model, messages)
        messages += [said.message, *reversed(results_of(said, desk))]
        assert built_by_hand(client, loop.model, messages).text == loop.told

    google.check_brought_back(loop)
    assert google.agent is not None
    [*_, last] = google.agent.accepted
    [*_, results] = last.asked["contents"]
    assert [part["functionResponse"]["name"] for part in results["parts"]] == [
        name for name, _ in loop.calls
    ]


def test_the_caller_is_told_what_was_put_back(google: Place) -> None:
    desk, messages = Desk(), asked(TWO)
    with OpenAI(base_url=google.openai, api_key="any", max_retries=0) as client:
        said = built_by_hand(client, TWO.model, messages)
        messages += [said.message, *results_of(said, desk)]
        raw = client.chat.completions.with_raw_response.create(
            model=TWO.model, messages=messages, tools=TOOLS
        )

    assert raw.headers["x-geminid-signature"] == "restored"


@pytest.mark.parametrize("mount", ["/v1", "/api/v1", "/v1beta/openai"])
def test_every_mount_serves_the_loop(mount: str, google: Place) -> None:
    """OpenAI's own path, OpenRouter's, and that of Google's layer."""
    desk = Desk()
    with OpenAI(base_url=google.url + mount, api_key="any", max_retries=0) as client:
        assert converse(streamed, client, TWO, asked(TWO), desk) == TWO.told

    google.check_brought_back(TWO)


def test_an_old_answer_is_signed_again_when_it_is_quoted(google: Place) -> None:
    """Ids rewritten by an agent's memory: the call is known by what was said."""
    desk, messages = Desk(), asked(TWO)
    with OpenAI(base_url=google.openai, api_key="any", max_retries=0) as client:
        said = built_by_hand(client, TWO.model, messages)
        renamed = [(f"step_{number}", *call[1:]) for number, call in enumerate(said.calls)]
        rewritten = said._replace(message=by_hand(said.text, renamed), calls=renamed)
        messages += [rewritten.message, *results_of(rewritten, desk)]
        again = built_by_hand(client, TWO.model, messages)

    assert [name for _, name, _ in again.calls] == ["book_taxi"]
    google.check_signed(TWO.model, 1)


def test_the_models_are_listed(google: Place) -> None:
    with OpenAI(base_url=google.openai, api_key="any", max_retries=0) as client:
        listed = {model.id for model in client.models.list()}
        one = client.models.retrieve(TWO.model)
        with pytest.raises(openai.NotFoundError):
            client.models.retrieve("gemini-nope")

    assert {loop.model for loop in LOOPS} <= listed
    assert (one.id, one.object) == (TWO.model, "model")
