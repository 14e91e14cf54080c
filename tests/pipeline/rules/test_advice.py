"""Advice is given where it fits, and only there."""

import pytest

from tests.pipeline.rules.bodies import OLD, PNG, PRO, Tree, config, model, said, user
from tests.pipeline.rules.breaches import ADVISED, REFUSED
from tests.pipeline.rules.test_every_rule import notices, refusal

STEPS = ADVISED["advice.chain_of_thought"].text
QUESTION = ADVISED["advice.question_first"].text
MASKS = ADVISED["advice.masks"].text

PDF: Tree = {"inlineData": {"mimeType": "application/pdf", "data": "JVBE"}}
VIDEO: Tree = {"fileData": {"fileUri": "files/a", "mimeType": "video/mp4"}}


@pytest.mark.parametrize("name", ADVISED)
def test_the_generation_before_is_not_advised(name: str) -> None:
    assert notices(ADVISED[name].broken, OLD) == []


@pytest.mark.parametrize(
    ("contents", "expected"),
    [
        ([user("Sum this up.", PDF)], [QUESTION]),
        ([user("Sum this up.", VIDEO)], [QUESTION]),
        ([user(PDF, "Sum this up.")], []),
        ([user("Sum this up.", PDF, "In one line.")], []),
        ([user("What is in this image?", PNG)], []),  # the guide's own example
        ([user("a", "b")], []),
        ([user("Sum this up.", PDF), model("ok"), user("Longer.")], []),
        ([user("x" * 20_000, PDF)], []),
        ([user("a"), model("Sum this up.", PDF)], []),
    ],
)
def test_a_question_before_long_data(contents: list[Tree], expected: list[str]) -> None:
    assert notices(said(*contents)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("THINK STEP BY STEP", [STEPS]),
        ("x" * 50_000 + " let's think step by step", [STEPS]),
        ("think step by step " + "x" * 50_000, [STEPS]),
        ("Describe the steps of photosynthesis", []),
    ],
)
def test_a_wish_is_found_at_either_end_of_a_long_text(text: str, expected: list[str]) -> None:
    assert notices(said(user(text))) == expected


def test_a_picture_may_have_come_before_the_wish_for_a_mask() -> None:
    contents = [user(PNG), model("A cat."), user("Return a Segmentation Mask of it.")]

    assert notices(said(*contents)) == [MASKS]


def test_what_the_model_said_last_is_no_wish() -> None:
    assert notices(said(user("a"), model("I will think step by step"))) == []


def test_each_advice_is_given_once_and_all_that_fit() -> None:
    body = said(user("Think step by step.", "think step by step"))
    body["generationConfig"] = {"temperature": 0, "thinkingConfig": {"thinkingBudget": 5}}

    assert notices(body, PRO) == [
        ADVISED[name].text
        for name in ("advice.temperature", "advice.chain_of_thought", "advice.thinking_budget")
    ]


def test_a_refused_request_is_refused_whatever_could_be_advised() -> None:
    assert refusal(config(temperature=-1)) == REFUSED["range.temperature"].text
