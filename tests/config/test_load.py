"""`load`: what is accepted, what is refused, and with which words."""

import hashlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geminid.config import (
    Boot,
    Caller,
    Channel,
    Config,
    ConfigError,
    Conversation,
    Limits,
    ModelMap,
    Script,
    Secret,
    Server,
    Turn,
    VaultLimits,
    load,
)

DIGEST = hashlib.sha256(b"a caller's key").hexdigest()

CHANNEL = '[[channel]]\nname = "c"\n'


def test_everything_that_can_be_said(loaded: Callable[..., Config], tmp_path: Path) -> None:
    (tmp_path / "studio.key").write_text("from-a-file\n")
    (tmp_path / "own.gguf").write_bytes(b"GGUF")
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "hello.toml").write_text(
        'version = 1\n[[conversation]]\n[[conversation.turn]]\ntext = "Hello."\n'
    )
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
        project = "example.com:my-project"
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
        project = "4711"

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
        strict = false
        repair = 5

        [[channel]]
        name = "twin"
        engine = "script"
        script = "scripts/hello.toml"
        pace_ms = 4

        [[caller]]
        name = "alice"
        key_sha256 = "{DIGEST.upper()}"

        [limits]
        body = "20 MiB"
        depth = 50
        parts = 100
        default_max_output = 64
        deadline_s = 1.5

        [vault]
        enabled = false
        ttl_days = 7
        max_mb = 64
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
            project="example.com:my-project",
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
            project="4711",
        ),
        Channel(
            name="here",
            engine="llama",
            weights=str(tmp_path / "own.gguf"),
            context=2048,
            slots=2,
            repair=2,
        ),
        Channel(name="load", engine="echo", pace_ms=3, strict=False, repair=5),
        Channel(
            name="twin",
            engine="script",
            pace_ms=4,
            script=Script(
                path=str(tmp_path / "scripts" / "hello.toml"),
                conversations=(Conversation(turns=(Turn(text="Hello.", line=3),), line=2),),
            ),
        ),
    )
    assert config.callers == (Caller(name="alice", key_sha256=DIGEST),)
    assert config.limits == Limits(
        body=20 << 20, depth=50, parts=100, default_max_output=64, deadline_s=1.5
    )
    assert config.vault == VaultLimits(enabled=False, ttl_days=7, max_mb=64)
    assert config.source == tmp_path / "geminid.toml"
    assert config.warnings == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("servr = 1", '1: servr: unknown key; did you mean "server"?'),
        (
            "[money]\nrate = 1",
            "1: money: unknown key; known here: server, caller, limits, vault, channel",
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
        ("[vault]\nttl_day = 3", '2: vault.ttl_day: unknown key; did you mean "ttl_days"?'),
        ("[vault]\nttl_days = 0", "2: vault.ttl_days: 0 is out of range; use 1 to 3650"),
        ("[vault]\nmax_mb = 0.5", "2: vault.max_mb: must be a whole number, not a number"),
        (
            '[vault]\nenabled = "off"',
            "2: vault.enabled: must be true or false, not a string",
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
        ('a = 1\nb = """x\n\n', "2: is not TOML: Unterminated string"),
        (
            f"a = '{'9' * 5000}'\nb = {'9' * 5000}\nc = 1\n",
            "2: is not TOML: a number of more digits than can be read; write it as a string",
        ),
        (
            f"[limits]\nbody = {'9' * 4000}",
            "2: limits.body: this number is out of range; use 1024 to 2147483648",
        ),
        (
            f"[limits]\nbody = 0x{'f' * 9000}",
            "2: limits.body: this number is out of range; use 1024 to 2147483648",
        ),
        (
            f"[limits]\ndeadline_s = {'9' * 4000}",
            "2: limits.deadline_s: this number is out of range; use 0.1 to 86400.0",
        ),
        (
            "[limits]\ndeadline_s = inf",
            "2: limits.deadline_s: inf is out of range; use 0.1 to 86400.0",
        ),
        (
            f"[limits]\nbody = '{'9' * 5000} B'",
            '2: limits.body: not a size; write bytes as a number, or text such as "20 MiB"',
        ),
        (
            "[[caller]]\nname = 5\nkey_sha256 = '" + DIGEST + "'",
            "2: caller[0].name: must be a string, not a whole number",
        ),
        (
            '[[caller]]\nname = "a"\nkey_sha256 = 5',
            "3: caller[0].key_sha256: must be a string, not a whole number",
        ),
    ],
)
def test_each_mistake_is_named_with_line_key_and_advice(
    problems: Callable[..., list[str]], text: str, said: str
) -> None:
    assert problems(text) == [f"geminid.toml:{said}"]


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
        "geminid.toml:7: channel[1].engine: missing; say which: google, openai, llama, echo,"
        " script",
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


def test_the_command_line_wins_over_the_file(loaded: Callable[..., Config]) -> None:
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
            "--config: no file at <HERE>/gone.toml; mend the path, or leave it out",
        ),
    ],
)
def test_wrong_options_are_named(
    problems: Callable[..., list[str]], tmp_path: Path, boot: dict[str, str], said: str
) -> None:
    assert said.replace("<HERE>", str(tmp_path)) in problems("", **boot)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "localhost", "::1"])
def test_loopback_needs_no_caller(loaded: Callable[..., Config], host: str) -> None:
    assert loaded(f'[server]\nhost = "{host}"').callers == ()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.2", "localhost.example"])
def test_any_other_address_does(
    loaded: Callable[..., Config], problems: Callable[..., list[str]], host: str
) -> None:
    server = f'[server]\nhost = "{host}"\n'

    assert "no [[caller]] has a key" in problems(server)[0]
    assert loaded(f'{server}[[caller]]\nname = "a"\nkey_sha256 = "{DIGEST}"').callers


def test_without_anything_the_embedded_model_answers(loaded: Callable[..., Config]) -> None:
    config = loaded("")

    assert config.channels == (
        Channel(name="embedded", engine="llama", weights="smollm2", repair=2),
    )
    assert config.warnings == ()


def test_keys_in_the_environment_make_channels(loaded: Callable[..., Config]) -> None:
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


def test_channels_of_the_file_go_before_those_of_the_environment(
    loaded: Callable[..., Config],
) -> None:
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
    loaded: Callable[..., Config], text: str
) -> None:
    config = loaded(text, {"GEMINI_API_KEY": "k", "ANTHROPIC_API_KEY": ""})

    assert len(config.channels) == 1
    assert config.channels[0].priority == 0


def test_keys_that_make_no_channel_are_told_and_the_embedded_model_answers(
    loaded: Callable[..., Config],
) -> None:
    environ = dict.fromkeys(("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "INFERENCE_API_KEY"), "k")
    config = loaded("", environ)

    assert [channel.engine for channel in config.channels] == ["llama"]
    assert [warning.partition(" ")[0] for warning in config.warnings] == list(environ)


def test_a_key_that_a_channel_uses_is_not_warned_about(loaded: Callable[..., Config]) -> None:
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
    loaded: Callable[..., Config], tmp_path: Path
) -> None:
    environ = {"GEMINID_HOME": "~/state", "GEMINID_MODELS": "weights"}

    assert loaded("", environ).home == Path.home() / "state"
    assert loaded("", environ).models_dir == tmp_path / "weights"
    assert loaded("", environ, home="/h", models_dir="/m").home == Path("/h")
    assert loaded("", environ, home="/h", models_dir="/m").models_dir == Path("/m")
    assert loaded("").home.name == "geminid"
    assert loaded("").models_dir.parts[-2:] == ("geminid", "models")


def test_the_file_is_found_by_option_then_variable_then_folder(
    loaded: Callable[..., Config], tmp_path: Path
) -> None:
    for name in ("option", "variable"):
        (tmp_path / f"{name}.toml").write_text("")
    environ = {"GEMINID_CONFIG": "variable.toml"}

    assert loaded("", environ, config_path="option.toml").source == tmp_path / "option.toml"
    assert loaded("", environ).source == tmp_path / "variable.toml"
    assert loaded("").source == tmp_path / "geminid.toml"


def test_a_file_named_by_the_environment_must_exist(problems: Callable[..., list[str]]) -> None:
    assert problems("", {"GEMINID_CONFIG": "gone.toml"})[0].startswith(
        "GEMINID_CONFIG: no file at "
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
def test_texts_that_strain_the_parser_are_refused(loaded: Callable[..., Config], text: str) -> None:
    with pytest.raises(ConfigError, match=r"geminid\.toml"):
        loaded(text)


def test_a_failure_that_nobody_foresaw_is_a_problem_too(tmp_path: Path) -> None:
    """Here: a name that the encoding of this process cannot write.  A server must outlive it."""
    (tmp_path / "geminid.toml").write_text(
        f'{CHANNEL}engine = "google"\nkey = "env:SCHLÜSSEL"', encoding="utf-8"
    )
    code = (
        "from geminid.config import Boot, ConfigError, environment, load\n"
        "try: load(Boot(), environment())\n"
        "except ConfigError as error: print(ascii(str(error)))"
    )
    ascii_only = {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C"}
    said = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=ascii_only, capture_output=True, check=True
    )

    assert b"cannot be read: UnicodeEncodeError" in said.stdout
