"""rules.md has every rule of the table, with its models and its text."""

from geminid.catalog import load_rules
from tests.docs.pages import REFERENCE, rows

PAGE = REFERENCE / "rules.md"


def test_every_rule_has_a_row_that_says_what_the_table_says() -> None:
    written = {cells[0].strip("`"): cells[1:] for cells in rows(PAGE.read_text("utf-8"))}
    del written["rule"]

    assert written == {
        rule.id: [
            f"{rule.about()}{'; unsure' if rule.unsure else ''}",
            rule.error.replace("\n", "\\n"),
        ]
        for rule in load_rules()
    }
