"""What becomes of words that are not what the grammar should have made of them, and of counts."""

import pytest

from geminid.core.content import Call, Json, Part, Text, Thought
from geminid.core.errors import Unsupported
from geminid.core.events import Begin, Delta, End, Event, PartEnd, PartStart, Tally
from geminid.core.usage import Usage
from geminid.engines.llama.grammar import Goal
from geminid.engines.llama.telling import Telling
from geminid.engines.llama.watch import Watch

FREE = Goal(form="text")
MUST = Goal(grammar="g", calls=True)
AUTO = Goal(grammar="g", calls=True, form="text")
JSON = Goal(grammar="g", form="json")


def told(goal: Goal, *pieces: str, reason: str = "STOP", asked: int = 9) -> list[Event]:
    """What the caller hears of an answer that came in `pieces`."""
    telling, watch = Telling("m", goal, asked=asked, default=5), Watch()
    first, *more = pieces
    events: list[Event] = [Begin("x", "y"), PartStart(0, Text(text=first))]
    events += [Delta(0, piece) for piece in more]
    events += [PartEnd(0), Tally(Usage(prompt=3, output=9)), End(reason)]
    heard: list[Event] = []
    for event in events:
        watch.see(event)
        heard += telling.say(event, watch)
    return heard


def parts(events: list[Event]) -> list[Part]:
    """The parts that begin."""
    return [event.part for event in events if isinstance(event, PartStart)]


def test_words_flow_as_they_come() -> None:
    assert told(FREE, "a", "b") == [
        Begin("", "m"),
        PartStart(0, Text(text="a")),
        Delta(0, "b"),
        PartEnd(0),
        Tally(Usage(prompt=3, output=9)),
        End("STOP"),
    ]


def test_calls_come_whole_and_in_order() -> None:
    events = told(AUTO, "CA", "LL ", '[{"name":"a","args":{"x":1}},{"na', 'me":"b","args":{}}]')

    assert parts(events) == [Call(name="a", args=Json(b'{"x":1}')), Call(name="b")]
    assert [e.index for e in events if isinstance(e, PartEnd)] == [0, 1]
    assert events[-1] == End("STOP", "Model generated function call(s).")


@pytest.mark.parametrize("pieces", [("CA", "LLER"), ("CALL", "-", "me"), ("C", "A"), ("CALL",)])
def test_words_that_begin_as_a_call_are_words(pieces: tuple[str, ...]) -> None:
    (text,) = parts(told(AUTO, *pieces))
    deltas = [event.text for event in told(AUTO, *pieces) if isinstance(event, Delta)]

    assert isinstance(text, Text)
    assert text.text + "".join(deltas) == "".join(pieces)


@pytest.mark.parametrize(
    "text",
    [
        'CALL [{"name":"a","args":{]',
        'CALL [{"name":"a","args":[]}]',
        'CALL [{"name":"a"}]',
        "CALL []",
    ],
)
def test_calls_that_are_none_are_malformed(text: str) -> None:
    events = told(MUST, text)

    assert parts(events) == []
    assert events[-1] == End("MALFORMED_FUNCTION_CALL", f"Malformed function call: {text}")


@pytest.mark.parametrize("goal", [AUTO, MUST, Goal(grammar="g", calls=True, form="json")])
@pytest.mark.parametrize("pieces", [("C",), ("CA", "LL"), ("CALL ",), ("CALL", " [", '{"na')])
def test_half_a_call_at_the_bound_is_no_words(goal: Goal, pieces: tuple[str, ...]) -> None:
    events = told(goal, *pieces, reason="MAX_TOKENS")

    assert parts(events) == []
    assert isinstance(events[-1], End)
    assert events[-1].reason == "MAX_TOKENS"
    assert events[-1].message == (
        "The answer ended inside its function calls, so none is given. A higher maxOutputTokens may"
        " help."
    )


def test_half_a_call_in_a_full_context_says_that_it_is_full() -> None:
    """A higher bound would not help."""
    events = told(AUTO, "CALL", reason="MAX_TOKENS", asked=50)

    assert isinstance(events[-1], End)
    assert "context, for prompt and answer together, is full" in events[-1].message


def test_words_that_only_began_as_a_call_end_before_the_end() -> None:
    events = told(AUTO, "CALL")

    assert events[-3:] == [PartStart(0, Text(text="CALL")), PartEnd(0), End("STOP")]


def test_a_bound_that_was_spent_before_anything_is_a_whole_answer() -> None:
    events = Telling("m", FREE, asked=0, default=5).exhausted()

    assert events == [Begin("", "m"), Tally(Usage()), End("MAX_TOKENS")]


def test_a_schema_that_is_not_kept_is_named() -> None:
    held = Goal(grammar="g", form="json", held="the response schema")

    with pytest.raises(Unsupported, match="cannot be held to the response schema: "):
        told(held, "Sure")


def test_silence_is_no_call() -> None:
    assert told(MUST, "CA")[-1] == End("MALFORMED_FUNCTION_CALL", "Malformed function call: CA")


@pytest.mark.parametrize(
    ("goal", "pieces"),
    [
        (MUST, ("Sure",)),
        (MUST, ("CALL", " me")),
        (JSON, ("Sure",)),
        (JSON, ("{", "\n")),
        (JSON, (" 1",)),
    ],
)
def test_a_grammar_that_is_not_kept_is_the_schemas_fault(
    goal: Goal, pieces: tuple[str, ...]
) -> None:
    """llama.cpp goes on without a grammar that it cannot read, and says so only in its log."""
    with pytest.raises(Unsupported, match="cannot be held to this schema"):
        told(goal, *pieces)


@pytest.mark.parametrize("text", ['{"a":1}', "{}", "[1]", '"x"', "-1", "true", "null"])
def test_json_of_any_kind_is_told(text: str) -> None:
    for pieces in ((text,), tuple(text)):
        events = told(JSON, *pieces)
        deltas = [event.text for event in events if isinstance(event, Delta)]
        (part,) = parts(events)
        assert isinstance(part, Text)
        assert part.text + "".join(deltas) == text


def test_json_that_had_only_begun_is_told_too() -> None:
    events = told(JSON, "{", reason="MAX_TOKENS")

    assert parts(events) == [Text(text="{")]
    assert events[-1] == End("MAX_TOKENS")


def test_thoughts_before_words_are_counted_apart() -> None:
    """With what closes them: the first token of the answer is its first word's."""
    watch = Watch()
    line = b'{"timings":{"cache_n":1,"prompt_n":2,"predicted_n":%d}}'
    steps: list[Event] = [PartStart(0, Thought(text="a")), Delta(0, "b"), PartEnd(0)]
    for number, event in enumerate([*steps, PartStart(1, Text(text="c")), Delta(1, "d")], 1):
        watch.count(line % number)
        watch.see(event)

    assert (watch.prompt, watch.cached, watch.output, watch.thoughts) == (3, 1, 5, 3)


def test_thoughts_without_words_are_all_that_was_written() -> None:
    watch = Watch()
    watch.count(b'"cache_n":0,"prompt_n":2,"predicted_n":1')
    watch.see(PartStart(0, Thought(text="a")))
    watch.see(Tally(Usage(prompt=2, output=4)))

    assert (watch.output, watch.thoughts) == (4, 4)
