"""The journal: what is written down before and after, and what a start makes of it."""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest

from geminid.core.ports import Opening
from geminid.stores.journal import Journal
from geminid.stores.record import UNCONFIRMED, Record
from geminid.stores.replay import replay
from tests.stores.samples import StillClock, journal_files, opening, record, settlement

CLOCK = StillClock()


def _replayed(home: Path) -> list[Record]:
    with replay(home, CLOCK) as found:
        return list(found.records())


def _outcomes(home: Path) -> dict[str, str]:
    records = _replayed(home)
    outcomes = {one.opening.request_id: one.settlement.outcome for one in records}
    assert len(outcomes) == len(records)
    return outcomes


def test_lines_are_json_and_there_when_the_call_returns(tmp_path: Path) -> None:
    """Nothing is buffered in the process: a kill after `open` finds the line on disk."""
    journal = Journal(tmp_path, CLOCK)
    journal.open(opening("r1", hold=2_500_000))
    journal.settle(settlement("r1"))

    (path,) = journal_files(tmp_path)
    first, second = (msgspec.json.decode(line) for line in path.read_bytes().splitlines())
    journal.close()

    assert (first["entry"], first["opening"]["hold_nusd"]) == ("open", 2_500_000)
    assert (second["entry"], second["settlement"]["usage"]["prompt"]) == ("settle", 12)


def test_a_settled_request_comes_back_whole(tmp_path: Path) -> None:
    """Both halves, and every field of them."""
    journal = Journal(tmp_path, CLOCK)
    journal.open(opening("r1"))
    given = journal.settle(settlement("r1"))
    journal.close()

    assert _replayed(tmp_path) == [given] == [record("r1")]


def test_a_request_in_flight_comes_back_unconfirmed_with_its_hold(tmp_path: Path) -> None:
    """Nobody knows what it cost, so nothing is given back."""
    journal = Journal(tmp_path, CLOCK)
    journal.open(opening("r1", hold=7))
    journal.close()

    (found,) = _replayed(tmp_path)

    assert found.opening == opening("r1", hold=7)
    assert (found.settlement.outcome, found.settlement.usage) == (UNCONFIRMED, None)
    assert found.settlement.ended == CLOCK.now()


def test_replaying_twice_brings_nothing_the_second_time(tmp_path: Path) -> None:
    """The files go once their rows are safe."""
    journal = Journal(tmp_path, CLOCK)
    journal.open(opening("r1"))
    journal.close()

    assert len(_replayed(tmp_path)) == 1
    assert _replayed(tmp_path) == []
    assert journal_files(tmp_path) == []


def test_a_replay_that_fails_keeps_the_files(tmp_path: Path) -> None:
    """Rows that could not be committed are tried again at the next start."""
    journal = Journal(tmp_path, CLOCK)
    journal.open(opening("r1"))
    journal.close()

    def fails() -> None:
        with replay(tmp_path, CLOCK) as found:
            list(found.records())
            raise TimeoutError

    with pytest.raises(TimeoutError):
        fails()

    assert _outcomes(tmp_path) == {"r1": UNCONFIRMED}


def test_a_replay_that_did_not_read_all_keeps_the_files(tmp_path: Path) -> None:
    """Leaving early is not having committed."""
    journal = Journal(tmp_path, CLOCK)
    for name in ("r1", "r2"):
        journal.open(opening(name))
    journal.close()

    with replay(tmp_path, CLOCK) as found:
        next(found.records())

    assert _outcomes(tmp_path) == {"r1": UNCONFIRMED, "r2": UNCONFIRMED}


def test_the_journal_of_a_live_process_is_left_alone(tmp_path: Path) -> None:
    """Its requests are still in flight, not lost; all of its files are its own."""
    journal = Journal(tmp_path, CLOCK)
    journal.open(opening("r1"))
    older = journal.roll()

    assert _replayed(tmp_path) == []
    assert len(journal_files(tmp_path)) == 2
    assert older is not None
    older.close()
    assert _replayed(tmp_path) == []

    journal.close()
    assert _outcomes(tmp_path) == {"r1": UNCONFIRMED}


def test_two_replays_at_once_do_not_share_a_file(tmp_path: Path) -> None:
    """Servers that start together book each request once."""
    journal = Journal(tmp_path, CLOCK)
    journal.open(opening("r1"))
    journal.close()

    with replay(tmp_path, CLOCK) as first:
        assert _replayed(tmp_path) == []
        assert len(list(first.records())) == 1


@pytest.mark.parametrize("kept", [1, 20, -1])
def test_a_torn_last_line_is_no_entry_and_no_error(tmp_path: Path, kept: int) -> None:
    """A kill in the middle of a write leaves any prefix, even all but the newline."""
    journal = Journal(tmp_path, CLOCK)
    journal.open(opening("r1"))
    journal.settle(settlement("r1"))
    journal.open(opening("r2"))
    journal.close()
    (path,) = journal_files(tmp_path)
    whole = path.read_bytes()
    start = whole.rindex(b'{"entry":"open"')
    path.write_bytes(whole[: len(whole) + kept if kept < 0 else start + kept])

    with replay(tmp_path, CLOCK) as found:
        assert list(found.records()) == [record("r1")]
        assert found.corrupt == ()


def test_a_corrupt_line_is_told_and_skipped_and_its_file_kept(tmp_path: Path) -> None:
    """One bad block does not hide the requests around it, and a person can still look."""
    journal = Journal(tmp_path, CLOCK)
    for name in ("r1", "r2", "r3"):
        journal.open(opening(name))
        journal.settle(settlement(name))
    journal.close()
    (path,) = journal_files(tmp_path)
    lines = path.read_bytes().splitlines(keepends=True)
    lines[3] = b"\0" * 40 + b"\xff\n"  # how r2 ended
    path.write_bytes(b"".join(lines))

    with replay(tmp_path, CLOCK) as found:
        outcomes = {r.opening.request_id: r.settlement.outcome for r in found.records()}
        assert found.corrupt == (f"{path.name}:4",)

    assert outcomes == {"r1": "ok", "r2": UNCONFIRMED, "r3": "ok"}
    assert [p.name for p in (tmp_path / "journal").iterdir()] == [f"{path.name}.corrupt"]
    assert _replayed(tmp_path) == []


def test_a_settlement_whose_opening_is_corrupt_still_counts(tmp_path: Path) -> None:
    """Its tokens were paid for, whoever asked."""
    journal = Journal(tmp_path, CLOCK)
    journal.open(opening("r1"))
    journal.settle(settlement("r1"))
    journal.close()
    (path,) = journal_files(tmp_path)
    _, settled = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"?\n" + settled)

    (found,) = _replayed(tmp_path)

    assert found.settlement == settlement("r1")
    assert (found.opening.caller, found.opening.started) == ("", found.settlement.ended)


def test_a_new_file_knows_what_is_in_flight(tmp_path: Path) -> None:
    """So the old one can go, and a crash afterwards still finds every request."""
    journal = Journal(tmp_path, CLOCK)
    for name in ("settled", "lasting", "later"):
        journal.open(opening(name))
    journal.settle(settlement("settled"))
    older = journal.roll()
    assert older is not None
    older.remove()
    journal.settle(settlement("later"))
    journal.close()

    assert _outcomes(tmp_path) == {"later": "ok", "lasting": UNCONFIRMED}


def test_two_files_of_one_boot_tell_each_request_once(tmp_path: Path) -> None:
    """A crash before the old file was removed: opened in one, settled in the other."""
    journal = Journal(tmp_path, CLOCK)
    for name in ("settled", "lasting", "later"):
        journal.open(opening(name))
    journal.settle(settlement("settled"))
    older = journal.roll()
    assert older is not None
    journal.settle(settlement("later"))
    older.close()
    journal.close()

    assert _outcomes(tmp_path) == {"settled": "ok", "later": "ok", "lasting": UNCONFIRMED}


def test_a_request_that_is_not_open_cannot_be_settled(tmp_path: Path) -> None:
    """Twice is once too often, and would be money booked twice."""
    journal = Journal(tmp_path, CLOCK)
    journal.open(opening("r1"))
    journal.settle(settlement("r1"))

    with pytest.raises(LookupError, match="r1"):
        journal.settle(settlement("r1"))
    with pytest.raises(LookupError, match="r2"):
        journal.settle(settlement("r2"))
    journal.close()

    assert _outcomes(tmp_path) == {"r1": "ok"}


def test_files_made_while_others_replay_lose_nothing(tmp_path: Path) -> None:
    """Whenever a replay looks, a new file is either its owner's or not there."""
    names = [f"r{number}" for number in range(300)]

    def boot_and_die() -> None:
        for name in names:
            journal = Journal(tmp_path, CLOCK)
            journal.open(opening(name))
            journal.close()

    found: list[str] = []
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)  # threads take turns at nearly every step
    try:
        with ThreadPoolExecutor(1) as pool:
            boots = pool.submit(boot_and_die)
            while not boots.done():
                found += _outcomes(tmp_path)
            boots.result()
    finally:
        sys.setswitchinterval(interval)
    found += _outcomes(tmp_path)

    assert sorted(found) == sorted(names)
    assert journal_files(tmp_path) == []


def test_files_are_for_their_owner_only(tmp_path: Path) -> None:
    """They tell who asks which model, and when."""
    home = tmp_path / "home"
    journal = Journal(home, CLOCK)
    (path,) = journal_files(home)
    journal.close()

    assert (path.parent.stat().st_mode & 0o777, path.stat().st_mode & 0o777) == (0o700, 0o600)


def test_an_entry_of_an_older_version_is_read(tmp_path: Path) -> None:
    """A field that was added since has its default, one that went is passed over."""
    journal = Journal(tmp_path, CLOCK)
    journal.open(opening("r1"))
    journal.close()
    (path,) = journal_files(tmp_path)
    path.write_bytes(path.read_bytes().replace(b'"hold_nusd":0', b'"gone":[1]'))

    (found,) = _replayed(tmp_path)

    assert isinstance(found.opening, Opening)
    assert found.opening == opening("r1")
