"""A request as a local chat model can read it: text, turn by turn.

llama.cpp's chat template knows nothing but words here.  What is only words in another form (a call,
its result, code) is written out; what is none is refused with a way out.
"""

import binascii
from base64 import b64decode
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Final, assert_never

import msgspec

from geminid.core.content import (
    Blob,
    Call,
    Code,
    CodeResult,
    Content,
    FileRef,
    Json,
    Opaque,
    Part,
    Result,
    Text,
    Thought,
)
from geminid.core.errors import Invalid, Unrepresentable, Unsupported
from geminid.core.request import FunctionTool, OutputFormat, Request
from geminid.engines.llama.grammar import MARK, choices, offered, output_form
from geminid.engines.llama.priming import RETURNED, turns

_WAY_OUT: Final = "or name a model that another channel serves"
_LONGEST_THOUGHT: Final = 2000
"""Characters of one former thought that are told again to a model that does not think by itself."""

_LONGEST_SCHEMA: Final = 4000
"""Bytes of a schema that the model is told.  The grammar holds it to a longer one as well."""

_HINT: Final = "\n(Call a function if one helps: CALL [...])"
_GO_ON: Final = "Tell me in words what this means, or call another function if one is still needed."


def plain(
    request: Request, *, default_max_output: int, thinks: bool, primed: bool = False
) -> Request:
    """`request` with nothing left in it but text, and with a bound on the answer.

    Functions and the form of the answer are told in the system instruction, calls and results in
    the words that a new call is written in.  Thoughts of the turn that goes on are kept: as such
    for a model that `thinks`, in words for another; older ones are left out.  A very small model is
    `primed`: shown calls in turns before the conversation, and with functions at hand not left to
    chance where the caller names no temperature.

    Raises:
        Unsupported: it asks for what the local model cannot do.
        Unrepresentable: a part that only its own dialect understands.
        Invalid: no function is left to be called, a choice has nothing to choose from, or the
            answer may have no token.
    """
    sampling = request.sampling
    if sampling.candidates is not None and sampling.candidates > 1:
        raise Unsupported(
            "The local model gives one candidate. Set `candidateCount` to 1 and ask again for"
            " another."
        )
    if sampling.max_output is not None and sampling.max_output < 1:
        raise Invalid(
            f"`maxOutputTokens` is {sampling.max_output}; the local model needs 1 at least. Leave"
            " it out for this server's default."
        )
    if sampling.max_output is None:
        sampling = msgspec.structs.replace(sampling, max_output=default_max_output)
    primed = primed and bool(offered(request)) and not _must_call(request)
    if primed and sampling.temperature is None:
        sampling = msgspec.structs.replace(sampling, temperature=0.0)
    goes_on = _goes_on(request.contents)
    before = turns(offered(request), returned=goes_on) if primed else ()
    return msgspec.structs.replace(
        request,
        contents=(*before, *_contents(request, thinks=thinks, hints=not primed)),
        system=(
            *(Text(text=_words(part)) for part in request.system),
            *(Text(text=text) for text in _told(request, primed=primed)),
        ),
        functions=(),
        tool_choice=None,
        output=None,
        thinking=None,
        sampling=sampling,
    )


# What the model is told --------------------------------------------------------------------------


def _told(request: Request, *, primed: bool) -> Iterable[str]:
    functions = offered(request)
    if functions:
        lines = "\n".join(_declaration(tool) for tool in functions)
        if _must_call(request):
            yield f"Functions you can call:\n{lines}\nAnswer only with {MARK}{_example(functions)}."
        elif primed:
            yield (
                f"You are a helpful assistant with functions:\n{lines}\nIf a function can help,"
                f' reply only with {MARK}[{{"name":...,"args":...}}]. Otherwise reply in words.'
            )
        elif _goes_on(request.contents):
            yield (
                f"Functions you can call:\n{lines}\nIf one of them helps, answer only with"
                f' {MARK}[{{"name":NAME,"args":{{...}}}}] and nothing else. If none helps, answer'
                " in words."
            )
        else:
            yield (
                f"You are a helpful assistant who can call functions:\n{lines}\nReply {MARK}[...]"
                " to call a function that fits the question. Reply in words if none fits.\nReply"
                " examples:\n"
                + "\n".join(MARK + _example([tool]) for tool in functions[:3])
                + "\nHello! How can I help you?"
            )
    if request.output is not None and not _must_call(request):
        yield from _form(request.output)


def _form(output: OutputFormat) -> Iterable[str]:
    match output_form(output):
        case "enum":
            yield f"Answer only with one of: {', '.join(choices(output))}."
        case "json" if output.schema is not None and len(output.schema) <= _LONGEST_SCHEMA:
            schema = bytes(output.schema).decode()
            yield f"Answer only with JSON that fits this schema:\n{schema}"
        case "json":
            yield "Answer only with JSON."
        case _:
            return


def _must_call(request: Request) -> bool:
    choice = request.tool_choice
    return choice is not None and choice.mode == "ANY" and bool(offered(request))


def _declaration(tool: FunctionTool) -> str:
    tree: dict[str, object] = {"name": tool.name}
    if tool.description:
        tree["description"] = tool.description
    if tool.parameters is not None:
        tree["parameters"] = tool.parameters
    return msgspec.json.encode(tree).decode()


def _example(functions: Sequence[FunctionTool]) -> str:
    name = msgspec.json.encode(functions[0].name).decode()
    return f'[{{"name":{name},"args":{{...}}}}]'


# What was said -----------------------------------------------------------------------------------


def _contents(request: Request, *, thinks: bool, hints: bool) -> Iterable[Content]:
    """One content per turn: neighbours of one role belong together."""
    current = _current(request.contents)
    asks = hints and bool(offered(request)) and not _must_call(request)
    groups = groupby(
        enumerate(request.contents), lambda pair: "model" if pair[1].role == "model" else "user"
    )
    merged = [(role, list(contents)) for role, contents in groups]
    for number, (role, contents) in enumerate(merged):
        parts = [
            part
            for index, content in contents
            for part in content.parts
            if not isinstance(part, Thought) or index > current
        ]
        text = "".join(_written(parts, thinks=thinks))
        if asks and role == "user" and number == len(merged) - 1:
            text += f"\n{_GO_ON}" if isinstance(parts[-1], Result) else _HINT
        thoughts = tuple(part for part in parts if isinstance(part, Thought) and thinks)
        if parts or role == "user":
            yield Content(role, (*thoughts, Text(text=text)))


def _current(contents: Sequence[Content]) -> int:
    """Where the turn begins that goes on: at the user's last words that are no function's."""
    for index in range(len(contents) - 1, -1, -1):
        content = contents[index]
        if content.role != "model" and not all(isinstance(p, Result) for p in content.parts):
            return index
    return -1


def _goes_on(contents: Sequence[Content]) -> bool:
    """Whether results of functions were the last that was said."""
    return bool(contents and contents[-1].parts) and isinstance(contents[-1].parts[-1], Result)


def _written(parts: Sequence[Part], *, thinks: bool) -> Iterable[str]:
    """The words of one turn.  Calls that stand together are one list, as they are made."""
    for calls, group in groupby(parts, lambda part: isinstance(part, Call)):
        if calls:
            made = [{"name": c.name, "args": c.args} for c in group if isinstance(c, Call)]
            yield f"{MARK}{msgspec.json.encode(made).decode()}"
            continue
        for part in group:
            if isinstance(part, Thought) and not thinks:
                yield f"{part.text[:_LONGEST_THOUGHT]}\n\n"
            else:
                yield _words(part)


def _words(part: Part) -> str:
    match part:
        case Text():
            return part.text
        case Thought() | Call():  # `_written` knows better
            return ""
        case Result():
            return _result(part)
        case Code():
            return f"\n```{part.language.lower()}\n{part.code}\n```\n"
        case CodeResult():
            return f"\n[code result] {part.outcome}\n{part.output}\n"
        case Blob() | FileRef():
            kind = "a file" if isinstance(part, FileRef) else f"{part.mime or 'binary'} data"
            raise _unread(f"{kind} in the prompt")
        case Opaque():
            raise Unrepresentable(
                f"The part {part.kind!r} means nothing to the local model; leave it out,"
                f" {_WAY_OUT}."
            )
        case _:
            assert_never(part)


def _result(result: Result) -> str:
    told = RETURNED.format(name=result.name, response=_compact(result.response))
    said = [f"{told}\n"]
    for blob in result.media:
        if blob.mime.partition("/")[0] != "text":
            raise _unread("media in a function's result")
        try:
            said.append(b64decode(blob.data).decode() + "\n")
        except (binascii.Error, UnicodeDecodeError) as error:
            raise Unrepresentable(
                f"Data of the type {blob.mime} must be text in UTF-8; send it as such."
            ) from error
    return "".join(said)


def _compact(value: Json) -> str:
    return msgspec.json.format(bytes(value), indent=-1).decode()


def _unread(what: str) -> Unsupported:
    return Unsupported(
        f"The local model reads text only, and there is {what}. Send its text instead, {_WAY_OUT}."
    )
