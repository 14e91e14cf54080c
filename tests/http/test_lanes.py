"""What holds in both lanes before anything leaves this server."""

import pytest

from geminid.engines.google import Google
from geminid.http.app import App
from geminid.pipeline.compile import Need
from tests.fakes.upstream import FakeUpstream
from tests.http.served import GENERATE, SSE, channel, served, state


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
