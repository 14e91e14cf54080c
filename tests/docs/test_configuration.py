"""configuration.md names what `geminid.config` reads, and every example loads."""

import re
from pathlib import Path

import pytest

from geminid.config import Boot, Channel, ConfigError, Limits, Server, VaultLimits, load
from geminid.config.channels import ENGINES, KEY_VARIABLES
from geminid.dialects.openai.flavor import FLAVORS
from tests.docs.pages import REFERENCE, ROOT, Block, blocks, headings, named, pages, rows, section

PAGE = REFERENCE / "configuration.md"
ENGINES_PAGE = REFERENCE / "engines.md"
HEADS = {
    "server": "`[server]`",
    "channel": "`[[channel]]`",
    "caller": "`[[caller]]`",
    "limits": "`[limits]`",
    "vault": "`[vault]`",
}
DEFAULTS = {
    "server": Server(),
    "channel": Channel(name="", engine=""),
    "caller": None,
    "limits": Limits(),
    "vault": VaultLimits(),
}
EXAMPLES = [
    block
    for page in pages()
    for block in blocks(page)
    if block.language == "toml" and not block.mark.startswith("script")
]
SCRIPT = 'version = 1\n[[conversation]]\n[[conversation.turn]]\ntext = "Hello."'


def problems(text: str, folder: Path) -> dict[str, str]:
    """What `load` has against `text`, by the last name of each key."""
    file = folder / "geminid.toml"
    file.write_text(text)
    with pytest.raises(ConfigError) as wrong:
        load(Boot(config_path=str(file), home=str(folder)), {})
    return {problem.key.rpartition(".")[2]: problem.message for problem in wrong.value.problems}


def known(head: str, folder: Path) -> set[str]:
    """The keys that are read under `head`: an unknown one is refused with all of them."""
    message = problems(f"{head}\nqqqqqqqqqqqqq = 1", folder)["qqqqqqqqqqqqq"]
    return set(message.partition("known here: ")[2].split(", "))


def keys(table: str, folder: Path) -> set[str]:
    if table != "channel":
        return known(f"[[{table}]]" if table == "caller" else f"[{table}]", folder)
    return set().union(*(known(f'[[channel]]\nengine = "{e}"', folder) for e in ENGINES))


def written(table: str) -> dict[str, list[str]]:
    """The rows of the page for `table`, by key."""
    found = rows(section(PAGE, HEADS[table]))
    return {cells[0].strip("`"): cells[1:] for cells in found if cells[0] != "key"}


def shown(value: object) -> str:
    """A default as the page writes it: in TOML."""
    match value:
        case bool():
            return str(value).lower()
        case str():
            return f'"{value}"'
        case tuple():
            return "[]"
        case None:
            return "none"
        case _:
            return f"{value:g}" if isinstance(value, float) else str(value)


def test_the_tables_are_those_that_are_read(tmp_path: Path) -> None:
    assert known("", tmp_path) == set(HEADS)


@pytest.mark.parametrize("table", HEADS)
def test_every_key_has_its_row_and_every_row_its_key(table: str, tmp_path: Path) -> None:
    assert set(written(table)) == keys(table, tmp_path)


@pytest.mark.parametrize("table", HEADS)
def test_the_defaults_are_those_of_the_code(table: str) -> None:
    for key, cells in written(table).items():
        stands = re.sub("`", "", cells[-3])
        if stands != "required" and key != "env_channels":  # which is no field: it decides at load
            assert stands == shown(getattr(DEFAULTS[table], key)), key


@pytest.mark.parametrize("table", ["server", "limits", "vault"])
def test_the_ranges_are_those_of_the_code(table: str, tmp_path: Path) -> None:
    given = "\n".join(f"{key} = -1000000000" for key in written(table))
    refused = problems(f"[{table}]\n{given}", tmp_path)
    check_ranges(table, refused)


@pytest.mark.parametrize("engine", ENGINES)
def test_the_ranges_of_channels_are_those_of_the_code(engine: str, tmp_path: Path) -> None:
    own = known(f'[[channel]]\nengine = "{engine}"', tmp_path) - {"engine"}
    given = "\n".join(f"{key} = -1000000000" for key in own)
    refused = problems(f'[[channel]]\nengine = "{engine}"\n{given}', tmp_path)
    check_ranges("channel", refused)


def check_ranges(table: str, refused: dict[str, str]) -> None:
    """What each refusal says is the range, the page says too."""
    ranges = {
        key: " to ".join(f"{float(bound):.10g}" for bound in found.groups())
        for key, message in refused.items()
        if (found := re.search(r"use (\S+) to (\S+)$", message))
    }
    ranges |= {key: "only 1" for key, message in refused.items() if "; only 1 is" in message}
    assert len(ranges) >= 2
    for key, bounds in ranges.items():
        assert written(table)[key][-2] == bounds, key


def test_every_engine_and_every_flavor_is_described() -> None:
    assert set(ENGINES) <= set(headings(ENGINES_PAGE))
    assert set(FLAVORS) <= named(section(ENGINES_PAGE, "openai"))
    assert set(ENGINES) | set(FLAVORS) <= named(section(PAGE, HEADS["channel"]))


def test_the_table_of_flavors_is_that_of_the_code() -> None:
    ways = {"": "ignored", "effort": "`reasoning_effort`", "object": "`reasoning`"}
    listed = rows(section(ENGINES_PAGE, "openai"))
    table = {cells[0].strip("`"): cells[2:] for cells in listed if len(cells) > 2}

    for name, flavor in FLAVORS.items():
        assert table[name] == [
            ways[flavor.reasoning],
            "yes" if flavor.top_k else "ignored",
            "yes" if flavor.candidates else "ignored",
            "yes" if flavor.pdf else "refused",
            "yes" if flavor.video else "refused",
            "yes" if flavor.draws else "no",
        ]


def test_every_variable_that_is_read_is_named() -> None:
    source = "".join(path.read_text() for path in (ROOT / "src").rglob("*.py"))
    ours = set(re.findall(r'"(GEMINID_[A-Z]+)"', source))

    assert len(ours) >= 4
    assert ours | set(KEY_VARIABLES) <= named(section(PAGE, "Environment"))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda block: block.where)
def test_every_example_loads(example: Block, tmp_path: Path) -> None:
    """With the files that it names there, and the variables set."""
    for path in re.findall(r'"(?:file:)?([\w/.-]+\.(?:gguf|key|toml))"', example.text):
        assert not path.startswith("/"), "an example names files beside it"
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(SCRIPT if path.endswith(".toml") else "secret")
    file = tmp_path / "geminid.toml"
    file.write_text(example.text)
    # An example about a page or a name may leave out what opens the server to others.
    environ = dict.fromkeys(KEY_VARIABLES, "secret")

    config = load(Boot(config_path=str(file), home=str(tmp_path)), environ)

    assert config.source == file
    assert config.channels


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 10
