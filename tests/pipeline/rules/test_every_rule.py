"""Every row of the table is broken by a request that says so, and not by its nearest neighbour."""

import msgspec
import pytest

from geminid import catalog as catalogs
from geminid.core.errors import CallerFault, Invalid, TooManyTokens
from geminid.core.ports import Context
from geminid.core.request import Request
from geminid.dialects.gemini.request import decode_request
from geminid.pipeline.rules import Rulebook
from geminid.pipeline.rules.book import checks
from tests.pipeline.rules.bodies import (
    OLD,
    OLD_PICTURES,
    OLD_PRO,
    PRO,
    TELL,
    Breach,
    Tree,
    asked,
    chosen,
    config,
    said,
    thinking,
    tool,
    user,
)
from tests.pipeline.rules.breaches import ADVISED, DECODED, ELSEWHERE, REFUSED

CATALOG = catalogs.load()
RULES = {rule.id: rule for rule in catalogs.load_rules()}
BOOK = Rulebook(tuple(RULES.values()))


def decoded(tree: Tree, model: str = PRO) -> Request:
    return decode_request(msgspec.json.encode(tree), model)


def notices(tree: Tree, model: str = PRO, book: Rulebook = BOOK) -> list[str]:
    """What is advised about a request that no rule refuses."""
    context = Context(request_id="r", caller="", deadline=0.0, stream=False)
    book.check(decoded(tree, model), CATALOG.get(model), context)
    return context.notices


def refusal(tree: Tree, model: str = PRO, book: Rulebook = BOOK) -> str:
    with pytest.raises(CallerFault) as caught:
        notices(tree, model, book)
    return caught.value.detail


def alone(name: str) -> Rulebook:
    """A book of one rule."""
    return Rulebook((RULES[name],))


def test_every_rule_has_a_request_that_breaks_it() -> None:
    cases = [*REFUSED, *ADVISED, *DECODED, *ELSEWHERE]

    assert sorted(cases) == sorted(RULES)
    assert {RULES[name].effect for name in ADVISED} == {"advise"}
    assert {RULES[name].by for name in DECODED} == {"decode", "walk"}


def test_every_check_is_named_by_a_rule_and_every_rule_has_one_or_says_who_keeps_it() -> None:
    assert {rule.check for rule in RULES.values() if rule.check} == set(checks())
    assert {rule.by for rule in RULES.values() if not rule.check} == {
        "walk",
        "decode",
        "signatures",
        "limits",
    }


@pytest.mark.parametrize("name", REFUSED)
def test_a_broken_rule_is_told_in_its_own_words(name: str) -> None:
    breach = REFUSED[name]

    assert refusal(breach.broken, breach.model, alone(name)) == breach.text


@pytest.mark.parametrize("name", REFUSED)
def test_the_whole_book_refuses_it_too(name: str) -> None:
    """Another rule may come first: a wrong schema breaks several."""
    assert refusal(REFUSED[name].broken, REFUSED[name].model)


@pytest.mark.parametrize("name", REFUSED)
def test_the_nearest_sound_request_passes_the_whole_book(name: str) -> None:
    breach = REFUSED[name]

    notices(breach.kept, breach.model)


@pytest.mark.parametrize("name", ADVISED)
def test_advice_is_given_and_nothing_is_refused(name: str) -> None:
    breach = ADVISED[name]

    assert breach.text in notices(breach.broken, breach.model)
    assert notices(breach.kept, breach.model) == []


@pytest.mark.parametrize("name", DECODED)
def test_what_decoding_refuses_stands_in_the_table(name: str) -> None:
    breach = DECODED[name]

    assert refusal(breach.broken) == breach.text == RULES[name].error
    assert notices(breach.kept) == []


def test_the_limit_of_the_input_is_told_as_the_table_says() -> None:
    told = TooManyTokens(1048577, 1048576).detail

    assert told == RULES["input.limit"].error.format(count=1048577, limit=1048576)


@pytest.mark.parametrize(
    ("model", "text"),
    [
        ("gemini-3.8-flash", "Invalid thought signature."),
        ("gemini-3-pro-preview", "Corrupted thought signature."),
        ("gemini-3-pro-image", "Corrupted thought signature."),
    ],
)
def test_who_keeps_a_rule_finds_its_text_in_the_book(model: str, text: str) -> None:
    kept = BOOK.kept("signatures", CATALOG.get(model))

    assert kept is not None
    assert kept.error == text


@pytest.mark.parametrize("model", [OLD, OLD_PICTURES, "my-own-model"])
def test_of_a_model_that_does_not_look_at_signatures_none_is_to_be_kept(model: str) -> None:
    assert BOOK.kept("signatures", CATALOG.get(model)) is None


def test_rules_of_one_group_are_told_together() -> None:
    told = refusal(config(temperature=3, topP=-1, stopSequences=[""], responseMimeType="x/y"))

    assert [line.partition(":")[0] for line in told.splitlines()] == [
        "* GenerateContentRequest.generation_config.temperature",
        "* GenerateContentRequest.generation_config.top_p",
        "* GenerateContentRequest.generation_config.stop_sequences[0]",
        "* GenerateContentRequest.generation_config.response_mime_type",
    ]


def test_no_more_is_told_than_fits_into_an_answer_and_that_there_is_more() -> None:
    told = refusal(asked(safetySettings=[{}] * 20_000))

    assert len(told) < 64_000
    assert told.count("safety_settings[") > 100
    assert told.endswith("\n... and more.\n")


@pytest.mark.parametrize("name", ["model.candidates", "thinking.level", "signature.missing"])
def test_a_rule_about_models_says_nothing_of_a_model_nobody_knows(name: str) -> None:
    assert notices(REFUSED[name].broken, "my-own-model") == []


@pytest.mark.parametrize("name", ["order.count", "range.temperature", "thinking.both"])
def test_a_rule_about_all_models_holds_for_a_model_nobody_knows(name: str) -> None:
    assert refusal(REFUSED[name].broken, "my-own-model") == REFUSED[name].text


def test_a_model_of_another_catalog_is_not_taken_for_ours() -> None:
    """Two catalogs may know the same name; what was worked out for one is not told of the other."""
    ours = CATALOG.get(PRO)
    assert ours is not None
    theirs = msgspec.structs.replace(ours, checks_signatures=False)
    context = Context(request_id="r", caller="", deadline=0.0, stream=False)
    request = decoded(REFUSED["signature.missing"].broken)

    with pytest.raises(Invalid):
        BOOK.check(request, ours, context)
    BOOK.check(request, theirs, context)


@pytest.mark.parametrize(
    ("model", "budget", "low"),
    [(OLD, 24577, 0), ("gemini-2.5-flash-lite", 511, 512), (OLD_PRO, 32769, 128)],
)
def test_the_range_of_a_budget_begins_where_the_api_says(model: str, budget: int, low: int) -> None:
    told = refusal(thinking(thinkingBudget=budget), model)

    assert told.startswith(f"The thinking budget {budget} is invalid.")
    assert f"between {low} and" in told


@pytest.mark.parametrize(
    ("field", "fields"),
    [
        ("penalties", {"presencePenalty": 0.5, "frequencyPenalty": -0.5}),
        ("logprobs", {"responseLogprobs": True, "logprobs": 3}),
    ],
)
def test_a_model_that_can_is_not_refused(field: str, fields: Tree) -> None:
    """No model of the catalog can today."""
    ours = CATALOG.get(PRO)
    assert ours is not None
    able = msgspec.structs.replace(ours, **{field: True})
    context = Context(request_id="r", caller="", deadline=0.0, stream=False)

    BOOK.check(decoded(config(**fields)), able, context)


def test_a_choice_without_functions_passes_where_the_models_own_calls_are_told() -> None:
    """So google-genai sends it with a search on Gemini 3."""
    config = chosen(mode="AUTO") | TELL

    assert notices(tool("googleSearch", toolConfig=config)) == []


def test_a_choice_between_functions_of_a_cache_is_let_pass() -> None:
    tree = asked(cachedContent="cachedContents/c", toolConfig=chosen(mode="ANY"))

    assert notices(tree) == []


def test_a_number_of_tokens_is_a_resolution_too() -> None:
    part = {"text": "a", "mediaResolution": {"numTokens": 70}}

    assert refusal(said(user(part))) == REFUSED["media.part_kind"].text.replace("[1]", "[0]")


@pytest.mark.parametrize("breach", ADVISED.values(), ids=ADVISED)
def test_advice_fits_into_a_header(breach: Breach) -> None:
    assert breach.text.isascii()
    assert len(breach.text) <= 120
    assert "\n" not in breach.text
