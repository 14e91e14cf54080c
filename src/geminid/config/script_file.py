"""Reads a script: a TOML file of conversations, checked key by key as `geminid.toml` is."""

import base64
import binascii
import math
from datetime import date, time
from pathlib import Path
from typing import Final

import msgspec

from geminid.config import document
from geminid.config.lines import KeyPath
from geminid.config.problems import ConfigError
from geminid.config.script import (
    Conversation,
    Script,
    ScriptedCall,
    ScriptedCode,
    ScriptedUsage,
    Turn,
)
from geminid.config.table import Report, Table, nearest

VERSION: Final = 1

# gemini.md section 2.2, without the enums' zeros and without CONTINUATION: Google's client asks
# again by itself on that one.
FINISH_REASONS: Final = (
    "STOP",
    "MAX_TOKENS",
    "SAFETY",
    "RECITATION",
    "LANGUAGE",
    "OTHER",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "SPII",
    "MALFORMED_FUNCTION_CALL",
    "IMAGE_SAFETY",
    "IMAGE_PROHIBITED_CONTENT",
    "IMAGE_OTHER",
    "NO_IMAGE",
    "IMAGE_RECITATION",
    "UNEXPECTED_TOOL_CALL",
    "TOO_MANY_TOOL_CALLS",
    "MISSING_THOUGHT_SIGNATURE",
    "MALFORMED_RESPONSE",
    "ESCALATION",
    "PUP_LIMITED_DISABLED",
)
BLOCK_REASONS: Final = ("SAFETY", "OTHER", "BLOCKLIST", "PROHIBITED_CONTENT", "IMAGE_SAFETY")
OUTCOMES: Final = ("OUTCOME_OK", "OUTCOME_FAILED", "OUTCOME_DEADLINE_EXCEEDED")

_SPOKEN: Final = ("thoughts", "code", "text", "call", "signature", "finish")
# In TOML what stands below the head of a table is in that table: an easy mistake with these.
_ABOVE: Final = dict.fromkeys(
    ("thoughts", "text", "signature", "finish", "message", "block", "usage"),
    "it belongs to [[conversation.turn]]; write it there, before the tables inside it",
)
_LONGEST: Final = 14_000
"""Bits: Python does not write a number of much more as digits."""
_MOST_TOKENS: Final = (1 << 31) - 1


def read_script(path: Path) -> Script:
    """The script in the file `path`.

    Raises:
        ConfigError: with every problem found, each with its line and key.
    """
    source = document.read(path)
    report = Report(source.name, source.lines)
    root = Table(source.values, (), report)
    root.integer("version", VERSION, low=VERSION, high=VERSION)
    if "version" not in root:
        root.wrong("version", f"missing; begin the file with version = {VERSION}")
    tables = _some(root, "conversation", "add a [[conversation]] with a [[conversation.turn]]")
    conversations = tuple(_conversation(table) for table in tables)
    root.close()
    if not report.problems:  # a key that is wrong would make others seem so
        _all_reached(tables, conversations)
    if report.problems:
        raise ConfigError(tuple(sorted(report.problems, key=lambda problem: problem.line)))
    return Script(path=str(path.absolute()), conversations=conversations)


def _conversation(table: Table) -> Conversation:
    model = table.text("model")
    if model.startswith("models/"):
        table.wrong("model", f'write the id alone: "{model.removeprefix("models/")}"')
    turns = _some(table, "turn", "add a [[conversation.turn]] for each answer")
    conversation = Conversation(
        model=model,
        when=table.text("when"),
        turns=tuple(_turn(turn) for turn in turns),
        line=table.line(),
    )
    table.close({"version": "it belongs to the file, above its tables"})
    return conversation


def _some(table: Table, key: str, advice: str) -> list[Table]:
    """The array of tables `[[key]]`, which may not be empty."""
    tables = table.tables(key)
    if not tables:
        table.lacks(key, f"missing; {advice}")
    return tables


def _all_reached(tables: list[Table], conversations: tuple[Conversation, ...]) -> None:
    """Report each conversation that an earlier one always comes before."""
    earlier: list[tuple[str, str, Table]] = []
    for table, conversation in zip(tables, conversations, strict=True):
        model, when = conversation.model, conversation.when.casefold()
        # What holds the words of this one holds those in them too (see `engines.script.cue`).
        wider = (other for name, words, other in earlier if name in ("", model) and words in when)
        first = next(wider, None)
        if first is not None:
            table.report.at(
                table.path,
                f"is never played: all that it is for goes to {first.label()} before it;"
                " give one of them another model or when, or change their order",
            )
        else:
            earlier.append((model, when, table))


def _turn(table: Table) -> Turn:
    _says_something(table)
    pieces = table.pieces("text")
    turn = Turn(
        thoughts=tuple(text for _, text in table.pieces("thoughts") if text),
        code=tuple(_code(code) for code in table.tables("code")),
        text="".join(text for _, text in pieces),
        pieces=tuple(text for path, text in pieces if text and path[-1] != "text"),
        calls=tuple(_call(call) for call in table.tables("call")),
        signature=_signature(table),
        finish=_one_of(table, "finish", FINISH_REASONS),
        message=table.text("message"),
        block=_one_of(table, "block", BLOCK_REASONS),
        usage=_usage(table.table("usage")),
        line=table.line(),
    )
    table.close(dict.fromkeys(("model", "when"), "it belongs to [[conversation]]"))
    return turn


def _says_something(table: Table) -> None:
    said = [key for key in _SPOKEN if key in table]
    if "block" in table and said:
        table.wrong("block", f"refuses the prompt before any answer; leave {said[0]} out")
    elif "block" not in table and not said:
        message = "says nothing; give it text, a call, thoughts, a finish or a block"
        table.report.at(table.path, message)


def _code(table: Table) -> ScriptedCode:
    source = table.text("code")
    if not source:
        table.lacks("code", "missing; write the code that is run")
    outcome = _one_of(table, "outcome", OUTCOMES)
    if "output" in table and not outcome and not table.is_wrong("outcome"):
        table.wrong("output", f"has no outcome; say it too, as in outcome = {OUTCOMES[0]!r}")
    code = ScriptedCode(
        code=source,
        outcome=outcome,
        output=table.text("output"),
    )
    table.close(_ABOVE)
    return code


def _call(table: Table) -> ScriptedCall:
    name = table.text("name")
    if not name:
        table.lacks("name", "missing; name the function")
    if "args" in table and "args_json" in table:
        table.wrong("args_json", "stands beside args; keep one of the two")
    args, given = _args(table), table.text("args_json")
    call = ScriptedCall(
        name=name,
        args=_object(table, given) if "args_json" in table else args,
        id=table.text("id"),
    )
    table.close(_ABOVE)
    return call


def _args(table: Table) -> str:
    values = table.mapping("args")
    sound = True
    for path, kind in _unwritable((*table.path, "args"), values):
        table.report.at(path, f"{kind} has no form in JSON; write it in args_json, or as a string")
        sound = False
    return msgspec.json.encode(values).decode() if sound else "{}"


def _unwritable(path: KeyPath, value: object) -> list[tuple[KeyPath, str]]:
    """What in `value` JSON cannot say, each with its place."""
    match value:
        case dict():
            inner = [_unwritable((*path, key), item) for key, item in value.items()]
        case list():
            inner = [_unwritable((*path, index), item) for index, item in enumerate(value)]
        case date() | time():
            return [(path, "a date or time")]
        case int() if value.bit_length() > _LONGEST:
            return [(path, "a number of thousands of digits")]
        case float() if not math.isfinite(value):
            return [(path, str(value))]
        case _:
            return []
    return [found for items in inner for found in items]


def _object(table: Table, text: str) -> str:
    try:
        value = msgspec.json.decode(text)
    except (msgspec.MsgspecError, RecursionError) as error:
        table.wrong("args_json", f"is not JSON: {error}")
        return "{}"
    if not isinstance(value, dict):
        table.wrong("args_json", """is not a JSON object; write it as in '{"city": "Paris"}'""")
        return "{}"
    # A line end in JSON stands between tokens only, and would break an event of a stream.
    return text.replace("\r", " ").replace("\n", " ").strip()


def _signature(table: Table) -> str:
    signature = table.text("signature")
    try:
        base64.b64decode(signature, validate=True)
    except (binascii.Error, ValueError):
        table.wrong("signature", "is not base64 with padding; clients could not read it")
    return signature


def _usage(table: Table) -> ScriptedUsage:
    def count(key: str) -> int | None:
        found = table.integer(key, 0, low=0, high=_MOST_TOKENS)
        return found if key in table else None

    usage = ScriptedUsage(
        prompt=count("prompt"),
        output=count("output"),
        thoughts=count("thoughts"),
        cached=count("cached"),
    )
    if (usage.cached or 0) > (usage.prompt or 0) and not table.is_wrong("prompt"):
        table.lacks("cached", "is part of prompt; give a prompt that is not less")
    table.close()
    return usage


def _one_of(table: Table, key: str, known: tuple[str, ...]) -> str:
    value = table.text(key)
    if key in table and value not in known:
        table.lacks(key, f'"{value}" is none that the API has; {nearest(value.upper(), known)}')
        return ""
    return value
