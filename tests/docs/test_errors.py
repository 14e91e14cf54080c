"""errors.md tells every fault as it is told on the wire."""

import importlib
import json
import pkgutil
from collections.abc import Iterator

import pytest

import geminid
from geminid.core import errors
from geminid.core.errors import Fault
from geminid.dialects.gemini.errors import encode_fault
from tests.docs.pages import REFERENCE, rows

# Those that are not made of a text alone.
SPECIAL: dict[type[Fault], Fault] = {
    errors.TooManyTokens: errors.TooManyTokens(9, 8),
    errors.UnknownModel: errors.UnknownModel("x"),
}


def below(kind: type[Fault]) -> Iterator[type[Fault]]:
    for child in kind.__subclasses__():
        yield child
        yield from below(child)


def faults() -> list[type[Fault]]:
    """Every fault of the product, once all of it is loaded; other tests' own are left out."""
    for module in pkgutil.walk_packages(geminid.__path__, "geminid."):
        if not module.name.endswith("_main__"):
            importlib.import_module(module.name)
    return [kind for kind in below(Fault) if kind.__module__.startswith("geminid.")]


TABLE = {cells[0].strip("`"): cells for cells in rows((REFERENCE / "errors.md").read_text())}


@pytest.mark.parametrize("kind", faults(), ids=lambda kind: kind.code)
def test_every_fault_has_a_row_with_its_status(kind: type[Fault]) -> None:
    status, body = encode_fault(SPECIAL.get(kind) or kind("It broke."))

    cells = TABLE[kind.code]

    assert len(cells) == 5
    assert cells[1:3] == [str(status), f"`{json.loads(body)['error']['status']}`"]
    assert cells[3]


def test_every_row_is_a_fault() -> None:
    assert len(faults()) >= 20
    codes = {cells[0].strip("`") for cells in TABLE.values() if len(cells) == 5} - {"code"}

    assert codes == {kind.code for kind in faults()}
