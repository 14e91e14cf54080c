"""The rules that ship, and what makes a table of rules wrong."""

import pytest

from geminid.catalog import CatalogError, Models, load, load_rules, parse_rules

RULE = """
[[rule]]
id = "{id}"
effect = "refuse"
check = "a"
error = "no"
source = "a test"
checked = 2026-11-21
{more}
"""


def rule(name: str = "a", more: str = "") -> str:
    return RULE.format(id=name, more=more)


def test_every_rule_says_where_it_is_from() -> None:
    rules = load_rules()

    assert len(rules) >= 80
    assert all(len(rule.source) >= 4 for rule in rules)
    assert any(rule.unsure for rule in rules)


def test_a_rule_from_memory_or_by_analogy_is_marked_unsure() -> None:
    doubtful = ("memory", "by analogy", "geminid's")

    for rule in load_rules():
        if any(word in rule.source for word in doubtful):
            assert rule.unsure, rule.id


def test_every_model_that_a_rule_names_is_in_the_catalog() -> None:
    known = {model.id for model in load().models}
    named = {name for rule in load_rules() if rule.models for name in rule.models.ids}

    assert named
    assert named <= known


def test_every_rule_is_about_some_model() -> None:
    models = load().models

    for rule in load_rules():
        assert rule.models is None or any(map(rule.models.fit, models)), rule.id


@pytest.mark.parametrize(
    ("models", "ids"),
    [
        (Models(since=4), {"gemini-4-argon", "gemini-4-carbon", "gemini-4-hydrogen"}),
        (Models(until=2, kinds=("image",)), {"gemini-2.5-flash-image"}),
        (
            Models(kinds=("text",), lacks="checks_signatures"),
            {"gemini-2.5-pro", "gemini-2.5-flash", "gemini-2.5-flash-lite"},
        ),
        (Models(has="budget", kinds=("image",)), set()),
        (Models(ids=("gemini-3.8-flash",), since=4), set()),
    ],
)
def test_a_rule_is_about_models_that_fit_in_every_way(models: Models, ids: set[str]) -> None:
    known = [model for model in load().models if model.kind != "embedding"]

    assert {model.id for model in known if models.fit(model)} == ids


@pytest.mark.parametrize(
    ("models", "words"),
    [
        (Models(since=3), "Gemini 3 and newer"),
        (Models(until=2), "up to Gemini 2"),
        (Models(since=3, until=3), "Gemini 3"),
        (Models(since=2, until=3), "Gemini 2 to 3"),
        (Models(kinds=("text", "image"), lacks="masks"), "text and image, without masks"),
        (Models(ids=("x", "y"), has="budget"), "x, y, with budget"),
    ],
)
def test_the_models_of_a_rule_are_told_in_words(models: Models, words: str) -> None:
    assert str(models) == words


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[[rule]", "The rules cannot be read"),
        ("", "missing required field `rule`"),
        (rule(more="chek = 1"), "unknown field `chek`"),
        (rule(more='by = "me"'), "Invalid enum value 'me'"),
        (rule(more='by = "walk"'), "Rule a: needs a check, or `by`"),
        (rule().replace('check = "a"', ""), "Rule a: needs a check, or `by`"),
        (rule() + rule(), "Rule a: another rule has this id"),
        (rule().replace('"no"', '"no {"'), "Rule a: its error is no template"),
        (rule().replace('"refuse"', '"advise"').replace("no", "nö"), "Rule a: advice goes into"),
        (rule(more='group = "g"').replace('"refuse"', '"advise"'), "Rule a: advice goes into"),
        (rule(more='models = { has = "wings" }'), "Rule a: is about models by wings"),
        (
            rule("a", 'group = "g"') + rule("b") + rule("c", 'group = "g"'),
            "Rule c: the others of its group g stand apart from it",
        ),
    ],
)
def test_a_wrong_table_is_refused_with_the_rule_and_the_reason(text: str, complaint: str) -> None:
    with pytest.raises(CatalogError, match=complaint):
        parse_rules(text)
