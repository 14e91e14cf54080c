"""A request as a local chat model can read it: text, turn by turn.

llama.cpp's chat template knows nothing but words here.  What is only words in another form (a call,
its result, code) is written out; what is none is refused with a way out.
"""

from collections.abc import Iterable
from typing import Final, assert_never

import msgspec

from geminid.core.content import (
    Blob,
    Call,
    Code,
    CodeResult,
    Content,
    FileRef,
    Opaque,
    Part,
    Result,
    Text,
    Thought,
)
from geminid.core.errors import Unrepresentable, Unsupported
from geminid.core.request import Request

_NOW: Final = "The local model answers in plain text in this version"
_WAY_OUT: Final = "or name a model that another channel serves"


def plain(request: Request, *, default_max_output: int) -> Request:
    """`request` with nothing left in it but text, and with a bound on the answer.

    Raises:
        Unsupported: it asks for what the local model cannot do.
        Unrepresentable: a part that only its own dialect understands.
    """
    _refuse(request)
    sampling = request.sampling
    if sampling.max_output is None:
        sampling = msgspec.structs.replace(sampling, max_output=default_max_output)
    return msgspec.structs.replace(
        request,
        contents=tuple(_contents(request.contents)),
        system=tuple(Text(text=_words(part)) for part in request.system),
        functions=(),
        tool_choice=None,
        output=None,
        sampling=sampling,
    )


def _refuse(request: Request) -> None:
    choice = request.tool_choice
    if request.functions and (choice is None or choice.mode != "NONE"):
        raise Unsupported(
            f"{_NOW}: it cannot call functions. Leave `tools` out, set the mode NONE, {_WAY_OUT}."
        )
    output = request.output
    if output is not None and (output.schema is not None or output.mime not in ("", "text/plain")):
        raise Unsupported(
            f"{_NOW}: it cannot be held to JSON or to a schema. Leave `responseMimeType` and the"
            f" schema out, {_WAY_OUT}."
        )
    if request.sampling.candidates is not None and request.sampling.candidates > 1:
        raise Unsupported(
            "The local model gives one candidate. Set `candidateCount` to 1 and ask again for"
            " another."
        )


def _contents(contents: Iterable[Content]) -> Iterable[Content]:
    """One content per turn: neighbours of one role belong together, thoughts are not sent back."""
    role, texts = "", list[str]()
    for content in contents:
        speaker = "model" if content.role == "model" else "user"
        if speaker != role and texts:
            yield Content(role, (Text(text="".join(texts)),))
            texts = []
        role = speaker
        texts += [_words(part) for part in content.parts]
    if texts:
        yield Content(role, (Text(text="".join(texts)),))


def _words(part: Part) -> str:
    match part:
        case Text():
            return part.text
        case Thought():
            return ""
        case Call():
            return f"\n[function call] {part.name}({bytes(part.args).decode()})\n"
        case Result() if not part.media:
            return f"\n[function result] {part.name}: {bytes(part.response).decode()}\n"
        case Code():
            return f"\n```{part.language.lower()}\n{part.code}\n```\n"
        case CodeResult():
            return f"\n[code result] {part.outcome}\n{part.output}\n"
        case Blob() | FileRef() | Result():
            raise Unsupported(
                f"The local model reads text only, and there is {_kind(part)} in the prompt. Send"
                f" its text instead, {_WAY_OUT}."
            )
        case Opaque():
            raise Unrepresentable(
                f"The part {part.kind!r} means nothing to the local model; leave it out,"
                f" {_WAY_OUT}."
            )
        case _:
            assert_never(part)


def _kind(part: Blob | FileRef | Result) -> str:
    match part:
        case Blob():
            return f"{part.mime or 'binary'} data"
        case FileRef():
            return "a file"
        case Result():
            return "media in a function's result"
