"""`[[channel]]`: what is refused, and with which words; scripts that channels name."""

from collections.abc import Callable
from pathlib import Path

import pytest

from geminid.config import Config

SCRIPT = 'version = 1\n[[conversation]]\n[[conversation.turn]]\ntext = "Hello."\n'
CHANNEL = '[[channel]]\nname = "c"\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('engine = "llama"\nslots = 0', "4: channel[0].slots: 0 is out of range; use 1 to 64"),
        (
            'engine = "gogle"',
            '3: channel[0].engine: unknown engine "gogle"; did you mean "google"?',
        ),
        (
            'engine = "vertex"',
            '3: channel[0].engine: unknown engine "vertex";'
            " known here: google, openai, llama, echo, script",
        ),
        (
            'engine = "google"',
            '1: channel[0].key: missing; name where it is, as in "env:NAME" or "file:PATH"',
        ),
        (
            'engine = "google"\nkey = "AIzaSecret"',
            "4: channel[0].key: a key does not belong into this file; put it into the environment"
            ' and write "env:NAME", or into a file and write "file:PATH"',
        ),
        (
            'engine = "google"\nkey = "env:NOWHERE"',
            "4: channel[0].key: the environment variable NOWHERE is not set;"
            " set it, or name another",
        ),
        (
            'engine = "google"\nkey = "env:TWO"',
            "4: channel[0].key: env:TWO is not one key: it holds spaces, line ends or non-ASCII"
            " characters",
        ),
        (
            'engine = "google"\nkey = "env:KEY"\nbase_url = "https://proxy.example/v1beta/"',
            '5: channel[0].base_url: leave "/v1beta" out; the version is added to it',
        ),
        (
            'engine = "google"\nkey = "env:KEY"\nbase_url = "https://me:pw@proxy.example"',
            "5: channel[0].base_url: holds a user name or password; give a key by `key` instead",
        ),
        (
            'engine = "google"\nkey = "env:KEY"\nbase_url = "https://proxy.example?key=1"',
            "5: channel[0].base_url: must end with the path; leave ? and # and what follows out",
        ),
        (
            'engine = "google"\nkey = "env:KEY"\nbase_url = "http://host:port"',
            '5: channel[0].base_url: not an address; write it as in "https://host:8000/v1"',
        ),
        (
            'engine = "openai"\nbase_url = "http://127.0.0.1:11434"\nmodels = ["a=b"]',
            '4: channel[0].base_url: give the path too, as in "http://127.0.0.1:11434/v1"',
        ),
        (
            'engine = "openai"\nbase_url = "http://127.0.0.1:11434/v1"',
            "1: channel[0].models: missing; say what it serves, as in"
            ' ["gemini-3-pro-preview=THEIRS"]',
        ),
        (
            'engine = "openai"\nflavor = "openruter"\nkey = "env:KEY"\nmodels = ["a=b"]',
            '4: channel[0].flavor: unknown flavor "openruter"; did you mean "openrouter"?',
        ),
        (
            'engine = "openai"\nflavor = "vllm"\nmodels = ["a=b"]',
            "1: channel[0].base_url: missing; say where the vllm server is",
        ),
        (
            'engine = "openai"\nmodels = ["a=b"]',
            '1: channel[0].key: missing; name where it is, as in "env:NAME" or "file:PATH"',
        ),
        (
            'engine = ""',
            "3: channel[0].engine: missing; say which: google, openai, llama, echo, script",
        ),
        # What is wrong about a key is told once, and no other key is blamed for it:
        ("engine = 5", "3: channel[0].engine: must be a string, not a whole number"),
        (
            'engine = "script"\nscript = 5',
            "4: channel[0].script: must be a string, not a whole number",
        ),
        ('engine = "echo"\nmodels = "x"', "4: channel[0].models: must be an array, not a string"),
        (
            'engine = "echo"\nmodels = [5]',
            "4: channel[0].models[0]: must be a string, not a whole number",
        ),
        ('engine = "google"\nkey = 5', "4: channel[0].key: must be a string, not a whole number"),
        (
            'engine = "google"\nbase_url = "proxy"',
            '4: channel[0].base_url: not an address; write it as in "https://host:8000/v1"',
        ),
        (
            'engine = "openai"\nbase_url = "http://["\nmodels = ["a"]',
            '4: channel[0].base_url: not an address; write it as in "https://host:8000/v1"',
        ),
        (
            'engine = "openai"\nflavor = "opnrouter"',
            '4: channel[0].flavor: unknown flavor "opnrouter"; did you mean "openrouter"?',
        ),
        (
            'engine = "openai"\nflavor = 5',
            "4: channel[0].flavor: must be a string, not a whole number",
        ),
        (
            'engine = "echo"\nslots = 3',
            "4: channel[0].slots: unknown key; it belongs to engine llama",
        ),
        (
            'engine = "echo"\nscript = "a.toml"',
            "4: channel[0].script: unknown key; it belongs to engine script",
        ),
        (
            'engine = "echo"\nproject = "p"',
            "4: channel[0].project: unknown key; it belongs to engine google or openai",
        ),
        (
            'engine = "google"\nkey = "env:KEY"\nproject = "my project"',
            "5: channel[0].project: not a project; give its id or number, of up to 128 letters,"
            " digits, dots, dashes, colons or underscores",
        ),
        (
            'engine = "google"\nkey = "env:KEY"\nproject = 4711',
            "5: channel[0].project: must be a string, not a whole number",
        ),
        (
            'engine = "echo"\nstrict = "no"',
            "4: channel[0].strict: must be true or false, not a string",
        ),
        ('engine = "echo"\nrepair = 6', "4: channel[0].repair: 6 is out of range; use 0 to 5"),
        (
            'engine = "script"',
            '1: channel[0].script: missing; name the file to play, as in "script.toml"',
        ),
        (
            'engine = "script"\nscript = "gone/a.toml"',
            "4: channel[0].script: no file at <HERE>/gone/a.toml; mend the path, or write the"
            " script there",
        ),
        (
            'engine = "llama"\nweights = "none.gguf"',
            "4: channel[0].weights: no file at <HERE>/none.gguf; give a .gguf file,"
            " or a name as smollm2",
        ),
        (
            'engine = "echo"\nmodels = []',
            "4: channel[0].models: names no model; leave the key out to serve the whole catalog",
        ),
        (
            'engine = "echo"\nmodels = ["ok", "two words"]',
            '4: channel[0].models[1]: "two words" is not a model; write "ours" or "ours=theirs"',
        ),
        (
            'engine = "echo"\nmodels = ["a="]',
            '4: channel[0].models[0]: "a=" is not a model; write "ours" or "ours=theirs"',
        ),
        (
            'engine = "echo"\nmodels = ["models/a"]',
            '4: channel[0].models[0]: write the id alone: "a"',
        ),
        (
            'engine = "echo"\nmodels = ["a",\n"a=b"]',
            '5: channel[0].models[1]: "a" is in this list already; keep one of the two',
        ),
        (
            'engine = "echo"\nmodels = [3, "a", "a"]',
            "4: channel[0].models[0]: must be a string, not a whole number\n"
            'geminid.toml:4: channel[0].models[2]: "a" is in this list already;'
            " keep one of the two",
        ),
    ],
)
def test_each_mistake_in_a_channel(
    problems: Callable[..., list[str]], tmp_path: Path, text: str, said: str
) -> None:
    found = problems(CHANNEL + text, {"KEY": "k", "TWO": "two words"})

    assert "\n".join(found) == f"geminid.toml:{said.replace('<HERE>', str(tmp_path))}"


def test_problems_of_scripts_follow_those_of_the_file_each_once(
    problems: Callable[..., list[str]], tmp_path: Path
) -> None:
    """Under the script's own name and line, also where two channels play the same one."""
    (tmp_path / "a.toml").write_text(SCRIPT.replace("text", "txt"))
    (tmp_path / "b.toml").write_text("version = ")
    channel = '[[channel]]\nname = "{0}"\nengine = "script"\nscript = "{1}.toml"\n'
    text = channel.format("b", "b") + channel.format("a", "a") + channel.format("c", "a")

    assert problems(text + "slots = 1", host="0.0.0.0") == [
        "geminid.toml:13: channel[2].slots: unknown key; it belongs to engine llama",
        "a.toml:3: conversation[0].turn[0]: says nothing; give it text, a call, thoughts, a finish"
        " or a block",
        'a.toml:4: conversation[0].turn[0].txt: unknown key; did you mean "text"?',
        "b.toml:1: is not TOML: Invalid value",
        "--host: 0.0.0.0 can be reached from other machines, and no [[caller]] has a key;"
        " listen on 127.0.0.1, or add a [[caller]] with name and key_sha256",
    ]


def test_a_script_with_another_content_makes_another_channel(
    loaded: Callable[..., Config], tmp_path: Path
) -> None:
    """So that a reload plays it; the same content keeps the channel."""
    text = '[[channel]]\nname = "twin"\nengine = "script"\nscript = "a.toml"'
    (tmp_path / "a.toml").write_text(SCRIPT)
    first = loaded(text).channels

    assert loaded(text).channels == first
    assert {*loaded(text).channels, *first} == {*first}

    (tmp_path / "a.toml").write_text(SCRIPT.replace("Hello.", "Bye."))
    assert loaded(text).channels != first


def test_a_key_file_that_cannot_be_used_is_named(
    problems: Callable[..., list[str]], tmp_path: Path
) -> None:
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    (tmp_path / "folder").mkdir()
    said = {
        "gone": f"cannot read {tmp_path}/gone (No such file or directory); mend the path or its"
        " permissions",
        "folder": f"cannot read {tmp_path}/folder (Is a directory); mend the path or its"
        " permissions",
        "binary": f"{tmp_path}/binary is not text; put the key alone into it",
        "empty": "file:empty is empty; put the key there",
    }
    for name, message in said.items():
        text = f'{CHANNEL}engine = "google"\nkey = "file:{name}"'
        assert problems(text) == [f"geminid.toml:4: channel[0].key: {message}"]


def test_a_literal_key_is_never_repeated(problems: Callable[..., list[str]]) -> None:
    for literal in ("AIzaVerySecret", "sk-or-very:secret", "envy:secret"):
        assert "ecret" not in problems(f'{CHANNEL}engine = "google"\nkey = "{literal}"')[0]
