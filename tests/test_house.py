"""The whole house under load: `geminid serve`, the embedded model, real sockets."""

import asyncio
import os
import random
import signal
import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import aiohttp
import msgspec
import pytest

from tests.fakes.upstream import FakeUpstream
from tests.serving import Serving, serving

MODEL = "gemini-3-pro-preview"
PATIENCE_S = 20.0


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serving(tmp_path_factory.mktemp("house")) as server:
        yield server


def _body(text: str, tokens: int) -> dict[str, object]:
    return {
        "contents": [{"parts": [{"text": text}]}],
        "generationConfig": {"maxOutputTokens": tokens},
    }


async def _stream(session: aiohttp.ClientSession, url: str, text: str, tokens: int) -> str:
    """How a stream ended: its finish reason, or the status of its error."""
    address = f"{url}/v1beta/models/{MODEL}:streamGenerateContent?alt=sse"
    async with session.post(address, json=_body(text, tokens)) as response:
        raw = await response.read()
    if response.status != 200:
        return str(msgspec.json.decode(raw)["error"]["status"])
    last = msgspec.json.decode(raw.strip().rsplit(b"data: ", 1)[1])
    if "error" in last:
        return str(last["error"]["status"])
    return str(last["candidates"][0].get("finishReason", "nothing"))


async def _until(reached: Callable[[], bool]) -> bool:
    """Whether `reached` came true within the patience of a test."""
    for _ in range(int(PATIENCE_S / 0.02)):
        if reached():
            return True
        await asyncio.sleep(0.02)
    return reached()


def _children(pid: int) -> dict[int, str]:
    """The processes below `pid` and their command lines."""
    found: dict[int, str] = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            command = Path(f"/proc/{child}/cmdline").read_bytes().replace(b"\0", b" ").decode()
            found[int(child)] = command
            found |= _children(int(child))
    return found


def _process(server: Serving, module: str) -> int:
    return next(pid for pid, line in _children(server.process.pid).items() if module in line)


def _sockets(pid: int) -> int:
    """How many sockets the process holds: the listening one, callers' and upstreams'."""
    held = Path(f"/proc/{pid}/fd").iterdir()
    return sum(os.path.realpath(file).rpartition("/")[2].startswith("socket:") for file in held)


@pytest.mark.timeout(240)
async def test_64_streams_at_once_all_end_honestly(embedded: Serving) -> None:
    """Four slots, sixty-four callers: each waits its turn and gets a whole answer."""
    timeout = aiohttp.ClientTimeout(total=220)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session:
        endings = await asyncio.gather(
            *(_stream(session, embedded.url, f"Count to {n}.", 8) for n in range(64))
        )

    assert set(endings) <= {"STOP", "MAX_TOKENS"}
    assert len(endings) == 64


@pytest.mark.timeout(120)
async def test_a_killed_model_fails_every_open_stream_and_then_answers_again(
    embedded: Serving,
) -> None:
    """Nobody is told STOP about an answer that was cut; the next caller gets a whole one."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=100)) as session:
        address = f"{embedded.url}/v1beta/models/{MODEL}:streamGenerateContent?alt=sse"
        body = _body("Write a long story about a river.", 400)
        begun = [await session.post(address, json=body) for _ in range(4)]
        for response in begun:
            await response.content.readuntil(b"\n")
        os.kill(_process(embedded, "llama_main"), signal.SIGKILL)
        lasts = [(await response.read()).strip().rsplit(b"data: ", 1)[1] for response in begun]
        errors = [msgspec.json.decode(last).get("error", {}).get("status") for last in lasts]
        following = await _stream(session, embedded.url, "Say hello.", 8)

    assert errors == ["UNAVAILABLE"] * 4
    assert following in ("STOP", "MAX_TOKENS")


async def _leaver(session: aiohttp.ClientSession, url: str, chance: random.Random) -> None:
    """A caller who leaves at a random moment: before, inside or after the answer."""
    method = chance.choice(["generateContent", "streamGenerateContent", "streamGenerateContent"])
    model = chance.choice([f"{MODEL}", "gemini-slow", "gemini-slow"])
    address = f"{url}/v1beta/models/{model}:{method}?alt=sse"
    patience = chance.choice([0.0, 0.001, 0.01, 0.05, 0.1, 1.0]) * chance.random()

    async def ask() -> None:
        async with session.post(address, json=_body("hi", 8)) as response:
            await response.read()

    try:
        async with asyncio.timeout(patience):
            await ask()
    except (TimeoutError, aiohttp.ClientError):
        return


async def _leaving(count: int, home: Path, wait: Callable[..., Awaitable[bool]]) -> None:
    async with FakeUpstream() as upstream:
        config = (
            f'[[channel]]\nname = "fake"\nengine = "google"\nbase_url = "{upstream.url}"\n'
            f'key = "env:FAKE_KEY"\nmodels = ["{MODEL}", "gemini-slow"]\n'
        )
        with serving(home, config, FAKE_KEY="k") as server:
            pid = _process(server, "processes.server")
            connector = aiohttp.TCPConnector(limit=0, force_close=True)
            async with aiohttp.ClientSession(connector=connector) as session:
                before = _sockets(pid)
                assert before > 0
                chances = [random.Random(seed) for seed in range(count)]
                await asyncio.gather(*(_leaver(session, server.url, c) for c in chances))

            assert await wait(lambda: not upstream.active_streams)
            # What is open beyond the beginning is the pool's, idle and waiting to be used again.
            assert await wait(lambda: _sockets(pid) - upstream.open_connections <= before)
        assert await wait(lambda: not upstream.open_connections)
        sent = len(upstream.requests)

    with sqlite3.connect(home / "geminid.db") as database:
        rows = database.execute("select outcome, count(*) from requests group by 1").fetchall()
    assert sum(number for _, number in rows) >= sent
    assert {outcome for outcome, _ in rows} <= {"ok", "caller_left"}


@pytest.mark.timeout(120)
async def test_200_callers_who_leave_at_random_leave_nothing_open(tmp_path: Path) -> None:
    """No upstream connection, task or file stays behind, and each request is booked once."""
    await _leaving(200, tmp_path, _until)


@pytest.mark.soak
async def test_1000_callers_who_leave_at_random_leave_nothing_open(tmp_path: Path) -> None:
    await _leaving(1000, tmp_path, _until)
