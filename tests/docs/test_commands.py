"""commands.md names every command, option, exit code and make target."""

import re
from collections.abc import Iterator

import pytest
from cyclopts import App

from geminid.cli.app import build
from geminid.cli.stop import Exit
from geminid.processes.exits import Exit as ServeExit
from tests.docs.pages import REFERENCE, ROOT, headings, named, rows, section

PAGE = REFERENCE / "commands.md"


def commands(app: App, words: tuple[str, ...] = ("geminid",)) -> Iterator[tuple[str, App]]:
    """Every command that does something, with all its words."""
    for name in app:
        if not name.startswith("-"):
            below = app[name]
            if below.default_command is not None:
                yield " ".join((*words, name)), below
            yield from commands(below, (*words, name))


COMMANDS = dict(commands(build()))


def test_every_command_has_a_section_and_every_section_a_command() -> None:
    sections = {heading for heading in headings(PAGE) if heading.startswith("geminid ")}

    assert sections == set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_named(name: str) -> None:
    """Also the negations that the parser adds are options; nobody needs to read of them."""
    text = section(PAGE, name)
    options = [
        option
        for argument in COMMANDS[name].assemble_argument_collection()
        for option in argument.names
        if option.startswith("-") and not option.startswith(("--no-", "--empty-"))
    ]

    assert options
    for option in options:
        assert re.search(rf"`{option}[` ]", text), option


@pytest.mark.parametrize(("heading", "codes"), [("geminid", Exit), ("geminid serve", ServeExit)])
def test_every_exit_code_has_its_row(heading: str, codes: type[Exit] | type[ServeExit]) -> None:
    found = {int(cells[0]) for cells in rows(section(PAGE, heading)) if cells[0].isdecimal()}

    assert found == {int(code) for code in codes}


def test_every_make_target_is_named() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z]+):.*##", makefile, re.MULTILINE))

    found = {name.removeprefix("make ") for name in named(section(PAGE, "make"))}

    assert len(targets) >= 8
    assert targets <= found
