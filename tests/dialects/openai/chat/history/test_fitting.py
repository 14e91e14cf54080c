"""What a conversation has for one engine only does not reach another."""

import pytest

from geminid import catalog
from geminid.core.content import Content, FileRef, Modifiers, Text, Thought
from geminid.dialects.openai.chat.history.fitting import fitting
from geminid.dialects.openai.reasoning import Origin

DETAIL = "messages.content.image_url.detail"
FOREIGN = Origin(
    detail={"type": "reasoning.encrypted", "data": "cmVk", "format": "anthropic-claude-v1"}
)
SAID = Thought(text="Hm.", modifiers=Origin(field="reasoning").modifiers)
IMAGE = FileRef(
    uri="https://example.com/a.png", modifiers=Modifiers(resolution="MEDIA_RESOLUTION_LOW")
)
CONTENTS = (
    Content("user", (Text(text="Hi"), IMAGE)),
    Content("model", (Thought(text="", modifiers=FOREIGN.modifiers), SAID, Text(text="Well."))),
)
MODELS = catalog.load().names


@pytest.mark.parametrize("dialect", ["gemini", ""])
def test_another_maker_s_state_stays_with_engines_that_carry_it(dialect: str) -> None:
    """Words stay; Gemini would be sent somebody else's proofs as metadata."""
    contents = fitting(CONTENTS, None, dialect=dialect, ignore=pytest.fail)

    assert contents[1].parts == (Thought(text="Hm."), Text(text="Well."))
    assert contents[0] == CONTENTS[0]


def test_an_engine_of_this_dialect_gets_all() -> None:
    """Verbatim."""
    facts = MODELS["gemini-2.5-flash"]

    assert fitting(CONTENTS, facts, dialect="openai", ignore=pytest.fail) is CONTENTS


@pytest.mark.parametrize(
    ("name", "ignored"), [("gemini-3-pro-preview", []), ("gemini-2.5-flash", [DETAIL])]
)
def test_the_detail_of_an_image_is_for_models_that_have_one(name: str, ignored: list[str]) -> None:
    """The others refuse it, and a program written for OpenAI cannot know which."""
    told: list[str] = []

    contents = fitting(CONTENTS, MODELS[name], dialect="gemini", ignore=told.append)

    image = contents[0].parts[1]
    assert told == ignored
    assert (image.modifiers is None) == bool(ignored)


def test_plain_contents_are_themselves() -> None:
    """Nothing is copied for nothing."""
    contents = (Content("user", (Text(text="Hi"),)),)

    assert fitting(contents, None, dialect="gemini", ignore=pytest.fail) is contents
