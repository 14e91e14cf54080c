"""What was asked and which call is which, told alike in both directions."""

from hypothesis import given
from hypothesis import strategies as st

from geminid.core.content import Blob, Call, Content, Json, Opaque, Result, Text
from geminid.pipeline.turn import Turn, current_turn, next_turn, turns
from tests import strategies
from tests.pipeline.vault.conversations import call, model, user

ASK = user("What is the weather?")
CALL = call()
RESULT = Content("user", (Result(name="look"),))


def test_the_turn_begins_after_the_last_thing_the_user_said() -> None:
    picture = Content("", (Blob(mime="image/png", data=""),))

    assert current_turn((ASK, model(CALL), RESULT)) == 1
    assert current_turn((ASK, model(CALL), RESULT, picture)) == 4
    more = Content("user", (*RESULT.parts, Text(text="And now?")))
    assert current_turn((ASK, model(CALL), more)) == 3
    assert current_turn((model(CALL), RESULT)) == 0
    filed = Content("user", (Opaque(dialect="gemini", kind="functionResponse", body=Json(b"{}")),))
    assert current_turn((ASK, model(CALL), filed)) == 1, "a result with files in it is a result"


@given(st.lists(strategies.contents, max_size=6).map(tuple), st.lists(strategies.call_parts))
def test_an_answer_is_told_the_same_when_it_comes_back(
    contents: tuple[Content, ...], calls: list[Call]
) -> None:
    """Whatever the history is made of."""
    leaving = next_turn(contents)
    gone = [leaving.told(each) for each in calls]

    numbered = list(turns((*contents, model(*calls))))
    _, _, back = numbered[-1]
    for number, content, turn in numbered[:-1]:
        for part in content.parts:
            if isinstance(part, Call) and turn is back:
                assert number >= current_turn(contents)
                turn.passed(part)

    assert [back.told(each) for each in calls] == gone
    assert back.asked == leaving.asked


def test_calls_that_are_alike_are_told_apart_by_number() -> None:
    turn = Turn(ASK)
    turn.passed(call(args="{}"))

    told = [turn.told(call(args=args)) for args in ("{}", '{"a":1.0}', '{ "a" : 1 }', "{ }")]

    assert [number for _, _, number in told] == ["1", "0", "1", "2"]
