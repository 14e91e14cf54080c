"""The OpenAI API over HTTP: fall-back between models, what headers tell, and how failures look."""

import asyncio
from typing import Any

import msgspec
import pytest

from geminid.core.content import Call, Text
from geminid.core.errors import Overloaded, StreamCut, UpstreamRefused
from geminid.core.events import Begin, Delta, End, PartEnd, PartStart
from geminid.http.app import App
from geminid.pipeline.auth import Callers
from geminid.pipeline.channel import LiveChannel, Manner
from geminid.stores.account import MemoryAccount
from tests.http.served import MODEL, Reply, Served, channel, served, state, until
from tests.pipeline.scripted import Scripted, Step, said

PATH = "/v1/chat/completions"


def asking(**fields: Any) -> bytes:
    tree = {"model": MODEL, "messages": [{"role": "user", "content": "Hi"}]} | fields
    return msgspec.json.encode({name: value for name, value in tree.items() if value is not None})


def chunks(reply: Reply) -> list[Any]:
    """The payloads of a stream, `[DONE]` as it is."""
    lines = reply.body.decode().split("\n\n")
    payloads = [line.removeprefix("data: ") for line in lines if line]
    return [p if p == "[DONE]" else msgspec.json.decode(p) for p in payloads]


async def test_a_stream_says_the_words_and_ends_with_done() -> None:
    async with served(App(state(channel(Scripted(said("Hel", "lo")))))) as server:
        reply = await server.ask(PATH, asking(stream=True))

    *events, done = chunks(reply)
    assert reply.headers["content-type"] == "text/event-stream"
    words = [event["choices"][0]["delta"].get("content") or "" for event in events]
    assert "".join(words) == "Hello"
    assert events[-1]["choices"][0]["finish_reason"] == "stop"
    assert done == "[DONE]"


async def test_the_usage_chunk_comes_only_if_asked_for_but_always_at_openrouters_mount() -> None:
    async with served(App(state(channel(Scripted(said("Hi")))))) as server:
        plain = chunks(await server.ask(PATH, asking(stream=True)))
        options = {"include_usage": True}
        asked = chunks(await server.ask(PATH, asking(stream=True, stream_options=options)))
        router = chunks(await server.ask(f"/api{PATH}", asking(stream=True)))

    assert all(event == "[DONE]" or event["choices"] for event in plain)
    for events in (asked, router):
        assert events[-2]["choices"] == []
        assert events[-2]["usage"]["total_tokens"] == 5


async def test_a_stream_that_fails_in_the_middle_never_ends_as_a_whole_one() -> None:
    steps: list[Step] = [
        Begin("r", "m"),
        PartStart(0, Text(text="Hel")),
        StreamCut("Cut; try again."),
    ]
    async with served(App(state(channel(Scripted(steps))))) as server:
        plain = await server.ask(PATH, asking(stream=True))
        router = await server.ask(f"/api{PATH}", asking(stream=True))

    for reply in (plain, router):
        last = chunks(reply)[-1]
        assert reply.status == 200
        assert last["error"]["message"] == "Cut; try again."
        assert "[DONE]" not in reply.body.decode()
    assert chunks(router)[-1]["choices"][0]["finish_reason"] == "error"
    assert chunks(plain)[-1]["error"]["code"] == "stream_cut"
    assert chunks(router)[-1]["error"]["code"] == 502


async def test_a_malformed_call_is_a_failure_and_not_a_success() -> None:
    """hermes-agent#83882: MALFORMED_FUNCTION_CALL reported as success."""
    steps: list[Step] = [
        Begin("r", "m"),
        End("MALFORMED_FUNCTION_CALL", "Malformed function call: f("),
    ]
    async with served(App(state(channel(Scripted(steps))))) as server:
        whole = await server.ask(PATH, asking())
        streamed = await server.ask(PATH, asking(stream=True))

    assert (whole.status, whole.error()["code"]) == (502, "answer_broken")
    assert "MALFORMED_FUNCTION_CALL" in whole.error()["message"]
    assert "MALFORMED_FUNCTION_CALL" in streamed.body.decode()
    assert "[DONE]" not in streamed.body.decode()


def two(first: Scripted, second: Scripted, **fields: Any) -> App:
    """A server where the first model is served by one engine, `other` by the next."""
    channels = (
        channel(first),
        LiveChannel("two", "test", second, models={"other": "their-other"}),
    )
    return App(state(*channels, **fields))


@pytest.mark.parametrize("stream", [False, True])
async def test_the_next_model_is_asked_when_one_fails_before_its_first_word(stream: bool) -> None:
    account = MemoryAccount()
    first, second = Scripted([Overloaded("Busy.")]), Scripted(said("From the other."))
    async with served(two(first, second, account=account)) as server:
        reply = await server.ask(PATH, asking(models=["other"], stream=stream))

    answer = chunks(reply)[0] if stream else reply.json()
    assert reply.status == 200
    assert answer["model"] == "other"
    assert reply.headers["x-geminid-channel"] == "two"
    assert (
        f"{MODEL} did not (overloaded); other answers instead" in reply.headers["x-geminid-notice"]
    )
    rows = {row.outcome: row for row in account.recent(9)}
    assert set(rows) == {"ok", "overloaded"}
    assert rows["ok"].request_id != rows["overloaded"].request_id
    assert (first.open, second.open) == (0, 0)


async def test_a_model_that_nobody_serves_is_passed_over() -> None:
    async with served(two(Scripted(), Scripted(said("Yes.")))) as server:
        reply = await server.ask(PATH, asking(model="nobody/knows", models=["other"]))

    assert reply.json()["choices"][0]["message"]["content"] == "Yes."


async def test_a_model_is_never_asked_after_another_has_begun() -> None:
    steps: list[Step] = [Begin("r", "m"), PartStart(0, Text(text="Hel")), Overloaded("Gone.")]
    second = Scripted(said("Never."))
    async with served(two(Scripted(steps), second)) as server:
        reply = await server.ask(PATH, asking(models=["other"]))

    assert reply.status == 503
    assert second.asked == []


async def test_the_last_failure_is_told() -> None:
    app = two(Scripted([Overloaded("Busy.")]), Scripted([UpstreamRefused("No account.")]))
    async with served(app) as server:
        reply = await server.ask(PATH, asking(models=["other"]))

    assert (reply.status, reply.error()["message"]) == (502, "No account.")


@pytest.mark.parametrize(
    "name", [MODEL, f"google/{MODEL}", f"models/{MODEL}", "gemini-pro-latest", f"~google/{MODEL}"]
)
async def test_a_model_is_known_by_each_of_its_names(name: str) -> None:
    served_as = {MODEL: "up", "gemini-3.1-pro-preview": "up"}
    engine = Scripted(said("Hi"))
    async with served(App(state(channel(engine, models=served_as)))) as server:
        reply = await server.ask(PATH, asking(model=name))

    assert (reply.status, reply.json()["model"]) == (200, name)


async def test_an_unknown_field_is_named_and_refused_only_if_all_are_required() -> None:
    require = {"require_parameters": True}
    async with served(App(state(channel(Scripted(said("Hi")))))) as server:
        told = await server.ask(PATH, asking(flux=1))
        refused = await server.ask(PATH, asking(flux=1, provider=require))
        fine = await server.ask(PATH, asking(user="me", provider=require))

    assert (told.status, told.headers["x-geminid-ignored"]) == (200, "flux")
    assert refused.status == 400
    assert "flux" in refused.error()["message"]
    assert fine.status == 200


async def test_a_key_that_is_none_of_ours_is_401_in_openais_form() -> None:
    callers = Callers([("0" * 64, "somebody")])
    async with served(App(state(channel(Scripted()), callers=callers))) as server:
        wrong = await server.ask(
            PATH,
            asking(),
            headers={"authorization": "Bearer x", "content-type": "application/json"},
        )
        none = await server.ask(PATH, asking())

    assert (wrong.status, wrong.error()["code"]) == (401, "invalid_api_key")
    assert (wrong.error()["type"], none.status) == ("authentication_error", 401)


async def test_a_wrong_content_type_and_broken_json_are_told_in_openais_form() -> None:
    async with served(App(state(channel(Scripted())))) as server:
        kind = await server.ask(PATH, asking(), headers={"content-type": "text/plain"})
        broken = await server.ask(PATH, b'{"model":')

    for reply in (kind, broken):
        assert (reply.status, reply.error()["type"]) == (400, "invalid_request_error")


async def test_a_caller_who_leaves_closes_the_engine() -> None:
    never = asyncio.Event()
    engine = Scripted([Begin("r", "m"), PartStart(0, Text(text="Hel")), never])
    account = MemoryAccount()
    async with served(App(state(channel(engine), account=account))) as server:
        reader, writer = await begun(server)
        await reader.readuntil(b"Hel")
        writer.close()
        await until(lambda: engine.open == 0)
        await until(lambda: account.count() == 1)

    assert account.recent(1)[0].outcome == "caller_left"


async def test_calls_leave_with_ids_that_every_vendor_takes() -> None:
    steps: list[Step] = [
        Begin("r", "m"),
        PartStart(0, Call(name="f", id="call_0")),
        PartEnd(0),
        PartStart(1, Call(name="g")),
        PartEnd(1),
        End("STOP"),
    ]
    tools = [{"type": "function", "function": {"name": name}} for name in "fg"]
    async with served(App(state(channel(Scripted(steps))))) as server:
        reply = await server.ask(PATH, asking(tools=tools))

    calls = reply.json()["choices"][0]["message"]["tool_calls"]
    assert reply.json()["choices"][0]["finish_reason"] == "tool_calls"
    assert all(len(call["id"]) == 29 and call["id"].startswith("call_") for call in calls)
    assert len({call["id"] for call in calls}) == 2


async def test_rules_hold_but_those_of_signatures() -> None:
    """A lost signature is never the caller's fault here."""
    history = [
        {"role": "user", "content": "Go."},
        {
            "role": "assistant",
            "tool_calls": [
                {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
            ],
        },
        {"role": "tool", "tool_call_id": "call_1", "content": "done"},
    ]
    engine = Scripted(said("Done."))
    async with served(App(state(channel(engine, manner=Manner(strict=True))))) as server:
        reply = await server.ask(PATH, asking(messages=history))

    assert reply.status == 200
    assert engine.asked


async def test_the_compat_parameter_trims_what_only_aggregators_have() -> None:
    async with served(App(state(channel(Scripted(said("Hi")))))) as server:
        full = (await server.ask(PATH, asking())).json()
        trimmed = (await server.ask(f"{PATH}?compat=openai", asking())).json()

    assert {"provider", "meta"} <= set(full)
    assert {"provider", "meta"}.isdisjoint(trimmed)
    assert "reasoning" not in trimmed["choices"][0]["message"]


async def test_deltas_flow_as_they_come() -> None:
    """The first word is out before the second is made."""
    second = asyncio.Event()
    steps: list[Step] = [
        Begin("r", "m"),
        PartStart(0, Text(text="one")),
        second,
        Delta(0, "two"),
        PartEnd(0),
    ]
    async with served(App(state(channel(Scripted([*steps, End("STOP")]))))) as server:
        reader, writer = await begun(server)
        await reader.readuntil(b"one")
        second.set()
        await reader.readuntil(b"two")
        await reader.readuntil(b"[DONE]")
        writer.close()


async def begun(server: Served) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A streamed answer as its bytes come."""
    body = asking(stream=True)
    head = (
        f"POST {PATH} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    )
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(head.encode() + body)
    return reader, writer


async def test_a_schema_that_nobody_can_check_is_told_and_not_refused() -> None:
    """pydantic writes a lookahead for every Decimal; OpenAI's clients send it in good faith."""
    amount = {"type": "string", "pattern": r"^(?!^[-+.]*$)[+-]?0*\d*\.?\d*$"}
    parameters = {"type": "object", "properties": {"amount": amount}}
    tools = [{"type": "function", "function": {"name": "pay", "parameters": parameters}}]
    steps: list[Step] = [
        Begin("r", "m"),
        PartStart(0, Call(name="pay", args=msgspec.Raw(b'{"amount":"1.5"}'))),
        PartEnd(0),
        End("STOP"),
    ]
    async with served(App(state(channel(Scripted(steps))))) as server:
        reply = await server.ask(PATH, asking(tools=tools))

    assert reply.status == 200
    assert reply.json()["choices"][0]["finish_reason"] == "tool_calls"
    assert "not held to its schema" in reply.headers["x-geminid-notice"]
    assert "pay" in reply.headers["x-geminid-notice"]
