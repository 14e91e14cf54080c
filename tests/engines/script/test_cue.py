"""Which turn answers a request: told by the request alone."""

import msgspec
import pytest

from geminid.config import Conversation, Script, Turn
from geminid.core.content import Blob, Content, Json, Result, Text
from geminid.core.errors import Unsupported
from geminid.engines.script.cue import find_turn
from tests.engines.script.scenes import MODEL, MODELS, USER, request, script

FIRST, SECOND = Turn(text="first"), Turn(text="second")
RESULT = Content("user", (Result(name="f", response=Json(b"{}")),))
NAMELESS = Content("", USER.parts)


@pytest.mark.parametrize(
    ("contents", "turn"),
    [
        ((USER,), FIRST),
        ((USER, USER), FIRST),
        ((USER, MODELS), SECOND),
        ((USER, MODELS, USER), SECOND),
        ((USER, MODELS, MODELS, RESULT), SECOND),
        ((NAMELESS, MODELS, NAMELESS), SECOND),
        ((), FIRST),
    ],
)
def test_as_many_turns_are_over_as_the_model_has_spoken(
    contents: tuple[Content, ...], turn: Turn
) -> None:
    """Neighbouring contents of the model are one turn: clients split them as they like."""
    asked = msgspec.structs.replace(request(), contents=contents)

    assert find_turn(script(FIRST, SECOND), asked, MODEL) is turn


def test_beyond_the_last_turn_the_script_and_its_line_are_named() -> None:
    with pytest.raises(Unsupported) as caught:
        find_turn(script(FIRST, SECOND), request(USER, MODELS, RESULT, MODELS, RESULT), MODEL)

    assert caught.value.detail == (
        "The conversation at a.toml:2 has no turn 3."
        " Add a [[conversation.turn]] to it, or find out why the program asked once more."
    )


def chosen(*conversations: Conversation, text: str = "", model: str = MODEL) -> str:
    found = find_turn(
        Script(path="/here/a.toml", conversations=conversations),
        request(Content("user", (Text(text=text),))),
        model,
    )
    return found.text


def named(name: str, *, model: str = "", when: str = "") -> Conversation:
    return Conversation(model=model, when=when, turns=(Turn(text=name),))


def test_the_first_conversation_that_fits_is_played() -> None:
    ours, any_model = named("ours", model=MODEL), named("any")

    assert chosen(ours, any_model) == "ours"
    assert chosen(any_model, ours) == "any"
    assert chosen(named("other", model="other"), any_model) == "any"


def test_a_model_is_known_by_its_id_and_by_the_name_it_was_asked_for() -> None:
    """An alias of the catalog is another name for the same."""
    assert chosen(named("id", model="the-id"), model="the-id") == "id"
    assert chosen(named("alias", model=MODEL), model="the-id") == "alias"


@pytest.mark.parametrize(
    ("when", "text", "name"),
    [
        ("Weather", "the WEATHER in Paris", "yes"),
        ("GRÖSSE", "Welche Größe?", "yes"),
        ("weather", "whether or not", "no"),
    ],
)
def test_when_is_looked_for_in_either_case(when: str, text: str, name: str) -> None:
    assert chosen(named("yes", when=when), named("no"), text=text) == name


def test_only_the_first_message_counts() -> None:
    """So a conversation stays the same however it goes on."""
    plan = Script(path="a", conversations=(named("weather", when="weather"), named("other")))
    later = request(Content("user", (Text(text="Hello."),)), MODELS, USER)

    with pytest.raises(Unsupported):  # the second turn of `other`, not the first of `weather`
        find_turn(plan, later, MODEL)


def test_a_first_message_may_have_several_contents_and_parts() -> None:
    plan = Script(path="a", conversations=(named("yes", when="b\nc"),))
    picture = Blob(mime="image/png", data="AAAA")
    parts = (Text(text="a"), picture, Text(text="b"))

    asked = request(Content("user", parts), Content("user", (Text(text="c"),)))

    assert find_turn(plan, asked, MODEL).text == "yes"


def test_a_history_that_begins_with_the_model_has_a_first_message_too() -> None:
    plan = Script(path="a", conversations=(Conversation(when="weather", turns=(FIRST, SECOND)),))

    assert find_turn(plan, request(MODELS, USER), MODEL) is SECOND


def test_without_a_conversation_that_fits_the_model_is_named() -> None:
    with pytest.raises(Unsupported) as caught:
        chosen(named("a", when="weather"), text="my secret")

    assert caught.value.detail == (
        f"No conversation of the script a.toml is for model {MODEL} and this first message."
        " Add a [[conversation]] for it, or mend the model or when of one that is there."
    )
