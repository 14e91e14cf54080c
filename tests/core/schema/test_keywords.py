"""The one table of keywords, against the code that uses it and the page that shows it."""

import re
from pathlib import Path

from geminid.core.schema import bounds, scalars
from geminid.core.schema.keywords import IN_PLACE, KEYWORDS, LISTED, NAMED, ONE
from geminid.core.schema.pattern import LONGEST
from geminid.core.schema.plan import MOST_ITEMS, MOST_RULES

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "schemas.md"


def test_the_page_shows_the_table() -> None:
    """Row for row."""
    rows = re.findall(
        r"^\| `([^`]+)` \| (\w+) \| (.*?) ?\|$", PAGE.read_text("utf-8"), re.MULTILINE
    )

    assert rows == [(each.name, each.how, each.note) for each in KEYWORDS.values()]


def test_the_page_names_every_limit() -> None:
    """As numbers with commas."""
    text = PAGE.read_text("utf-8")
    limits = {
        *(bounds.MAX_BYTES, bounds.MAX_NODES, bounds.MAX_DEPTH, bounds.MAX_EVALUATIONS),
        *(bounds.MAX_CHAIN, LONGEST, scalars.MOST_VALUES, scalars.MOST_CHARACTERS),
        *(MOST_RULES, MOST_ITEMS, bounds.MAX_LOOKS, bounds.MAX_PATTERNS, bounds.MAX_COMPARED),
    }

    assert [limit for limit in limits if not re.search(rf"\b{limit:,}\b", text)] == []


def test_the_page_names_every_asserted_format() -> None:
    """And no more."""
    section = PAGE.read_text("utf-8").partition("## Formats")[2].partition("All others")[0]

    assert set(re.findall(r"`([^`]+)`", section)) == scalars.FORMATS


def test_every_keyword_that_holds_schemas_is_in_the_table() -> None:
    """A walk that knew more, or less, would miss a reference."""
    assert set(KEYWORDS) >= ONE | LISTED | NAMED | IN_PLACE
