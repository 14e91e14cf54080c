"""What functions gave back goes to the calls that asked for it."""

import base64
from itertools import permutations
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geminid.core.content import Blob, Call, Json, Result
from geminid.core.errors import Malformed, Unsupported
from geminid.dialects.openai.chat.history.assistant import Asked
from geminid.dialects.openai.chat.history.results import Results, response_of
from tests import strategies

PNG = base64.b64encode(b"\x89PNG").decode()


def results(
    asked: list[tuple[str, str]], *messages: dict[str, Any], role: str = "tool"
) -> list[str]:
    """What each of the calls (an id and a name) got, of messages that say what they are."""
    calls = [Asked(Call(name=f"in_{name}", id=sent), sent, name) for sent, name in asked]
    came = Results(calls, "messages[1]")
    for place, message in enumerate(messages):
        came.take(message, role, f"messages[{place + 2}]")
    whole = came.whole()
    assert [(result.id, result.name) for result in whole] == [
        (each.call.id, each.call.name) for each in calls
    ]
    return [msgspec.json.decode(result.response)["result"] for result in whole]


def tool(content: object, sent: object = None, **others: Any) -> dict[str, Any]:
    return {"role": "tool", "content": content, "tool_call_id": sent} | others


@pytest.mark.parametrize("order", list(permutations("abc")))
def test_results_in_any_order_come_out_in_that_of_the_calls(order: tuple[str, ...]) -> None:
    """Parallel calls end when they end."""
    asked = [(name, "f") for name in "abc"]

    assert results(asked, *(tool(name, name) for name in order)) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("asked", "messages", "expected"),
    [
        # Google's own layer gives no ids
        ([("", "f"), ("", "g")], [tool("1", ""), tool("2", "")], ["1", "2"]),
        ([("", "f"), ("", "g")], [tool("1"), tool("2")], ["1", "2"]),
        ([("", "f"), ("", "g")], [tool("1", name="g"), tool("2", name="f")], ["2", "1"]),
        ([("", "f"), ("", "g")], [tool("1", name="what"), tool("2")], ["1", "2"]),
        # ids that a client made up for the results alone
        ([("", "f"), ("", "g")], [tool("1", "x"), tool("2", "y")], ["1", "2"]),
        # one id on all
        ([("c", "f"), ("c", "g")], [tool("1", "c"), tool("2", "c")], ["1", "2"]),
        # an id on some
        ([("a", "f"), ("", "g")], [tool("1", ""), tool("2", "a")], ["2", "1"]),
        ([("a", "f"), ("b", "g")], [tool("1"), tool("2", "a")], ["2", "1"]),
        # LiteLLM's
        ([("a", "f"), ("b", "g")], [tool("1", "b__thought__eA"), tool("2", "a")], ["2", "1"]),
        ([("7", "f")], [tool("1", 7)], ["1"]),
    ],
)
def test_results_without_an_id_of_their_own_are_told_by_name_and_order(
    asked: list[tuple[str, str]], messages: list[dict[str, Any]], expected: list[str]
) -> None:
    """Those with one come first."""
    assert results(asked, *messages) == expected


def test_the_old_form_goes_by_the_name() -> None:
    """A `function` message has nothing else."""
    one, two = {"name": "g", "content": "1"}, {"name": "f", "content": "2"}

    assert results([("", "f"), ("", "g")], one, two, role="function") == ["2", "1"]
    with pytest.raises(Malformed, match="role 'function' must be a response"):
        results([("", "f")], one, role="function")


@pytest.mark.parametrize(
    ("messages", "place"),
    [
        ([tool("1", "a"), tool("2", "x")], "messages[3].tool_call_id"),
        ([tool("1", "a"), tool("2", "b"), tool("3", "b")], "messages[4].tool_call_id"),
        ([tool("1", "a"), tool("2", "b"), tool("3")], "messages[4].role"),
    ],
)
def test_a_result_that_nobody_asked_for_is_refused(
    messages: list[dict[str, Any]], place: str
) -> None:
    """In OpenAI's words, by its place."""
    with pytest.raises(Malformed, match="must be a response to a preceding message") as caught:
        results([("a", "f"), ("b", "g")], *messages)

    assert caught.value.violations[0].field == place


def test_a_call_without_a_result_is_refused() -> None:
    """All of them are named."""
    with pytest.raises(Malformed, match=r"did not have response messages: a, g$") as caught:
        results([("a", "f"), ("b", "f"), ("", "g")], tool("1", "b"))

    assert caught.value.violations[0].field == "messages[1].tool_calls"


def test_no_more_of_an_id_is_quoted_than_helps() -> None:
    """An error is not as long as what is wrong."""
    long = "x" * 10_000
    for message in (tool("1", long), tool("1", "a")):
        with pytest.raises(Malformed) as caught:
            results([("a", "f"), *[(f"{long}{place}", "f") for place in range(100)]], message)
        assert len(caught.value.detail) < 4_000


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1.0,  "b": [12345678901234567890123]}',
        "{}",
        '{"ref": "$ref", "a": "{\\"$ref\\": 1}", "$refs": 1, "b": "\\u0024ref"}',
    ],
)
def test_an_object_is_the_response_verbatim(text: str) -> None:
    """Its numbers are not re-written."""
    assert bytes(response_of(f" {text}\n")) == text.encode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "21 degrees",
        "[1, 2]",
        "null",
        '"x"',
        '{"a": 1',
        '{"a": NaN}',
        '{"a": "\\ud800"}',
        "{" * 100_000,
        '{"a":' * 100_000 + "1" + "}" * 100_000,
        '{"$ref": "#/a"}',
        '{"a": [{"b": {"$ref": "#"}}]}',
        '{"a": [[[{"\\u0024ref": 1}]]]}',
        '{"a": {"$r\\u0065f": 1}}',
    ],
)
def test_anything_else_is_the_text_of_a_result(text: str) -> None:
    """Also an object with `$ref` in it, which Gemini 3 refuses (vercel/ai#14369)."""
    assert msgspec.json.decode(response_of(text)) == {"result": text}


def test_media_of_a_result_belong_to_it() -> None:
    """A function may take a picture; its words are the text beside it."""
    url = f"data:image/png;base64,{PNG}"
    content = [
        {"type": "text", "text": "Here:"},
        {"type": "image_url", "image_url": {"url": url}},
        {"type": "text", "text": "It."},
    ]
    came = Results([Asked(Call(name="f", id="a"), "a", "f")], "messages[1]")

    came.take(tool(content, "a"), "tool", "messages[2]")

    assert came.whole() == (
        Result(
            name="f",
            id="a",
            response=Json(b'{"result":"Here:\\nIt."}'),
            media=(Blob(mime="image/png", data=PNG),),
        ),
    )


@pytest.mark.parametrize("content", [None, "", []])
def test_a_result_may_be_empty(content: object) -> None:
    """Many functions give nothing back."""
    assert results([("a", "f")], tool(content, "a")) == [""]


def test_media_by_address_cannot_belong_to_a_result() -> None:
    """Gemini takes only data there; the error says what to send."""
    content = [{"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}]

    with pytest.raises(Unsupported, match="as a data URL"):
        results([("a", "f")], tool(content, "a"))


@pytest.mark.parametrize("content", [5, {"a": 1}, True])
def test_an_ill_formed_content_is_refused(content: object) -> None:
    """By its place."""
    with pytest.raises(Malformed) as caught:
        results([("a", "f")], tool(content, "a"))

    assert caught.value.violations[0].field == "messages[2].content"


@given(st.permutations(range(6)), st.integers(1, 6), strategies.objects)
def test_each_result_finds_its_call(order: list[int], ids: int, response: Json) -> None:
    """However many calls share an id: within one, order tells."""
    asked = [(f"call_{place % ids}", "f") for place in range(6)]
    calls = [Asked(Call(name="f"), sent, name) for sent, name in asked]
    came = Results(calls, "messages[1]")
    for place in order:
        came.take(tool(str(place), asked[place][0]), "tool", "messages[2]")
    sent = {name: [str(place) for place in order if asked[place][0] == name] for name, _ in asked}

    got = [msgspec.json.decode(result.response)["result"] for result in came.whole()]

    assert got == [sent[name].pop(0) for name, _ in asked]
    text = bytes(response).decode()
    assert msgspec.json.decode(response_of(text)) in (
        msgspec.json.decode(response),
        {"result": text},
    )
