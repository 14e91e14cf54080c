"""What the pages mark with `<!-- run … -->` runs, against a server as `make serve` starts it.

`run`: ends well and prints something.  `run, same output`: prints the JSON that stands below it.
`run, same shape`: prints JSON with the same fields; words, ids and counts may differ.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, Block, blocks, pages
from tests.serving import Serving, serving

ADDRESS = "http://127.0.0.1:7733"
RUN = [
    (block, below)
    for page in pages()
    for block, below in pairwise([*blocks(page), None])
    if block is not None and block.mark.startswith("run")
]
# What was asked before decides what is cached.
_BY_CHANCE = {"cachedContentTokenCount"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serving(tmp_path_factory.mktemp("docs")) as server:
        yield server


def command(block: Block, folder: Path) -> list[str]:
    if block.language == "python":
        return [sys.executable, "-W", "ignore", str(folder / "example")]
    assert block.language == "sh", f"{block.where}: only sh and python are run"
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed on this machine")
    return ["sh", "-e", str(folder / "example")]


def shape(value: object) -> object:
    """`value` with only the names and kinds in it; of a list the first and the last."""
    match value:
        case dict():
            return {name: shape(inner) for name, inner in value.items() if name not in _BY_CHANCE}
        case list():
            return [shape(item) for item in (value[:1] + value[-1:])]
        case _:
            return type(value).__name__


def parsed(text: str) -> object:
    """A JSON document, or the list of a stream's events."""
    if not text.startswith("data: "):
        return json.loads(text)
    return [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: ")]


@pytest.mark.parametrize(("block", "below"), RUN, ids=[block.where for block, _ in RUN])
def test_a_marked_example_runs(
    block: Block, below: Block | None, server: Serving, tmp_path: Path
) -> None:
    (tmp_path / "example").write_text(block.text.replace(ADDRESS, server.url))

    ran = subprocess.run(
        command(block, tmp_path),
        cwd=tmp_path,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )

    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip()
    match block.mark:
        case "run":
            pass
        case "run, same output":
            assert below is not None
            assert parsed(ran.stdout) == parsed(below.text)
        case "run, same shape":
            assert below is not None
            assert shape(parsed(ran.stdout)) == shape(parsed(below.text))
        case other:
            pytest.fail(f"{block.where}: no such mark: {other}")


def test_the_readme_has_examples_that_run() -> None:
    marked = [block.language for block in blocks(ROOT / "README.md") if block.mark]

    assert marked.count("sh") >= 5
    assert marked.count("python") >= 1
