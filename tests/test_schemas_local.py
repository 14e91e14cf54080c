"""Generated schemas through the whole server, on the embedded model.

Every answer that ends STOP validates, or the request is refused, or it ends in a typed way; and
none hangs.  The share of each is printed.
"""

import http.client
import json
import sys
import tempfile
import time
import urllib.parse
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
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


def from_the_suite() -> list[dict[str, Any]]:
    """Every schema of the JSON-Schema-Test-Suite that is an object and has a type of its own."""
    folder = Path(sys.prefix) / "json-schema-test-suite"
    found: dict[str, dict[str, Any]] = {}
    for path in sorted(folder.glob("*/json/tests/draft2020-12/*.json")):
        for group in json.loads(path.read_bytes()):
            schema = group["schema"]
            if isinstance(schema, dict):
                schema.pop("$schema", None)
                found.setdefault(json.dumps(schema, sort_keys=True), schema)
    return list(found.values())


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
def test_every_answer_is_valid_or_says_why_not(
    server: Serving, count: int, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = drawn(count)
    assert len(asked) == count

    with capsys.disabled():
        shares = judged(server, asked)

    assert shares["STOP, valid"] >= count / 3


@pytest.mark.parametrize(
    "every",
    [pytest.param(20, marks=pytest.mark.timeout(90)), pytest.param(1, marks=pytest.mark.soak)],
)
def test_so_it_is_with_the_schemas_of_the_suite(
    server: Serving, every: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """They try each keyword, also those that no grammar holds."""
    asked = from_the_suite()[::every]
    if not asked:
        pytest.skip(
            "the JSON-Schema-Test-Suite was not fetched: `make dev` does it, with a network"
        )

    with capsys.disabled():
        shares = judged(server, asked)

    assert shares["STOP, valid"] >= 1


def judged(server: Serving, asked: list[dict[str, Any]]) -> Counter[str]:
    """How many answers there were of each outcome; printed as shares."""
    with ThreadPoolExecutor(SLOTS) as pool:
        answers = list(pool.map(lambda schema: ask(server, schema), asked))
    shares = Counter(outcome(schema, *found) for schema, found in zip(asked, answers, strict=True))
    told = ", ".join(f"{what}: {100 * n / len(asked):.0f} %" for what, n in shares.most_common())
    print(f"\n{len(asked)} schemas: {told}")  # noqa: T201  what it is for
    return shares
