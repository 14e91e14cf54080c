"""Thought signatures are found wherever a client has kept them."""

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geminid.dialects.openai.chat.history.carriers import Carried, carried, split_id
from geminid.pipeline.signatures import BYPASS, is_bypass

SIG = "RXhhY3RseSB0aGlz"
OTHER = "QW5vdGhlciBvbmUh"
FORMAT = "google-gemini-v1"


def google(signature: object) -> dict[str, Any]:
    return {"extra_content": {"google": {"thought_signature": signature}}}


def fields(signature: object) -> dict[str, Any]:
    return {"provider_specific_fields": {"thought_signature": signature}}


def detail(data: object, call_id: str | None = None, **others: Any) -> dict[str, Any]:
    tree = {"type": "reasoning.encrypted", "data": data, "id": call_id, "format": FORMAT}
    return tree | {"index": 0} | others


def call(call_id: object = "call_1", **others: Any) -> dict[str, Any]:
    function = {"name": "f", "arguments": "{}"}
    return {"id": call_id, "type": "function", "function": function} | others


@pytest.mark.parametrize(
    ("message", "calls"),
    [
        ({}, [call(**google(SIG))]),
        ({}, [call(extra_content={"vertex": {"thought_signature": SIG}})]),
        ({}, [call(**fields(SIG))]),
        ({}, [call(function={"name": "f"} | fields(SIG))]),
        ({}, [call(thought_signature=SIG)]),
        ({}, [call(f"call_1__thought__{SIG}")]),
        ({"reasoning_details": [detail(SIG, "call_1")]}, [call()]),
        ({"reasoning_details": [detail(SIG, "call_1", format=None)]}, [call()]),
        ({"reasoning_details": [detail(SIG, "call_1", format=FORMAT * 2)]}, [call()]),
        ({"reasoning_details": [detail(SIG, "call_1", format=FORMAT * 5)]}, [call()]),
        (
            {"reasoning_details": [{"type": "reasoning.encrypted", "data": SIG, "id": "call_1"}]},
            [call()],
        ),
        ({"reasoning_details": [detail(SIG, "call_1__thought__eA==")]}, [call()]),
        ({"reasoning_details": [detail(SIG, "of another life")]}, [call()]),
        ({"reasoning_details": ["x", None, 5, detail(SIG, "call_1")]}, [call()]),
    ],
)
def test_the_signature_of_a_call_is_found(
    message: dict[str, Any], calls: list[dict[str, Any]]
) -> None:
    """In each of the places that answers and other gateways put it."""
    assert carried(message, calls) == Carried((SIG,))


@pytest.mark.parametrize(
    "message",
    [
        google(SIG),
        {"extra_content": {"vertex": {"thought_signature": SIG}}},
        {"thought_signature": SIG},
        fields(SIG),
        {"provider_specific_fields": {"thought_signatures": [SIG]}},
        {"provider_specific_fields": {"thought_signatures": [None, "", "!", SIG]}},
        {"reasoning_details": [detail(SIG)]},
        {"reasoning_details": [detail(SIG, "")]},
    ],
)
def test_the_signature_of_the_words_is_found(message: dict[str, Any]) -> None:
    """It names no call."""
    assert carried(message, []) == Carried((), (SIG,))
    assert carried(message, [call()]) == Carried(("",), (SIG,))


def test_of_several_carriers_the_nearest_is_believed() -> None:
    """`extra_content`, then LiteLLM's fields, then `reasoning_details`, then the id; one that holds
    no base64 counts as lost.
    """
    message: dict[str, Any] = {"reasoning_details": [detail("ZGV0YWls", "call_1")]}
    near = call("call_1__thought__aWRpZA==", **google("ZXh0cmE="), **fields("ZmllbGRz"))
    broken = call("call_1", **google("!"), **fields("ZmllbGRz"))

    assert carried(message, [near]).calls == ("ZXh0cmE=",)
    assert carried(message, [broken]).calls == ("ZmllbGRz",)
    assert carried(message, [call("call_1__thought__aWRpZA==")]).calls == ("ZGV0YWls",)
    assert carried({}, [call("call_1__thought__aWRpZA==")]).calls == ("aWRpZA==",)


def test_a_signature_of_nothing_that_is_there_is_not_lost() -> None:
    """It goes where an upstream may ask for one."""
    message: dict[str, Any] = {"reasoning_details": [detail(SIG, "x"), detail(OTHER, "y")]}

    assert carried(message, []) == Carried((), (SIG, OTHER))
    assert carried(message, [call(), call("b")]) == Carried((SIG, ""))
    assert carried(message, [call(**google(OTHER))]) == Carried((OTHER,))


def test_each_call_gets_its_own() -> None:
    """In whatever order the details stand."""
    message: dict[str, Any] = {
        "reasoning_details": [detail(OTHER, "b"), detail(SIG, "a"), detail("dGV4dA==")]
    }

    assert carried(message, [call("a"), call("b"), call("c")]) == Carried(
        (SIG, OTHER, ""), ("dGV4dA==",)
    )


def test_calls_of_one_id_get_theirs_in_order() -> None:
    """Some servers number every call alike."""
    message: dict[str, Any] = {
        "reasoning_details": [detail(SIG, "call_0"), detail(OTHER, "call_0")]
    }

    assert carried(message, [call("call_0"), call("call_0")]).calls == (SIG, OTHER)


@pytest.mark.parametrize(
    ("spelling", "signature"),
    [
        ("_-8=", "/+8="),
        ("_-8", "/+8="),
        ("/+8", "/+8="),
        (" /+\n8= ", "/+8="),
        ("not base64!", ""),
        ("a", ""),
        ("", ""),
        (None, ""),
        (5, ""),
        ({"x": 1}, ""),
    ],
)
def test_a_signature_in_any_spelling_is_standard_base64(spelling: object, signature: str) -> None:
    """And what is none is as lost as one that did not come."""
    assert carried({}, [call(**google(spelling))]).calls == (signature,)
    if isinstance(spelling, str) and signature:
        assert carried({}, [call(f"x__thought__{spelling}")]).calls == (signature,)


@pytest.mark.parametrize("bypass", BYPASS)
def test_a_bypass_string_stays_one(bypass: str) -> None:
    """Raw, or encoded once more as clients do that think in bytes."""
    encoded = base64.b64encode(bypass.encode()).decode()
    for spelling in (bypass, encoded, encoded.rstrip("="), f"{encoded}"):
        for each in (call(**google(spelling)), call(f"x__thought__{spelling}")):
            assert is_bypass(carried({}, [each]).calls[0])


@pytest.mark.parametrize("form", ["anthropic-claude-v1", "openai-responses-v1", "unknown", "x", 5])
def test_the_proof_of_another_maker_is_no_signature(form: object) -> None:
    """It would break the conversation with Gemini (9router#4136)."""
    assert carried({"reasoning_details": [detail(SIG, "call_1", format=form)]}, [call()]) == (
        Carried(("",))
    )


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ("call_1", ("call_1", "")),
        (f"call_1__thought__{SIG}", ("call_1", SIG)),
        (f"__thought__{SIG}", ("", SIG)),
        ("call_1__thought__", ("call_1", "")),
        ("call_1__thought__a__thought__b", ("call_1", "")),
        (7, ("7", "")),
        (True, ("", "")),
        (None, ("", "")),
        ([], ("", "")),
    ],
)
def test_an_id_is_freed_of_what_litellm_hides_in_it(
    sent: object, expected: tuple[str, str]
) -> None:
    """pains.md A 2: 949 characters of an id are refused by the next provider."""
    assert split_id(sent) == expected


_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "extra_content",
                    "google",
                    "thought_signature",
                    "provider_specific_fields",
                    "thought_signatures",
                    "reasoning_details",
                    "function",
                    "type",
                    "data",
                    "id",
                    "format",
                ]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.text(max_size=3), _ANYTHING, max_size=2), _ANYTHING, _ANYTHING)
def test_nothing_in_a_carrier_is_refused(
    message: dict[str, Any], details: object, extra: object
) -> None:
    """This dialect never answers 400 for a signature."""
    tree = message | {"reasoning_details": details, "extra_content": extra}

    found = carried(tree, [{"id": extra} | message, {"extra_content": details}])

    assert len(found.calls) == 2
