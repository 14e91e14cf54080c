"""What a local model cannot read is refused with a way out; the rest is written as text."""

import pytest

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
from geminid.core.errors import CallerFault, Unrepresentable, Unsupported
from geminid.core.request import FunctionTool, OutputFormat, Request, Sampling, ToolChoice
from geminid.engines.llama_prompt import plain


def asked(*contents: Content, sampling: Sampling | None = None) -> Request:
    """A request of nothing but `contents`."""
    return Request(model="m", contents=contents, sampling=sampling or Sampling())


def test_turns_become_one_text_each() -> None:
    request = asked(
        Content("", (Text(text="a"), Text(text="b"))),
        Content("user", (Text(text="c"),)),
        Content("model", (Thought(text="secret"), Text(text="d"))),
        Content("function", (Text(text="e"),)),
    )

    contents = plain(request, default_max_output=9).contents

    assert contents == (
        Content("user", (Text(text="abc"),)),
        Content("model", (Text(text="d"),)),
        Content("user", (Text(text="e"),)),
    )


def test_calls_and_code_are_written_out() -> None:
    parts: tuple[Part, ...] = (
        Call(name="add", args=Json(b'{"a":1}')),
        Result(name="add", response=Json(b'{"sum":2}')),
        Code(code="print(2)"),
        CodeResult(outcome="OUTCOME_OK", output="2"),
    )

    (content,) = plain(asked(Content("user", parts)), default_max_output=9).contents
    (part,) = content.parts

    assert isinstance(part, Text)
    for words in ('add({"a":1})', 'add: {"sum":2}', "```python\nprint(2)\n```", "OUTCOME_OK\n2"):
        assert words in part.text


def test_an_answer_is_always_bounded() -> None:
    request = asked(Content("user", (Text(text="a"),)))

    assert plain(request, default_max_output=9).sampling.max_output == 9


def test_a_bound_of_the_caller_stays() -> None:
    request = asked(Content("user", (Text(text="a"),)), sampling=Sampling(max_output=1000))

    assert plain(request, default_max_output=9).sampling.max_output == 1000


@pytest.mark.parametrize(
    ("part", "fault", "says"),
    [
        (Blob(mime="image/png", data="AAAA"), Unsupported, "image/png data"),
        (FileRef(uri="https://example.org/a.pdf"), Unsupported, "a file"),
        (
            Result(name="f", media=(Blob(mime="image/png", data="AAAA"),)),
            Unsupported,
            "media in a function's result",
        ),
        (Opaque(dialect="gemini", kind="toolCall", body=Json(b"{}")), Unrepresentable, "toolCall"),
    ],
)
def test_what_is_no_text_is_refused(part: Part, fault: type[CallerFault], says: str) -> None:
    with pytest.raises(fault, match=f"{says}.* another channel serves"):
        plain(asked(Content("user", (part,))), default_max_output=9)


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        (
            Request(model="m", contents=(), functions=(FunctionTool(name="f"),)),
            "cannot call functions",
        ),
        (Request(model="m", contents=(), output=OutputFormat("application/json")), "JSON"),
        (
            Request(model="m", contents=(), output=OutputFormat(schema=Json(b'{"type":"OBJECT"}'))),
            "schema",
        ),
        (Request(model="m", contents=(), sampling=Sampling(candidates=2)), "one candidate"),
    ],
    ids=["functions", "json", "schema", "candidates"],
)
def test_what_is_more_than_text_is_refused(request_: Request, says: str) -> None:
    with pytest.raises(Unsupported, match=says):
        plain(request_, default_max_output=9)


@pytest.mark.parametrize(
    "request_",
    [
        Request(
            model="m",
            contents=(),
            functions=(FunctionTool(name="f"),),
            tool_choice=ToolChoice("NONE"),
        ),
        Request(model="m", contents=(), output=OutputFormat("text/plain")),
        Request(model="m", contents=(), sampling=Sampling(candidates=1)),
    ],
    ids=["no function may be called", "text", "one candidate"],
)
def test_what_asks_for_text_passes(request_: Request) -> None:
    passed = plain(request_, default_max_output=9)

    assert passed.functions == ()
    assert passed.output is None
