"""Requests as `/chat/completions` bodies, asserted whole: servers read all of it."""

from base64 import b64encode
from typing import Any

import msgspec
import pytest

from geminid.core.content import (
    Blob,
    Call,
    Code,
    Content,
    FileRef,
    Json,
    Modifiers,
    Opaque,
    Part,
    Result,
    Text,
    Thought,
    VideoSpan,
)
from geminid.core.errors import Fault, Invalid, Unrepresentable, Unsupported
from geminid.core.request import (
    BuiltinTool,
    Extra,
    FunctionTool,
    OutputFormat,
    Request,
    Sampling,
    Thinking,
    ToolChoice,
)
from geminid.dialects.openai.flavor import FLAVORS, flavor_of
from geminid.dialects.openai.names import wire_name
from geminid.dialects.openai.request import encode_request

HI = (Content("user", (Text(text="hi"),)),)
PNG = Blob(mime="image/png", data="iVBORw==")
PNG_PART = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw=="}}
TOOL = FunctionTool(name="f", description="Does f.", parameters=Json(b'{"type":"OBJECT"}'))


def encode(
    request: Request, flavor: str = "generic", *, stream: bool = False
) -> tuple[dict[str, Any], list[str]]:
    ignored: list[str] = []
    body = encode_request(request, "theirs", FLAVORS[flavor], stream=stream, ignore=ignored.append)
    return msgspec.json.decode(body), ignored


def messages(*contents: Content, flavor: str = "generic") -> list[Any]:
    listed: list[Any] = encode(Request(model="m", contents=contents), flavor)[0]["messages"]
    return listed


def user(*parts: Part) -> Content:
    return Content("user", parts)


def model(*parts: Part) -> Content:
    return Content("model", parts)


def config(flavor: str = "generic", **fields: Any) -> tuple[dict[str, Any], list[str]]:
    """What fields beside the contents add to the body."""
    body, ignored = encode(Request(model="m", contents=HI, **fields), flavor)
    del body["model"], body["messages"]
    return body, ignored


def test_the_least_request() -> None:
    """Nothing is sent that was not asked for."""
    body, ignored = encode(Request(model="m", contents=HI))

    assert body == {"model": "theirs", "messages": [{"role": "user", "content": "hi"}]}
    assert ignored == []


def test_a_stream_asks_for_its_usage() -> None:
    """Without it, nobody could settle the request."""
    body, _ = encode(Request(model="m", contents=HI), stream=True)

    assert body["stream"] is True
    assert body["stream_options"] == {"include_usage": True}


def test_a_conversation_in_words() -> None:
    """Neighbouring contents of one speaker are one message: Google's own client splits them."""
    request = Request(
        model="m",
        system=(Text(text="Be brief."), Text(text="Be kind.")),
        contents=(
            user(Text(text="hi")),
            model(Text(text="Hel")),
            model(Text(text="lo")),
            Content("", (Text(text="one"), Text(text="two"))),
        ),
    )

    assert encode(request)[0]["messages"] == [
        {"role": "system", "content": "Be brief.\n\nBe kind."},
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": "Hello"},
        {
            "role": "user",
            "content": [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}],
        },
    ]


def tool_message(name: str, content: str) -> dict[str, str]:
    return {"role": "tool", "tool_call_id": name, "content": content}


def sent_call(name: str, function: str, arguments: str = "{}") -> dict[str, Any]:
    called = {"name": function, "arguments": arguments}
    return {"id": name, "type": "function", "function": called}


def test_a_tool_loop_without_ids_gets_ids_from_positions() -> None:
    """The same every time, so that a server's prompt cache still hits."""
    history = (
        user(Text(text="go")),
        model(Call(name="f", args=Json(b'{"b":1,"a":2}')), Call(name="g"), Call(name="f")),
        user(
            Result(name="g", response=Json(b'{"result":"plain"}')),
            Result(name="f", response=Json(b'{"error":"no"}')),
            Result(name="f", response=Json(b'{"result":1}')),
        ),
        model(Text(text="And"), Call(name="f")),
        user(Result(name="f", response=Json(b'{"output":"x","more":1}')), Text(text="next")),
    )

    assert messages(*history) == [
        {"role": "user", "content": "go"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                sent_call("call_1_0", "f", '{"b":1,"a":2}'),
                sent_call("call_1_1", "g"),
                sent_call("call_1_2", "f"),
            ],
        },
        tool_message("call_1_1", "plain"),
        tool_message("call_1_0", '{"error":"no"}'),
        tool_message("call_1_2", '{"result":1}'),
        {"role": "assistant", "content": "And", "tool_calls": [sent_call("call_2_0", "f")]},
        tool_message("call_2_0", '{"output":"x","more":1}'),
        {"role": "user", "content": "next"},
    ]


def test_a_tool_loop_with_ids_keeps_those_that_servers_take() -> None:
    """Others, and repeated ones, are replaced on both sides."""
    long = "x" * 41
    history = (
        model(*(Call(name="f", id=name) for name in ("a1", long, "a1", "k:1"))),
        user(*(Result(name="f", id=name) for name in (long, "k:1", "a1", "a1"))),
    )
    assistant, *results = messages(*history)

    sent = [call["id"] for call in assistant["tool_calls"]]
    assert sent == ["a1", "call_1_1", "call_1_2", "call_1_3"]
    assert [result["tool_call_id"] for result in results] == [sent[1], sent[3], sent[0], sent[2]]


def test_results_are_paired_by_id_before_name() -> None:
    """One without an id must not take the call of one that has it."""
    _, *results = messages(
        model(Call(name="f", id="a"), Call(name="f", id="b"), Call(name="g", id="c")),
        user(
            Result(name="g", response=Json(b'{"result":"1"}')),
            Result(name="f", response=Json(b'{"result":"2"}')),
            Result(name="f", id="a", response=Json(b'{"result":"3"}')),
        ),
    )

    assert results == [tool_message("c", "1"), tool_message("b", "2"), tool_message("a", "3")]


def test_an_id_that_is_made_up_is_nobody_else_s() -> None:
    """Whatever ids the caller's own calls have."""
    assistant, *results = messages(
        model(Call(name="f", id="call_1_1"), Call(name="f"), Call(name="f", id="call_1_2")),
        user(Result(name="f"), Result(name="f"), Result(name="f")),
    )
    sent = [call["id"] for call in assistant["tool_calls"]]

    assert len(set(sent)) == 3
    assert [result["tool_call_id"] for result in results] == sent


def test_the_split_contents_of_google_s_automatic_calling_stay_one_turn() -> None:
    """Its stream's closing empty text must not stand between a call and its result."""
    found = messages(
        user(Text(text="go")),
        model(Call(name="f", id="a1")),
        model(Text(text="")),
        user(Result(name="f", id="a1")),
    )

    assert [message["role"] for message in found] == ["user", "assistant", "tool"]


def test_an_empty_answer_stays_in_the_conversation() -> None:
    """Turns alternate; but a turn of thoughts alone said nothing."""
    found = messages(user(Text(text="a")), model(Text(text="")), user(Text(text="b")))

    assert found[1] == {"role": "assistant", "content": ""}
    assert len(messages(user(Text(text="a")), model(Thought(text="hm")))) == 1


def test_the_scheduling_of_a_result_is_named() -> None:
    """It belongs to the Live API."""
    result = Result(name="f", scheduling="SILENT", will_continue=False)
    _, ignored = encode(Request(model="m", contents=(model(Call(name="f")), user(result))))

    assert ignored == ["contents.parts.functionResponse.scheduling"]


def test_a_result_without_its_call_is_refused() -> None:
    """The server would answer with an error nobody could read."""
    with pytest.raises(Unrepresentable, match="'g' answers no function call"):
        messages(model(Call(name="f")), user(Result(name="g")))


def test_pictures_of_a_result_follow_it() -> None:
    """A `tool` message holds only text, so they are shown right after."""
    found = messages(model(Call(name="f", id="a")), user(Result(name="f", id="a", media=(PNG,))))

    assert found[1:] == [tool_message("a", "{}"), {"role": "user", "content": [PNG_PART]}]


def test_pictures_of_several_results_say_whose_they_are() -> None:
    """After the messages of all results, which must follow their calls at once."""
    found = messages(
        model(Call(name="f", id="a"), Call(name="f", id="b")),
        user(Result(name="f", id="b", media=(PNG,)), Text(text="So?"), Result(name="f", id="a")),
    )

    assert found[1:3] == [tool_message("b", "{}"), tool_message("a", "{}")]
    label = {"type": "text", "text": "The result of f (b) shows:"}
    assert found[3]["content"] == [label, PNG_PART, {"type": "text", "text": "So?"}]


def blob(mime: str, data: bytes = b"\x00\x01") -> Blob:
    return Blob(mime=mime, data=b64encode(data).decode(), name="n")


@pytest.mark.parametrize(
    ("flavor", "part", "written"),
    [
        ("generic", PNG, PNG_PART),
        (
            "generic",
            FileRef(uri="https://a.example/b.JPG?c"),
            {"type": "image_url", "image_url": {"url": "https://a.example/b.JPG?c"}},
        ),
        (
            "generic",
            FileRef(uri="https://a.example/b", mime="image/webp"),
            {"type": "image_url", "image_url": {"url": "https://a.example/b"}},
        ),
        (
            "generic",
            blob("audio/mpeg"),
            {"type": "input_audio", "input_audio": {"data": "AAE=", "format": "mp3"}},
        ),
        ("generic", blob("text/csv", b"a,b"), {"type": "text", "text": "a,b"}),
        (
            "openai",
            blob("application/pdf"),
            {
                "type": "file",
                "file": {"filename": "n", "file_data": "data:application/pdf;base64,AAE="},
            },
        ),
        (
            "openrouter",
            blob("video/mp4"),
            {"type": "video_url", "video_url": {"url": "data:video/mp4;base64,AAE="}},
        ),
        (
            "openrouter",
            FileRef(uri="https://a.example/b", mime="video/mp4"),
            {"type": "video_url", "video_url": {"url": "https://a.example/b"}},
        ),
        (
            "generic",
            Opaque(dialect="openai", kind="refusal", body=Json(b'{"type":"x","y":[1]}')),
            {"type": "x", "y": [1]},
        ),
    ],
)
def test_media_in(flavor: str, part: Part, written: dict[str, Any]) -> None:
    """Each kind in the form that servers of the flavor take."""
    assert messages(user(part), flavor=flavor) == [{"role": "user", "content": [written]}]


@pytest.mark.parametrize(
    ("flavor", "content"),
    [
        ("vllm", user(blob("application/pdf"))),
        ("openai", user(blob("video/mp4"))),
        ("openrouter", user(blob("application/zip"))),
        ("openrouter", user(blob("text/plain", b"\xff"))),
        ("openrouter", user(FileRef(uri="gs://bucket/a.png", mime="image/png"))),
        ("openrouter", user(FileRef(uri="https://generativelanguage.googleapis.com/v1/files/a"))),
        ("openrouter", user(Code(code="1"))),
        ("openrouter", user(Opaque(dialect="gemini", kind="toolCall", body=Json(b"{}")))),
        ("openrouter", model(PNG)),
        ("openrouter", model(Code(code="1"))),
    ],
)
def test_what_has_no_place_is_refused_and_never_dropped(flavor: str, content: Content) -> None:
    """A model that did not see the file would answer another question."""
    with pytest.raises(Unrepresentable) as caught:
        messages(content, flavor=flavor)
    assert "engine" in caught.value.detail or "UTF-8" in caught.value.detail


def test_a_system_instruction_must_be_words() -> None:
    """Servers take no pictures there."""
    with pytest.raises(Unrepresentable):
        encode(Request(model="m", contents=HI, system=(PNG,)))


def test_modifiers_that_servers_do_not_know_are_named() -> None:
    """The answer is the one asked for, with other costs."""
    modifiers = Modifiers(resolution="MEDIA_RESOLUTION_LOW", video=VideoSpan(fps=1.0))
    part = msgspec.structs.replace(PNG, modifiers=modifiers)
    draft = msgspec.structs.replace(PNG, modifiers=Modifiers(thought=True))
    _, ignored = encode(Request(model="m", contents=(user(part), model(draft, Text(text="x")))))

    assert ignored == [
        "contents.parts.mediaResolution",
        "contents.parts.videoMetadata",
        "contents.parts.thought",
    ]


THINKING_TURN = model(
    Thought(text="hm"),
    Text(text="I call.", signature="dGV4dA=="),
    Call(name="f", id="c1", signature="c2ln"),
)


@pytest.mark.parametrize(
    "signature",
    [
        "skip/thought/signature/validator",
        b64encode(b"skip_thought_signature_validator").decode(),
        "context/engineering/is/the/way/to/go",
    ],
)
def test_a_bypass_is_sent_in_the_documented_words(signature: str) -> None:
    """However the core spells it: nobody else reads another spelling."""
    words = "skip_thought_signature_validator"
    turn = model(Text(text="Hm.", signature=signature), Call(name="f", id="c", signature=signature))
    details = messages(turn, flavor="openrouter")[0]["reasoning_details"]
    layer = messages(turn, flavor="google")[0]

    assert [detail["data"] for detail in details] == [words, words]
    assert layer["extra_content"]["google"]["thought_signature"] == words
    assert layer["tool_calls"][0]["extra_content"]["google"]["thought_signature"] == words


def test_thoughts_and_signatures_are_left_out_where_servers_refuse_them() -> None:
    """And the caller is told."""
    body, ignored = encode(Request(model="m", contents=(THINKING_TURN, model(Thought(text="x")))))

    assert body["messages"] == [
        {"role": "assistant", "content": "I call.", "tool_calls": [sent_call("c1", "f")]}
    ]
    assert set(ignored) == {"contents.parts.thought", "contents.parts.thoughtSignature"}


def test_openrouter_gets_thoughts_and_signatures_back() -> None:
    """So that a tool loop with Gemini 3 behind it does not break."""
    body, ignored = encode(Request(model="m", contents=(THINKING_TURN,)), "openrouter")
    detail = {"type": "reasoning.encrypted", "format": "google-gemini-v1"}

    assert body["messages"][0]["reasoning"] == "hm"
    assert body["messages"][0]["reasoning_details"] == [
        detail | {"data": "dGV4dA==", "id": None, "index": 0},
        detail | {"data": "c2ln", "id": "c1", "index": 1},
    ]
    assert ignored == []


def test_google_s_compatibility_layer_gets_signatures_back() -> None:
    """Where its own clients put them."""
    message = messages(THINKING_TURN, flavor="google")[0]

    assert message["tool_calls"][0]["extra_content"] == {"google": {"thought_signature": "c2ln"}}
    assert message["extra_content"] == {"google": {"thought_signature": "dGV4dA=="}}


FUNCTION = {"name": "f", "description": "Does f.", "parameters": {"type": "object"}}
TOOLS = {"tools": [{"type": "function", "function": FUNCTION}]}


def test_functions_are_offered() -> None:
    """One without parameters takes an empty object."""
    assert config(functions=(TOOL,)) == (TOOLS, [])
    bare = FunctionTool(name="g", response=Json(b"{}"), behavior="BLOCKING")
    body, ignored = config(functions=(bare,))

    parameters = {"type": "object", "properties": {}}
    assert body["tools"][0]["function"] == {"name": "g", "parameters": parameters}
    assert ignored == [
        "tools.functionDeclarations.response",
        "tools.functionDeclarations.behavior",
    ]


def test_json_schema_of_a_function_goes_as_it_is() -> None:
    """With references and whatever else the subset has no word for."""
    schema = b'{"$defs":{"n":{"const":1}},"properties":{"b":{"$ref":"#/$defs/n"},"a":true}}'
    tool = FunctionTool(name="f", parameters=Json(schema), json_schema=True)
    ours: list[str] = []
    request = Request(model="m", contents=HI, functions=(tool,))
    body = encode_request(request, "m", FLAVORS["generic"], stream=False, ignore=ours.append)

    assert schema in body


def test_functions_of_any_name_go_under_one_that_servers_take() -> None:
    """The same where they are offered, forced, and spoken of in the history."""
    name, other = "files.read:größe", "x" * 128
    sent = wire_name(name)
    request = Request(
        model="m",
        contents=(user(Text(text="go")), model(Call(name=name)), user(Result(name=name))),
        functions=(FunctionTool(name=name), FunctionTool(name=other)),
        tool_choice=ToolChoice("ANY", (name,)),
    )
    body, _ = encode(request)

    assert [tool["function"]["name"] for tool in body["tools"]] == [sent]
    assert body["tool_choice"]["function"]["name"] == sent
    assert body["messages"][1]["tool_calls"][0]["function"]["name"] == sent
    assert body["messages"][2] == tool_message("call_1_0", "{}")


OPEN = Json(b'{"type":"object","properties":{"a":{"type":"string"}}}')
WHOLE = Json(b'{"type":"object","properties":{"a":{"type":"string"}},"required":["a"]}')


@pytest.mark.parametrize(("mode", "named"), [("VALIDATED", True), ("ANY", False), ("AUTO", False)])
@pytest.mark.parametrize("flavor", ["openai", "openrouter", "generic"])
def test_functions_that_servers_can_hold_an_answer_to_are_strict(
    flavor: str, mode: str, *, named: bool
) -> None:
    """Where the caller asked for valid arguments; who cannot promise them is named."""
    tools = tuple(
        FunctionTool(name=name, parameters=schema, json_schema=True)
        for name, schema in (("whole", WHOLE), ("open", OPEN))
    )
    body, ignored = config(flavor, functions=tools, tool_choice=ToolChoice(mode))
    whole, opened = (tool["function"] for tool in body["tools"])

    if mode != "AUTO" and flavor != "generic":
        assert whole["strict"] is True
        assert whole["parameters"]["additionalProperties"] is False
    else:
        assert "strict" not in whole
    assert "strict" not in opened
    assert opened["parameters"] == msgspec.json.decode(OPEN)
    assert ignored == (["toolConfig.functionCallingConfig.mode"] if named else [])
    _, ignored = config("openai", functions=tools[:1], tool_choice=ToolChoice(mode))
    assert ignored == []


@pytest.mark.parametrize(
    ("choice", "names", "written"),
    [
        (ToolChoice("AUTO"), ["f", "g"], None),
        (ToolChoice("AUTO", ("f",)), ["f", "g"], None),
        (ToolChoice("NONE"), ["f", "g"], "none"),
        (ToolChoice("ANY"), ["f", "g"], "required"),
        (ToolChoice("ANY", ("f", "g")), ["f", "g"], "required"),
        (ToolChoice("ANY", ("g",)), ["g"], {"type": "function", "function": {"name": "g"}}),
        (ToolChoice("VALIDATED", ("g",)), ["g"], None),
    ],
)
def test_tool_choice(choice: ToolChoice, names: list[str], written: object) -> None:
    """What may be called is limited by what is offered."""
    functions = (TOOL, FunctionTool(name="g"))
    body, ignored = config(functions=functions, tool_choice=choice)

    assert [tool["function"]["name"] for tool in body["tools"]] == names
    assert body.get("tool_choice") == written
    validated = ["toolConfig.functionCallingConfig.mode"]
    assert ignored == (validated if choice.mode == "VALIDATED" else [])


def test_a_server_that_knows_no_tool_choice_is_not_trusted_with_one() -> None:
    """ANY is a promise; NONE can be kept by offering nothing."""
    with pytest.raises(Unsupported, match="ANY"):
        config("ollama", functions=(TOOL,), tool_choice=ToolChoice("ANY"))
    assert config("ollama", functions=(TOOL,), tool_choice=ToolChoice("NONE")) == ({}, [])


def test_sampling() -> None:
    """All knobs by name."""
    sampling = Sampling(
        temperature=0.5,
        top_p=0.9,
        top_k=5,
        seed=7,
        max_output=100,
        stop=("a", "b"),
        candidates=2,
        presence_penalty=0.1,
        frequency_penalty=0.2,
        logprobs=True,
        top_logprobs=3,
    )
    common = {
        "temperature": 0.5,
        "top_p": 0.9,
        "seed": 7,
        "stop": ["a", "b"],
        "presence_penalty": 0.1,
        "frequency_penalty": 0.2,
        "logprobs": True,
        "top_logprobs": 3,
    }

    generic = common | {"max_tokens": 100, "n": 2}
    assert config(sampling=sampling) == (generic, ["generationConfig.topK"])
    assert config("vllm", sampling=sampling) == (generic | {"top_k": 5}, [])
    openai, _ = config("openai", sampling=sampling)
    assert openai == common | {"max_completion_tokens": 100, "n": 2}
    llama = common | {"max_tokens": 100, "top_k": 5}
    assert config("llama", sampling=sampling) == (llama, ["generationConfig.candidateCount"])


@pytest.mark.parametrize(
    ("output", "written"),
    [
        (OutputFormat("text/plain"), {}),
        (OutputFormat("application/json"), {"type": "json_object"}),
        (
            OutputFormat("application/json", Json(b'{"type":"STRING"}')),
            {
                "type": "json_schema",
                "json_schema": {"name": "answer", "schema": {"type": "string"}},
            },
        ),
        (
            OutputFormat("", Json(b'{"const":1}'), json_schema=True),
            {"type": "json_schema", "json_schema": {"name": "answer", "schema": {"const": 1}}},
        ),
    ],
)
def test_output_formats(output: OutputFormat, written: dict[str, Any]) -> None:
    """JSON by schema, JSON of any kind, or words."""
    assert config(output=output) == ({"response_format": written} if written else {}, [])


@pytest.mark.parametrize(
    "form",
    [
        b'{"type":"STRING","enum":["a","b"],"format":"enum"}',
        b'{"type":"STRING","enum":["a","b"],"nullable":true}',
    ],
)
def test_one_word_of_a_list(form: bytes) -> None:
    """The wire has only JSON, so the word stands in an object; none at all is no word."""
    schema = Json(form)
    found, ignored = config("openai", output=OutputFormat("text/x.enum", schema))
    wrapped = found["response_format"]["json_schema"]

    assert wrapped["schema"]["properties"] == {"value": {"type": "string", "enum": ["a", "b"]}}
    assert wrapped["strict"] is True
    assert ignored == []


@pytest.mark.parametrize(("schema", "strict"), [(WHOLE, True), (OPEN, False)])
def test_a_format_that_servers_can_keep_to_is_strict(schema: Json, *, strict: bool) -> None:
    """Beside functions as well; without it, OpenAI takes a schema for advice."""
    output = OutputFormat("application/json", schema, json_schema=True)
    found, _ = config("openai", output=output, functions=(TOOL,))

    assert found["response_format"]["json_schema"].get("strict", False) is strict
    assert len(found["tools"]) == 1
    plain, _ = config(output=output)
    assert plain["response_format"]["json_schema"]["schema"] == msgspec.json.decode(schema)


@pytest.mark.parametrize(
    ("system", "words", "first"),
    [
        ("", "hi", "Answer in JSON."),
        ("Be brief.", "hi", "Be brief.\n\nAnswer in JSON."),
        ("", "As Json, please", None),
    ],
)
def test_json_without_a_schema_is_asked_for_in_words_too(
    system: str, words: str, first: str | None
) -> None:
    """OpenAI refuses it when no message speaks of JSON."""
    request = Request(
        model="m",
        system=(Text(text=system),) if system else (),
        contents=(user(Text(text=words)),),
        output=OutputFormat("application/json"),
    )
    told = encode(request)[0]["messages"]

    system_message = [{"role": "system", "content": first}] if first else []
    assert told == [*system_message, {"role": "user", "content": words}]


@pytest.mark.parametrize(
    ("flavor", "thinking", "written"),
    [
        ("generic", Thinking("MEDIUM"), {"reasoning_effort": "medium"}),
        ("generic", Thinking("MINIMAL"), {"reasoning_effort": "low"}),
        ("generic", Thinking("XHIGH"), {"reasoning_effort": "high"}),
        ("ollama", Thinking("MINIMAL"), {"reasoning_effort": "low"}),
        ("openai", Thinking("MINIMAL"), {"reasoning_effort": "minimal"}),
        ("openai", Thinking("MAX"), {"reasoning_effort": "max"}),
        ("openrouter", Thinking("MAX"), {"reasoning": {"effort": "xhigh"}}),
        ("google", Thinking("MINIMAL"), {"reasoning_effort": "minimal"}),
        ("generic", Thinking(budget=0), {"reasoning_effort": "none"}),
        ("generic", Thinking(budget=1024), {"reasoning_effort": "low"}),
        ("generic", Thinking(budget=8000), {"reasoning_effort": "medium"}),
        ("generic", Thinking(budget=30000), {"reasoning_effort": "high"}),
        ("generic", Thinking(budget=-1), {}),
        ("generic", Thinking(include=True), {}),
        ("openrouter", Thinking("HIGH"), {"reasoning": {"effort": "high"}}),
        ("openrouter", Thinking(budget=500), {"reasoning": {"max_tokens": 500}}),
        ("openrouter", Thinking(budget=0), {"reasoning": {"enabled": False}}),
        ("openrouter", Thinking(include=True), {"reasoning": {"enabled": True}}),
        ("openrouter", Thinking(include=False), {}),
        ("openrouter", Thinking(budget=-1, include=False), {"reasoning": {"enabled": True}}),
    ],
)
def test_thinking(flavor: str, thinking: Thinking, written: dict[str, Any]) -> None:
    """As an effort, or as OpenRouter's object; the server's own choice where none was made."""
    assert config(flavor, thinking=thinking) == (written, [])


@pytest.mark.parametrize(
    ("thinking", "written"),
    [
        (Thinking("LOW", include=True), {"include_thoughts": True, "thinking_level": "low"}),
        (Thinking(budget=300), {"thinking_budget": 300}),
        (Thinking(budget=-1, include=False), {"include_thoughts": False, "thinking_budget": -1}),
        (Thinking(include=True), {"include_thoughts": True}),
    ],
)
def test_google_s_layer_gets_what_no_effort_can_say(
    thinking: Thinking, written: dict[str, Any]
) -> None:
    """In Gemini's own words, and without an effort beside them, which it would refuse."""
    sent = {"extra_body": {"google": {"thinking_config": written}}}
    assert config("google", thinking=thinking) == (sent, [])


def test_a_server_that_hides_its_thoughts_is_named_for_it() -> None:
    """OpenAI counts them and shows none."""
    found, ignored = config("openai", thinking=Thinking("LOW", include=True))

    assert found == {"reasoning_effort": "low"}
    assert ignored == ["generationConfig.thinkingConfig.includeThoughts"]


def test_a_server_without_thinking_is_not_asked_for_it() -> None:
    """It is named instead."""
    ignored = ["generationConfig.thinkingConfig"]
    assert config("llama", thinking=Thinking("LOW")) == ({}, ignored)


def test_pictures_out_only_from_servers_that_draw() -> None:
    """With their size, in the server's words."""
    extra = Extra("gemini", Json(b'{"generationConfig":{"imageConfig":{"aspectRatio":"16:9"}}}'))
    wanted = {"modalities": ["text", "image"], "image_config": {"aspect_ratio": "16:9"}}

    assert config("openrouter", modalities=("TEXT", "IMAGE"), extra=extra) == (wanted, [])
    assert config(modalities=("TEXT",)) == ({}, [])
    with pytest.raises(Unsupported, match="IMAGE"):
        config(modalities=("TEXT", "IMAGE"))
    with pytest.raises(Unsupported, match="AUDIO"):
        config("openrouter", modalities=("AUDIO",))


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"extra": Extra("gemini", Json(b'{"cachedContent":"cachedContents/a"}'))}, Unsupported),
        (
            {"extra": Extra("gemini", Json(b'{"generationConfig":{"speechConfig":{}}}'))},
            Unsupported,
        ),
        ({"builtins": (BuiltinTool("googleSearch", Json(b"{}")),)}, Unsupported),
        ({"output": OutputFormat("text/x.enum", Json(b"{}"))}, Unsupported),
        ({"functions": (TOOL,), "tool_choice": ToolChoice("ANY", ("z",))}, Invalid),
        ({"output": OutputFormat("", Json(b'{"items":3}'))}, Invalid),
    ],
)
def test_what_would_change_the_question_is_refused(
    fields: dict[str, Any], kind: type[Fault]
) -> None:
    """Better no answer than one to something else."""
    with pytest.raises(kind):
        config(**fields)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://api.openai.com/v1", "openai"),
        ("https://openrouter.ai/api/v1", "openrouter"),
        ("https://api.aimlapi.com/v1", "aimlapi"),
        ("https://generativelanguage.googleapis.com/v1beta/openai", "google"),
        ("http://127.0.0.1:11434/v1", "ollama"),
        ("https://openrouter.ai.evil.example/v1", "generic"),
        ("http://127.0.0.1:8000/v1", "generic"),
    ],
)
def test_the_address_tells_the_flavor(url: str, name: str) -> None:
    """By the whole host, never by a piece of a name."""
    assert flavor_of(url).name == name
