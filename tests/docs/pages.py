"""The documents as tests read them: pages, sections, tables and fenced blocks."""

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference"

_FENCE = re.compile(
    r"(?:^<!-- (?P<mark>[^\n]+) -->\n)?^```(?P<language>\w*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_HEADING = re.compile(r"^(#+) (.+)$", re.MULTILINE)


class Block(msgspec.Struct, frozen=True):
    """A fenced block: its language, the words of the comment right before it, and its text.

    `where` is `page:line`, for messages.
    """

    language: str
    mark: str
    text: str
    where: str


def pages() -> list[Path]:
    """Every page that a reader may open."""
    return [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of `page`, in order."""
    text = page.read_text("utf-8")
    return [
        Block(
            found["language"],
            found["mark"] or "",
            found["text"],
            f"{page.relative_to(ROOT)}:{text.count(chr(10), 0, found.start()) + 1}",
        )
        for found in _FENCE.finditer(text)
    ]


def prose(page: Path) -> str:
    """`page` without its fenced blocks."""
    return _FENCE.sub("", page.read_text("utf-8"))


def headings(page: Path) -> list[str]:
    """The headings of `page`, without their marks."""
    return [found[2] for found in _HEADING.finditer(prose(page))]


def anchor(heading: str) -> str:
    """What a link to `heading` ends in, as the usual viewers make it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def section(page: Path, heading: str) -> str:
    """What stands under `heading` of `page`, up to the next heading of its level or above."""
    text = page.read_text("utf-8")
    found = next(found for found in _HEADING.finditer(text) if found[2] == heading)
    level = len(found[1])
    ends = [next_ for next_ in _HEADING.finditer(text, found.end()) if len(next_[1]) <= level]
    return text[found.end() : ends[0].start() if ends else len(text)]


def rows(text: str) -> Iterator[list[str]]:
    """The cells of each table row in `text`, heads and rules left out."""
    for line in text.splitlines():
        if line.startswith("|") and not set(line) <= set("|-: "):
            yield [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def named(text: str) -> set[str]:
    """Every name in backticks in `text`."""
    return set(re.findall(r"`([^`\n]+)`", text))
