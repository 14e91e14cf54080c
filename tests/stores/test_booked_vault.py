"""The vault in the database: restarts, other processes, locks, limits, and what a thief finds."""

import asyncio
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from geminid.config import VaultLimits
from geminid.stores.errors import StateUnusable
from geminid.stores.keyring import FILE
from geminid.stores.vault import open_vault
from tests.stores.samples import ROOT, StillClock, eventually, record
from tests.stores.vaults import DAY, Booked, kept


@contextmanager
def database(booked: Booked) -> Iterator[sqlite3.Connection]:
    """The database as somebody else sees it."""
    with closing(sqlite3.connect(booked.home / "geminid.db", isolation_level=None)) as connection:
        yield connection


def count(booked: Booked, table: str) -> int:
    with database(booked) as connection:
        return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


async def test_a_restart_loses_nothing(booked: Booked) -> None:
    vault = booked.open()
    await vault.keep(kept("U2ln"), [vault.place("a")])
    booked.restart()

    again = booked.open()

    assert again.place("a") == vault.place("a")
    assert await again.find([again.place("a")]) == {vault.place("a"): kept("U2ln")}


async def test_another_process_sees_what_this_one_kept_at_once(booked: Booked) -> None:
    """Also where it looked before: that nothing was there is not remembered."""
    here, there = booked.open(), Booked(booked.home)
    other = there.open()
    place = here.place("a")
    assert await other.find([place]) == {}

    await here.keep(kept("U2ln"), [place])

    assert await other.find([place]) == {place: kept("U2ln")}
    there.close()


def test_a_kill_loses_nothing_that_was_kept(tmp_path: Path) -> None:
    """`kill -9` at any moment after `keep` has returned."""
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.stores.child", str(tmp_path), "keep"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert child.stdout is not None
    with child.stdout as told:
        lines = [told.readline() for _ in range(501)]
        child.kill()
        lines += told.readlines()
    assert child.wait(timeout=20) < 0
    names = [line.split()[1] for line in lines if line.endswith("\n")]

    again = Booked(tmp_path)
    vault = again.open()
    found = asyncio.run(vault.find([vault.place(name) for name in names]))
    again.close()

    assert {vault.place(name): kept(name) for name in names} == found


async def test_a_locked_database_is_waited_for_a_second_and_told(booked: Booked) -> None:
    """The answer goes on, its signature is found, and is committed when the lock is gone."""
    vault = booked.open()
    place = vault.place("a")
    with database(booked) as other:
        other.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        await vault.keep(kept("U2ln"), [place])
        took = time.monotonic() - began

        assert 0.5 < took < 5
        assert "wait to be kept" in vault.problem
        assert "locked" in vault.problem
        assert await vault.find([place]) == {place: kept("U2ln")}
        other.execute("ROLLBACK")

    await asyncio.to_thread(eventually, lambda: not vault.problem)
    assert await booked.open().find([place]) == {place: kept("U2ln")}


async def test_who_is_cancelled_while_he_waits_leaves_the_row(booked: Booked) -> None:
    """A caller hung up: his next request may still come."""
    vault = booked.open()
    place = vault.place("a")
    with database(booked) as other:
        other.execute("BEGIN IMMEDIATE")
        waiting = asyncio.create_task(vault.keep(kept("U2ln"), [place]))
        await asyncio.sleep(0)
        waiting.cancel()
        with suppress(asyncio.CancelledError):
            await waiting
        other.execute("ROLLBACK")

    assert await asyncio.to_thread(booked.book.flush, 10)
    assert await booked.open().find([place]) == {place: kept("U2ln")}
    assert vault.problem == ""


async def test_what_is_kept_while_somebody_looks_is_what_he_finds(booked: Booked) -> None:
    """Though the database still has what was there before."""
    vault = booked.open()
    place = vault.place("a")
    await vault.keep(kept("b2xk"), [place])
    vault = booked.open()
    booked.clock.at += 1
    with database(booked) as other:
        other.execute("BEGIN IMMEDIATE")
        finding = asyncio.create_task(vault.find([place]))
        await asyncio.sleep(0)
        keeping = asyncio.create_task(vault.keep(kept("bmV3"), [place]))
        await asyncio.sleep(0)

        assert await finding == {place: kept("bmV3")}
        other.execute("ROLLBACK")
    await keeping

    assert await vault.find([place]) == {place: kept("bmV3")}


async def test_signatures_go_before_the_rows_of_requests(booked: Booked) -> None:
    """Thousands of them wait, and the answer does not wait for those."""
    vault, writer = booked.open(), booked.book.writer
    with database(booked) as other:
        other.execute("BEGIN IMMEDIATE")
        for number in range(9_000):
            writer.put(record(f"r{number}"))
        eventually(lambda: "locked" in writer.problem)
        keeping = asyncio.create_task(vault.keep(kept("U2ln"), [vault.place("a")]))
        await asyncio.sleep(0)
        other.execute("ROLLBACK")
        await keeping
        rows = count(booked, "requests")

    assert rows < 9_000
    assert await asyncio.to_thread(booked.book.flush, 30)
    assert count(booked, "requests") == 9_000


async def test_a_database_that_cannot_be_read_finds_nothing_and_tells(booked: Booked) -> None:
    """The request goes on without; once it can be read, the signature is there."""
    vault = booked.open()
    place = vault.place("a")
    await vault.keep(kept("U2ln"), [place])
    other = booked.open()
    with database(booked) as connection:
        connection.execute("ALTER TABLE vault_places RENAME TO gone")

        assert await other.find([place]) == {}
        assert "cannot be read: no such table" in other.problem
        connection.execute("ALTER TABLE gone RENAME TO vault_places")

    assert await other.find([place]) == {place: kept("U2ln")}
    assert other.problem == ""


async def test_a_database_that_does_not_answer_holds_a_request_up_once(booked: Booked) -> None:
    """A second, and the next ones not at all, until it has answered."""
    vault = booked.open()
    await vault.keep(kept("U2ln"), [vault.place("0")])
    with database(booked) as connection:
        connection.execute("DROP TABLE vault_places")
        connection.execute(
            "CREATE VIEW vault_places AS WITH RECURSIVE n(id) AS"
            " (SELECT 1 UNION ALL SELECT id + 1 FROM n)"
            " SELECT id, CAST(id AS BLOB) AS place FROM n"
        )
        began = time.monotonic()
        first = await vault.find([vault.place("a")])
        between = time.monotonic()
        second = await vault.find([vault.place("b")])
        ended = time.monotonic()

    assert first == second == {}
    assert 0.5 < between - began < 1.5
    assert ended - between < 0.5
    assert "does not answer in time" in vault.problem


async def test_the_oldest_go_first_when_it_is_too_much(booked: Booked) -> None:
    """Rows and their places; the room they took is used again."""
    vault = booked.open(VaultLimits(max_mb=1))
    places = [vault.place(str(number)) for number in range(200)]
    for place in places:
        await vault.keep(kept("A" * 20_000), [place])
    await asyncio.to_thread(booked.book.flush, 10)  # on a busy machine `keep` does not wait so long
    # Some 51 fit, and up to 15 more may come between two looks at how many there are.
    eventually(lambda: count(booked, "vault") < 70)

    found = await booked.open(VaultLimits(max_mb=1)).find(places)

    assert 40 <= len(found) < 70
    assert set(found) == set(places[-len(found) :])
    assert count(booked, "vault_places") == count(booked, "vault")
    with database(booked) as connection:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    assert pages * size < 3.5 * (1 << 20)  # of 4 that were written


async def test_what_is_larger_than_the_vault_is_not_written(booked: Booked) -> None:
    """It would take everything else's place."""
    vault = booked.open(VaultLimits(max_mb=1))
    small, large = vault.place("small"), vault.place("large")
    await vault.keep(kept("U2ln"), [small])
    await vault.keep(kept("A" * (1 << 20)), [large])
    await asyncio.to_thread(booked.book.flush, 10)

    assert set(await booked.open().find([small, large])) == {small}


async def test_what_is_too_old_is_deleted(booked: Booked) -> None:
    """And what is not, stays, with the places that it took from the old one."""
    vault = booked.open(VaultLimits(ttl_days=2))
    old, shared = vault.place("old"), vault.place("shared")
    for _ in range(100):
        await vault.keep(kept("b2xk"), [old, shared])
    booked.clock.at += DAY
    await vault.keep(kept("bmV3"), [shared])
    booked.clock.at += DAY

    for number in range(16):  # so many, and it is looked for
        await vault.keep(kept("bmV3"), [vault.place("more", str(number))])
    eventually(lambda: count(booked, "vault") == 17)

    assert count(booked, "vault_places") == 17
    assert await booked.open().find([old, shared]) == {shared: kept("bmV3")}


async def test_a_vault_that_nobody_uses_is_tidied_too(booked: Booked) -> None:
    """What should be gone after some days is gone then, whoever comes."""
    vault = booked.open(VaultLimits(ttl_days=1))
    await vault.keep(kept("b2xk"), [vault.place("a")])
    booked.restart()
    booked.open(VaultLimits(ttl_days=1))
    booked.clock.at += 2 * DAY
    booked.book.writer.put(record("r1"))

    eventually(lambda: count(booked, "vault") + count(booked, "vault_places") == 0)


async def test_the_database_alone_tells_nothing(booked: Booked) -> None:
    """Neither signatures nor whose and what they were."""
    vault = booked.open()
    await vault.keep(kept("U2lnbmF0dXJlCg=="), [vault.place("team-a", "get_weather", "Paris")])
    booked.restart()

    stored = b"".join(path.read_bytes() for path in booked.home.glob("geminid.db*"))

    assert count(booked, "vault") == 1
    for word in (b"U2lnbmF0dXJlCg", b"Signature", b"google/studio", b"get_weather", b"team-a"):
        assert word not in stored


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE vault_places SET id = 1",
        "UPDATE vault SET places = (SELECT places FROM vault WHERE id = 2)",
        "UPDATE vault SET body = (SELECT body FROM vault WHERE id = 1)",
        "UPDATE vault SET made = made + 1",
        "UPDATE vault SET body = x''",
    ],
)
async def test_a_database_that_was_changed_gives_nothing_to_the_wrong_caller(
    booked: Booked, change: str
) -> None:
    """Whoever can write to it cannot move a signature, nor keep it past its time."""
    vault = booked.open()
    mine, yours = vault.place("me", "a"), vault.place("you", "a")
    await vault.keep(kept("bWluZQ=="), [mine])
    await vault.keep(kept("eW91cnM="), [yours])

    with database(booked) as connection:
        connection.execute(change)

    found = await booked.open().find([mine, yours])
    right = {mine: kept("bWluZQ=="), yours: kept("eW91cnM=")}
    assert found.items() <= right.items()
    assert len(found) < 2


async def test_keys_rotate_and_what_was_kept_before_is_found(booked: Booked) -> None:
    limits = VaultLimits(ttl_days=3650)
    vault = booked.open(limits)
    place = vault.place("a")
    await vault.keep(kept("b2xk"), [place])
    for _ in range(3):
        booked.clock.at += 91 * DAY
        booked.restart()
        vault = booked.open(limits)
        await vault.keep(kept("bmV3"), [vault.place("b")])

    assert vault.place("a") == place
    assert await vault.find([place]) == {place: kept("b2xk")}


async def test_a_key_that_another_process_made_is_read(booked: Booked) -> None:
    """It started later, after ninety days, and this one still runs."""
    here = booked.open()
    booked.clock.at += 91 * DAY
    later = Booked(booked.home)
    later.clock.at = booked.clock.at
    other = later.open()
    await other.keep(kept("U2ln"), [other.place("a")])

    assert await here.find([other.place("a")]) == {here.place("a"): kept("U2ln")}
    later.close()


def test_keys_that_cannot_be_read_stop_the_start(booked: Booked) -> None:
    (booked.home / FILE).write_bytes(b"{}")

    with pytest.raises(StateUnusable, match=FILE):
        booked.open()


def test_a_server_that_keeps_nothing_does_not_load_the_cipher(tmp_path: Path) -> None:
    """Nor does one that looks in vain: the library takes 7 MB."""
    script = (
        "import asyncio, sys\n"
        "from pathlib import Path\n"
        "from tests.stores.vaults import Booked, kept\n"
        "booked = Booked(Path(sys.argv[1]))\n"
        "vault = booked.open()\n"
        "places = [vault.place('a')]\n"
        "assert not asyncio.run(vault.find(places))\n"
        "assert 'cryptography' not in sys.modules\n"
        "asyncio.run(vault.keep(kept('U2ln'), places))\n"
        "assert 'cryptography' in sys.modules\n"
        "booked.close()\n"
    )

    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True, cwd=ROOT)


def test_a_vault_may_be_used_by_one_loop_after_another(booked: Booked) -> None:
    """And one that is closed while a row is on its way stops nobody."""
    vault = booked.open()
    place = vault.place("a")
    with database(booked) as other:
        other.execute("BEGIN IMMEDIATE")

        async def leave() -> None:
            async with asyncio.timeout(0.01):
                await vault.keep(kept("U2ln"), [place])

        with suppress(TimeoutError):
            asyncio.run(leave())
        other.execute("ROLLBACK")
    assert booked.book.flush(10)

    assert asyncio.run(booked.open().find([place])) == {place: kept("U2ln")}


async def test_opening_takes_the_place_of_no_request(tmp_path: Path) -> None:
    """The book's own rows are written as before, beside those of the vault."""
    booked = Booked(tmp_path)
    vault = open_vault(tmp_path, StillClock(), booked.book.writer, VaultLimits())
    for number in range(300):
        booked.book.writer.put(record(f"r{number}"))
        await vault.keep(kept("U2ln"), [vault.place(str(number))])
    vault.close()
    booked.close()

    assert (count(booked, "requests"), count(booked, "vault")) == (300, 300)
