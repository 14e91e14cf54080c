"""Tool loops of google-genai (Python): its functions called automatically, the rules enforced.

Between client and model stands a real server.  It plays the model from a script, or has it
upstream: a fake Gemini 3 that answers only who brings its signatures back, byte for byte.
"""

import base64
import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import msgspec
import pytest
from google import genai
from google.genai import errors, types

from tests.clients.agents import MISSING, PARALLEL, PLACES, THREE, TWO, Place
from tests.fakes.gemini_rules import BOTH_THOUGHTS, BYPASSES, COUNT, LEVEL


class Desk:
    """The functions that the model may call, and the arguments they were called with."""

    def __init__(self) -> None:
        self.called: list[tuple[str, dict[str, Any]]] = []

    def tools(self) -> list[Callable[..., Any]]:
        def check_flight(flight: str) -> dict[str, str]:
            """Says whether a flight is on time."""
            self.called.append(("check_flight", {"flight": flight}))
            return {"status": "delayed", "departure": "12 PM"}

        def book_taxi(time: str) -> dict[str, str]:
            """Books a taxi."""
            self.called.append(("book_taxi", {"time": time}))
            return {"booking": "ok"}

        def send_mail(to: str, subject: str) -> dict[str, str]:
            """Sends a mail."""
            self.called.append(("send_mail", {"to": to, "subject": subject}))
            return {"sent": "yes"}

        def check_weather(city: str) -> dict[str, str]:
            """Says how warm it is."""
            self.called.append(("check_weather", {"city": city}))
            return {"temp": "15C"}

        return [check_flight, book_taxi, send_mail, check_weather]


@pytest.fixture(scope="module", params=list(PLACES))
def held(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    """A server whose models play the loops, from a script of its own or from upstream."""
    with PLACES[request.param](tmp_path_factory.mktemp(request.param)) as place:
        yield place


@pytest.fixture
def place(held: Place) -> Place:
    held.forget()
    return held


LOOPS = pytest.mark.parametrize("loop", [TWO, THREE, PARALLEL], ids=lambda loop: loop.name)
LANES = pytest.mark.parametrize("client", ["bytes", "events"], indirect=True)


@pytest.fixture
def client(request: pytest.FixtureRequest, place: Place) -> Iterator[genai.Client]:
    """A client that differs from anybody's only in its address, and in its lane if asked."""
    options = types.HttpOptions(base_url=place.url)
    if getattr(request, "param", "bytes") == "events":
        # A selection of every field: the server must look inside the answer for that.  Parameters
        # given so replace those of the address, hence `alt` here.
        options.client_args = {"params": {"alt": "sse", "fields": "*"}}
    with genai.Client(api_key="any", http_options=options) as client:
        yield client


def config_of(desk: Desk, **more: Any) -> types.GenerateContentConfig:
    return types.GenerateContentConfig(tools=list(desk.tools()), **more)


def calls_of(contents: list[types.Content]) -> list[types.Part]:
    parts = [part for content in contents for part in content.parts or []]
    return [part for part in parts if part.function_call]


@LOOPS
@LANES
def test_functions_are_called_until_the_text_comes(
    loop: Any, client: genai.Client, place: Place
) -> None:
    desk = Desk()

    response = client.models.generate_content(
        model=loop.model, contents=loop.asked, config=config_of(desk)
    )

    assert response.text == loop.told
    assert desk.called == loop.calls
    place.check_brought_back(loop)


@LOOPS
@LANES
def test_the_same_streamed(loop: Any, client: genai.Client, place: Place) -> None:
    """The client sends a stream's closing empty text as a content of its own."""
    desk = Desk()

    chunks = list(
        client.models.generate_content_stream(
            model=loop.model, contents=loop.asked, config=config_of(desk)
        )
    )

    assert "".join(chunk.text or "" for chunk in chunks if not chunk.function_calls) == loop.told
    assert desk.called == loop.calls
    place.check_brought_back(loop)


@LOOPS
async def test_the_async_client_calls_them_too(
    loop: Any, client: genai.Client, place: Place
) -> None:
    whole, streamed = Desk(), Desk()

    async with client.aio as aio:
        response = await aio.models.generate_content(
            model=loop.model, contents=loop.asked, config=config_of(whole)
        )
        place.check_brought_back(loop)
        place.forget()
        stream = await aio.models.generate_content_stream(
            model=loop.model, contents=loop.asked, config=config_of(streamed)
        )
        text = await _joined(stream)

    assert (response.text, text) == (loop.told, loop.told)
    assert (whole.called, streamed.called) == (loop.calls, loop.calls)
    place.check_brought_back(loop)


async def _joined(stream: AsyncIterator[types.GenerateContentResponse]) -> str:
    return "".join([chunk.text or "" async for chunk in stream if not chunk.function_calls])


@LANES
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_a_chat_remembers_what_was_signed(
    client: genai.Client, place: Place, streamed: bool
) -> None:
    """The second question carries the first answer's signatures, that of its text included."""
    desk = Desk()
    chat = client.chats.create(model=TWO.model, config=config_of(desk))

    for question in (TWO.asked, "Thank you."):
        if streamed:
            list(chat.send_message_stream(question))
        else:
            chat.send_message(question)

    assert desk.called == TWO.calls
    place.check_signed(TWO.model, TWO.signatures + 1)


@LOOPS
def test_thoughts_are_shown_and_counted_and_carry_no_signature(
    loop: Any, client: genai.Client, place: Place
) -> None:
    desk = Desk()
    thinking = types.ThinkingConfig(include_thoughts=True, thinking_level=types.ThinkingLevel.HIGH)

    response = client.models.generate_content(
        model=loop.model, contents=loop.asked, config=config_of(desk, thinking_config=thinking)
    )

    history = response.automatic_function_calling_history or []
    thoughts = [part for content in history for part in content.parts or [] if part.thought]
    assert [part.text for part in thoughts] == [loop.thought]
    assert not any(part.thought_signature for part in thoughts)
    assert response.usage_metadata is not None
    usage = response.usage_metadata
    counts = usage.prompt_token_count, usage.candidates_token_count, usage.thoughts_token_count
    assert all(counts)
    assert usage.total_token_count == sum(count or 0 for count in counts)
    place.check_brought_back(loop)


def recorded_history(client: genai.Client, place: Place, loop: Any) -> list[types.Content]:
    """A whole conversation up to the last results, as a client would store it."""
    response = client.models.generate_content(
        model=loop.model, contents=loop.asked, config=config_of(Desk())
    )
    return response.automatic_function_calling_history or []


def ask_again(
    client: genai.Client, loop: Any, history: list[types.Content], *, streamed: bool
) -> Any:
    """The answer to a stored conversation, or the error."""
    off = types.AutomaticFunctionCallingConfig(disable=True)
    config = config_of(Desk(), automatic_function_calling=off)
    contents: Any = history
    if streamed:
        chunks = client.models.generate_content_stream(
            model=loop.model, contents=contents, config=config
        )
        return "".join(chunk.text or "" for chunk in chunks)
    return client.models.generate_content(model=loop.model, contents=contents, config=config).text


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@LOOPS
def test_each_lost_signature_is_refused_in_the_real_words(
    loop: Any, streamed: bool, client: genai.Client, place: Place
) -> None:
    """The first call of each step in turn; its name and place are told."""
    history = recorded_history(client, place, loop)
    positions = [n for n, content in enumerate(history) if calls_of([content])]

    assert len(positions) == loop.signatures
    for position in positions:
        edited = [content.model_copy(deep=True) for content in history]
        first = calls_of([edited[position]])[0]
        first.thought_signature = None
        with pytest.raises(errors.ClientError) as caught:
            ask_again(client, loop, edited, streamed=streamed)
        assert first.function_call is not None
        said = MISSING.format(name=first.function_call.name, position=position + 1)
        assert (caught.value.code, caught.value.status) == (400, "INVALID_ARGUMENT")
        assert caught.value.message == said
        assert "details" not in caught.value.details["error"]


@LOOPS
def test_an_altered_signature_is_corrupted(loop: Any, client: genai.Client, place: Place) -> None:
    history = recorded_history(client, place, loop)
    first = calls_of(history)[0]
    assert first.thought_signature is not None
    first.thought_signature = first.thought_signature[:-1] + b"\0\0\0"

    with pytest.raises(errors.ClientError) as caught:
        ask_again(client, loop, history, streamed=False)

    assert caught.value.code == 400
    assert caught.value.message == "Corrupted thought signature."


@pytest.mark.parametrize("bypass", BYPASSES)
@pytest.mark.parametrize("encode", [str.encode, base64.urlsafe_b64decode], ids=["again", "raw"])
@LOOPS
def test_a_call_of_another_model_passes_with_a_bypass(
    loop: Any, bypass: str, encode: Callable[[str], bytes], client: genai.Client, place: Place
) -> None:
    """The client takes bytes: who gives it the string has it encoded once more."""
    history = recorded_history(client, place, loop)
    for content in history:
        for part in calls_of([content])[:1]:
            part.thought_signature = encode(bypass)

    assert ask_again(client, loop, history, streamed=False) == loop.told


def test_a_result_too_few_is_refused_in_the_real_words(client: genai.Client, place: Place) -> None:
    history = recorded_history(client, place, PARALLEL)
    results = history[-1].parts or []
    history[-1].parts = results[:-1]

    with pytest.raises(errors.ClientError) as caught:
        ask_again(client, PARALLEL, history, streamed=False)

    assert caught.value.message == COUNT


@pytest.mark.parametrize(
    ("thinking", "said"),
    [
        (
            types.ThinkingConfig(thinking_budget=99, thinking_level=types.ThinkingLevel.LOW),
            BOTH_THOUGHTS,
        ),
        (
            types.ThinkingConfig(thinking_level=types.ThinkingLevel.MEDIUM),
            LEVEL.format(level="MEDIUM"),
        ),
    ],
    ids=["both", "level"],
)
def test_thinking_the_model_has_not_is_refused_in_the_real_words(
    thinking: types.ThinkingConfig, said: str, client: genai.Client
) -> None:
    """The first model of the generation knows two levels."""
    config = types.GenerateContentConfig(thinking_config=thinking)

    with pytest.raises(errors.ClientError) as caught:
        client.models.generate_content(model=TWO.model, contents=TWO.asked, config=config)

    assert (caught.value.code, caught.value.message) == (400, said)


def test_the_order_of_a_parallel_group_and_its_ids_survive_the_client(
    client: genai.Client, place: Place
) -> None:
    history = recorded_history(client, place, PARALLEL)

    calls = [part.function_call for part in calls_of(history)]
    assert [call.args for call in calls if call] == [args for _, args in PARALLEL.calls]
    assert len({call.id for call in calls if call and call.id}) == len(calls)
    signed = [bool(part.thought_signature) for part in calls_of(history)]
    assert signed == [True, *itertools.repeat(False, len(calls) - 1)]


def test_arguments_in_any_alphabet_survive(client: genai.Client, place: Place) -> None:
    """What the model writes is what the function gets, and what goes back upstream."""
    desk = Desk()
    client.models.generate_content(model=THREE.model, contents=THREE.asked, config=config_of(desk))

    sent = msgspec.json.encode(desk.called[-1][1]).decode()
    assert "日本語" in sent
    assert desk.called[-1] == THREE.calls[-1]
