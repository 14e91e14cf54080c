"""What a local model cannot read is refused with a way out; the rest is written as text."""

import msgspec
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
from geminid.core.errors import CallerFault, Invalid, Unrepresentable, Unsupported
from geminid.core.request import FunctionTool, OutputFormat, Request, Sampling, ToolChoice
from geminid.engines.llama.prompt import plain


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

    contents = plain(request, default_max_output=9, thinks=False).contents

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

    (content,) = plain(asked(Content("user", parts)), default_max_output=9, thinks=False).contents
    (part,) = content.parts

    assert isinstance(part, Text)
    for words in (
        'CALL [{"name":"add","args":{"a":1}}]',
        'add has returned {"sum":2}',
        "```python\nprint(2)\n```",
        "OUTCOME_OK\n2",
    ):
        assert words in part.text


def test_an_answer_is_always_bounded() -> None:
    request = asked(Content("user", (Text(text="a"),)))

    assert plain(request, default_max_output=9, thinks=False).sampling.max_output == 9


def test_a_bound_of_the_caller_stays() -> None:
    request = asked(Content("user", (Text(text="a"),)), sampling=Sampling(max_output=1000))

    assert plain(request, default_max_output=9, thinks=False).sampling.max_output == 1000


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
        plain(asked(Content("user", (part,))), default_max_output=9, thinks=False)


def test_more_than_one_candidate_is_refused() -> None:
    request = Request(model="m", contents=(), sampling=Sampling(candidates=2))

    with pytest.raises(Unsupported, match="one candidate"):
        plain(request, default_max_output=9, thinks=False)


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
def test_what_asks_for_text_is_told_nothing_more(request_: Request) -> None:
    passed = plain(request_, default_max_output=9, thinks=False)

    assert passed.functions == ()
    assert passed.output is None
    assert passed.system == ()


@pytest.mark.parametrize("mode", ["AUTO", "ANY", "VALIDATED"])
def test_functions_are_told_with_their_parameters(mode: str) -> None:
    functions = (
        FunctionTool(name="add", description="Adds.", parameters=Json(b'{"type":"OBJECT"}')),
        FunctionTool(name="größe"),
    )
    request = msgspec.structs.replace(
        asked(Content("user", (Text(text="a"),))),
        system=(Text(text="Be kind."),),
        functions=functions,
        tool_choice=ToolChoice(mode),
    )

    kind, told = plain(request, default_max_output=9, thinks=False).system

    assert kind == Text(text="Be kind.")
    assert isinstance(told, Text)
    assert '{"name":"add","description":"Adds.","parameters":{"type":"OBJECT"}}' in told.text
    assert '{"name":"größe"}' in told.text


def test_only_what_is_allowed_is_told() -> None:
    request = msgspec.structs.replace(
        asked(Content("user", (Text(text="a"),))),
        functions=(FunctionTool(name="add"), FunctionTool(name="other")),
        tool_choice=ToolChoice("ANY", ("add",)),
    )

    (told,) = plain(request, default_max_output=9, thinks=False).system

    assert isinstance(told, Text)
    assert "other" not in told.text


@pytest.mark.parametrize(
    ("output", "says"),
    [
        (OutputFormat("application/json"), "only with JSON."),
        (OutputFormat(schema=Json(b'{"type":"OBJECT"}')), '{"type":"OBJECT"}'),
        (OutputFormat("text/x.enum", Json(b'{"enum":["red","blue"]}')), "one of: red, blue."),
    ],
    ids=["json", "schema", "choice"],
)
def test_the_form_of_the_answer_is_told(output: OutputFormat, says: str) -> None:
    (told,) = plain(
        Request(model="m", contents=(), output=output), default_max_output=9, thinks=False
    ).system

    assert isinstance(told, Text)
    assert says in told.text


def test_calls_are_written_as_they_are_made() -> None:
    """Those that stand together are one list; their results are told by name."""
    first, second = Call(name="a", args=Json(b'{"x":"\xc3\xa4"}')), Call(name="b")
    request = asked(
        Content("user", (Text(text="go"),)),
        Content("model", (first, second)),
        Content("user", (Result(name="a", response=Json(b'{ "y": 1 }')), Result(name="b"))),
    )

    _, made, results = plain(request, default_max_output=9, thinks=False).contents

    assert made.parts == (Text(text='CALL [{"name":"a","args":{"x":"ä"}},{"name":"b","args":{}}]'),)
    assert results.parts == (
        Text(text='The function a has returned {"y":1}.\nThe function b has returned {}.\n'),
    )


def test_text_that_belongs_to_a_result_is_told() -> None:
    blob = Blob(mime="text/plain", data="w6QgYg==")
    request = asked(Content("user", (Result(name="f", media=(blob,)),)))

    (content,) = plain(request, default_max_output=9, thinks=False).contents

    assert content.parts == (Text(text="The function f has returned {}.\nä b\n"),)


def test_thoughts_of_this_turn_are_words_for_a_model_that_has_none() -> None:
    """At most 2,000 characters of each; a model that thinks gets them whole, as thoughts."""
    thought, call = Thought(text="hm" * 2000), Call(name="f")
    request = asked(
        Content("user", (Text(text="go"),)),
        Content("model", (thought, call)),
        Content("user", (Result(name="f"),)),
    )

    words = plain(request, default_max_output=9, thinks=False).contents[1].parts
    kept = plain(request, default_max_output=9, thinks=True).contents[1].parts

    assert words == (Text(text="hm" * 1000 + '\n\nCALL [{"name":"f","args":{}}]'),)
    assert kept == (thought, Text(text='CALL [{"name":"f","args":{}}]'))


LIGHT = FunctionTool(
    name="set_light",
    description="Sets a light.",
    parameters=Json(
        b'{"type":"OBJECT","properties":{"level":{"type":"INTEGER"},"tone":{"enum":["warm"]},'
        b'"room":{"type":"STRING"},"note":{"type":"STRING"}},"required":["level","tone","room"]}'
    ),
)
CALLED = 'CALL [{"name":"set_light","args":{"level":1,"tone":"warm","room":"..."}}]'


def primed(*contents: Content, mode: str = "", temperature: float | None = None) -> Request:
    request = msgspec.structs.replace(
        asked(*contents, sampling=Sampling(temperature=temperature)),
        functions=(LIGHT,),
        tool_choice=ToolChoice(mode) if mode else None,
    )
    return plain(request, default_max_output=9, thinks=False, primed=True)


def said(request: Request) -> list[str]:
    return [part.text for c in request.contents for part in c.parts if isinstance(part, Text)]


def test_a_very_small_model_is_shown_a_call_before_the_conversation() -> None:
    """Told only in the system instruction, it never calls."""
    request = primed(Content("user", (Text(text="Dim it."),)))

    assert said(request)[-3:] == ["Sets a light, please.", CALLED, "Dim it."]
    roles = [content.role for content in request.contents]
    assert roles == ["user", "model"] * (len(roles) // 2) + ["user"]


def test_once_a_function_has_returned_it_is_shown_what_to_make_of_that() -> None:
    result = Result(name="set_light", response=Json(b'{"ok":true}'))
    request = primed(
        Content("user", (Text(text="Dim it."),)),
        Content("model", (Call(name="set_light"),)),
        Content("user", (result,)),
    )

    assert 'The function set_light has returned {"result":"yes"}.' in said(request)
    assert said(request)[-1] == 'The function set_light has returned {"ok":true}.\n'


@pytest.mark.parametrize(("asked_for", "taken"), [(None, 0.0), (0.0, 0.0), (1.3, 1.3)])
def test_it_is_not_left_to_chance_unless_the_caller_says_so(
    asked_for: float | None, taken: float
) -> None:
    request = primed(Content("user", (Text(text="Dim it."),)), temperature=asked_for)

    assert request.sampling.temperature == taken


@pytest.mark.parametrize("mode", ["ANY", "NONE"])
def test_where_there_is_no_choice_nothing_is_shown(mode: str) -> None:
    request = primed(Content("user", (Text(text="Dim it."),)), mode=mode)

    assert said(request) == ["Dim it."]
    assert request.sampling.temperature is None


@pytest.mark.parametrize("bound", [0, -5])
def test_a_bound_below_one_token_is_refused(bound: int) -> None:
    request = asked(Content("user", (Text(text="a"),)), sampling=Sampling(max_output=bound))

    with pytest.raises(Invalid, match="needs 1 at least"):
        plain(request, default_max_output=9, thinks=False)
