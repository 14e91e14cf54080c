"""How many tokens a text has on the engine `script`: one for every four characters begun.

An estimate of what Gemini counts, but the engine's own measure: the same everywhere it counts.
"""

from collections.abc import Iterable, Iterator
from typing import Final, assert_never

from geminid.core.content import (
    Blob,
    Call,
    Code,
    CodeResult,
    FileRef,
    Opaque,
    Part,
    Result,
    Text,
    Thought,
)
from geminid.core.request import Request

PER_TOKEN: Final = 4
"""Characters."""


def tokens(text: str) -> int:
    """The tokens of `text`; none if it is empty."""
    return -(-len(text) // PER_TOKEN)


def prompt_tokens(request: Request) -> int:
    """The tokens of all that `request` says: words, calls, results, functions, schema.

    Media and thoughts of former turns count nothing, but a prompt with any part has one token at
    least.
    """
    parts = [*request.system, *(part for content in request.contents for part in content.parts)]
    size = sum(map(len, _words(parts))) + sum(map(len, _offered(request)))
    return max(-(-size // PER_TOKEN), 1 if parts else 0)


def _words(parts: Iterable[Part]) -> Iterator[str]:
    for part in parts:
        match part:
            case Text():
                yield part.text
            case Call():
                yield from (part.name, bytes(part.args).decode())
            case Result():
                yield from (part.name, bytes(part.response).decode())
            case Code():
                yield part.code
            case CodeResult():
                yield part.output
            case Thought() | Blob() | FileRef() | Opaque():
                pass
            case _:
                assert_never(part)


def _offered(request: Request) -> Iterator[str]:
    schemas = [request.output.schema] if request.output is not None else []
    for function in request.functions:
        yield from (function.name, function.description)
        schemas += [function.parameters, function.response]
    yield from (bytes(schema).decode() for schema in schemas if schema is not None)
