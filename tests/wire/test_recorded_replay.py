"""The recorded answers, played again: upstream, server and client, with nothing lost on the way.

A fake Google serves what the real one once said, byte for byte; `geminid serve` stands before it.
Each answer is asked for whole and as a stream, through both lanes: the byte lane, and the event
lane, which is taken when the caller wants another form than the upstream's own.
"""

import json
from collections.abc import Iterator
from typing import Any

import aiohttp
import msgspec
import pytest

from tests.fakes import shapes
from tests.fakes.gemini_agent import in_thread
from tests.fakes.upstream import Exchange, FakeUpstream, Seen
from tests.serving import Serving, serving
from tests.wire.test_recorded import SHARED, pairs, read

pytestmark = pytest.mark.skipif(
    not (SHARED / "recorded").is_dir(),
    reason=f"no recordings in {SHARED}; set GEMINID_SHARED to the folder that holds them",
)

OLDER = "gemini-2.5-flash"
MODELS = (OLDER, "gemini-3-pro-preview", "gemini-3-flash-preview")
SNAPSHOTS = "payloads/snapshots"
WEATHER = {
    "contents": [{"role": "user", "parts": [{"text": "How is the weather in San Francisco?"}]}],
    "tools": [
        {
            "functionDeclarations": [
                {
                    "name": name,
                    "parameters": {
                        "type": "OBJECT",
                        "properties": {"location": {"type": "STRING"}},
                    },
                }
                for name in ("weather", "get_weather")
            ]
        }
    ],
}
"""Asked where the recording does not say what was."""


class Recording(msgspec.Struct, frozen=True):
    """What was asked of which model, and what came: one object, or the chunks of a stream."""

    name: str
    model: str
    asked: dict[str, Any]
    said: Any


def recordings() -> Iterator[Recording]:
    held = dict(pairs())
    for name, said in held.items():
        chunks = said if isinstance(said, list) else [said]
        if "candidates" in chunks[0]:
            folder, _, kind = name.rpartition("/")
            first = "response.json" in kind or "streaming" in kind
            asked = held.get(f"{folder}/request.json", WEATHER) if first else WEATHER
            yield Recording(name, chunks[0]["modelVersion"], asked, said)


RECORDINGS = list(recordings()) if (SHARED / "recorded").is_dir() else []
WHOLE = [each for each in RECORDINGS if isinstance(each.said, dict)]
STREAMED = [each for each in RECORDINGS if isinstance(each.said, list)]


class Player:
    """An upstream that says one thing until it is told another; `seen` is the last request."""

    def __init__(self) -> None:
        self.status, self.said = 200, b""
        self.seen: Seen | None = None

    def say(self, value: Any, status: int = 200) -> None:
        self.status, self.said = status, json.dumps(value).encode()

    async def __call__(self, exchange: Exchange) -> None:
        self.seen = exchange.seen
        said = msgspec.json.decode(self.said)
        if ":streamGenerateContent?alt=sse" not in exchange.seen.path or self.status != 200:
            await exchange.whole(self.status, self.said, "application/json; charset=UTF-8")
            return
        await exchange.start(200, "text/event-stream")
        for chunk in said if isinstance(said, list) else [said]:
            await exchange.chunk(shapes.gemini_event(chunk))
        await exchange.end("done")


@pytest.fixture(scope="module")
def player() -> Player:
    return Player()


@pytest.fixture(scope="module")
def server(player: Player, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with in_thread(FakeUpstream(answer=player)) as upstream:
        config = (
            f'[[channel]]\nname = "fake"\nengine = "google"\nbase_url = "{upstream.url}"\n'
            f'key = "env:FAKE_KEY"\nmodels = {json.dumps(MODELS)}\n'
        )
        with serving(tmp_path_factory.mktemp("replay"), config, FAKE_KEY="k") as server:
            yield server


async def ask(
    server: Serving, recording: Recording, how: str, body: bytes | None = None
) -> tuple[int, Any]:
    """Status and body of an answer; of a stream, the list of its objects."""
    sent = json.dumps(recording.asked).encode() if body is None else body
    async with (
        aiohttp.ClientSession() as session,
        session.post(
            f"{server.url}/v1beta/models/{recording.model}:{how}",
            data=sent,
            headers={"content-type": "application/json"},
        ) as reply,
    ):
        text = await reply.text()
        if reply.content_type == "text/event-stream":
            events = [event for event in text.split("\r\n\r\n") if event]
            assert all(event.startswith("data: ") for event in events)
            return reply.status, [json.loads(event.removeprefix("data: ")) for event in events]
        return reply.status, json.loads(text)


def folded(chunks: list[Any]) -> dict[str, Any]:
    """A stream as one object: the texts joined, the last count, every other field once."""
    whole: dict[str, Any] = {}
    candidate: dict[str, Any] = {}
    parts: list[dict[str, Any]] = []
    for chunk in chunks:
        [piece] = chunk["candidates"]
        for number, part in enumerate(piece.get("content", {}).get("parts", [])):
            if number == 0 and parts and _continues(parts[-1], part):
                parts[-1] |= part | {"text": parts[-1]["text"] + part["text"]}
            elif part != {"text": ""} or not parts:
                parts.append(dict(part))
        candidate |= {name: value for name, value in piece.items() if value != {}}
        whole |= chunk
    candidate["content"] = {"role": "model", "parts": parts}
    return whole | {"candidates": [candidate]}


def _continues(open_part: dict[str, Any], part: dict[str, Any]) -> bool:
    """Whether both are text of one kind, and the one before has not been closed by a signature."""
    kinds = [
        "text" in each and each.keys() <= {"text", "thought", "thoughtSignature"}
        for each in (open_part, part)
    ]
    same = open_part.get("thought") == part.get("thought")
    return all(kinds) and same and "thoughtSignature" not in open_part


def usages(chunks: list[Any]) -> list[Any]:
    """The counts as they grew, each once."""
    grown: list[Any] = []
    for chunk in chunks:
        if not grown or chunk["usageMetadata"] != grown[-1]:
            grown.append(chunk["usageMetadata"])
    return grown


def named(recording: Recording) -> str:
    return recording.name.removeprefix(f"{SNAPSHOTS}/").replace("packages/google/src/", "")


def test_there_is_something_to_replay() -> None:
    assert len(WHOLE) >= 12
    assert len(STREAMED) >= 4
    assert {each.model for each in RECORDINGS} <= set(MODELS)


@pytest.mark.parametrize("recording", WHOLE, ids=named)
async def test_a_whole_answer_comes_out_as_it_was_recorded(
    recording: Recording, player: Player, server: Serving
) -> None:
    """Through the byte lane (pretty-printed) and the event lane (compact)."""
    player.say(recording.said)

    for query in ("", "?prettyPrint=false"):
        status, told = await ask(server, recording, f"generateContent{query}")
        assert (status, told) == (200, recording.said), query


@pytest.mark.parametrize("recording", WHOLE, ids=named)
async def test_an_answer_in_one_event_folds_to_what_was_recorded(
    recording: Recording, player: Player, server: Serving
) -> None:
    player.say(recording.said)

    for query in ("?alt=sse", ""):
        status, told = await ask(server, recording, f"streamGenerateContent{query}")
        assert (status, folded(told)) == (200, recording.said), query


@pytest.mark.parametrize("recording", STREAMED, ids=named)
async def test_a_stream_passes_the_byte_lane_chunk_by_chunk(
    recording: Recording, player: Player, server: Serving
) -> None:
    player.say(recording.said)

    assert await ask(server, recording, "streamGenerateContent?alt=sse") == (200, recording.said)


@pytest.mark.parametrize("recording", STREAMED, ids=named)
async def test_a_stream_through_the_event_lane_folds_to_the_same(
    recording: Recording, player: Player, server: Serving
) -> None:
    """No text, signature, grounding or count is lost, also where an array is asked for."""
    player.say(recording.said)
    sse = "streamGenerateContent?alt=sse&fields=*"

    for how in ("streamGenerateContent", sse):
        status, told = await ask(server, recording, how)
        assert (status, folded(told)) == (200, folded(recording.said)), how
        assert usages(told) == usages(recording.said), how


@pytest.mark.parametrize("recording", RECORDINGS, ids=named)
async def test_the_recorded_request_reaches_the_upstream_whole(
    recording: Recording, player: Player, server: Serving
) -> None:
    """Byte for byte in the byte lane; in the event lane without a loss."""
    player.say(recording.said)
    sent = json.dumps(recording.asked, indent=1).encode()
    stream = isinstance(recording.said, list)
    bytes_, events = (
        ("streamGenerateContent?alt=sse", "streamGenerateContent")
        if stream
        else ("generateContent", "generateContent?prettyPrint=false")
    )

    await ask(server, recording, bytes_, sent)
    assert player.seen is not None
    assert player.seen.body == sent
    await ask(server, recording, events, sent)
    assert plain(player.seen.json()) == plain(recording.asked)


def plain(asked: Any) -> Any:
    """A request in one spelling: signatures in one alphabet, the declarations' keys in one case."""
    if isinstance(asked, list):
        return [plain(item) for item in asked]
    if not isinstance(asked, dict):
        return asked
    tidy = {name: plain(value) for name, value in asked.items() if name != "model"}
    if "parameters_json_schema" in tidy:
        tidy["parametersJsonSchema"] = tidy.pop("parameters_json_schema")
    if "thoughtSignature" in tidy:
        tidy["thoughtSignature"] = tidy["thoughtSignature"].translate(str.maketrans("-_", "+/"))
    return tidy


def errors() -> list[tuple[str, Recording]]:
    """Recorded errors, each with the request that met it."""
    found = []
    for name, held in dict(pairs()).items():
        if name.endswith("/error.json"):
            folder = name.rpartition("/")[0]
            asked = dict(pairs())[f"{folder}/request.json"]
            said = json.loads("{" + held["error"].partition("{")[2])
            found.append((folder, Recording(name, OLDER, asked, said)))
    [(name, [call])] = read("recorded/11*.json")
    found.append((name, Recording(name, OLDER, WEATHER, call["response"]["body"])))
    return found


ERRORS = errors() if (SHARED / "recorded").is_dir() else []


@pytest.mark.parametrize("recording", [each for _, each in ERRORS], ids=named)
@pytest.mark.parametrize(
    "how",
    [
        "generateContent",
        "generateContent?prettyPrint=false",
        "streamGenerateContent?alt=sse",
        "streamGenerateContent",
    ],
)
async def test_an_error_comes_out_as_it_was_recorded(
    recording: Recording, how: str, player: Player, server: Serving
) -> None:
    """Code, status, message and details, whichever side of the server finds the fault."""
    player.say(recording.said, recording.said["error"]["code"])

    status, told = await ask(server, recording, how)

    expected = [recording.said] if how == "streamGenerateContent" else recording.said
    assert (status, told) == (recording.said["error"]["code"], expected)
