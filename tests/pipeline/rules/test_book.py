"""A book that cannot be kept is not opened."""

from datetime import date

import pytest

from geminid.catalog import CatalogError, Models, Rule, load_rules
from geminid.pipeline.rules import Rulebook


def rule(check: str = "thinking_both", models: Models | None = None) -> Rule:
    return Rule(
        id="x",
        effect="refuse",
        check=check,
        models=models,
        error="no",
        source="a test",
        checked=date(2026, 11, 21),
    )


def test_a_check_that_does_not_exist_is_told() -> None:
    with pytest.raises(CatalogError, match="Rule x: there is no check of_a_kind"):
        Rulebook((rule("of_a_kind"),))


def test_a_check_about_models_needs_models() -> None:
    with pytest.raises(CatalogError, match="Rule x: its check needs models of the catalog"):
        Rulebook((rule("thinking_level"),))

    assert Rulebook((rule("thinking_level", Models(since=3)),)).rule("x").check == "thinking_level"


def test_a_rule_is_found_by_its_id() -> None:
    book = Rulebook(load_rules())

    assert book.rule("signature.corrupted").error == "Corrupted thought signature."
    with pytest.raises(KeyError):
        book.rule("no.such")
