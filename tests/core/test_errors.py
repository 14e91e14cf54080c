"""What the classes of faults promise to every dialect and policy."""

import inspect

import pytest

from geminid.core import errors
from geminid.core.errors import CallerFault, Fault, TooManyTokens, UnknownModel, UpstreamFault

CLASSES = [
    found for _, found in inspect.getmembers(errors, inspect.isclass) if issubclass(found, Fault)
]


def test_every_fault_has_a_code_of_its_own() -> None:
    """The request log counts by code; two classes under one code could not be told apart."""
    codes = [found.code for found in CLASSES if "code" in vars(found)]

    assert len(codes) == len(set(codes))
    assert {found.code for found in CLASSES if "code" not in vars(found)} == {"internal"}


@pytest.mark.parametrize("found", CLASSES, ids=lambda found: found.__name__)
def test_status_and_retry_fit_the_kind(found: type[Fault]) -> None:
    """What the caller did wrong is a 4xx and fails again; nothing of an upstream's is a 4xx."""
    if issubclass(found, CallerFault):
        assert 400 <= found.status < 500
        assert not found.retryable
    if issubclass(found, UpstreamFault):
        assert found.status in (502, 503)


def test_only_a_refused_key_of_ours_is_an_upstream_fault_that_no_retry_mends() -> None:
    final = {found.__name__ for found in CLASSES if issubclass(found, UpstreamFault)}
    final -= {found.__name__ for found in CLASSES if found.retryable}

    assert final == {"UpstreamRefused"}


def test_the_detail_is_the_text_of_the_exception() -> None:
    fault = Fault("It broke; try again.")

    assert (str(fault), fault.detail, fault.native) == ("It broke; try again.",) * 2 + (None,)


def test_too_many_tokens_speaks_as_google_does() -> None:
    text = "The input token count (9) exceeds the maximum number of tokens allowed (8)."

    assert TooManyTokens(9, 8).detail == text
    assert TooManyTokens(9, 8, "Pull a larger model.").detail == f"{text} Pull a larger model."


def test_an_unknown_model_is_named_with_the_method() -> None:
    fault = UnknownModel("gemini-9", "countTokens")

    assert (fault.model, fault.method) == ("gemini-9", "countTokens")
    assert "gemini-9" in fault.detail
    assert "countTokens" in fault.detail
