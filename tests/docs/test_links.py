"""No page leads nowhere, and none is out of reach."""

import re
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, anchor, headings, pages, prose

_LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)")
INDEX = ROOT / "docs" / "README.md"


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_has_its_target(page: Path) -> None:
    for path, fragment in _LINK.findall(prose(page)):
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{path} is not there"
        assert target.is_relative_to(ROOT), f"{path} leads out of the project"
        if fragment:
            anchors = {anchor(heading) for heading in headings(target)}
            assert fragment in anchors, f"{path} has no heading for #{fragment}"


def test_the_index_leads_to_every_page() -> None:
    linked = {(INDEX.parent / path).resolve() for path, _ in _LINK.findall(prose(INDEX))}

    missing = set((ROOT / "docs").rglob("*.md")) - linked - {INDEX}

    assert not missing
