"""One file: its lines are whole, and it has one owner."""

import subprocess
import sys
from pathlib import Path

import pytest

from geminid.stores.segment import Segment
from tests.stores.samples import ROOT


def _child(folder: Path, what: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.stores.child", str(folder), what],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
        timeout=30,
    )
    return done.stdout.splitlines()


def _create(path: Path) -> Segment:
    segment = Segment.create(path)
    assert segment is not None
    return segment


def test_a_file_has_one_owner_until_it_is_closed(tmp_path: Path) -> None:
    """Whoever comes second gets nothing, and does not disturb the first."""
    path = tmp_path / "a.jsonl"
    owner = _create(path)
    assert Segment.adopt(path) is None
    owner.append(b"line\n")

    owner.close()

    heir = Segment.adopt(path)
    assert heir is not None
    assert list(heir.lines()) == [(1, b"line", True)]
    heir.remove()
    assert not path.exists()
    assert Segment.adopt(path) is None


def test_a_file_whose_name_is_gone_is_still_read(tmp_path: Path) -> None:
    """Its maker gives the name up when he finds it adopted; the heir must not fail."""
    path = tmp_path / "a.jsonl"
    _create(path).close()
    heir = Segment.adopt(path)
    assert heir is not None
    path.unlink()

    assert list(heir.lines()) == []
    heir.remove()


def test_a_file_removed_before_it_was_locked_is_nobodys(tmp_path: Path) -> None:
    """Lines written to it would be lost, lines read from it would count twice."""
    assert _child(tmp_path, "stolen") == ["made False", "adopted False"]


def test_a_piece_that_cannot_be_cut_off_spoils_no_other_line(tmp_path: Path) -> None:
    """The next line begins on a line of its own."""
    (refused,) = _child(tmp_path, "uncut")

    assert refused.startswith("refused ")
    assert (tmp_path / "a.jsonl").read_bytes() == b"first\nseco\nthird\nfourth\n"


def test_a_probe_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    """`/readyz` may ask a thousand times."""
    path = tmp_path / "a.jsonl"
    segment = _create(path)
    segment.append(b"first\n")

    segment.probe(100)
    segment.append(b"second\n")

    assert path.read_bytes() == b"first\nsecond\n"
    assert segment.size == 13
    segment.remove()


def test_a_closed_file_refuses_lines(tmp_path: Path) -> None:
    """And never writes into whatever got its number."""
    segment = _create(tmp_path / "a.jsonl")
    segment.close()
    segment.close()

    with pytest.raises(OSError, match="Bad file descriptor"):
        segment.append(b"line\n")
