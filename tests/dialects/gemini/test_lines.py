"""What is wrong is listed, and a list that would be too long says that it goes on."""

from collections.abc import Iterable

import msgspec
import pytest

from geminid.core.errors import Invalid
from geminid.dialects.gemini.lines import MOST, Lines


def take(findings: Iterable[str]) -> None:
    lines = Lines()
    for finding in findings:
        lines.add(finding)
    lines.check()


def told(*findings: str) -> str:
    with pytest.raises(Invalid) as caught:
        take(findings)
    return caught.value.detail


def test_what_was_found_is_told_a_line_each() -> None:
    assert told("* a", "* b") == "* a\n* b\n"


def test_where_nothing_was_found_nothing_is_said() -> None:
    take(())


def test_a_thousand_findings_are_told_and_the_next_one_is_not() -> None:
    assert told(*["x"] * MOST) == "x\n" * MOST
    assert told(*["x"] * MOST, "y") == "x\n" * MOST + "... and more.\n"


@pytest.mark.parametrize("letter", ["x", "ß", "🦉", "\x01", '"'])
@pytest.mark.parametrize("length", [1, 300, 30_000, 1_000_000])
def test_all_of_it_fits_into_sixty_four_kilobytes_as_it_is_sent(letter: str, length: int) -> None:
    text = told(*[letter * length] * (MOST + 1))

    assert len(msgspec.json.encode(text)) <= 65_536
    assert text.startswith(letter)
    assert text.endswith("\n... and more.\n")


def test_who_looks_is_stopped_at_the_first_finding_without_room() -> None:
    findings = iter(["x"] * 10 * MOST)

    with pytest.raises(Invalid):
        take(findings)

    assert len(list(findings)) == 9 * MOST - 1
