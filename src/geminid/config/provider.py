"""Who stands behind a channel: for people to read, and for telling signatures apart."""

import hashlib
from typing import Final

from geminid.config.model import Channel
from geminid.dialects.openai.flavor import flavor_of

_OWN: Final = "geminid"
_GOOGLE: Final = "Google AI Studio"
_FLAVORS: Final = {
    "aimlapi": "AI/ML API",
    "google": _GOOGLE,
    "llama": "llama.cpp",
    "ollama": "Ollama",
    "openai": "OpenAI",
    "openrouter": "OpenRouter",
    "vllm": "vLLM",
}
_FINGERPRINT: Final = 16


def provider_of(channel: Channel) -> str:
    """Who answers, in words, as OpenRouter's `provider` names them."""
    match channel.engine:
        case "google":
            return _GOOGLE
        case "openai":
            flavor = channel.flavor or flavor_of(channel.base_url).name
            return _FLAVORS.get(flavor, channel.name)
        case _:
            return _OWN


def origin_of(channel: Channel) -> str:
    """Where the thought signatures of `channel` are valid.

    Channels with one `project` share it, and those with one key at one address.  Of a channel
    without either nobody knows more than its name.
    """
    if channel.project:
        return f"{channel.engine}/{channel.base_url}/{channel.project}"
    if channel.key is None:
        return f"{channel.engine}/{channel.name}"
    key = hashlib.sha256(channel.key.reveal().encode()).hexdigest()[:_FINGERPRINT]
    return f"{channel.engine}/{channel.base_url}#{key}"
