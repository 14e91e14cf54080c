"""What the model said comes back as the parts it was."""

import base64
from typing import Any

import msgspec
import pytest

from geminid.core.content import Blob, Call, FileRef, Json, Opaque, Part, Text, Thought
from geminid.core.errors import Malformed, Unsupported
from geminid.dialects.openai.chat.history.assistant import Said, args_of, read_assistant
from geminid.dialects.openai.reasoning import Origin

SIG = "RXhhY3RseSB0aGlz"
OTHER = "QW5vdGhlciBvbmUh"
PNG = base64.b64encode(b"\x89PNG").decode()
PATH = "messages[1]"


def read(**message: Any) -> Said:
    return read_assistant({"role": "assistant"} | message, PATH, str)


def call(name: str = "f", arguments: object = "{}", **others: Any) -> dict[str, Any]:
    function = {"name": name, "arguments": arguments}
    return {"id": "call_1", "type": "function", "function": function} | others


def google(signature: str) -> dict[str, Any]:
    return {"extra_content": {"google": {"thought_signature": signature}}}


def picture(**others: Any) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}} | others


@pytest.mark.parametrize(
    ("message", "parts"),
    [
        ({"content": "Hi"}, (Text(text="Hi"),)),
        ({"content": "Hi", "tool_calls": None, "refusal": None, "audio": None}, (Text(text="Hi"),)),
        ({"content": [{"type": "text", "text": "Hi"}]}, (Text(text="Hi"),)),
        ({"content": [{"type": "refusal", "refusal": "No."}]}, (Text(text="No."),)),
        ({"content": None, "refusal": "No."}, (Text(text="No."),)),
        (
            {"content": [{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "Hi"}]},
            (Thought(text="Hm.", modifiers=Origin(field="thinking").modifiers), Text(text="Hi")),
        ),
        (
            {"reasoning": "Hm.", "content": "Hi", "images": [picture()], "tool_calls": [call()]},
            (
                Thought(text="Hm.", modifiers=Origin(field="reasoning").modifiers),
                Text(text="Hi"),
                Blob(mime="image/png", data=PNG),
                Call(name="f", id="call_1"),
            ),
        ),
        (
            {"content": [picture(), {"type": "text", "text": ""}]},
            (Blob(mime="image/png", data=PNG),),
        ),
        (
            {"images": [{"image_url": {"url": "https://example.com/a.png"}}]},
            (FileRef(uri="https://example.com/a.png", mime="image/png"),),
        ),
        (
            {"content": [{"type": "hologram", "x": 1}]},
            (Opaque(dialect="openai", kind="hologram", body=Json(b'{"type":"hologram","x":1}')),),
        ),
        ({"content": None, "audio": {"id": "a", "transcript": "Hi"}}, (Text(text="Hi"),)),
        ({"content": "Hello", "audio": {"id": "a", "transcript": "Hi"}}, (Text(text="Hello"),)),
        ({"content": "Hello", "audio": {"id": "a"}}, (Text(text="Hello"),)),
        (
            {"function_call": {"name": "f", "arguments": '{"a":1}'}},
            (Call(name="f", args=Json(b'{"a":1}')),),
        ),
        (
            {
                "tool_calls": [
                    {"id": "x", "type": "custom", "custom": {"name": "sh", "input": 'ls "a"'}}
                ]
            },
            (Call(name="sh", args=Json(b'{"input":"ls \\"a\\""}'), id="x"),),
        ),
    ],
)
def test_a_message_becomes_parts(message: dict[str, Any], parts: tuple[Part, ...]) -> None:
    """Thoughts, then words and pictures, then calls."""
    assert read(**message).parts == parts


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"content": None},
        {"content": ""},
        {"content": []},
        {"content": [{"type": "text", "text": ""}], "tool_calls": []},
        {"content": None, "refusal": "", "function_call": None, "images": []},
        {"content": None, "reasoning": "Hm."},
    ],
)
def test_a_message_that_says_nothing_has_no_parts(message: dict[str, Any]) -> None:
    """Thoughts alone are nothing to go on from."""
    assert read(**message) == Said()


@pytest.mark.parametrize(
    ("message", "signatures"),
    [
        ({"content": "Hi"} | google(SIG), [SIG]),
        ({"content": "", "reasoning": "Hm."} | google(SIG), ["", SIG]),
        ({"content": "Hi", "tool_calls": [call()]} | google(SIG), [SIG, ""]),
        ({"content": None, "tool_calls": [call(), call()]} | google(SIG), [SIG, ""]),
        ({"content": "Hi", "tool_calls": [call(**google(SIG)), call()]}, ["", SIG, ""]),
        ({"content": "Hi", "tool_calls": [call(**google(SIG))]} | google(OTHER), [OTHER, SIG]),
        ({"content": None, "tool_calls": [call(**google(SIG))]} | google(OTHER), [SIG]),
        ({"function_call": {"name": "f"} | google(SIG)}, [SIG]),
        ({"function_call": {"name": "f"}} | google(SIG), [SIG]),
        ({"content": "Hi", "images": [picture(**google(OTHER))]} | google(SIG), [SIG, OTHER]),
        ({"content": "", "images": [picture(**google(OTHER))]} | google(SIG), [OTHER]),
        ({"images": [picture()]} | google(SIG), [SIG]),
        (
            {"content": "Hi", "images": [picture()]}
            | {"provider_specific_fields": {"thought_signatures": [SIG, OTHER]}},
            [SIG, OTHER],
        ),
        (
            {"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}
            | google(SIG),
            ["", SIG],
        ),
        ({"content": [{"type": "text", "text": ""} | google(SIG)]}, [SIG]),
    ],
)
def test_each_signature_is_on_its_part(message: dict[str, Any], signatures: list[str]) -> None:
    """That of the words on the last of them; without words it is the first call's, or stands
    alone."""
    assert [part.signature for part in read(**message).parts] == signatures


def test_a_signature_that_stands_alone_is_kept() -> None:
    """A stream ends with an empty text that carries it."""
    assert read(content="", **google(SIG)).parts == (Text(text="", signature=SIG),)


def test_the_sound_of_an_earlier_answer_must_be_told_in_words() -> None:
    """It is not kept, and a turn must not vanish in silence."""
    with pytest.raises(Unsupported, match=r"'messages\[1\].audio'.* transcript"):
        read(content=None, audio={"id": "audio_1"})


@pytest.mark.parametrize(
    ("arguments", "args"),
    [
        ('{"a": 1.0, "b": [1,  2]}', '{"a": 1.0, "b": [1,  2]}'),
        (' {"a":1,"a":2}\n', '{"a":1,"a":2}'),
        ('{"n": 12345678901234567890123}', '{"n": 12345678901234567890123}'),
        ("", "{}"),
        ("  ", "{}"),
        (None, "{}"),
        ({"a": [1, None]}, '{"a":[1,null]}'),
        ({}, "{}"),
        ('{"a": NaN}', '{"a":null}'),
        ('{"a": "\\ud83d"}', '{"a":"\ufffd"}'),
        ("[1]", '{"arguments":"[1]"}'),
        ('{"a": ', '{"arguments":"{\\"a\\":"}'),
        ("ls -l", '{"arguments":"ls -l"}'),
        ("null", '{"arguments":"null"}'),
        ([1], '{"arguments":"[1]"}'),
        (5, '{"arguments":"5"}'),
    ],
)
def test_whatever_arguments_a_model_wrote_are_an_object(arguments: object, args: str) -> None:
    """An object verbatim; the rest mended or as a text, for the conversation must go on."""
    assert bytes(args_of(arguments)).decode() == args


def test_arguments_too_deep_to_be_read_are_a_text() -> None:
    """Nothing recurses without end."""
    text = '{"a":' * 100_000

    assert msgspec.json.decode(args_of(text)) == {"arguments": text}


def test_one_id_on_several_calls_stays_on_the_first() -> None:
    """Nobody could tell by it whose result is whose."""
    said = read(tool_calls=[call("f"), call("g"), call("h", id="call_2")])

    assert [each.call.id for each in said.asked] == ["call_1", "", "call_2"]
    assert [each.id for each in said.asked] == ["call_1", "call_1", "call_2"]
    assert said.parts == tuple(each.call for each in said.asked)


def test_functions_go_by_their_inside_names() -> None:
    """As the caller's declaration was renamed."""
    said = read_assistant(
        {"tool_calls": [call("my tool")]}, PATH, {"my tool": "my_tool"}.__getitem__
    )

    assert said.parts == (Call(name="my_tool", id="call_1"),)
    assert said.asked[0].name == "my tool"


@pytest.mark.parametrize(
    ("message", "place"),
    [
        ({"content": 5}, ".content"),
        ({"content": {"type": "text", "text": "a"}}, ".content"),
        ({"content": ["a"]}, ".content[0]"),
        ({"content": [{"text": "a"}]}, ".content[0].type"),
        ({"tool_calls": {}}, ".tool_calls"),
        ({"tool_calls": [5]}, ".tool_calls[0]"),
        ({"tool_calls": [{"id": "x"}]}, ".tool_calls[0].function"),
        ({"tool_calls": [{"id": "x", "function": []}]}, ".tool_calls[0].function"),
        ({"tool_calls": [call(), {"function": {}}]}, ".tool_calls[1].function.name"),
        ({"tool_calls": [call("")]}, ".tool_calls[0].function.name"),
        ({"tool_calls": [{"custom": {"name": "sh"}}]}, ".tool_calls[0].custom.input"),
        ({"function_call": "auto"}, ".function_call"),
        ({"function_call": {}}, ".function_call.name"),
        ({"images": {}}, ".images"),
        ({"images": [5]}, ".images[0]"),
        ({"images": [{"image_url": {"url": "x"}}]}, ".images[0].image_url.url"),
        ({"images": [{"image_url": {"url": "http://10.0.0.1"}}]}, ".images[0].image_url.url"),
    ],
)
def test_an_ill_formed_message_is_refused_by_its_place(message: dict[str, Any], place: str) -> None:
    """The client wrote it, not the model."""
    with pytest.raises(Malformed) as caught:
        read(**message)

    assert caught.value.violations[0].field == f"{PATH}{place}"
