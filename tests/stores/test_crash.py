"""Real processes that really die, and disks that are really full."""

import subprocess
import sys
from pathlib import Path

import pytest

from geminid.stores.account import BookedAccount, open_book
from tests.stores.samples import ROOT, StillClock


def _child(home: Path, what: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.stores.child", str(home), what],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


def _told(lines: list[str], word: str) -> list[str]:
    return [line.split(maxsplit=2)[1] for line in lines if line.startswith(f"{word} ")]


def _outcomes(book: BookedAccount) -> dict[str, str]:
    rows = book.recent(100_000)
    outcomes = {row.request_id: row.outcome for row in rows}
    assert len(rows) == len(outcomes) == book.count()
    return outcomes


@pytest.mark.parametrize("after", [1, 60, 2_500])
def test_a_kill_loses_nothing_and_doubles_nothing(tmp_path: Path, after: int) -> None:
    """`kill -9` in the middle: what was told as settled is, the rest is unconfirmed, once each."""
    child = _child(tmp_path, "serve")
    assert child.stdout is not None
    with child.stdout as told:
        lines = [told.readline() for _ in range(after)]
        child.kill()
        lines += told.readlines()
    assert child.wait(timeout=20) < 0
    whole = [line.strip() for line in lines if line.endswith("\n")]

    for _ in range(2):
        book = open_book(tmp_path, StillClock())
        outcomes = _outcomes(book)
        book.close(10)

        assert {name for name in _told(whole, "settle") if outcomes[name] != "ok"} == set()
        assert set(_told(whole, "open")) <= set(outcomes)
        # Of each step, the last can be done and not yet told.
        assert len(outcomes) <= len(_told(whole, "open")) + 1
        lost = [name for name, outcome in outcomes.items() if outcome == "unconfirmed"]
        assert 1 <= len(lost) <= 4


def test_a_request_that_cannot_be_written_down_is_refused(tmp_path: Path) -> None:
    """It is not sent, so it is not in the book either; those before it are, also after a crash."""
    child = _child(tmp_path, "full")
    lines = child.communicate(timeout=20)[0].splitlines()
    assert child.returncode == 0

    (refused,) = _told(lines, "refused")
    assert any("so it was not sent" in line and "Try again later" in line for line in lines)
    assert any(f"journal in {tmp_path}" in line and "Free space" in line for line in lines)
    book = open_book(tmp_path, StillClock())
    outcomes = _outcomes(book)
    assert book.replayed.corrupt == ()
    book.close(10)

    settled, answered = set(_told(lines, "settle")), set(_told(lines, "answered"))
    assert len(settled) > 5
    assert refused not in outcomes
    assert set(outcomes) == settled | answered
    assert {outcomes[name] for name in settled} == {"ok"}
    # How these ended could be written nowhere before the death: their hold stays booked.
    assert {outcomes[name] for name in answered} <= {"ok", "unconfirmed"}


def test_a_disk_with_space_again_gets_every_line(tmp_path: Path) -> None:
    """Without a restart: what is owed is written, and requests are taken again."""
    child = _child(tmp_path, "full-and-mended")
    lines = child.communicate(timeout=20)[0].splitlines()
    assert child.returncode == 0

    full, mended = (line for line in lines if line.startswith("problem"))
    assert "cannot be written" in full
    assert mended.strip() == "problem"
    book = open_book(tmp_path, StillClock())
    outcomes = _outcomes(book)
    assert (book.replayed.unconfirmed, book.replayed.corrupt) == (0, ())
    book.close(10)

    names = {*_told(lines, "settle"), *_told(lines, "answered")}
    assert "after" in names
    assert outcomes == dict.fromkeys(names, "ok")


def test_a_journal_that_owes_a_line_stays_in_its_file(tmp_path: Path) -> None:
    """Else the next file would have an ending without a beginning."""
    lines = _child(tmp_path, "owing").communicate(timeout=20)[0].splitlines()

    assert [line.strip() for line in lines] == ["rolled False", "problem", "rolled True"]
