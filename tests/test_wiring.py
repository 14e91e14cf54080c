"""The house: put together from a configuration, reloaded under load, and closed whole."""

import asyncio
import hashlib
from collections.abc import AsyncGenerator
from pathlib import Path

import aiohttp
import pytest

from geminid import catalog
from geminid.config import Boot, ConfigError
from geminid.config.channels import KEY_VARIABLES
from geminid.core.ports import Engine
from geminid.pipeline.channel import LiveChannel
from geminid.stores.account import open_book
from geminid.stores.errors import StateUnusable
from geminid.wiring import House, SystemClock, build
from tests.fakes import shapes
from tests.fakes.upstream import FakeUpstream
from tests.http.served import ASK, GENERATE, MODEL, SSE, STREAM, served, until

ECHO = '[[channel]]\nname = "echo"\nengine = "echo"\n'
TWIN = '[[channel]]\nname = "twin"\nengine = "script"\nscript = "twin.toml"\n'


@pytest.fixture(autouse=True)
def nobodys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A home of its own, and nobody's keys."""
    for name in (*KEY_VARIABLES, "GEMINID_CONFIG", "GEMINID_HOME", "GEMINID_MODELS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TEST_KEY", "upstream-key")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
async def first() -> AsyncGenerator[FakeUpstream, None]:
    async with FakeUpstream() as fake:
        yield fake


@pytest.fixture
async def second() -> AsyncGenerator[FakeUpstream, None]:
    async with FakeUpstream() as fake:
        yield fake


def boot(tmp_path: Path) -> Boot:
    return Boot(
        config_path=str(tmp_path / "geminid.toml"),
        home=str(tmp_path / "home"),
        runtime_dir=str(tmp_path / "run"),
    )


def write(tmp_path: Path, text: str) -> None:
    (tmp_path / "geminid.toml").write_text(text)


def write_script(tmp_path: Path, answer: str) -> None:
    (tmp_path / "twin.toml").write_text(
        f'version = 1\n[[conversation]]\n[[conversation.turn]]\ntext = "{answer}"\n'
    )


def google(upstream: FakeUpstream, *, name: str = "studio", theirs: str = "any") -> str:
    return (
        f'[[channel]]\nname = "{name}"\nengine = "google"\nbase_url = "{upstream.url}"\n'
        f'key = "env:TEST_KEY"\nmodels = ["{MODEL}={theirs}"]\n'
    )


@pytest.fixture
async def houses(tmp_path: Path) -> AsyncGenerator[list[House], None]:
    """Houses started in the test; whatever is still open at its end is closed."""
    opened: list[House] = []
    yield opened
    for house in opened:
        await house.close()


async def opened(tmp_path: Path, text: str, houses: list[House]) -> House:
    write(tmp_path, text)
    house = build(boot(tmp_path))
    await house.start()
    houses.append(house)
    return house


def live(house: House, name: str) -> LiveChannel:
    return next(c for c in house.app.state.routes.channels if c.name == name)


def engines(house: House) -> dict[str, Engine]:
    return {channel.name: channel.engine for channel in house.app.state.routes.channels}


def rows(tmp_path: Path) -> list[str]:
    """The outcomes in the book on disk."""
    book = open_book(tmp_path / "home", SystemClock())
    try:
        return [row.outcome for row in book.recent(1000)]
    finally:
        assert book.close(5.0)


async def test_nothing_is_served_before_the_start(tmp_path: Path) -> None:
    write(tmp_path, ECHO)
    house = build(boot(tmp_path))

    with pytest.raises(RuntimeError):
        _ = house.app
    with pytest.raises(RuntimeError):
        await house.reload()
    await house.close()
    assert not (tmp_path / "home").exists()


async def test_a_house_answers_and_its_book_is_whole_when_it_has_closed(
    tmp_path: Path, first: FakeUpstream
) -> None:
    house = await opened(tmp_path, google(first), [])
    async with served(house.app) as server:
        replies = [await server.ask(path) for path in (GENERATE, SSE, STREAM)]
        lost = await server.ask("/v1/models/nobody:generateContent")
        ready = await server.get("/readyz")
    await house.close()

    assert [reply.status for reply in replies] == [200, 200, 200]
    assert (lost.status, ready.status) == (404, 200)
    assert {seen.headers["x-goog-api-key"] for seen in first.requests} == {"upstream-key"}
    await first.until(lambda: first.open_connections == 0)
    assert rows(tmp_path) == ["ok"] * 3


async def test_what_cannot_be_configured_is_not_built(tmp_path: Path) -> None:
    write(tmp_path, ECHO + ECHO)

    with pytest.raises(ConfigError):
        build(boot(tmp_path))


async def test_a_home_that_cannot_be_used_stops_the_start(tmp_path: Path) -> None:
    write(tmp_path, ECHO)
    (tmp_path / "home").write_text("a file")
    house = build(boot(tmp_path))

    with pytest.raises(StateUnusable):
        await house.start()

    await house.close()


async def test_every_engine_can_be_wired_and_closed(
    tmp_path: Path, first: FakeUpstream, houses: list[House]
) -> None:
    text = google(first) + (
        f'[[channel]]\nname = "other"\nengine = "openai"\nbase_url = "{first.url}/v1"\n'
        'models = ["a=b"]\n[[channel]]\nname = "local"\nengine = "llama"\n'
    )
    write_script(tmp_path, "Hello.")
    house = await opened(tmp_path, text + ECHO + TWIN, houses)

    kinds = {name: type(engine).__name__ for name, engine in engines(house).items()}

    assert kinds == {
        "studio": "Google",
        "other": "OpenAI",
        "local": "Llama",
        "echo": "Echo",
        "twin": "Player",
    }
    assert house.app.state.routes.find("a").theirs == "b"


async def test_a_channel_without_models_serves_the_catalog(
    tmp_path: Path, first: FakeUpstream, houses: list[House]
) -> None:
    """A real upstream is asked for a retired model's successor; our own engines know only text.

    A script may stand for image models too.  Embedding models are left out: there is nothing to ask
    them for.
    """
    text = google(first).replace(f'models = ["{MODEL}=any"]\n', "priority = 1\n") + ECHO + TWIN
    write_script(tmp_path, "Hello.")
    house = await opened(tmp_path, text, houses)

    models = live(house, "studio").models
    facts = catalog.load()
    answering = [model.id for model in facts.models if model.kind != "embedding"]
    assert list(models) == answering != [model.id for model in facts.models]
    assert models[MODEL] == "gemini-3.1-pro-preview"
    assert house.app.state.routes.find(MODEL).notice.endswith("answers instead.")
    texts = {model.id: model.id for model in facts.models if model.kind == "text"}
    assert live(house, "echo").models == texts
    images = {model.id: model.id for model in facts.models if model.kind == "image"}
    assert images
    assert live(house, "twin").models == texts | images


async def test_keys_hosts_and_limits_come_from_the_file_and_change_with_it(
    tmp_path: Path, houses: list[House]
) -> None:
    digests = [hashlib.sha256(key).hexdigest() for key in (b"old-key", b"new-key")]
    texts = [
        f'{ECHO}[[caller]]\nname = "ada"\nkey_sha256 = "{digest}"\n[limits]\nbody = {body}\n'
        f'[server]\nhosts = ["{host}"]\npublic_url = "https://public.example/x"\n'
        for digest, body, host in zip(
            digests, (2048, 4096), ("a.example", "b.example"), strict=True
        )
    ]
    house = await opened(tmp_path, texts[0], houses)
    kind = {"content-type": "application/json"}
    async with served(house.app) as server:

        async def status(key: str, host: str, size: int = 100) -> int:
            headers = kind | {"x-goog-api-key": key, "host": host}
            return (await server.ask(GENERATE, ASK.ljust(size), headers=headers)).status

        before = [
            await status("old-key", "a.example"),
            await status("old-key", "public.example"),
            await status("new-key", "a.example"),
            await status("old-key", "b.example"),
            await status("old-key", "a.example", 3000),
        ]
        write(tmp_path, texts[1])
        await house.reload()
        after = [
            await status("new-key", "b.example"),
            await status("new-key", "public.example"),
            await status("old-key", "b.example"),
            await status("new-key", "a.example"),
            await status("new-key", "b.example", 3000),
        ]

    assert before == [200, 200, 400, 403, 400]
    assert after == [200, 200, 400, 403, 200]


@pytest.mark.parametrize(
    "bad", ["", "[[channel]]\n", "port = 1\n", ECHO + ECHO, "not toml at all [", "\xff"]
)
async def test_a_bad_file_changes_nothing(
    bad: str, tmp_path: Path, first: FakeUpstream, houses: list[House]
) -> None:
    house = await opened(tmp_path, google(first), houses)
    before = house.app.state
    (tmp_path / "geminid.toml").write_bytes(bad.encode("latin-1"))
    if not bad:
        (tmp_path / "geminid.toml").unlink()

    with pytest.raises(ConfigError):
        await house.reload()

    assert house.app.state is before
    async with served(house.app) as server:
        assert (await server.ask(GENERATE)).status == 200


async def test_a_channel_that_did_not_change_keeps_its_engine(
    tmp_path: Path, first: FakeUpstream, houses: list[House]
) -> None:
    """Its connections stay warm, and its limits count on."""
    text = google(first) + google(first, name="other")
    house = await opened(tmp_path, text, houses)
    before = engines(house)
    async with served(house.app) as server:
        await server.ask(GENERATE)
        write(tmp_path, text + ECHO)
        await house.reload()
        await server.ask(GENERATE)
    assert {name: engines(house)[name] for name in before} == before
    assert first.connections_made == 1

    write(tmp_path, text.replace("any", "any-other", 1))
    await house.reload()

    assert engines(house)["studio"] is not before["studio"]
    assert engines(house)["other"] is before["other"]
    assert "echo" not in engines(house)


async def test_a_limit_that_an_engine_was_made_with_makes_another(
    tmp_path: Path, houses: list[House]
) -> None:
    """`default_max_output` is the local engine's own: it must not keep the old one."""
    text = '[[channel]]\nname = "local"\nengine = "llama"\n' + ECHO
    house = await opened(tmp_path, text, houses)
    before = engines(house)

    write(tmp_path, text + "[limits]\ndefault_max_output = 64\n")
    await house.reload()

    assert engines(house)["local"] is not before["local"]
    assert engines(house)["echo"] is before["echo"]


async def test_a_reload_plays_what_has_changed_in_a_script(
    tmp_path: Path, houses: list[House]
) -> None:
    """Though nothing has changed in the file that names it; a broken one changes nothing."""
    write_script(tmp_path, "before")
    house = await opened(tmp_path, TWIN, houses)
    async with served(house.app) as server:
        answers = [(await server.ask(GENERATE)).body]
        write_script(tmp_path, "after")
        await house.reload()
        answers.append((await server.ask(GENERATE)).body)
        write_script(tmp_path, '"')
        with pytest.raises(ConfigError, match=r"twin\.toml:4"):
            await house.reload()
        answers.append((await server.ask(GENERATE)).body)

    assert [b"before" in answer for answer in answers] == [True, False, False]
    assert [b"after" in answer for answer in answers] == [False, True, True]


async def test_two_reloads_under_load_cut_no_answer(
    tmp_path: Path, first: FakeUpstream, second: FakeUpstream, houses: list[House]
) -> None:
    """Each answer ends where it began; an engine is closed by whoever leaves it last."""
    words = list(shapes.gemini_stream({}, "m"))
    house = await opened(tmp_path, google(first), houses)
    async with (
        served(house.app) as server,
        aiohttp.ClientSession(server.url, headers={"content-type": "application/json"}) as session,
    ):
        for _ in range(8):
            first.sse(words, pace_s=0.05)
        path = SSE.removeprefix(server.url)
        streams = [await session.post(path, data=ASK) for _ in range(8)]
        old = live(house, "studio")
        assert old.users == 8

        write(tmp_path, google(second))
        await house.reload()
        middle = live(house, "studio")
        assert (await server.ask(GENERATE)).status == 200
        assert len(second.requests) == 1
        assert second.open_connections == 1  # kept for the next
        write(tmp_path, google(second, theirs="any-more"))
        await house.reload()

        assert middle.users == 0
        await second.until(lambda: second.open_connections == 0)
        assert old.users == 8
        bodies = [await stream.read() for stream in streams]
        assert bodies == [b"".join(words)] * 8
        await until(lambda: old.users == 0)
        # No further reload was needed.
        await first.until(lambda: first.open_connections == 0)
    assert len(first.requests) == 8


async def test_reloads_and_requests_in_a_crowd(
    tmp_path: Path, first: FakeUpstream, second: FakeUpstream, houses: list[House]
) -> None:
    """Every request is answered whole, whichever configuration it met."""
    house = await opened(tmp_path, google(first), houses)
    done = asyncio.Event()

    async def reload() -> int:
        count = 0
        while not done.is_set():
            write(tmp_path, google((first, second)[count % 2], theirs=f"any-{count}"))
            await house.reload()
            count += 1
            await asyncio.sleep(0.005)
        return count

    async with served(house.app) as server:
        reloading = asyncio.create_task(reload())

        async def ask(number: int) -> bytes:
            reply = await server.ask((GENERATE, SSE, STREAM)[number % 3])
            assert reply.status == 200
            return reply.body

        for _ in range(5):
            bodies = await asyncio.gather(*(ask(number) for number in range(30)))
            assert all(b'"STOP"' in body and b'"error"' not in body for body in bodies)
        done.set()
        assert await reloading >= 2
    last = live(house, "studio")
    await house.close()
    houses.clear()

    assert last.users == 0
    await first.until(lambda: first.open_connections == 0)
    await second.until(lambda: second.open_connections == 0)
    assert rows(tmp_path) == ["ok"] * 150


@pytest.mark.parametrize(("early", "late"), [(20, 20), (20, 0), (0, 20)])
async def test_what_a_drain_had_to_cut_is_booked_and_closed_before_the_house_is(
    early: int, late: int, tmp_path: Path, first: FakeUpstream, second: FakeUpstream
) -> None:
    """Also what still holds an engine that a reload has retired."""
    house = await opened(tmp_path, google(first), [])
    for upstream in (first, second):
        for _ in range(10):
            upstream.sse([next(shapes.gemini_stream({}, "m"))], "stall")
            upstream.hang()
    async with served(house.app) as server:
        asking = [asyncio.create_task(server.ask(SSE)) for _ in range(early)]
        await first.until(lambda: first.active_streams == early)
        write(tmp_path, google(second))
        await house.reload()
        asking += [asyncio.create_task(server.ask(SSE)) for _ in range(late)]
        await second.until(lambda: second.active_streams == late)

        for task in server.tasks:  # as uvicorn does when its patience ends
            task.cancel()
        await house.close()

        await first.until(lambda: first.open_connections == 0)
        await second.until(lambda: second.open_connections == 0)
        for request in asking:
            request.cancel()
        await asyncio.wait(asking)
    assert rows(tmp_path) == ["caller_left"] * (early + late)


async def test_the_clock_is_the_machine_s() -> None:
    clock = SystemClock()
    now, monotonic = clock.now(), clock.monotonic()

    assert now > 1_700_000_000
    assert clock.monotonic() >= monotonic
