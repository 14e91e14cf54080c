"""state.md names every column of the database, architecture.md every package."""

from geminid.stores.db import METADATA
from tests.docs.pages import REFERENCE, ROOT, named, section


def test_every_column_is_named() -> None:
    page = REFERENCE / "state.md"

    for table in METADATA.sorted_tables:
        vault = table.name.startswith("vault")
        names = named(section(page, "The vault" if vault else "Reading the request log"))
        assert {table.name, *(column.name for column in table.columns)} <= names


def test_every_package_is_in_the_tree() -> None:
    text = section(REFERENCE / "architecture.md", "The tree")
    packages = {path.parent.name for path in (ROOT / "src" / "geminid").glob("*/__init__.py")}

    assert len(packages) >= 10
    for package in packages:
        assert f"── {package}/" in text, package
