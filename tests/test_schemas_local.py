"""Generated schemas through the whole server, on the embedded model.

Every answer that ends STOP validates, or the request is refused, or it ends in a typed way; and
none hangs.  The share of each is printed (`-s`, or when the test fails).
"""

import http.client
import json
import tempfile
import time
import urllib.parse
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.schemas import schemas
from tests.serving import Serving, serving

SLOTS = 4
EMBEDDED = f'[[channel]]\nname = "small"\nengine = "llama"\ncontext = 1024\nslots = {SLOTS}\n'
PATH = "/v1beta/models/gemini-3-pro-preview:generateContent"
TYPED = ("MAX_TOKENS", "MALFORMED_RESPONSE")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """A server whose model is loaded."""
    with (
        tempfile.TemporaryDirectory(prefix="g-") as short,  # its sockets' paths may not be long
        serving(tmp_path_factory.mktemp("home"), EMBEDDED, TMPDIR=short) as running,
    ):
        deadline = time.monotonic() + 30
        while "is loaded (channel small)." not in running.output:
            assert time.monotonic() < deadline, running.output
            time.sleep(0.05)
        yield running


def drawn(count: int) -> list[dict[str, Any]]:
    """The same `count` schemas each time, without definitions that nothing refers to.

    Reading a prompt is what takes the small model longest.
    """
    found: dict[str, dict[str, Any]] = {}

    @settings(
        max_examples=2 * count,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(schemas())
    def draw(schema: dict[str, Any]) -> None:
        if "$ref" not in json.dumps({**schema, "$defs": {}}):
            schema = {key: value for key, value in schema.items() if key != "$defs"}
        found.setdefault(json.dumps(schema, sort_keys=True), schema)

    draw()
    return list(found.values())[:count]


def ask(server: Serving, schema: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Status and body of an answer that must fit `schema`."""
    address = urllib.parse.urlsplit(server.url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=30)
    body = {
        "contents": [{"parts": [{"text": "Go."}]}],
        "generationConfig": {
            "maxOutputTokens": 24,
            "temperature": 1,
            "seed": 7,
            "responseMimeType": "application/json",
            "responseJsonSchema": schema,
        },
    }
    connection.request("POST", PATH, json.dumps(body), {"content-type": "application/json"})
    reply = connection.getresponse()
    found = json.loads(reply.read())
    connection.close()
    return reply.status, found


def outcome(schema: dict[str, Any], status: int, found: dict[str, Any]) -> str:
    """What became of one request; fails if that is none of the things it may be."""
    if status == 400:
        assert found["error"]["status"] == "INVALID_ARGUMENT", (schema, found)
        return "refused"
    assert status == 200, (schema, found)
    (candidate,) = found["candidates"]
    reason = str(candidate["finishReason"])
    if reason != "STOP":
        assert reason in TYPED, (schema, found)
        return reason
    text = "".join(part["text"] for part in candidate["content"]["parts"])
    answer = json.loads(text)
    validator = jsonschema_rs.validator_for(schema, validate_formats=False)
    assert validator.is_valid(answer), (schema, text)
    return "STOP, valid"


@pytest.mark.parametrize(
    "count",
    [
        pytest.param(60, marks=pytest.mark.timeout(150)),  # a busy machine
        pytest.param(200, marks=pytest.mark.soak),
    ],
)
def test_every_answer_is_valid_or_says_why_not(server: Serving, count: int) -> None:
    asked = drawn(count)
    assert len(asked) == count

    with ThreadPoolExecutor(SLOTS) as pool:
        answers = list(pool.map(lambda schema: ask(server, schema), asked))

    shares = Counter(outcome(schema, *found) for schema, found in zip(asked, answers, strict=True))
    print(", ".join(f"{what}: {100 * n / count:.0f} %" for what, n in shares.most_common()))  # noqa: T201  what it is for
    assert shares["STOP, valid"] >= count / 3
