"""The table of rules, for a person and for a program."""

from collections.abc import Iterable
from datetime import date

import msgspec
from rich.console import Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from geminid.catalog import Rule
from geminid.cli import terminal


class Row(msgspec.Struct, frozen=True):
    """What is told of a rule; its checks' parameters are nobody's business."""

    id: str
    effect: str
    models: str
    error: str
    source: str
    checked: date
    unsure: bool


def as_json(rules: Iterable[Rule]) -> bytes:
    """The rules as one JSON object."""
    return msgspec.json.encode({"rules": [_row(rule) for rule in rules]})


def as_table(rules: Iterable[Rule]) -> Table:
    """The rules for a program that reads lines: one each."""
    table = terminal.table("Rule", "Effect", "Models", "Checked", "Sure", "Source", "Text")
    for rule in rules:
        row = _row(rule)
        table.add_row(
            row.id,
            row.effect,
            row.models,
            f"{row.checked}",
            "no" if row.unsure else "yes",
            Text(row.source),
            Text(_line(row.error)),
        )
    return table


def as_list(rules: Iterable[Rule]) -> Table:
    """The rules for a person: a name, the text below it, and quietly where it is from."""
    table = Table.grid()
    table.add_column(overflow="fold")
    for rule in rules:
        row = _row(rule)
        style = "bold cyan" if row.effect == "advise" else "bold"
        head = Text.assemble((row.id, style), (f"  {row.effect} · {row.models}", "dim"))
        origin = Text(f"{row.source} · {row.checked}", "dim")
        if row.unsure:
            origin.append(" · unsure", "yellow")
        body = Group(Text(_line(row.error)), origin)
        table.add_row(Group(head, Padding(body, (0, 0, 1, 2))))
    return table


def _row(rule: Rule) -> Row:
    return Row(
        rule.id,
        rule.effect,
        rule.about(),
        rule.error,
        rule.source,
        rule.checked,
        rule.unsure,
    )


def _line(text: str) -> str:
    """A text on one line; its own breaks are shown as they are written in the file."""
    return text.replace("\n", "\\n")
