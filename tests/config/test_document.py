"""Reading one TOML file: what is too deep for it, and what only looks so."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from geminid.config import Config

KEY = ".".join("a" * 90)
WORDS = "a." * 500


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("script" + ".a" * 900 + " = 1", ":1"),
        ("script" + ".a" * 20_000 + " = 1", ":1"),
        ("b = 1\n" + '"a" . ' * 20_000 + "b = 1", ":2"),
        ("[[" + "'a'." * 200 + "b]]", ":1"),
        (f"{KEY} = {{ {KEY} = {{ {KEY} = 1 }} }}", ""),
        (f"{KEY} = " + f"{{ {KEY} = " * 150 + "1" + "}" * 150, ""),
        ("a = " + "[" * 101 + "]" * 101, ""),
        ("a = " + "[" * 5000 + "]" * 5000, ""),
    ],
)
def test_what_is_nested_too_deeply_is_refused_soon(
    problems: Callable[..., list[str]], text: str, place: str
) -> None:
    """Each of these is short; some took seconds, a gigabyte, or the whole stack."""
    started = time.process_time()

    assert problems(text) == [f"geminid.toml{place}: is nested too deeply; 100 levels are the most"]
    assert time.process_time() - started < 1.0


def test_words_with_many_dots_are_no_deep_key(loaded: Callable[..., Config]) -> None:
    """Wherever a text may stand."""
    text = f'''# {WORDS}
        [[channel]]
        name = "c"
        engine = "script"
        script = "a.toml"'''
    script = f'''version = 1 # {WORDS}
        [[conversation]]
        when = "\\"{WORDS}"
        [[conversation.turn]]
        message = """\\""" {WORDS} ""{WORDS}"""""
        thoughts = ["{WORDS}", {"'" * 3}{WORDS}{"'" * 4}]
        text = \'{WORDS}\''''
    Path("a.toml").write_text(script)

    script_read = loaded(text).channels[0].script

    assert script_read is not None
    (conversation,) = script_read.conversations
    assert conversation.turns[0].message == f'""" {WORDS} ""{WORDS}""'


def test_the_mark_that_some_editors_begin_a_file_with_is_read_past(
    loaded: Callable[..., Config],
) -> None:
    assert loaded("\ufeff[server]\nport = 8000").server.port == 8000
