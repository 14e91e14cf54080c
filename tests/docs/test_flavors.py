"""engines.md has a row for every flavor, with the further fields that each takes."""

import re

from geminid.dialects.openai.flavor import FLAVORS
from tests.docs.pages import REFERENCE, rows

PAGE = REFERENCE / "engines.md"
_SHARED = "those of `generic` but `user`"


def test_every_flavor_has_a_row_with_all_that_it_takes() -> None:
    """An operator must be able to tell beforehand what an upstream will be sent."""
    section = (
        PAGE.read_text("utf-8").partition("**Further fields**")[2].partition("**Formats.**")[0]
    )
    listed = {cells[0].strip("`"): cells[1] for cells in rows(section)}
    del listed["flavor"]
    written = {name: set(re.findall(r"`(\w+)`", text)) for name, text in listed.items()}
    for name, text in listed.items():
        if text.startswith(_SHARED):
            written[name] |= written["generic"]
            written[name] -= {"generic", "user"}

    assert written == {name: set(flavor.takes) for name, flavor in FLAVORS.items()}
