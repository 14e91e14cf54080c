"""What holds in both lanes before anything leaves this server."""

import pytest

from geminid.core.content import Call
from geminid.core.events import Begin, End, Event, PartEnd, PartStart
from geminid.engines.google import Google
from geminid.http.app import App
from geminid.pipeline.channel import Manner
from geminid.pipeline.compile import Need
from geminid.pipeline.run import Runner
from geminid.pipeline.signatures import is_bypass
from geminid.stores.account import MemoryAccount
from geminid.wiring import SystemClock
from tests.fakes.upstream import FakeUpstream
from tests.http.served import ASK, GENERATE, SSE, channel, served, state
from tests.pipeline.scripted import Scripted, policies, said


@pytest.mark.parametrize("body", [b"{", b"[]", b'"text"', b"", b'{"a":1}x', b'{"a":' * 700])
@pytest.mark.parametrize("form", [GENERATE, SSE])
async def test_what_is_no_json_object_never_leaves(
    body: bytes, form: str, need: Need, google: Google, upstream: FakeUpstream
) -> None:
    """Also in the byte lane, which looks at nothing else of a body."""
    app = App(state(channel(google), needs=[need]))
    async with served(app) as server:
        reply = await server.ask(form, body)

    assert (reply.status, reply.error()["status"]) == (400, "INVALID_ARGUMENT")
    assert upstream.requests == []


STEP = (
    b'{"contents":[{"parts":[{"text":"Go."}]},{"role":"model","parts":[{"functionCall":{"name":"f"}'
    b'%b}]},{"parts":[{"functionResponse":{"name":"f","response":{}}}]}]}'
)
"""A tool's result on its way back, with what stands beside the call."""


@pytest.mark.parametrize("stream", [False, True])
async def test_a_rule_is_told_before_the_upstream_is_asked(
    stream: bool, need: Need, google: Google, upstream: FakeUpstream
) -> None:
    app = App(state(channel(google), needs=[need]))
    async with served(app) as server:
        reply = await server.ask(SSE if stream else GENERATE, STEP % b"")

    assert reply.status == 400
    assert "Function call is missing a thought_signature" in str(reply.error()["message"])
    assert upstream.requests == []


async def test_where_rules_are_off_the_upstream_has_the_word(
    need: Need, google: Google, upstream: FakeUpstream
) -> None:
    app = App(state(channel(google, manner=Manner(strict=False)), needs=[need]))
    async with served(app) as server:
        reply = await server.ask(GENERATE, STEP % b"")

    assert reply.status == 200
    assert len(upstream.requests) == 1


async def test_an_unsure_rule_is_left_to_google(
    need: Need, google: Google, upstream: FakeUpstream
) -> None:
    """It knows; we only remember."""
    body = ASK[:-1] + b',"generationConfig":{"stopSequences":["a","b","c","d","e","f"]}}'
    async with served(App(state(channel(google), needs=[need]))) as server:
        passed = await server.ask(GENERATE, body)
    async with served(App(state(channel(Scripted(said("Hi")))))) as server:
        refused = await server.ask(GENERATE, body)

    assert (passed.status, refused.status) == (200, 400)


async def test_a_seal_is_opened_even_where_bytes_would_pass(
    need: Need, google: Google, upstream: FakeUpstream
) -> None:
    """A conversation that moves from another engine to Google goes on."""
    calls: list[Event] = [
        Begin("r", "m"),
        PartStart(0, Call(name="f")),
        PartEnd(0),
        End("STOP", "Model generated function call(s)."),
    ]
    runner = Runner(MemoryAccount(), SystemClock(), policies())
    tools = b',"tools":[{"functionDeclarations":[{"name":"f"}]}]}'
    async with served(App(state(channel(Scripted(calls)), runner=runner))) as server:
        first = (await server.ask(GENERATE, ASK[:-1] + tools)).json()
    part = first["candidates"][0]["content"]["parts"][0]
    signature = b',"thoughtSignature":"%b"' % part["thoughtSignature"].encode()
    app = App(state(channel(google, name="google"), runner=runner, needs=[need]))
    async with served(app) as server:
        reply = await server.ask(GENERATE, STEP % signature)

    assert reply.status == 200
    assert reply.headers["x-geminid-signature"] == "sealed, bypassed"
    sent = upstream.requests[0].json()["contents"][1]["parts"][0]["thoughtSignature"]
    assert is_bypass(sent)


async def test_signatures_of_the_upstream_pass_and_that_is_told(
    need: Need, google: Google, upstream: FakeUpstream
) -> None:
    async with served(App(state(channel(google), needs=[need]))) as server:
        reply = await server.ask(GENERATE, STEP % b',"thoughtSignature":"QUJD"')

    assert reply.headers["x-geminid-signature"] == "native"
    assert upstream.requests[0].json()["contents"][1]["parts"][0]["thoughtSignature"] == "QUJD"
