"""Which dialect a path belongs to (CONTRACT, routes and shared paths)."""

import re
from typing import Final

import msgspec

from geminid.http.exchange import Exchange
from geminid.http.openai import Mount

_LAYER: Final = re.compile(r"/(?:v1|v1beta|v1alpha)/openai/(.+)")
_OPENAI: Final = re.compile(r"/(api/)?v1/(.+)")
_GEMINI: Final = re.compile(r"/(v1|v1beta|v1alpha)/(.+)")
_OPENAI_ONLY: Final = re.compile(
    r"(?:chat/completions|completions|responses|embeddings|images|audio|rerank|moderations)(?:/.*)?"
)
_SHARED: Final = re.compile(r"(?:models|files|batches)(?:/[^:]+)?")
"""What both dialects have at `/v1`.  A colon after the name is a method of Gemini's."""


class OpenAIPath(msgspec.Struct, frozen=True):
    """`rest` under one of the OpenAI API's mounts."""

    mount: Mount
    rest: str


class GeminiPath(msgspec.Struct, frozen=True):
    """`rest` under a version of the Gemini API."""

    version: str
    rest: str


def path_of(exchange: Exchange) -> OpenAIPath | GeminiPath | None:
    """The dialect that `exchange` is in; `None` if its path is in none.

    On a shared path a key in Gemini's own places means Gemini, anything else OpenAI.
    """
    if (found := _LAYER.fullmatch(exchange.path)) is not None:
        return OpenAIPath(Mount.LAYER, found[1])
    if (found := _OPENAI.fullmatch(exchange.path)) is not None:
        if found[1]:
            return OpenAIPath(Mount.ROUTER, found[2])
        if _OPENAI_ONLY.fullmatch(found[2]) or (
            _SHARED.fullmatch(found[2]) and not _speaks_gemini(exchange)
        ):
            return OpenAIPath(Mount.PLAIN, found[2])
    if (found := _GEMINI.fullmatch(exchange.path)) is not None:
        return GeminiPath(found[1], found[2])
    return None


def _speaks_gemini(exchange: Exchange) -> bool:
    headers = exchange.headers
    return (
        b"x-goog-api-key" in headers
        or b"x-goog-api-client" in headers
        or bool(exchange.query("key"))
    )
