"""A retired channel is closed by whoever leaves it last, never under anyone's feet."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from geminid.pipeline.channel import LiveChannel
from tests.pipeline.scripted import Scripted


@pytest.fixture
def engine() -> Scripted:
    return Scripted()


@pytest.fixture
def live(engine: Scripted) -> LiveChannel:
    return LiveChannel("one", "test", engine, models={})


async def test_a_channel_in_service_stays_open_when_nobody_uses_it(
    live: LiveChannel, engine: Scripted
) -> None:
    async with live.used() as given:
        assert given is engine
        assert live.users == 1

    assert (live.users, engine.closed) == (0, 0)


async def test_an_idle_channel_is_closed_as_it_retires(live: LiveChannel, engine: Scripted) -> None:
    await live.retire()

    assert engine.closed == 1


async def test_the_last_of_its_users_closes_a_retired_channel(
    live: LiveChannel, engine: Scripted
) -> None:
    async with AsyncExitStack() as second:
        async with live.used():
            await second.enter_async_context(live.used())
            await live.retire()
            assert (live.users, engine.closed) == (2, 0)
        assert (live.users, engine.closed) == (1, 0)

    assert (live.users, engine.closed) == (0, 1)


async def test_who_comes_late_closes_again(live: LiveChannel, engine: Scripted) -> None:
    """A request may have taken its state before the reload and use the engine after it."""
    await live.retire()

    async with live.used():
        assert engine.closed == 1

    assert engine.closed == 2


async def test_one_can_wait_for_the_last_to_leave(live: LiveChannel, engine: Scripted) -> None:
    """And the engine is closed by then."""
    waiting = asyncio.create_task(live.left())
    await waiting
    async with live.used():
        await live.retire()
        waiting = asyncio.create_task(live.left())
        done, _ = await asyncio.wait([waiting], timeout=0.01)
        assert not done
    await waiting

    assert engine.closed == 1


async def test_a_failure_leaves_too(live: LiveChannel, engine: Scripted) -> None:
    async def fail() -> None:
        async with live.used():
            await live.retire()
            raise KeyError

    with pytest.raises(KeyError):
        await fail()

    assert (live.users, engine.closed) == (0, 1)
