"""`generateContent` requests: bytes to the core and back."""

from dataclasses import dataclass

import msgspec
import pytest
from hypothesis import given, settings

from geminid.core.content import (
    EMPTY_OBJECT,
    Blob,
    Call,
    Content,
    Json,
    Opaque,
    Result,
    Text,
    Thought,
)
from geminid.core.errors import Invalid, Malformed, Unrepresentable
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
from geminid.dialects.gemini.request import decode_request, encode_request
from tests import strategies

MODEL = "gemini-3-pro-preview"
HI = Content("user", (Text(text="hi"),))
HI_JSON = b'"contents":[{"parts":[{"text":"hi"}],"role":"user"}]'


def decoded(**fields: object) -> Request:
    """A request that says hi, with `fields` besides."""
    tree = {"contents": [{"parts": [{"text": "hi"}]}]} | fields
    return decode_request(msgspec.json.encode(tree), MODEL)


def refused(tree: object) -> str:
    """Why the request is against a rule."""
    with pytest.raises(Invalid) as caught:
        decode_request(msgspec.json.encode(tree), MODEL)
    return caught.value.detail


CANONICAL: list[tuple[bytes, Request]] = [
    (b"{%b}" % HI_JSON, Request(model=MODEL, contents=(HI,))),
    (
        b'{"contents":[{"parts":[{"text":"hi"}],"role":"user"},'
        b'{"parts":[{"text":"t","thought":true},{"functionCall":{"name":"f",'
        b'"args":{"x":1},"id":"i"},"thoughtSignature":"//8="}],"role":"model"},'
        b'{"parts":[{"functionResponse":{"name":"f","response":{"r":1},"id":"i"}}],"role":"user"}],'
        b'"systemInstruction":{"parts":[{"text":"be brief"}]},'
        b'"tools":[{"googleSearch":{}},{"functionDeclarations":[{"name":"f","description":"d",'
        b'"parametersJsonSchema":{"type":"object","properties":{"snake_key":{"const":1}}}},'
        b'{"name":"g","parameters":{"type":"OBJECT","properties":{"x_y":{"type":"STRING"}}},'
        b'"responseJsonSchema":true,"behavior":"BLOCKING"}]}],'
        b'"toolConfig":{"functionCallingConfig":{"mode":"ANY","allowedFunctionNames":["f"]},'
        b'"retrievalConfig":{"languageCode":"de"}},'
        b'"generationConfig":{"temperature":0.5,"topP":0.9,"topK":40,"seed":7,'
        b'"maxOutputTokens":99,"candidateCount":1,"presencePenalty":0.1,"frequencyPenalty":0.2,'
        b'"responseLogprobs":true,"logprobs":3,"stopSequences":["X"],'
        b'"responseMimeType":"application/json","responseSchema":{"type":"STRING"},'
        b'"responseModalities":["TEXT"],"thinkingConfig":{"includeThoughts":true,'
        b'"thinkingLevel":"LOW"},"imageConfig":{"imageSize":"2K"}},'
        b'"cachedContent":"cachedContents/c1","serviceTier":"flex"}',
        Request(
            model=MODEL,
            contents=(
                HI,
                Content(
                    "model",
                    (
                        Thought(text="t"),
                        Call(name="f", args=Json(b'{"x":1}'), id="i", signature="//8="),
                    ),
                ),
                Content("user", (Result(name="f", response=Json(b'{"r":1}'), id="i"),)),
            ),
            system=(Text(text="be brief"),),
            functions=(
                FunctionTool(
                    name="f",
                    description="d",
                    parameters=Json(b'{"type":"object","properties":{"snake_key":{"const":1}}}'),
                    json_schema=True,
                ),
                FunctionTool(
                    name="g",
                    parameters=Json(b'{"type":"OBJECT","properties":{"x_y":{"type":"STRING"}}}'),
                    response=Json(b"true"),
                    response_json_schema=True,
                    behavior="BLOCKING",
                ),
            ),
            builtins=(BuiltinTool("googleSearch", EMPTY_OBJECT),),
            tool_choice=ToolChoice("ANY", ("f",)),
            sampling=Sampling(
                temperature=0.5,
                top_p=0.9,
                top_k=40,
                seed=7,
                max_output=99,
                candidates=1,
                presence_penalty=0.1,
                frequency_penalty=0.2,
                logprobs=True,
                top_logprobs=3,
                stop=("X",),
            ),
            output=OutputFormat("application/json", Json(b'{"type":"STRING"}')),
            thinking=Thinking(level="LOW", include=True),
            modalities=("TEXT",),
            extra=Extra(
                "gemini",
                Json(
                    b'{"cachedContent":"cachedContents/c1","serviceTier":"flex",'
                    b'"toolConfig":{"retrievalConfig":{"languageCode":"de"}},'
                    b'"generationConfig":{"imageConfig":{"imageSize":"2K"}}}'
                ),
            ),
        ),
    ),
]


@pytest.mark.parametrize(("encoded", "request_"), CANONICAL, ids=["least", "most"])
def test_a_canonical_body_is_read_and_written_byte_for_byte(
    encoded: bytes, request_: Request
) -> None:
    assert decode_request(encoded, MODEL) == request_
    assert encode_request(request_) == encoded


@given(strategies.requests)
def test_every_request_survives_the_wire(request_: Request) -> None:
    assert decode_request(encode_request(request_), MODEL) == request_


@given(strategies.requests)
@settings(max_examples=30)
def test_writing_is_stable(request_: Request) -> None:
    """What left once leaves the same again: caches and signatures stand on it."""
    once = encode_request(request_)

    assert encode_request(decode_request(once, MODEL)) == once


def test_snake_case_and_camel_case_are_one_request() -> None:
    """As google-genai mixes them (gemini.md 0.3)."""
    snake = b"""{
        "contents": {"parts": {"inline_data": {"mime_type": "image/png", "data": "__77"}}},
        "system_instruction": {"role": "user", "parts": [{"text": "s"}]},
        "tools": [{"function_declarations": [{"name": "f", "parameters_json_schema": {"a_b": 1}}]}],
        "tool_config": {"function_calling_config": {"mode": "any", "allowed_function_names": "f"}},
        "generation_config": {
            "top_k": 40.0, "max_output_tokens": "9", "stop_sequences": ["a"],
            "response_mime_type": "application/json", "response_json_schema": {"a_b": 1},
            "response_modalities": ["text"], "thinking_config": {"thinking_level": "low"}
        },
        "safety_settings": [{"category": "harm_category_harassment", "threshold": "off"}]
    }"""

    assert decode_request(snake, MODEL) == Request(
        model=MODEL,
        contents=(Content("user", (Blob(mime="image/png", data="//77"),)),),
        system=(Text(text="s"),),
        functions=(FunctionTool(name="f", parameters=Json(b'{"a_b":1}'), json_schema=True),),
        tool_choice=ToolChoice("ANY", ("f",)),
        sampling=Sampling(top_k=40, max_output=9, stop=("a",)),
        output=OutputFormat("application/json", Json(b'{"a_b":1}'), json_schema=True),
        thinking=Thinking("LOW"),
        modalities=("TEXT",),
        extra=Extra(
            "gemini",
            Json(b'{"safetySettings":[{"category":"HARM_CATEGORY_HARASSMENT","threshold":"OFF"}]}'),
        ),
    )


@pytest.mark.parametrize(
    ("sent", "role"), [(None, "user"), ("", "user"), ("user", "user"), ("model", "model"),
                       ("function", "user")],
)  # fmt: skip
def test_roles(sent: str | None, role: str) -> None:
    """No role is the user's; `function` is what old clients send for results (gemini.md 2.1)."""
    body = {"contents": [{"role": sent, "parts": [{"text": "hi"}]}]}

    [content] = decode_request(msgspec.json.encode(body), MODEL).contents
    assert content.role == role


@pytest.mark.parametrize("role", ["system", "assistant", "User", " "])
def test_another_role_is_refused_in_googles_words(role: str) -> None:
    body = {"contents": [{"role": role, "parts": [{"text": "hi"}]}]}

    assert refused(body) == "Please use a valid role: user, model."


@pytest.mark.parametrize("body", [{}, {"contents": []}, {"contents": None}, {"contents": [None]}])
def test_no_contents_is_refused_in_googles_words(body: object) -> None:
    assert refused(body) == "* GenerateContentRequest.contents: contents is not specified\n"


@pytest.mark.parametrize("content", [{}, {"parts": []}, {"role": "model"}, {"parts": None}])
def test_a_content_without_parts_is_refused_in_googles_words(content: object) -> None:
    assert refused({"contents": [content]}) == (
        "* GenerateContentRequest.contents[0].parts: contents.parts must not be empty.\n"
    )


def test_all_that_is_missing_in_the_contents_is_told_at_once() -> None:
    """One line each, in order, as Google tells it: clients print the text and people mend all."""
    good = {"parts": [{"text": "a"}]}
    body = {
        "contents": [
            good,
            {"role": "model", "parts": []},
            {"parts": [{"text": "a"}, {}, {"thought": True}]},
            {"role": "robot", "parts": [{"functionResponse": {"response": {}}}]},
            {"parts": [{"functionCall": {"name": ""}}]},
        ],
        "systemInstruction": {"parts": [{}]},
    }
    data = "data: required oneof field 'data' must have one initialized field"

    assert refused(body) == (
        "* GenerateContentRequest.contents[1].parts: contents.parts must not be empty.\n"
        f"* GenerateContentRequest.contents[2].parts[1].{data}\n"
        f"* GenerateContentRequest.contents[2].parts[2].{data}\n"
        "* GenerateContentRequest.contents[3].parts[0].function_response.name:"
        " Name cannot be empty.\n"
        "* GenerateContentRequest.contents[4].parts[0].function_call.name: Name cannot be empty.\n"
        f"* GenerateContentRequest.system_instruction.parts[0].{data}\n"
    )


@dataclass
class Clash:
    """Two fields of which one may be set."""

    fields: dict[str, object]
    text: str


def test_a_thinking_level_and_a_budget_are_both_kept() -> None:
    """That only one may be set is a rule of the API's, and told with the other rules."""
    config = {"thinkingConfig": {"thinkingLevel": "LOW", "thinkingBudget": 0}}
    request = decoded(generationConfig=config)

    assert request.thinking == Thinking("LOW", 0)
    assert msgspec.json.decode(encode_request(request))["generationConfig"] == config


@pytest.mark.parametrize(
    "clash",
    [
        Clash(
            {"generationConfig": {"responseSchema": {}, "responseJsonSchema": {}}},
            "Only one of `responseSchema` and `responseJsonSchema` may be set.",
        ),
        Clash(
            {"generationConfig": {"responseJsonSchema": {}, "_responseJsonSchema": {}}},
            "Only one of `responseJsonSchema` and `_responseJsonSchema` may be set.",
        ),
        Clash(
            {"tools": {"functionDeclarations": {"parameters": {}, "parametersJsonSchema": {}}}},
            "Only one of `parameters` and `parametersJsonSchema` may be set in a function"
            " declaration.",
        ),
        Clash(
            {"tools": {"functionDeclarations": {"response": {}, "responseJsonSchema": {}}}},
            "Only one of `response` and `responseJsonSchema` may be set in a function declaration.",
        ),
    ],
    ids=lambda clash: clash.text[:30],
)
def test_two_fields_that_exclude_each_other(clash: Clash) -> None:
    with pytest.raises(Invalid) as caught:
        decoded(**clash.fields)

    assert caught.value.detail == clash.text


def test_all_functions_and_tools_are_found_wherever_they_stand() -> None:
    found = decoded(
        tools=[
            {"functionDeclarations": [{"name": "a"}], "codeExecution": {}},
            {},
            {"functionDeclarations": [{"name": "b"}]},
        ]
    )

    assert [tool.name for tool in found.functions] == ["a", "b"]
    assert found.builtins == (BuiltinTool("codeExecution", EMPTY_OBJECT),)


def test_a_schema_may_stand_under_its_old_private_name() -> None:
    found = decoded(generationConfig={"_responseJsonSchema": {"a": 1}})

    assert found.output == OutputFormat("", Json(b'{"a":1}'), json_schema=True)


def test_the_zero_of_an_enum_is_nothing_said() -> None:
    """Proto3 does not tell the two apart."""
    found = decoded(
        generationConfig={"thinkingConfig": {"thinkingLevel": 0, "thinkingBudget": 5}},
        toolConfig={"functionCallingConfig": {"mode": "MODE_UNSPECIFIED"}},
    )

    assert found.thinking == Thinking("", 5)
    assert found.tool_choice == ToolChoice()


def test_empty_groups_leave_nothing_behind() -> None:
    """google-genai sends `generationConfig: {}` with every chat message."""
    assert decoded(generationConfig={}, tools=[], toolConfig={}, systemInstruction={}) == Request(
        model=MODEL, contents=(HI,)
    )


def test_the_model_of_the_path_counts_and_the_bodys_is_passed_over() -> None:
    assert decoded(model="models/other").model == MODEL


def test_an_unknown_field_is_refused_before_any_rule() -> None:
    with pytest.raises(Malformed):
        decode_request(b'{"contents":[],"x":1}', MODEL)


def test_another_dialects_extra_is_not_written() -> None:
    request = Request(model=MODEL, contents=(HI,), extra=Extra("openai", Json(b'{"user":"u"}')))

    assert encode_request(request) == b"{%b}" % HI_JSON


def test_another_dialects_part_is_not_written_as_ours() -> None:
    part = Opaque(dialect="openai", kind="refusal", body=EMPTY_OBJECT)

    with pytest.raises(Unrepresentable):
        encode_request(Request(model=MODEL, contents=(Content("model", (part,)),)))


def test_a_big_number_in_arguments_stays_what_it_is() -> None:
    """JSON has no largest integer; ids of 20 and more digits are in the wild."""
    body = b'{"contents":[{"parts":[{"functionCall":{"name":"f","args":%b}}],"role":"model"}]}'
    args = b'{"id":123456789012345678901234567890,"small":-9223372036854775808,"f":1e22}'

    [content] = decode_request(body % args, MODEL).contents
    [call] = content.parts
    assert isinstance(call, Call)
    assert msgspec.json.decode(call.args) == msgspec.json.decode(args)


@pytest.mark.parametrize(
    "contents",
    [[{}] * 100_000, [{"parts": [{}] * 100_000}], [{"parts": [{"functionCall": {}}] * 50_000}]],
)
def test_a_body_made_of_mistakes_does_not_come_back_a_hundredfold(contents: object) -> None:
    told = refused({"contents": contents})

    assert len(told) < 64_000
    assert told.startswith("* GenerateContentRequest.contents[0]")
    assert told.endswith("\n... and more.\n")


def test_a_list_of_no_servers_is_no_tool() -> None:
    assert decoded(tools=[{"mcpServers": []}]).builtins == ()


def test_a_modality_of_zero_is_none() -> None:
    config = {"responseModalities": ["MODALITY_UNSPECIFIED", "IMAGE"]}

    assert decoded(generationConfig=config).modalities == ("IMAGE",)
