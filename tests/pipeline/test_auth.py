"""Who is asking: a key is found by its digest, and a wrong one breaks nothing."""

import hashlib

import pytest

from geminid.core.errors import BadKey, NoKey
from geminid.pipeline.auth import ANYONE, Callers


def digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


@pytest.fixture
def callers() -> Callers:
    return Callers([(digest("key-of-ada"), "ada"), (digest("key-of-bob").upper(), "bob")])


@pytest.mark.parametrize("key", ["", "anything", "key-of-ada"])
def test_without_keys_anyone_may_ask(key: str) -> None:
    callers = Callers()

    assert callers.open
    assert callers.admit(key) == ANYONE


@pytest.mark.parametrize(("key", "name"), [("key-of-ada", "ada"), ("key-of-bob", "bob")])
def test_a_key_stands_for_its_caller(key: str, name: str, callers: Callers) -> None:
    """The digest may be written in either case."""
    assert not callers.open
    assert callers.admit(key) == name


def test_no_key_is_told_apart_from_a_wrong_one(callers: Callers) -> None:
    with pytest.raises(NoKey):
        callers.admit("")
    with pytest.raises(BadKey):
        callers.admit("key-of-eve")


@pytest.mark.parametrize(
    "key",
    [
        digest("key-of-ada"),
        "ada",
        " key-of-ada",
        "KEY-OF-ADA",
        "k" * 1_000_000,
        "\0",
        "\udcff",
        "ключ",
    ],
    ids=["digest", "name", "space", "case", "huge", "nul", "surrogate", "cyrillic"],
)
def test_whatever_else_is_sent_is_a_wrong_key_that_no_error_repeats(
    key: str, callers: Callers
) -> None:
    with pytest.raises(BadKey) as caught:
        callers.admit(key)

    assert key not in str(caught.value)


def test_a_key_need_not_be_ascii() -> None:
    """Its digest is that of its UTF-8, as the configuration says."""
    assert Callers([(digest("schlüssel"), "uwe")]).admit("schlüssel") == "uwe"
