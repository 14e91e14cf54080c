"""Which channels may read each other's signatures, and what they are called."""

from typing import Any

import pytest

from geminid.config.model import Channel, Secret
from geminid.config.provider import origin_of, provider_of


def google(name: str, key: str, **more: Any) -> Channel:
    return Channel(name=name, engine="google", key=Secret(key, "env:K"), **more)


def test_channels_of_one_project_share_their_signatures() -> None:
    one, two = google("a", "k1", project="p"), google("b", "k2", project="p")

    assert origin_of(one) == origin_of(two)


def test_another_key_is_another_origin_unless_the_project_is_named() -> None:
    """Nobody can see whether two keys are of one project; to be wrong would cost a 400."""
    assert origin_of(google("a", "k1")) != origin_of(google("a", "k2"))
    assert origin_of(google("a", "k1", project="p")) == origin_of(google("a", "k2", project="p"))


def test_one_key_is_one_origin_under_any_name_but_not_at_another_address() -> None:
    assert origin_of(google("a", "k")) == origin_of(google("b", "k"))
    assert origin_of(google("a", "k")) != origin_of(google("a", "k", base_url="http://x"))


def test_an_origin_does_not_tell_the_key() -> None:
    assert "secret-key" not in origin_of(google("a", "secret-key"))


def test_channels_without_a_key_are_told_apart_by_name() -> None:
    one, two = (Channel(name=name, engine="llama") for name in "ab")

    assert origin_of(one) != origin_of(two)


@pytest.mark.parametrize(
    ("channel", "provider"),
    [
        (Channel(name="c", engine="google"), "Google AI Studio"),
        (Channel(name="c", engine="openai", flavor="openrouter"), "OpenRouter"),
        (Channel(name="c", engine="openai", base_url="https://api.aimlapi.com/v1"), "AI/ML API"),
        (Channel(name="box", engine="openai", base_url="http://127.0.0.1:8000/v1"), "box"),
        (Channel(name="c", engine="llama"), "geminid"),
    ],
)
def test_who_answers_is_named_in_words(channel: Channel, provider: str) -> None:
    assert provider_of(channel) == provider
