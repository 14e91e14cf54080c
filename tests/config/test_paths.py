"""Paths in the configuration: whatever stands there, it is a problem with its place, never a crash.

A file that is being watched must not be able to end the server that watches it.
"""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from geminid.config import Boot, Config, ConfigError, load

CHANNEL = '[[channel]]\nname = "c"\n'
LONG = "x" * 5000

WRITTEN = {
    "script": 'engine = "script"\nscript = "%s"',
    "weights": 'engine = "llama"\nweights = "%s.gguf"',
    "key": 'engine = "google"\nkey = "file:%s"',
}


@pytest.mark.parametrize("key", WRITTEN)
@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("~nobody-of-this-name/a", "there is no home folder for ~nobody-of-this-name; write the"),
        (LONG, "File name too long"),
        ("a/\\u0000b", "is no path; mend it"),
        ("loop", "Too many levels of symbolic links"),
    ],
)
def test_a_path_that_leads_nowhere_is_a_problem(
    problems: Callable[..., list[str]], tmp_path: Path, key: str, path: str, said: str
) -> None:
    for name in ("loop", "loop.gguf"):
        (tmp_path / name).symlink_to(name)

    (told,) = problems(CHANNEL + WRITTEN[key] % path)

    assert told.startswith(f"geminid.toml:4: channel[0].{key}: ")
    assert said in told
    assert len(told) < 500


@pytest.mark.skipif(os.geteuid() == 0, reason="root may look everywhere")
@pytest.mark.parametrize("key", WRITTEN)
def test_a_folder_that_may_not_be_looked_into_is_a_problem(
    problems: Callable[..., list[str]], tmp_path: Path, key: str
) -> None:
    (tmp_path / "shut").mkdir(0o000)

    (told,) = problems(CHANNEL + WRITTEN[key] % "shut/a")

    assert told.startswith(f"geminid.toml:4: channel[0].{key}: cannot ")
    assert "(Permission denied); mend the path or its permissions" in told


def test_weights_of_a_home_that_is_not_there_are_no_name(
    problems: Callable[..., list[str]],
) -> None:
    assert problems(f'{CHANNEL}engine = "llama"\nweights = "~nobody-of-this-name"') == [
        "geminid.toml:4: channel[0].weights: there is no home folder for ~nobody-of-this-name;"
        " write the whole path"
    ]


def test_a_tilde_is_the_home_folder(
    loaded: Callable[..., Config], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "own.gguf").touch()

    config = loaded(f'{CHANNEL}engine = "llama"\nweights = "~/own.gguf"')

    assert config.channels[0].weights == str(tmp_path / "own.gguf")


@pytest.mark.parametrize(
    ("boot", "environ", "said_by"),
    [
        ({"home": "~nobody-of-this-name"}, {}, "--home"),
        ({}, {"GEMINID_HOME": "~nobody-of-this-name"}, "GEMINID_HOME"),
        ({}, {"GEMINID_MODELS": "~nobody-of-this-name/m"}, "GEMINID_MODELS"),
    ],
)
def test_folders_of_a_home_that_is_not_there_are_told(
    problems: Callable[..., list[str]], boot: dict[str, str], environ: dict[str, str], said_by: str
) -> None:
    assert problems("", environ, **boot) == [
        f"{said_by}: there is no home folder for ~nobody-of-this-name; write the whole path"
    ]


@pytest.mark.parametrize("path", ["~nobody-of-this-name/a", LONG, "a\0b"])
@pytest.mark.parametrize("by_option", [True, False])
def test_a_configuration_file_that_leads_nowhere_is_told(path: str, *, by_option: bool) -> None:
    boot = Boot(config_path=path if by_option else "")

    with pytest.raises(ConfigError, match="^--config: " if by_option else "^GEMINID_CONFIG: "):
        load(boot, {} if by_option else {"GEMINID_CONFIG": path})


def test_a_current_folder_that_is_gone_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that is named whole is read all the same, as by a server that has run for a while."""
    file = tmp_path / "a.toml"
    file.write_text("[server]\nprot = 1\n")
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()

    with pytest.raises(ConfigError, match=rf"^{file}:2: server\.prot: unknown key"):
        load(Boot(config_path=str(file)), {})
    with pytest.raises(ConfigError, match=r"^the current folder is gone"):
        load(Boot(), {})
