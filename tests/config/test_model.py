"""The values of the configuration: a secret stays one, whatever is done with it."""

import pickle
from pathlib import Path

import msgspec
import pytest
from rich.pretty import pretty_repr

from geminid.config import (
    Boot,
    Channel,
    Config,
    ConfigError,
    Limits,
    ModelMap,
    Problem,
    Script,
    Secret,
    Server,
    describe,
)

CONFIG = Config(
    server=Server(port=1),
    channels=(
        Channel(
            name="studio",
            engine="google",
            key=Secret("AIzaVerySecret", "env:GEMINI_API_KEY"),
            models=(ModelMap("ours", "theirs"),),
        ),
        Channel(name="twin", engine="script", script=Script(path="/a.toml", conversations=())),
    ),
    callers=(),
    limits=Limits(),
    home=Path("/home"),
    models_dir=Path("/models"),
)


@pytest.mark.parametrize("show", [repr, str, pretty_repr, describe, msgspec.structs.asdict])
def test_nothing_shows_a_key(show: object) -> None:
    assert callable(show)
    shown = repr(show(CONFIG))

    assert "studio" in shown
    assert "VerySecret" not in shown


def test_no_encoder_writes_a_key() -> None:
    with pytest.raises(TypeError, match="Secret"):
        msgspec.json.encode(CONFIG)


def test_a_key_can_be_used_compared_and_handed_to_a_child_process() -> None:
    key = Secret("k", "env:K")

    assert key.reveal() == "k"
    assert key == pickle.loads(pickle.dumps(key))
    assert hash(key) == hash(Secret("k", "env:K"))
    assert key != Secret("other", "env:K")
    assert key != "k"


def test_a_description_is_json_and_says_what_differs_from_the_defaults() -> None:
    shown = msgspec.json.decode(msgspec.json.encode(describe(CONFIG)))

    assert shown["source"] is None
    assert shown["server"]["port"] == 1
    assert shown["channels"] == [
        {
            "name": "studio",
            "engine": "google",
            "key": "env:GEMINI_API_KEY",
            "models": ["ours=theirs"],
        },
        {"name": "twin", "engine": "script", "script": "/a.toml"},
    ]


def test_problems_reach_a_parent_process_whole() -> None:
    error = ConfigError(
        (Problem("a.toml", 3, "server.port", "is wrong"), Problem("", 0, "-x", "y"))
    )

    assert str(pickle.loads(pickle.dumps(error))) == "a.toml:3: server.port: is wrong\n-x: y"
    assert pickle.loads(pickle.dumps(error)).problems == error.problems


def test_the_command_lines_words_travel_to_child_processes() -> None:
    boot = Boot(config_path="a.toml", port=0)

    assert msgspec.json.decode(msgspec.json.encode(boot), type=Boot) == boot
