"""The JSON-Schema-Test-Suite, draft 2020-12, where it is installed beside the packages.

Its files come in the source archive of the PyPI package `jsonschema`, unpacked as
`json-schema-test-suite` in the folder of the virtual environment.
"""

import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from geminid.core.content import Json
from geminid.core.errors import Invalid, Unsupported
from geminid.core.schema import plan
from geminid.pipeline.validator import Validator

HERE = Path(sys.prefix) / "json-schema-test-suite"
# What other drafts, other documents and meta-schemas are about.
BEYOND = {"refRemote", "vocabulary", "dynamicRef", "unevaluatedItems", "unevaluatedProperties"}
FILES = sorted(
    path for path in HERE.glob("**/tests/draft2020-12/*.json") if path.stem not in BEYOND
)
# Refused by `check_bounds`: these groups name the meta-schema or another document, give a schema
# inside an `$id` of its own, or lead in a circle.
REFUSED_FILES = {"ref", "anchor", "defs", "infinite-loop-detection", "not", "unknownKeyword"}

pytestmark = pytest.mark.skipif(
    not FILES,
    reason="the JSON-Schema-Test-Suite was not fetched: `make dev` does it, with a network",
)


def groups(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = msgspec.json.decode(path.read_bytes())
    return found


@pytest.mark.parametrize("path", FILES or [HERE], ids=lambda path: path.stem)
def test_the_validator_agrees_with_the_suite(path: Path) -> None:
    """On every schema that is within bounds; formats are a choice of ours."""
    judged = 0
    for group in groups(path):
        try:
            validator = Validator(Json(msgspec.json.encode(group["schema"])))
        except Invalid as fault:
            impossible = "nothing can satisfy it" in fault.detail
            assert impossible or path.stem in REFUSED_FILES, group["description"]
            assert not impossible or not any(case["valid"] for case in group["tests"])
            continue
        for case in group["tests"]:
            if path.stem == "format":
                continue
            judged += 1
            problem = validator.problem(msgspec.json.encode(case["data"]))
            assert (not problem) == case["valid"], (group["description"], case, problem)

    assert judged or path.stem in {"format", "defs"}


@pytest.mark.parametrize("path", FILES or [HERE], ids=lambda path: path.stem)
def test_a_plan_is_made_or_refused(path: Path) -> None:
    """By name and place, never by an accident; and a plan is within the bounds it is made for."""
    for group in groups(path):
        try:
            found = plan(Json(msgspec.json.encode(group["schema"])))
        except (Invalid, Unsupported):
            continue
        Validator(found.grammar)


@pytest.mark.parametrize("path", FILES or [HERE], ids=lambda path: path.stem)
def test_what_a_plan_lets_through_is_valid(path: Path) -> None:
    """Of the suite's own values, those that the grammar's schema takes, unless it says `checked`.

    The grammar's schema is judged with the same validator: it is JSON Schema too.
    """
    for group in groups(path):
        raw = Json(msgspec.json.encode(group["schema"]))
        try:
            found = plan(raw)
            validator = Validator(raw)
        except (Invalid, Unsupported):
            continue
        narrow = Validator(found.grammar)
        for case in group["tests"]:
            text = msgspec.json.encode(case["data"])
            if not found.checked and not narrow.problem(text):
                assert not validator.problem(text), (group["description"], case)
