"""Calls, responses and signatures, in conversations of every shape."""

from collections.abc import Callable
from copy import deepcopy

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from geminid import catalog as catalogs
from geminid.core.errors import Invalid
from geminid.core.ports import Context
from geminid.dialects.gemini.request import decode_request
from geminid.pipeline.rules import Rulebook
from tests.pipeline.rules.bodies import (
    OLD,
    PICTURES,
    PNG,
    PRO,
    SIG,
    Tree,
    call,
    model,
    response,
    said,
    user,
)
from tests.pipeline.rules.breaches import REFUSED

CATALOG = catalogs.load()
BOOK = Rulebook(
    tuple(
        rule
        for rule in catalogs.load_rules()
        if rule.id.partition(".")[0] in {"order", "signature"}
    )
)
COUNT = REFUSED["order.count"].text
ORDER = REFUSED["order.call"].text


def hold(tree: Tree, name: str = PRO) -> None:
    context = Context(request_id="r", caller="", deadline=0.0, stream=False)
    BOOK.check(decode_request(msgspec.json.encode(tree), name), CATALOG.get(name), context)


def refusal(tree: Tree, name: str = PRO) -> str:
    with pytest.raises(Invalid) as caught:
        hold(tree, name)
    return caught.value.detail


# ---- every conversation that keeps the rules, and what is broken by one change

text = st.sampled_from(["", "a", "Here."])
harmless = text.map(lambda words: {"text": words})
blob = st.just(PNG)


@st.composite
def steps(draw: st.DrawFn, *, signed: bool) -> list[Tree]:
    """A call turn and its responses; the contents of either may be cut in two, beside the calls."""
    count = draw(st.integers(1, 3))
    names = [f"f{number}" for number in range(count)]
    before = draw(st.lists(harmless, max_size=1))
    calls = [call(name, SIG if signed and not place else "") for place, name in enumerate(names)]
    said_by_model = _cut(draw, "model", [*before, *calls, *draw(st.lists(harmless, max_size=1))])
    if draw(st.booleans()):  # google-genai: the closing empty text of a stream by itself
        said_by_model.append(model(""))
    return said_by_model + _cut(draw, "user", [response(name) for name in names])


def _cut(draw: st.DrawFn, role: str, parts: list[Tree]) -> list[Tree]:
    """`parts` in one content or two; the calls of a group stay in one."""
    calls = [place for place, part in enumerate(parts) if "functionCall" in part]
    whole = range(calls[0] + 1, calls[-1] + 1) if calls else range(0)
    place = draw(st.sampled_from([at for at in range(len(parts) + 1) if at not in whole]))
    pieces = [parts[:place], parts[place:]]
    return [{"role": role, "parts": piece} for piece in pieces if piece]


@st.composite
def conversations(draw: st.DrawFn) -> tuple[list[Tree], int]:
    """Contents that keep the rules, and where the current turn begins.

    Calls of earlier turns need no signatures, those of the current turn have what they need.
    """
    contents: list[Tree] = []
    for _ in range(draw(st.integers(0, 2))):
        contents.append(user(draw(harmless), *draw(st.lists(blob, max_size=1))))
        for _ in range(draw(st.integers(0, 2))):
            contents += draw(steps(signed=draw(st.booleans())))
        contents.append(model(draw(harmless)))
    contents.append(user(draw(harmless)))
    current = len(contents)
    for _ in range(draw(st.integers(0, 3))):
        contents += draw(steps(signed=True))
    return contents, current


@given(conversations())
def test_a_conversation_that_keeps_the_rules_passes(drawn: tuple[list[Tree], int]) -> None:
    hold(said(*drawn[0]))


@given(conversations(), st.data())
def test_one_signature_less_in_the_current_turn_is_told_with_its_place(
    drawn: tuple[list[Tree], int], data: st.DataObject
) -> None:
    contents, current = drawn
    signed = [
        (number, part)
        for number, content in enumerate(contents)
        for part in content["parts"]
        if number >= current and "thoughtSignature" in part
    ]
    assume(signed)
    number, part = data.draw(st.sampled_from(signed))
    name = part["functionCall"]["name"]
    del part["thoughtSignature"]

    told = refusal(said(*contents))

    assert f"function call `default_api:{name}` , position {number + 1}. " in told
    hold(said(*contents), OLD)  # 2.5 does not look at signatures


@given(conversations(), st.data())
def test_one_response_less_or_more_is_refused(
    drawn: tuple[list[Tree], int], data: st.DataObject
) -> None:
    contents = deepcopy(drawn[0])
    answers = [
        content["parts"]
        for content in contents
        if any("functionResponse" in part for part in content["parts"])
    ]
    assume(answers)
    parts = data.draw(st.sampled_from(answers))
    if data.draw(st.booleans()):
        parts.append(response("more"))
    else:
        parts[-1] = {"text": "instead"}

    assert refusal(said(*contents)) in {COUNT, ORDER}


# ---- shapes worth a name


@pytest.mark.parametrize(
    "contents",
    [
        pytest.param(
            [user("go"), model(call(signature=SIG)), model(""), user(response())],
            id="the closing text of a stream between call and response",
        ),
        pytest.param(
            [
                user("go"),
                model(call()),
                user(response(), "and now?"),
                model(call("g", SIG)),
                user(response("g")),
            ],
            id="words beside a response begin a turn",
        ),
        pytest.param(
            [user("go"), model(call()), user(response()), model("done"), user("thanks")],
            id="an earlier turn",
        ),
        pytest.param(
            [
                user("go"),
                model(call(signature=SIG)),
                user({"functionResponse": {"name": "f", "response": {}, "willContinue": True}}),
                user(response()),
            ],
            id="a function that goes on",
        ),
    ],
)
def test_what_clients_do_is_let_pass(contents: list[Tree]) -> None:
    hold(said(*contents))


@pytest.mark.parametrize(
    ("contents", "text"),
    [
        pytest.param([user("go"), model(call(signature=SIG))], COUNT, id="the call is the end"),
        pytest.param(
            [user("go"), model(call(signature=SIG)), user("never mind")], COUNT, id="no response"
        ),
        pytest.param(
            [user("go"), model(response()), user("ok")],
            REFUSED["order.response"].text,
            id="a response of the model",
        ),
        pytest.param(
            [user(response()), model("ok"), user("go")],
            REFUSED["order.response"].text,
            id="a response to nothing",
        ),
    ],
)
def test_what_no_call_belongs_to_is_refused(contents: list[Tree], text: str) -> None:
    assert refusal(said(*contents)) == text


def test_a_call_with_a_field_that_is_newer_than_the_core_is_a_call() -> None:
    newer = {"functionCall": {"name": "f", "args": {}, "willContinue": False}}
    signed = newer | {"thoughtSignature": SIG}
    answer = {"functionResponse": {"name": "f", "response": {}, "parts": [{"fileData": {}}]}}

    assert "`default_api:f` , position 2." in refusal(said(user("go"), model(newer), user(answer)))
    hold(said(user("go"), model(signed), user(answer)))
    assert refusal(said(user("go"), model(signed), user("never mind"))) == COUNT


@pytest.mark.parametrize("name", ["f" * 10_000, "größe_🦉", "{name}"])
def test_a_name_is_quoted_as_it_came_but_not_at_any_length(name: str) -> None:
    told = refusal(said(user("go"), model(call(name)), user(response(name))))

    assert f"`default_api:{name[:200]}` , position 2." in told
    assert len(told) < 1_000


@pytest.mark.parametrize(
    "made",
    [
        pytest.param(lambda: model("Just words.", PNG | {"thoughtSignature": SIG}), id="text"),
        pytest.param(lambda: model({"text": "a", "thoughtSignature": SIG}, PNG), id="picture"),
    ],
)
def test_what_an_image_model_made_is_signed(made: Callable[[], Tree]) -> None:
    assert "part is missing a thought_signature in content position 2" in refusal(
        said(user("draw"), made(), user("bluer")), PICTURES
    )


def test_an_empty_text_of_an_image_model_needs_no_signature() -> None:
    hold(said(user("draw"), model("", PNG | {"thoughtSignature": SIG}), user("bluer")), PICTURES)


def test_a_draft_of_an_image_model_is_a_thought_and_needs_no_signature() -> None:
    draft, final = PNG | {"thought": True}, PNG | {"thoughtSignature": SIG}

    hold(said(user("draw"), model(draft, final), user("bluer")), PICTURES)


def signed(part: Tree) -> Tree:
    return part | {"thoughtSignature": SIG}


WORDS: Tree = {"text": "Here "}


def test_the_pieces_of_a_stream_are_one_turn_of_an_image_model() -> None:
    """google-genai's chats keep each chunk of a streamed answer as a content of its own."""
    contents = [
        user("draw"),
        model(signed(WORDS)),
        model("it is."),
        model(signed(PNG)),
        model(""),
        user("bluer"),
    ]

    hold(said(*contents), PICTURES)


@pytest.mark.parametrize(
    ("pieces", "place"),
    [
        ([model(WORDS), model(signed(PNG))], "Text part|2|1"),
        ([model(signed(WORDS)), model("it is.", PNG)], "Image part|3|2"),
        ([model(PNG | {"thought": True}), model("", PNG)], "Image part|3|2"),
        ([model({"text": "hm", "thought": True}), model(WORDS)], "Text part|3|1"),
    ],
)
def test_what_is_missing_is_told_with_the_place_in_the_body(pieces: list[Tree], place: str) -> None:
    part, position, number = place.split("|")

    assert refusal(said(user("draw"), *pieces, user("bluer")), PICTURES).startswith(
        f"{part} is missing a thought_signature in content position {position}, part position"
        f" {number}. "
    )


def test_each_turn_of_an_image_model_is_looked_at() -> None:
    contents = [user("draw"), model(signed(WORDS)), user("go on"), model(WORDS), user("again")]

    assert "in content position 4, part position 1. " in refusal(said(*contents), PICTURES)


@pytest.mark.parametrize("mime", ["audio/wav", "application/pdf", "video/mp4"])
def test_a_blob_that_is_no_picture_needs_no_signature(mime: str) -> None:
    blob = {"inlineData": {"mimeType": mime, "data": "UklG"}}

    hold(said(user("say"), model(blob), user("again")), PICTURES)


def test_a_picture_is_one_however_its_type_is_spelled() -> None:
    png = {"inlineData": {"mimeType": "Image/PNG", "data": "iVBO"}}

    assert "Image part is missing" in refusal(said(user("a"), model(png), user("b")), PICTURES)


# ---- contents that go on from those of a cache

CACHE: Tree = {"cachedContent": "cachedContents/c"}


@pytest.mark.parametrize(
    "contents",
    [
        pytest.param([user(response())], id="the response to a call in the cache"),
        pytest.param([user(response("a"), response("b"), "go on")], id="two, and words"),
        pytest.param([model(call("f", SIG)), user(response())], id="a call"),
        pytest.param(
            [model(call("b", SIG)), user(response("a"), response("b"))],
            id="a call of a turn that began in the cache",
        ),
        pytest.param([user(response()), model("ok"), user("go")], id="and more"),
    ],
)
def test_the_first_turn_after_a_cache_is_not_counted(contents: list[Tree]) -> None:
    hold(said(*contents) | CACHE)

    refusal(said(*contents))


@pytest.mark.parametrize(
    ("contents", "text"),
    [
        ([user("go"), model("ok"), user(response())], REFUSED["order.response"].text),
        ([user("go"), model(call("f", SIG)), user("no")], COUNT),
        ([user("go"), model(call("f", SIG))], COUNT),
    ],
)
def test_later_turns_are_counted_as_ever(contents: list[Tree], text: str) -> None:
    assert refusal(said(*contents) | CACHE) == text


def test_a_call_after_a_cache_brings_its_signature() -> None:
    contents = [user(response()), model(call("g")), user(response("g"))]

    assert "`default_api:g` , position 2. " in refusal(said(*contents) | CACHE)


def test_a_function_that_goes_on_is_one_also_in_a_newer_form() -> None:
    newer = {"name": "f", "response": {}, "willContinue": True, "parts": [{"fileData": {}}]}
    contents = [
        user("go"),
        model(call(signature=SIG)),
        user({"functionResponse": newer}, response()),
    ]

    hold(said(*contents))


def test_each_content_with_calls_needs_a_signature_of_its_own() -> None:
    """The API takes calls in contents of their own for steps (googleapis/js-genai#1275)."""
    contents = [
        user("go"),
        model(call("a", SIG)),
        model(call("b")),
        user(response("a"), response("b")),
    ]

    assert "function call `default_api:b` , position 3. " in refusal(said(*contents))
