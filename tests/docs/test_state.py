"""state.md names every column of the request log, architecture.md every package."""

from geminid.stores.db import METADATA
from tests.docs.pages import REFERENCE, ROOT, named, section


def test_every_column_is_named() -> None:
    names = named(section(REFERENCE / "state.md", "Reading the request log"))

    for table in METADATA.sorted_tables:
        assert {table.name, *(column.name for column in table.columns)} <= names


def test_every_package_is_in_the_tree() -> None:
    text = section(REFERENCE / "architecture.md", "The tree")
    packages = {path.parent.name for path in (ROOT / "src" / "geminid").glob("*/__init__.py")}

    assert len(packages) >= 10
    for package in packages:
        assert f"── {package}/" in text, package
