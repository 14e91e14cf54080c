"""scripts.md names what a script may hold; every example is one, and the how-to runs as it is."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from geminid.config import ConfigError, Turn, read_script
from geminid.config.script_file import BLOCK_REASONS, FINISH_REASONS, OUTCOMES
from tests.docs.pages import REFERENCE, ROOT, Block, blocks, named, pages, rows, section
from tests.serving import Serving, serving

PAGE = REFERENCE / "scripts.md"
HOW_TO = ROOT / "docs" / "how-to" / "test-an-agent.md"
TURN = "version = 1\n[[conversation]]\n[[conversation.turn]]\n"
HEADS = {
    "`[[conversation]]`": "version = 1\n[[conversation]]\n",
    "`[[conversation.turn]]`": TURN,
    "`[[conversation.turn.call]]`": f"{TURN}[[conversation.turn.call]]\n",
    "`[[conversation.turn.code]]`": f"{TURN}[[conversation.turn.code]]\n",
    "`usage`": f"{TURN}[conversation.turn.usage]\n",
}
SCRIPTS = [
    block for page in pages() for block in blocks(page) if block.mark.partition(" ")[0] == "script"
]


@pytest.mark.parametrize("head", HEADS)
def test_every_key_has_its_row_and_every_row_its_key(head: str, tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_text(f"{HEADS[head]}qqqqqqqqqqqqq = 1")
    with pytest.raises(ConfigError) as wrong:
        read_script(file)
    known = next(
        found[1]
        for problem in wrong.value.problems
        if (found := re.search(r"unknown key; known here: (.*)", problem.message))
    )

    written = {cells[0].strip("`") for cells in rows(section(PAGE, head))} - {"key"}

    assert written == set(known.split(", "))


def test_every_reason_and_outcome_is_named() -> None:
    keys = section(PAGE, "Keys")

    assert {*FINISH_REASONS, *BLOCK_REASONS, *OUTCOMES} <= named(keys)


@pytest.mark.parametrize("example", SCRIPTS, ids=lambda block: block.where)
def test_every_example_is_a_script(example: Block, tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_text(example.text)

    turns = [turn for each in read_script(file).conversations for turn in each.turns]

    assert all(isinstance(turn, Turn) for turn in turns)
    assert turns


def test_there_are_examples() -> None:
    assert len(SCRIPTS) >= 2


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that the how-to has its reader write."""
    folder = tmp_path_factory.mktemp("agent")
    for block in blocks(HOW_TO):
        kind, _, name = block.mark.partition(" ")
        if kind in ("file", "script"):
            (folder / name).write_text(block.text)
    return folder


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Serving]:
    (config,) = (b.text for b in blocks(HOW_TO) if b.language == "toml" and not b.mark)
    with serving(folder, config) as server:
        yield server


@pytest.mark.parametrize(
    "asking", [b for b in blocks(HOW_TO) if b.mark == "ask"], ids=lambda block: block.where
)
def test_the_agent_of_the_how_to_passes_its_tests(
    asking: Block, folder: Path, server: Serving
) -> None:
    command, *arguments = asking.text.split()
    assert command == "python"

    ran = subprocess.run(
        [sys.executable, "-W", "ignore", *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1", "GEMINI_ADDRESS": server.url},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stdout == "Sunny in Paris, rain in Rome.\n" or "4 passed" in ran.stdout
