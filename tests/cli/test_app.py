"""The command line itself: its words, and how wrong ones are told."""

from pathlib import Path

import pytest

from geminid import __version__
from geminid.cli import main


@pytest.mark.parametrize(
    "words",
    ["", "serve", "run", "model", "model list", "model show", "model pull", "doctor"],
)
def test_every_command_has_help_that_fits_a_narrow_terminal(
    capsys: pytest.CaptureFixture[str], words: str
) -> None:
    assert main([*words.split(), "--help"]) == 0

    out = capsys.readouterr().out
    assert out.startswith(f"Usage: geminid {words}".rstrip())
    assert "Exit codes: 0 " in out
    assert max(len(line) for line in out.splitlines()) <= 80


def test_no_command_is_a_question_for_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert "Commands" in capsys.readouterr().out


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"geminid {__version__}\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("modl list", 'Unknown command "modl". Did you mean "model"?'),
        ("model lst", 'Unknown command "lst". Did you mean "list"?'),
        ("run", "parameter MODEL requires an argument"),
        ("run m hi --jsn", "Unknown option: --jsn. Did you mean --json?"),
        ("run m hi --max-tokens many", "many"),
        ("run m hi --think hard", "no level hard; take one of minimal, low, medium, high."),
        ("run m hi --no-json", "Unknown option: --no-json."),
        ("run m hi --no-quiet", "Unknown option: --no-quiet."),
        ("run m hi --empty-file", "Unknown option: --empty-file."),
        ("doctor --no-json", "Unknown option: --no-json."),
        ("serve --port many", "many"),
        ("model show", "MODEL requires an argument"),
        ("doctor now", "now"),
    ],
)
def test_wrong_words_are_told_in_one_line_and_end_with_2(
    capsys: pytest.CaptureFixture[str], words: str, said: str
) -> None:
    assert main(words.split()) == 2

    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("geminid: ")
    assert said in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("words", ["run m hi", "model list", "model show m", "model pull"])
def test_a_wrong_configuration_is_told_problem_by_problem(
    capsys: pytest.CaptureFixture[str], home: Path, words: str
) -> None:
    (home / "geminid.toml").write_text("[server]\nprot = 1\nport = 99999\n")

    assert main(words.split()) == 2
    assert capsys.readouterr().err == (
        'geminid: geminid.toml:2: server.prot: unknown key; did you mean "port"?\n'
        "geminid: geminid.toml:3: server.port: 99999 is out of range; use 0 to 65535\n"
    )
