"""`geminid doctor --rules`: every rule, for a person and for a program."""

import json
from pathlib import Path

import pytest

from geminid.catalog import load_rules
from tests.cli.commands import at_terminal, plain, run

RULES = load_rules()
SURE = f"{len(RULES)} rules; {sum(rule.unsure for rule in RULES)} are unsure, in text or in fact."


async def test_a_program_gets_every_rule_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    ran = await run(capsys, "doctor", "--rules", "--json")

    told = {row["id"]: row for row in json.loads(ran.out)["rules"]}
    assert (ran.code, ran.err) == (0, "")
    assert list(told) == [rule.id for rule in RULES]
    assert told["thinking.level"] == {
        "id": "thinking.level",
        "effect": "refuse",
        "models": "with thinking_levels",
        "error": "Thinking level {level} is not supported for this model."
        " Please retry with other thinking level.",
        "source": "spec 3.3; egoist/chatwise-releases#1206",
        "checked": "2026-11-21",
        "unsure": False,
    }


async def test_a_pipe_gets_a_line_for_each_rule(capsys: pytest.CaptureFixture[str]) -> None:
    ran = await run(capsys, "doctor", "--rules")

    head, *lines = ran.out.splitlines()
    assert head.split() == ["Rule", "Effect", "Models", "Checked", "Sure", "Source", "Text"]
    assert [line.split()[0] for line in lines] == [rule.id for rule in RULES]
    for line, rule in zip(lines, RULES, strict=True):
        assert line.endswith(rule.error.replace("\n", "\\n").rstrip())
        assert f" {rule.checked}  {'no' if rule.unsure else 'yes'} " in line
    assert ran.err == f"{SURE}\n"


async def test_no_configuration_is_needed(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    """Someone who cannot start the server yet may still look a rule up."""
    (home / "geminid.toml").write_text("[server]\nprot = 1\n")

    assert (await run(capsys, "doctor", "--rules")).code == 0


@pytest.mark.parametrize("columns", [80, 120])
def test_a_person_reads_the_text_below_the_name(home: Path, columns: int) -> None:
    code, seen = at_terminal(home, "doctor", "--rules", columns=columns)

    lines = [line.rstrip() for line in plain(seen).splitlines()]
    assert code == 0
    assert max(map(len, lines)) <= columns
    at = lines.index("model.candidates  refuse · text and image")
    assert lines[at + 1] == "  Multiple candidates is not enabled for this model"
    assert lines[at + 2] == (
        "  googleapis/js-genai#1609; googleapis/python-genai#1723 · 2026-11-21"
    )
    assert lines[at + 3] == ""
    letters = "".join("".join(lines).split())  # a word longer than the window is cut
    for text in (SURE, *(f"{rule.id}{rule.effect}·{rule.about()}{rule.error}" for rule in RULES)):
        assert "".join(text.replace("\n", "\\n").split()) in letters
