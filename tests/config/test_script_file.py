"""`read_script`: what may stand in a script, and how each mistake in one is told."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geminid.config import (
    ConfigError,
    Conversation,
    Script,
    ScriptedCall,
    ScriptedCode,
    ScriptedUsage,
    Turn,
    read_script,
)

Problems = Callable[[str], list[str]]

HEAD = "version = 1\n[[conversation]]\n"
TURN = f"{HEAD}[[conversation.turn]]\n"
CALL = f"{TURN}[[conversation.turn.call]]\n"


@pytest.fixture
def problems(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Problems:
    """What is wrong with a text, one line each, without the file's name."""
    monkeypatch.chdir(tmp_path)

    def problems(text: str) -> list[str]:
        file = tmp_path / "a.toml"
        file.write_text(text, encoding="utf-8")
        with pytest.raises(ConfigError) as caught:
            read_script(file)
        told = [str(problem) for problem in caught.value.problems]
        assert all(line.startswith("a.toml:") for line in told)
        return [line.removeprefix("a.toml:") for line in told]

    return problems


def read(folder: Path, text: str) -> tuple[Conversation, ...]:
    file = folder / "a.toml"
    file.write_text(text, encoding="utf-8")
    return read_script(file).conversations


def test_everything_that_can_be_said(tmp_path: Path) -> None:
    file = tmp_path / "all.toml"
    file.write_text(
        """version = 1
[[conversation]]
model = "gemini-3-pro-preview"
when = "Weather"
[[conversation.turn]]
thoughts = "Both."
text = ["Let me", " see."]
signature = "c2ln"
usage = { prompt = 12, output = 5, thoughts = 7, cached = 0 }
[[conversation.turn.code]]
code = "1 + 1"
outcome = "OUTCOME_OK"
output = "2"
[[conversation.turn.code]]
code = "ls"
[[conversation.turn.call]]
name = "get_weather"
args = { city = "Paris", days = [1, 2.5, true], deep = { "ä" = "\\n" } }
id = "call-1"
[[conversation.turn.call]]
name = "größe"
args_json = '''
{"n": 12345678901234567890, "none": null, "ä": 1e300}
'''
[[conversation.turn]]
thoughts = ["First.", "", "Second."]
finish = "SAFETY"
message = "No."
[[conversation]]
[[conversation.turn]]
block = "PROHIBITED_CONTENT"
message = "Not that."
[[conversation.turn]]
text = ""
""",
        encoding="utf-8",
    )

    assert read_script(file) == Script(
        path=str(file),
        conversations=(
            Conversation(
                model="gemini-3-pro-preview",
                when="Weather",
                line=2,
                turns=(
                    Turn(
                        thoughts=("Both.",),
                        text="Let me see.",
                        pieces=("Let me", " see."),
                        signature="c2ln",
                        usage=ScriptedUsage(prompt=12, output=5, thoughts=7, cached=0),
                        code=(
                            ScriptedCode(code="1 + 1", outcome="OUTCOME_OK", output="2"),
                            ScriptedCode(code="ls"),
                        ),
                        calls=(
                            ScriptedCall(
                                name="get_weather",
                                args='{"city":"Paris","days":[1,2.5,true],"deep":{"ä":"\\n"}}',
                                id="call-1",
                            ),
                            ScriptedCall(
                                name="größe",
                                args='{"n": 12345678901234567890, "none": null, "ä": 1e300}',
                            ),
                        ),
                        line=5,
                    ),
                    Turn(thoughts=("First.", "Second."), finish="SAFETY", message="No.", line=25),
                ),
            ),
            Conversation(
                line=29,
                turns=(
                    Turn(block="PROHIBITED_CONTENT", message="Not that.", line=30),
                    Turn(line=33),
                ),
            ),
        ),
    )


def test_a_text_alone_has_no_pieces_of_its_own(tmp_path: Path) -> None:
    """It is cut into words; a list of one is one piece, and an empty piece is none."""
    (conversation,) = read(tmp_path, f'{TURN}text = "a b"\n[[conversation.turn]]\ntext = ["", "a"]')

    assert [turn.pieces for turn in conversation.turns] == [(), ("a",)]


def test_arguments_in_json_keep_their_text_but_for_line_ends(tmp_path: Path) -> None:
    """A line end would break an event of a stream."""
    args = '{\r\n "a" :\t"\u2028",\n"b": 1.0 }'
    written = msgspec.json.encode(args).decode()
    (conversation,) = read(tmp_path, f"{CALL}name = 'f'\nargs_json = {written}")

    assert conversation.turns[0].calls[0].args == '{   "a" :\t"\u2028", "b": 1.0 }'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            '[[conversation]]\n[[conversation.turn]]\ntext = "a"',
            "1: version: missing; begin the file with version = 1",
        ),
        (TURN.replace("1", "2") + 'text = ""', "1: version: 2 is out of range; only 1 is possible"),
        (
            "version = 1",
            "1: conversation: missing; add a [[conversation]] with a [[conversation.turn]]",
        ),
        (
            "version = 1\nconversation = []",
            "2: conversation: missing; add a [[conversation]] with a [[conversation.turn]]",
        ),
        (
            "version = 1\n[conversation]\nwhen = 'a'",
            "2: conversation: there may be several; write [[conversation]] with two brackets",
        ),
        (HEAD, "2: conversation[0].turn: missing; add a [[conversation.turn]] for each answer"),
        (
            f"{HEAD}version = 1\n[[conversation.turn]]\ntext = ''",
            "3: conversation[0].version: unknown key; it belongs to the file, above its tables",
        ),
        (
            f'{HEAD}model = "models/a"\n[[conversation.turn]]\ntext = ""',
            '3: conversation[0].model: write the id alone: "a"',
        ),
        (
            f'{HEAD}if = "a"\n[[conversation.turn]]\ntext = ""',
            "3: conversation[0].if: unknown key; known here: model, turn, when",
        ),
        (
            f"{TURN}txt = 'a'\nfinish = 'STOP'",
            '4: conversation[0].turn[0].txt: unknown key; did you mean "text"?',
        ),
        (
            f"{TURN}text = 'a'\nwhen = 'b'",
            "5: conversation[0].turn[0].when: unknown key; it belongs to [[conversation]]",
        ),
        (
            f"{TURN}text = 3",
            "4: conversation[0].turn[0].text: must be a string or an array, not a whole number",
        ),
        (
            f"{TURN}text = ['a',\n3]",
            "5: conversation[0].turn[0].text[1]: must be a string, not a whole number",
        ),
        (
            f"{TURN}message = 'a'",
            "3: conversation[0].turn[0]: says nothing; give it text, a call, thoughts, a finish or"
            " a block",
        ),
        (
            f"{TURN}text = 'a'\nblock = 'SAFETY'",
            "5: conversation[0].turn[0].block: refuses the prompt before any answer;"
            " leave text out",
        ),
        (
            f"{TURN}block = 'SAFTY'",
            '4: conversation[0].turn[0].block: "SAFTY" is none that the API has;'
            ' did you mean "SAFETY"?',
        ),
        (
            f"{TURN}finish = 'max_tokens'",
            '4: conversation[0].turn[0].finish: "max_tokens" is none that the API has;'
            ' did you mean "MAX_TOKENS"?',
        ),
        (
            f"{TURN}finish = 'CONTINUATION'\ntext = 'a'",
            '4: conversation[0].turn[0].finish: "CONTINUATION" is none that the API has;'
            ' did you mean "RECITATION"?',
        ),
        (
            f"{TURN}text = 'a'\nsignature = 'no base64'",
            "5: conversation[0].turn[0].signature: is not base64 with padding; clients could not"
            " read it",
        ),
        (
            f"{TURN}text = 'a'\nusage = {{ output = -1 }}",
            "5: conversation[0].turn[0].usage.output: -1 is out of range; use 0 to 2147483647",
        ),
        (
            f"{TURN}text = 'a'\nusage = {{ prompt = 1, cached = 2 }}",
            "5: conversation[0].turn[0].usage.cached: is part of prompt; give a prompt that is not"
            " less",
        ),
        (
            f"{TURN}text = 'a'\nusage = {{ total = 1 }}",
            "5: conversation[0].turn[0].usage.total: unknown key;"
            " known here: prompt, output, thoughts, cached",
        ),
        (CALL, "4: conversation[0].turn[0].call[0].name: missing; name the function"),
        (
            f"{CALL}name = 'f'\ntext = 'a'",
            "6: conversation[0].turn[0].call[0].text: unknown key; it belongs to"
            " [[conversation.turn]]; write it there, before the tables inside it",
        ),
        (
            f"{CALL}name = 'f'\nargs = 'x'",
            "6: conversation[0].turn[0].call[0].args: must be a table, not a string",
        ),
        (
            f"{CALL}name = 'f'\nargs = {{ a = [1, {{ b = 1979-05-27 }}] }}",
            "6: conversation[0].turn[0].call[0].args.a[1].b: a date or time has no form in JSON;"
            " write it in args_json, or as a string",
        ),
        (
            f"{CALL}name = 'f'\n[conversation.turn.call.args]\na = 1\nb = nan",
            "8: conversation[0].turn[0].call[0].args.b: nan has no form in JSON;"
            " write it in args_json, or as a string",
        ),
        (
            f"{CALL}name = 'f'\nargs = {{}}\nargs_json = '{{}}'",
            "7: conversation[0].turn[0].call[0].args_json: stands beside args; keep one of the two",
        ),
        (
            f"{CALL}name = 'f'\nargs_json = '[1]'",
            "6: conversation[0].turn[0].call[0].args_json: is not a JSON object; write it as in"
            """ '{"city": "Paris"}'""",
        ),
        (
            f"{TURN}[[conversation.turn.code]]\noutput = '2'",
            "4: conversation[0].turn[0].code[0].code: missing; write the code that is run\n"
            "5: conversation[0].turn[0].code[0].output: has no outcome; say it too, as in"
            " outcome = 'OUTCOME_OK'",
        ),
        (
            f"{CALL}name = 'f'\nargs = {{ n = 0x{'f' * 9000} }}",
            "6: conversation[0].turn[0].call[0].args.n: a number of thousands of digits has no form"
            " in JSON; write it in args_json, or as a string",
        ),
        (
            f"{CALL}name = 'f'\nargs = {{ n = {'9' * 5000} }}\nid = 'x'",
            "6: is not TOML: a number of more digits than can be read; write it as a string",
        ),
        (
            f"{CALL}name = 'f'\nargs{'.a' * 900} = 1",
            "6: is nested too deeply; 100 levels are the most",
        ),
        ("version = ", "1: is not TOML: Invalid value"),
        # What is wrong about a key is told once:
        (
            f"{TURN}text = 'a'\nusage = {{ prompt = -1 }}",
            "5: conversation[0].turn[0].usage.prompt: -1 is out of range; use 0 to 2147483647",
        ),
        (
            f"{TURN}text = 'a'\nusage = {{ prompt = '3', cached = 2 }}",
            "5: conversation[0].turn[0].usage.prompt: must be a whole number, not a string",
        ),
        (
            f"{TURN}text = 'a'\nusage = {{ cached = -1 }}",
            "5: conversation[0].turn[0].usage.cached: -1 is out of range; use 0 to 2147483647",
        ),
        (
            f"{TURN}finish = 5",
            "4: conversation[0].turn[0].finish: must be a string, not a whole number",
        ),
        (
            f"{CALL}name = 5",
            "5: conversation[0].turn[0].call[0].name: must be a string, not a whole number",
        ),
        (
            f"{TURN}[[conversation.turn.code]]\ncode = 5\noutcome = 'OUTCOME'\noutput = ''",
            "5: conversation[0].turn[0].code[0].code: must be a string, not a whole number\n"
            '6: conversation[0].turn[0].code[0].outcome: "OUTCOME" is none that the API has; did'
            ' you mean "OUTCOME_OK"?',
        ),
        ("version = 1\nconversation = 5", "2: conversation: must be an array, not a whole number"),
    ],
)
def test_each_mistake_is_named_with_line_key_and_advice(
    problems: Problems, text: str, said: str
) -> None:
    assert problems(text) == said.split("\n")


@pytest.mark.parametrize("args", ['{"a": ', '{"a": 1} x', "", '{"a": ' * 5000])
def test_arguments_that_are_not_json_are_told(problems: Problems, args: str) -> None:
    (told,) = problems(f"{CALL}name = 'f'\nargs_json = '{args}'")

    assert told.startswith("6: conversation[0].turn[0].call[0].args_json: is not JSON: ")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("", ""),
        ("", "when = 'a'"),
        ("when = 'A'", "when = 'a'\nmodel = 'm'"),
        ("model = 'm'",) * 2,
        ("when = 'Weather'", "when = 'the weather in Paris'"),
        ("when = 'STRASSE'", "when = 'die Straße'\nmodel = 'm'"),
    ],
)
def test_a_conversation_that_is_never_played_is_a_mistake(
    problems: Problems, first: str, second: str
) -> None:
    turn = "\n[[conversation.turn]]\ntext = 'a'\n"
    text = f"version = 1\n[[conversation]]\n{first}{turn}[[conversation]]\n{second}{turn}"

    (told,) = problems(text)

    assert told == (
        "6: conversation[1]: is never played: all that it is for goes to"
        " conversation[0] before it; give one of them another model or when, or change their order"
    )


def test_the_wider_conversation_may_come_last(tmp_path: Path) -> None:
    turn = "\n[[conversation.turn]]\ntext = 'a'\n"
    heads = [
        "model = 'm'\nwhen = 'a'",
        "when = 'ba'",
        "when = 'a'",
        "model = 'm'",
        "model = 'n'",
        "",
    ]
    text = "version = 1" + "".join(f"\n[[conversation]]\n{head}{turn}" for head in heads)

    assert len(read(tmp_path, text)) == len(heads)


def test_the_mark_that_some_editors_begin_a_file_with_is_read_past(tmp_path: Path) -> None:
    (conversation,) = read(tmp_path, f"\ufeff{TURN}text = 'a'")

    assert conversation.turns[0].text == "a"


def test_arguments_may_be_as_deep_as_levels_are_counted(tmp_path: Path) -> None:
    """`conversation`, its number, `turn`, ... take some of them."""
    (conversation,) = read(tmp_path, f"{CALL}name = 'f'\nargs{'.a' * 80} = 1")

    assert conversation.turns[0].calls[0].args == '{"a":' * 80 + "1" + "}" * 80


def test_all_problems_are_told_at_once_in_the_order_of_the_file(problems: Problems) -> None:
    told = problems(
        f"{TURN}text = 'a'\nfinsh = 'STOP'\n[[conversation]]\n[[conversation]]\nwho = 1"
    )

    assert [line.partition(":")[0] for line in told] == ["5", "6", "7", "8"]


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "latin").write_bytes("version = 1\n# grün".encode("latin-1"))

    for name in ("gone", "latin"):
        with pytest.raises(ConfigError, match=name):
            read_script(tmp_path / name)


PIECES = (
    "version = 1|[[conversation]]|[[conversation.turn]]|[[conversation.turn.call]]|name|text|args|"
    'args_json|thoughts|usage|finish|block|code|signature|=|"a"|"STOP"|"{}"|[|]|{|}|,|1|nan|\n'
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text() | st.lists(st.sampled_from(PIECES.split("|"))).map(" ".join))
def test_no_text_makes_it_fail_in_any_other_way(tmp_path: Path, text: str) -> None:
    """Whatever the file holds: a script, or problems that each say what is wrong."""
    try:
        outcome: tuple[Conversation, ...] | ConfigError = read(tmp_path, text)
    except ConfigError as error:
        outcome = error

    if isinstance(outcome, ConfigError):
        assert outcome.problems
        assert all(problem.line and problem.message for problem in outcome.problems)
    else:
        assert all(conversation.turns for conversation in outcome)
