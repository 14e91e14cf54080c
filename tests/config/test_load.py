"""`load`: what is accepted, what is refused, and with which words."""

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geminid.config import (
    Boot,
    Caller,
    Channel,
    Config,
    ConfigError,
    Limits,
    ModelMap,
    Secret,
    Server,
    load,
)

DIGEST = hashlib.sha256(b"a caller's key").hexdigest()

Load = Callable[..., Config]


@pytest.fixture
def loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Loads a text as `geminid.toml` of the current folder."""
    monkeypatch.chdir(tmp_path)

    def loaded(text: str, environ: Mapping[str, str] | None = None, **boot: str | int) -> Config:
        (tmp_path / "geminid.toml").write_text(text, encoding="utf-8")
        return load(msgspec.convert(boot, Boot), environ or {})

    return loaded


@pytest.fixture
def problems(loaded: Load) -> Callable[..., list[str]]:
    """What is wrong with a text, one line each."""

    def problems(text: str, environ: Mapping[str, str] | None = None, **boot: str) -> list[str]:
        with pytest.raises(ConfigError) as caught:
            loaded(text, environ, **boot)
        assert str(caught.value) == "\n".join(map(str, caught.value.problems))
        return [str(problem) for problem in caught.value.problems]

    return problems


def test_everything_that_can_be_said(loaded: Load, tmp_path: Path) -> None:
    (tmp_path / "studio.key").write_text("from-a-file\n")
    (tmp_path / "own.gguf").write_bytes(b"GGUF")
    config = loaded(
        f"""
        [server]
        host = "0.0.0.0"
        port = 8000
        workers = 1
        public_url = "https://gemini.example/"
        hosts = ["Gemini.Example"]
        cors = ["https://app.example", "http://localhost:5173"]
        env_channels = false

        [[channel]]
        name = "studio"
        engine = "google"
        key = "file:studio.key"
        models = ["gemini-3-pro-preview=gemini-3.1-pro-preview", "gemini-3-flash-preview"]
        priority = 5
        timeout_s = 30

        [[channel]]
        name = "router"
        engine = "openai"
        flavor = "openrouter"
        key = "env:ROUTER"
        models = ["gemini-3-flash-preview", "gemini-3-pro-preview=x-ai/other"]

        [[channel]]
        name = "vllm"
        engine = "openai"
        base_url = "http://127.0.0.1:8000/v1/"
        models = ["gemini-2.5-flash=Qwen/Qwen3-8B"]

        [[channel]]
        name = "here"
        engine = "llama"
        weights = "own.gguf"
        context = 2048
        slots = 2

        [[channel]]
        name = "load"
        engine = "echo"
        pace_ms = 3

        [[caller]]
        name = "alice"
        key_sha256 = "{DIGEST.upper()}"

        [limits]
        body = "20 MiB"
        depth = 50
        parts = 100
        default_max_output = 64
        deadline_s = 1.5
        """,
        {"ROUTER": " sk-or-1 ", "GEMINI_API_KEY": "unused"},
    )

    assert config.server == Server(
        host="0.0.0.0",
        port=8000,
        public_url="https://gemini.example",
        hosts=("gemini.example",),
        cors=("https://app.example", "http://localhost:5173"),
    )
    assert config.channels == (
        Channel(
            name="studio",
            engine="google",
            key=Secret("from-a-file", "file:studio.key"),
            models=(
                ModelMap("gemini-3-pro-preview", "gemini-3.1-pro-preview"),
                ModelMap("gemini-3-flash-preview", "gemini-3-flash-preview"),
            ),
            priority=5,
            timeout_s=30.0,
        ),
        Channel(
            name="router",
            engine="openai",
            flavor="openrouter",
            base_url="https://openrouter.ai/api/v1",
            prefix="google/",
            key=Secret("sk-or-1", "env:ROUTER"),
            models=(
                ModelMap("gemini-3-flash-preview", "google/gemini-3-flash-preview"),
                ModelMap("gemini-3-pro-preview", "x-ai/other"),
            ),
        ),
        Channel(
            name="vllm",
            engine="openai",
            base_url="http://127.0.0.1:8000/v1",
            models=(ModelMap("gemini-2.5-flash", "Qwen/Qwen3-8B"),),
        ),
        Channel(
            name="here",
            engine="llama",
            weights=str(tmp_path / "own.gguf"),
            context=2048,
            slots=2,
        ),
        Channel(name="load", engine="echo", pace_ms=3),
    )
    assert config.callers == (Caller(name="alice", key_sha256=DIGEST),)
    assert config.limits == Limits(
        body=20 << 20, depth=50, parts=100, default_max_output=64, deadline_s=1.5
    )
    assert config.source == tmp_path / "geminid.toml"
    assert config.warnings == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("servr = 1", '1: servr: unknown key; did you mean "server"?'),
        (
            "[money]\nrate = 1",
            "1: money: unknown key; known here: server, caller, limits, channel",
        ),
        ("\n[server]\nprot = 1", '3: server.prot: unknown key; did you mean "port"?'),
        ('[server]\nport = "80"', "2: server.port: must be a whole number, not a string"),
        ("[server]\nport = true", "2: server.port: must be a whole number, not true or false"),
        ("[server]\nport = 70000", "2: server.port: 70000 is out of range; use 0 to 65535"),
        ("[server]\nworkers = 4", "2: server.workers: 4 is out of range; only 1 is possible"),
        ("server = 3", "1: server: must be a table, not a whole number"),
        (
            '[server]\nhost = "0.0.0.0"',
            "2: server.host: 0.0.0.0 can be reached from other machines, and no [[caller]] has a"
            " key; listen on 127.0.0.1, or add a [[caller]] with name and key_sha256",
        ),
        (
            '[server]\nhost = "http://here"',
            "2: server.host: not an address to listen on; write it as in 127.0.0.1 or 0.0.0.0",
        ),
        (
            '[server]\nhosts = ["a.example", "https://b"]',
            '2: server.hosts[1]: "https://b" is not a host name; leave scheme, port and path out',
        ),
        ("[server]\nhosts = [1]", "2: server.hosts[0]: must be a string, not a whole number"),
        (
            '[server]\ncors = ["*"]',
            '2: server.cors[0]: "*" is not an origin; write "https://app.example"',
        ),
        (
            '[server]\npublic_url = "gemini.example"',
            '2: server.public_url: not an address; write it as in "https://host:8000/v1"',
        ),
        (
            '[limits]\nbody = "3 MB"',
            '2: limits.body: not a size; write bytes as a number, or text such as "20 MiB"',
        ),
        ("[limits]\nbody = 3", "2: limits.body: 3 is out of range; use 1024 to 2147483648"),
        (
            "[limits]\ndeadline_s = 1979-05-27",
            "2: limits.deadline_s: must be a number, not a date or time",
        ),
        (
            "[limits]\ndeadline_s = nan",
            "2: limits.deadline_s: nan is out of range; use 0.1 to 86400.0",
        ),
        (
            '[channel]\nname = "a"',
            "1: channel: there may be several; write [[channel]] with two brackets",
        ),
        ("channel = [1]", "1: channel[0]: must be a table, not a whole number"),
        (
            '[[caller]]\nname = "a b"\nkey_sha256 = "' + DIGEST + '"',
            "2: caller[0].name: not a name; use 1 to 64 letters, digits, dots, dashes or"
            " underscores, beginning with a letter or digit",
        ),
        (
            '[[caller]]\nname = "a"\nkey_sha256 = "secret"',
            "3: caller[0].key_sha256: not a SHA-256; give the 64 hex digits that"
            " `printf %s KEY | sha256sum` prints",
        ),
        (
            '[[caller]]\nname = "a"',
            "1: caller[0].key_sha256: missing; give the 64 hex digits that"
            " `printf %s KEY | sha256sum` prints",
        ),
        ("a = ", "1: is not TOML: Invalid value"),
        ("a = 1\na = 2", "2: is not TOML: Cannot overwrite a value"),
        ('a = 1\nb = "x', "2: is not TOML: Unterminated string"),
    ],
)
def test_each_mistake_is_named_with_line_key_and_advice(
    problems: Callable[..., list[str]], text: str, said: str
) -> None:
    assert problems(text) == [f"geminid.toml:{said}"]


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
            " known here: google, openai, llama, echo",
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
            'engine = "echo"\nslots = 3',
            "4: channel[0].slots: unknown key; it belongs to engine llama",
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


def test_all_problems_are_told_at_once_in_the_order_of_the_file(
    problems: Callable[..., list[str]],
) -> None:
    assert problems(
        """
        [server]
        port = -1
        [[channel]]
        name = "a"
        engine = "echo"
        [[channel]]
        name = "a"
        engin = "echo"
        [limts]
        """
    ) == [
        "geminid.toml:3: server.port: -1 is out of range; use 0 to 65535",
        "geminid.toml:7: channel[1].engine: missing; say which: google, openai, llama, echo",
        "geminid.toml:8: channel[1].name: the same as that of channel[0]; each needs its own",
        'geminid.toml:9: channel[1].engin: unknown key; did you mean "engine"?',
        'geminid.toml:10: limts: unknown key; did you mean "limits"?',
    ]


def test_two_callers_may_share_neither_name_nor_key(problems: Callable[..., list[str]]) -> None:
    caller = f'[[caller]]\nname = "a"\nkey_sha256 = "{DIGEST}"\n'

    assert problems(caller + caller.replace(DIGEST, DIGEST.upper())) == [
        "geminid.toml:5: caller[1].name: the same as that of caller[0]; each needs its own",
        "geminid.toml:6: caller[1].key_sha256: the same as that of caller[0]; each needs its own",
    ]


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


def test_the_command_line_wins_over_the_file(loaded: Load) -> None:
    config = loaded('[server]\nhost = "localhost"\nport = 1', host="::1", port=0)

    assert (config.server.host, config.server.port) == ("::1", 0)


@pytest.mark.parametrize(
    ("boot", "said"),
    [
        (
            {"host": "0.0.0.0"},
            "--host: 0.0.0.0 can be reached from other machines, and no [[caller]] has a key;"
            " listen on 127.0.0.1, or add a [[caller]] with name and key_sha256",
        ),
        ({"host": "a b"}, "--host: not an address to listen on; write it as in 127.0.0.1"),
        ({"port": 65536}, "--port: 65536 is out of range; use 0 to 65535"),
        (
            {"config_path": "gone.toml"},
            "--config: there is no file <HERE>/gone.toml; mend the path, or leave it out",
        ),
    ],
)
def test_wrong_options_are_named(
    problems: Callable[..., list[str]], tmp_path: Path, boot: dict[str, str], said: str
) -> None:
    assert said.replace("<HERE>", str(tmp_path)) in problems("", **boot)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "localhost", "::1"])
def test_loopback_needs_no_caller(loaded: Load, host: str) -> None:
    assert loaded(f'[server]\nhost = "{host}"').callers == ()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.2", "localhost.example"])
def test_any_other_address_does(
    loaded: Load, problems: Callable[..., list[str]], host: str
) -> None:
    server = f'[server]\nhost = "{host}"\n'

    assert "no [[caller]] has a key" in problems(server)[0]
    assert loaded(f'{server}[[caller]]\nname = "a"\nkey_sha256 = "{DIGEST}"').callers


def test_without_anything_the_embedded_model_answers(loaded: Load) -> None:
    config = loaded("")

    assert config.channels == (Channel(name="embedded", engine="llama", weights="smollm2"),)
    assert config.warnings == ()


def test_keys_in_the_environment_make_channels(loaded: Load) -> None:
    config = loaded(
        "",
        {
            "GOOGLE_API_KEY": "second",
            "GEMINI_API_KEY": "first",
            "OPENROUTER_API_KEY": "router",
            "AIMLAPI_API_KEY": "aiml",
            "OPENAI_API_KEY": " ",
        },
    )

    assert [
        (c.name, c.engine, c.flavor, c.base_url, c.prefix, c.models, c.key and c.key.reveal())
        for c in config.channels
    ] == [
        ("gemini", "google", "", "", "", (), "first"),
        (
            "openrouter",
            "openai",
            "openrouter",
            "https://openrouter.ai/api/v1",
            "google/",
            (),
            "router",
        ),
        ("aimlapi", "openai", "aimlapi", "https://api.aimlapi.com/v1", "google/", (), "aiml"),
    ]
    assert config.warnings == ()


def test_channels_of_the_file_go_before_those_of_the_environment(loaded: Load) -> None:
    config = loaded(CHANNEL + 'engine = "echo"', {"GOOGLE_API_KEY": "k"})

    assert [c.name for c in sorted(config.channels, key=lambda c: -c.priority)] == ["c", "gemini"]


@pytest.mark.parametrize(
    "text",
    [
        '[[channel]]\nname = "gemini"\nengine = "echo"',
        '[[channel]]\nname = "mine"\nengine = "google"\nkey = "env:GEMINI_API_KEY"',
        '[server]\nenv_channels = false\n[[channel]]\nname = "mine"\nengine = "echo"',
    ],
)
def test_the_file_can_take_the_place_of_a_channel_of_the_environment(
    loaded: Load, text: str
) -> None:
    config = loaded(text, {"GEMINI_API_KEY": "k", "ANTHROPIC_API_KEY": ""})

    assert len(config.channels) == 1
    assert config.channels[0].priority == 0


def test_keys_that_make_no_channel_are_told_and_the_embedded_model_answers(loaded: Load) -> None:
    environ = dict.fromkeys(("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "INFERENCE_API_KEY"), "k")
    config = loaded("", environ)

    assert [channel.engine for channel in config.channels] == ["llama"]
    assert [warning.partition(" ")[0] for warning in config.warnings] == list(environ)


def test_a_key_that_a_channel_uses_is_not_warned_about(loaded: Load) -> None:
    config = loaded(
        f'{CHANNEL}engine = "openai"\nkey = "env:OPENAI_API_KEY"\nmodels = ["a=b"]',
        {"OPENAI_API_KEY": "k"},
    )

    assert config.warnings == ()


def test_a_broken_key_in_the_environment_is_refused_without_its_value(
    problems: Callable[..., list[str]],
) -> None:
    assert problems("", {"GEMINI_API_KEY": "two words"}) == [
        "GEMINI_API_KEY: env:GEMINI_API_KEY is not one key: it holds spaces, line ends or"
        " non-ASCII characters"
    ]


def test_folders_come_from_the_command_line_then_the_environment_then_the_platform(
    loaded: Load, tmp_path: Path
) -> None:
    environ = {"GEMINID_HOME": "~/state", "GEMINID_MODELS": "weights"}

    assert loaded("", environ).home == Path.home() / "state"
    assert loaded("", environ).models_dir == tmp_path / "weights"
    assert loaded("", environ, home="/h", models_dir="/m").home == Path("/h")
    assert loaded("", environ, home="/h", models_dir="/m").models_dir == Path("/m")
    assert loaded("").home.name == "geminid"
    assert loaded("").models_dir.parts[-2:] == ("geminid", "models")


def test_the_file_is_found_by_option_then_variable_then_folder(
    loaded: Load, tmp_path: Path
) -> None:
    for name in ("option", "variable"):
        (tmp_path / f"{name}.toml").write_text("")
    environ = {"GEMINID_CONFIG": "variable.toml"}

    assert loaded("", environ, config_path="option.toml").source == tmp_path / "option.toml"
    assert loaded("", environ).source == tmp_path / "variable.toml"
    assert loaded("").source == tmp_path / "geminid.toml"


def test_a_file_named_by_the_environment_must_exist(problems: Callable[..., list[str]]) -> None:
    assert problems("", {"GEMINID_CONFIG": "gone.toml"})[0].startswith(
        "GEMINID_CONFIG: there is no file "
    )


def test_text_in_another_encoding_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "latin.toml"
    path.write_bytes("a = 1\n# grün\n".encode("latin-1"))

    with pytest.raises(ConfigError) as caught:
        load(Boot(config_path=str(path)), {})

    assert str(caught.value) == f"{path}:2: is not UTF-8; save the file as UTF-8"


PIECES = '[server]|[[channel]]|[[caller]]|name|engine|key|host|=|"a"|"env:A"|[|]|{|}|,|1|true|"|\n'


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text() | st.lists(st.sampled_from(PIECES.split("|"))).map(" ".join))
def test_no_text_makes_it_fail_in_any_other_way(tmp_path: Path, text: str) -> None:
    """Whatever the file holds: a configuration, or problems that each have their line."""
    path = tmp_path / "any.toml"
    path.write_text(text, encoding="utf-8")
    try:
        outcome: Config | ConfigError = load(Boot(config_path=str(path)), {})
    except ConfigError as error:
        outcome = error

    if isinstance(outcome, ConfigError):
        assert outcome.problems
        assert all(problem.line for problem in outcome.problems)
    else:
        assert outcome.channels


@pytest.mark.parametrize("text", ["a = " + "[" * 5000, "a = " + "9" * 5000])
def test_texts_that_strain_the_parser_are_refused(loaded: Load, text: str) -> None:
    with pytest.raises(ConfigError, match=r"geminid\.toml"):
        loaded(text)
