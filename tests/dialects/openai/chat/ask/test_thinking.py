"""How much to think: said in five ways, and fitted to what each model has."""

from typing import Any

import pytest

from geminid.core.errors import Invalid
from geminid.core.request import Thinking
from geminid.dialects.openai.chat.ask.thinking import EFFORTS
from tests.dialects.openai.chat.ask.asking import CATALOG, PRO, asked, broken, chat_of

OLD = "gemini-3-pro-preview"
FLASH = "gemini-3-flash-preview"
IMAGE = "gemini-3-pro-image"
NO_THOUGHT = "gemini-2.5-flash-image"
UNKNOWN = "gemini-9"


def config(**fields: Any) -> dict[str, Any]:
    """Gemini's own words, where Google's layer takes them."""
    return {"extra_body": {"google": {"thinking_config": fields}}}


def thinking(served: str, dialect: str = "gemini", **fields: Any) -> Thinking | None:
    """What is asked of `served`."""
    return asked(served, dialect, **fields).request.thinking


@pytest.mark.parametrize(
    ("model", "levels"),
    [
        (OLD, "LOW LOW LOW HIGH HIGH HIGH HIGH"),
        (PRO, "LOW LOW LOW MEDIUM HIGH HIGH HIGH"),
        (FLASH, "MINIMAL MINIMAL LOW MEDIUM HIGH HIGH HIGH"),
        ("gemini-4-hydrogen", "LOW LOW LOW MEDIUM HIGH XHIGH XHIGH"),
        (IMAGE, "HIGH HIGH HIGH HIGH HIGH HIGH HIGH"),
        ("gemini-3.1-flash-image", "MINIMAL MINIMAL MINIMAL HIGH HIGH HIGH HIGH"),
        (UNKNOWN, "LOW LOW LOW MEDIUM HIGH HIGH HIGH"),
    ],
)
def test_an_effort_is_a_level_that_the_model_has(model: str, levels: str) -> None:
    """Seed 002: medium is high where there is no medium; off is the least there is."""
    for effort, level in zip(EFFORTS, levels.split(), strict=True):
        assert thinking(model, reasoning_effort=effort) == Thinking(level, None, True)


@pytest.mark.parametrize(
    ("model", "budgets"),
    [
        ("gemini-2.5-pro", (128, 1024, 1024, 8192, 24576, 32768, 32768)),
        ("gemini-2.5-flash", (0, 1024, 1024, 8192, 24576, 24576, 24576)),
        ("gemini-2.5-flash-lite", (0, 1024, 1024, 8192, 24576, 24576, 24576)),
    ],
)
def test_an_effort_is_a_budget_where_there_are_no_levels(
    model: str, budgets: tuple[int, ...]
) -> None:
    """As Google's own layer has it; a model that does not think has no thoughts to show."""
    for effort, budget in zip(EFFORTS, budgets, strict=True):
        assert thinking(model, reasoning_effort=effort) == Thinking("", budget, budget != 0)


@pytest.mark.parametrize(
    ("model", "asked_for", "budget"),
    [
        ("gemini-2.5-pro", 1, 128),
        ("gemini-2.5-pro", 100_000, 32768),
        ("gemini-2.5-flash", 0, 0),
        (PRO, 5000, 5000),
        (UNKNOWN, 5000, 5000),
    ],
)
def test_a_budget_is_brought_within_what_the_model_takes(
    model: str, asked_for: int, budget: int
) -> None:
    """A program knows one number for all models."""
    wanted = Thinking("", budget, budget != 0)

    assert thinking(model, reasoning={"max_tokens": asked_for}) == wanted
    assert thinking(model, thinking={"type": "enabled", "budget_tokens": asked_for}) == wanted


def test_no_budget_is_the_least_level_where_thinking_cannot_be_turned_off() -> None:
    """Google refuses a budget of 0 there."""
    assert thinking(PRO, reasoning={"max_tokens": 0}) == Thinking("LOW", None, True)


@pytest.mark.parametrize(
    "fields",
    [{"reasoning": {"enabled": False}}, {"thinking": {"type": "disabled"}}],
)
def test_thinking_turned_off_is_no_effort(fields: dict[str, Any]) -> None:
    """In OpenRouter's words, and in Anthropic's."""
    assert thinking(PRO, **fields) == thinking(PRO, reasoning_effort="none")


@pytest.mark.parametrize("model", [model.id for model in CATALOG.models if model.thinking])
@pytest.mark.parametrize("effort", EFFORTS)
def test_no_effort_is_against_a_rule(model: str, effort: str) -> None:
    """Of any model that thinks."""
    assert broken(asked(model, reasoning_effort=effort).request, model) == []


def test_a_model_that_does_not_think_is_not_asked_to() -> None:
    """The wish is named; to be asked not to think costs it nothing."""
    wished, quiet = (asked(NO_THOUGHT, reasoning_effort=effort) for effort in ("low", "none"))

    assert wished.request.thinking is None
    assert wished.ignored == ["reasoning_effort"]
    assert quiet.request.thinking is None
    assert quiet.ignored == []


@pytest.mark.parametrize(
    ("model", "dialect", "include"),
    [
        (PRO, "gemini", True),
        (PRO, "openai", None),
        (PRO, "", None),
        (IMAGE, "gemini", None),
        (NO_THOUGHT, "gemini", None),
        (UNKNOWN, "gemini", None),
        (UNKNOWN, "openai", None),
    ],
)
def test_thoughts_are_asked_for_where_they_are_made_anyway(
    model: str, dialect: str, include: bool | None
) -> None:
    """Seed 001.  Others make them at a price; an image model's are drafts; and of a native model
    that nobody knows, thoughts may be refused.
    """
    found = thinking(model, dialect)

    assert found == (Thinking("", None, include) if include else None)


@pytest.mark.parametrize(
    "fields",
    [
        {"reasoning": {"exclude": True}},
        {"include_reasoning": False},
        config(include_thoughts=False),
        {"include_reasoning": True, "reasoning": {"exclude": True}},
    ],
)
def test_who_does_not_want_thoughts_gets_none(fields: dict[str, Any]) -> None:
    """Nobody makes words that nobody reads."""
    assert thinking(PRO, **fields) is None
    assert not chat_of(**fields).shows


@pytest.mark.parametrize(
    "fields",
    [
        {"reasoning": {"enabled": True}},
        {"reasoning": {"summary": "auto"}},
        {"include_reasoning": True},
        {"thinking": {"type": "adaptive"}},
        config(include_thoughts=True),
        {"model": f"{UNKNOWN}:thinking"},
    ],
)
def test_who_asks_for_thoughts_gets_them_of_any_model(fields: dict[str, Any]) -> None:
    """Also of one that the catalog does not know."""
    assert thinking(UNKNOWN, **fields) == Thinking("", None, True)


@pytest.mark.parametrize(
    ("dialect", "effort", "wanted"),
    [
        ("openai", "none", Thinking("NONE", None, False)),
        ("openai", "xhigh", Thinking("XHIGH", None, True)),
        ("", "none", Thinking("", 0, False)),
        ("", "low", Thinking("LOW", None, True)),
    ],
)
def test_an_unknown_model_of_another_dialect_gets_the_effort_itself(
    dialect: str, effort: str, wanted: Thinking
) -> None:
    """Its engine knows best; our own know how to turn thinking off."""
    assert thinking("gpt-5", dialect, reasoning_effort=effort) == wanted


@pytest.mark.parametrize(
    "body",
    [
        config(thinking_level="high", include_thoughts=True),
        config(thinkingLevel="HIGH", includeThoughts=True),
        {"google": {"thinking_config": {"thinking_level": "high"}}},
        {"extra_body": {"extra_body": {"google": {"thinkingConfig": {"thinkingLevel": "high"}}}}},
    ],
)
def test_gemini_s_own_words_are_taken_in_every_place(body: dict[str, Any]) -> None:
    """Clients wrap them once more than their SDK does; both spellings are in use."""
    found = asked(**body)

    assert found.request.thinking == Thinking("HIGH", None, True)
    assert found.ignored == []


def test_gemini_s_own_words_are_meant_exactly() -> None:
    """So its rules answer, in the words that the caller knows."""
    found = asked(OLD, **config(thinking_level="medium"))

    assert found.request.thinking == Thinking("MEDIUM", None, True)
    assert "Thinking level MEDIUM is not supported" in broken(found.request, OLD)[0]
    assert thinking("gemini-2.5-pro", **config(thinking_budget=-1)) == Thinking("", -1, True)


@pytest.mark.parametrize(
    "fields",
    [
        {"reasoning": {"effort": "low", "max_tokens": 100}},
        {"reasoning_effort": "low", "reasoning": {"max_tokens": 100}},
        {"reasoning_effort": "low", "reasoning": {"effort": "high"}},
        {"reasoning": {"effort": "low", "enabled": False}},
        {"reasoning_effort": "low", "thinking": {"type": "enabled", "budget_tokens": 5}},
        {"reasoning": {"max_tokens": 6}, "thinking": {"type": "enabled", "budget_tokens": 5}},
        {"reasoning_effort": "low"} | config(thinking_level="low"),
        {"reasoning_effort": "low"} | config(thinking_budget=100),
        config(thinking_level="low", thinking_budget=100),
    ],
)
def test_what_is_said_in_two_ways_is_refused(fields: dict[str, Any]) -> None:
    """Seed 002: do not use both."""
    with pytest.raises(Invalid, match=r"Only one of .* may say how much to think"):
        chat_of(**fields)


def test_the_same_effort_may_be_said_twice() -> None:
    """Clients fill in the old field and the new one."""
    found = thinking(PRO, reasoning_effort="low", reasoning={"effort": "low", "exclude": False})

    assert found == Thinking("LOW", None, True)


def test_what_nobody_knows_of_thinking_is_named() -> None:
    """By its path."""
    body = {"reasoning": {"wild": 1}} | config(wild=2)

    assert asked(**body).ignored == ["extra_body.google.thinking_config.wild", "reasoning.wild"]
