"""Parts and contents: Gemini's JSON to the core and back, with nothing lost."""

import msgspec
import pytest
from hypothesis import given

from geminid.core.content import (
    EMPTY_OBJECT,
    Blob,
    Call,
    Code,
    CodeResult,
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
from geminid.core.errors import Invalid, Unrepresentable
from geminid.dialects.gemini.parts import read_content, read_part, write_content, write_part
from tests import strategies

CANONICAL: list[tuple[bytes, Part]] = [
    (b'{"text":"hi"}', Text(text="hi")),
    (b'{"text":""}', Text(text="")),
    (b'{"text":"","thoughtSignature":"c2ln"}', Text(text="", signature="c2ln")),
    (b'{"text":"hm","thought":true}', Thought(text="hm")),
    (
        b'{"text":"hm","thought":true,"thoughtSignature":"c2ln"}',
        Thought(text="hm", signature="c2ln"),
    ),
    (
        b'{"text":"hi","partMetadata":{"from_file":["a"]}}',
        Text(text="hi", modifiers=Modifiers(metadata=Json(b'{"from_file":["a"]}'))),
    ),
    (
        b'{"inlineData":{"mimeType":"image/png","data":"iVBORw=="}}',
        Blob(mime="image/png", data="iVBORw=="),
    ),
    (
        b'{"inlineData":{"mimeType":"image/png","data":"iVBORw==","displayName":"a.png"},'
        b'"thought":true,"thoughtSignature":"c2ln"}',
        Blob(
            mime="image/png",
            data="iVBORw==",
            name="a.png",
            signature="c2ln",
            modifiers=Modifiers(thought=True),
        ),
    ),
    (
        b'{"fileData":{"mimeType":"video/mp4","fileUri":"https://x/v1beta/files/a"},'
        b'"videoMetadata":{"startOffset":"1s","endOffset":"2.5s","fps":2.0},'
        b'"mediaResolution":{"level":"MEDIA_RESOLUTION_LOW","numTokens":64}}',
        FileRef(
            uri="https://x/v1beta/files/a",
            mime="video/mp4",
            modifiers=Modifiers(
                resolution="MEDIA_RESOLUTION_LOW",
                resolution_tokens=64,
                video=VideoSpan(start_offset="1s", end_offset="2.5s", fps=2.0),
            ),
        ),
    ),
    (
        b'{"functionCall":{"name":"f","args":{"x_y":[1,null]},"id":"a1"},'
        b'"thoughtSignature":"c2ln"}',
        Call(name="f", args=Json(b'{"x_y":[1,null]}'), id="a1", signature="c2ln"),
    ),
    (b'{"functionCall":{"name":"f","args":{}}}', Call(name="f")),
    (
        b'{"functionResponse":{"name":"f","response":{"result":1},"id":"a1","willContinue":false,'
        b'"scheduling":"SILENT","parts":[{"inlineData":{"mimeType":"image/png","data":"eno="}}]}}',
        Result(
            name="f",
            response=Json(b'{"result":1}'),
            id="a1",
            media=(Blob(mime="image/png", data="eno="),),
            will_continue=False,
            scheduling="SILENT",
        ),
    ),
    (
        b'{"executableCode":{"language":"PYTHON","code":"print(1)","id":"c1"}}',
        Code(code="print(1)", id="c1"),
    ),
    (
        b'{"codeExecutionResult":{"outcome":"OUTCOME_OK","output":"1\\n","id":"c1"}}',
        CodeResult(outcome="OUTCOME_OK", output="1\n", id="c1"),
    ),
    (
        b'{"toolCall":{"id":"t","toolType":"URL_CONTEXT","args":{"a":1}},'
        b'"thoughtSignature":"c2ln"}',
        Opaque(
            dialect="gemini",
            kind="toolCall",
            body=Json(b'{"toolCall":{"id":"t","toolType":"URL_CONTEXT","args":{"a":1}}}'),
            signature="c2ln",
        ),
    ),
]


@pytest.mark.parametrize(("encoded", "part"), CANONICAL)
def test_each_kind_is_read_and_written_byte_for_byte(encoded: bytes, part: Part) -> None:
    """Fields stand in the order of their proto numbers, as the real API writes them."""
    assert read_part(msgspec.json.decode(encoded)) == part
    assert msgspec.json.encode(write_part(part)) == encoded


@given(strategies.parts)
def test_every_part_survives_the_wire(part: Part) -> None:
    encoded = msgspec.json.encode(write_part(part))

    assert read_part(msgspec.json.decode(encoded)) == part


@given(strategies.contents)
def test_every_content_survives_the_wire(content: Content) -> None:
    encoded = msgspec.json.encode(write_content(content))

    assert read_content(msgspec.json.decode(encoded)) == content


def test_a_content_may_lack_role_and_parts() -> None:
    """As the real API answers when all tokens went into thoughts."""
    assert read_content({"role": "model"}) == Content("model", ())
    assert read_content({}) == Content("", ())
    assert write_content(Content("model", ())) == {"role": "model"}
    assert write_content(Content("", ())) == {}


@pytest.mark.parametrize(
    ("tree", "part"),
    [
        ({"functionCall": {"name": "f"}}, Call(name="f", args=EMPTY_OBJECT)),
        ({"functionResponse": {"name": "f"}}, Result(name="f", response=EMPTY_OBJECT)),
        ({"text": "a", "thought": False}, Text(text="a")),
        ({"text": "a", "mediaResolution": {}}, Text(text="a")),
        (
            {"inlineData": {"mimeType": "a/b", "data": ""}, "thought": False},
            Blob(mime="a/b", data=""),
        ),
        ({"codeExecutionResult": {"outcome": "OUTCOME_OK"}}, CodeResult(outcome="OUTCOME_OK")),
        ({"executableCode": {"code": "1"}}, Code(code="1", language="")),
    ],
)
def test_what_is_absent_is_its_default(tree: dict[str, object], part: Part) -> None:
    assert read_part(tree) == part


@pytest.mark.parametrize(
    ("tree", "kind"),
    [
        ({"newThing": {"a": 1}}, "newThing"),
        ({"text": "a", "newModifier": 1}, "text"),
        ({"newModifier": 1, "text": "a", "thought": True}, "text"),
        ({"text": "a", "functionCall": {"name": "f"}}, "text"),
        ({"functionCall": {"name": "f", "partialArgs": [{}]}}, "functionCall"),
        ({"inlineData": {"data": ""}, "videoMetadata": {"contentLayers": ["AUDIO"]}}, "inlineData"),
        ({"fileData": {"fileUri": "u"}, "mediaResolution": {"level": "L", "x": 1}}, "fileData"),
        (
            {"functionResponse": {"name": "f", "parts": [{"fileData": {"fileUri": "u"}}]}},
            "functionResponse",
        ),
        (
            {
                "functionResponse": {
                    "name": "f",
                    "parts": [{"inlineData": {"data": ""}, "videoMetadata": {}}],
                }
            },
            "functionResponse",
        ),
    ],
)
def test_what_the_core_has_no_word_for_is_kept_as_it_was(
    tree: dict[str, object], kind: str
) -> None:
    """A field that Google adds tomorrow comes back to Google as it came."""
    part = read_part(tree | {"thoughtSignature": "c2ln"})

    assert isinstance(part, Opaque)
    assert (part.dialect, part.kind, part.signature) == ("gemini", kind, "c2ln")
    written = msgspec.json.decode(msgspec.json.encode(write_part(part)))
    assert written == tree | {"thoughtSignature": "c2ln"}


@pytest.mark.parametrize("tree", [{}, {"thought": True}, {"thoughtSignature": "c2ln"}])
def test_a_part_without_a_payload_is_refused_in_googles_words(tree: dict[str, object]) -> None:
    with pytest.raises(
        Invalid, match="required oneof field 'data' must have one initialized field"
    ):
        read_part(tree)


@pytest.mark.parametrize(
    "tree",
    [
        {"text": 5},
        {"text": "a", "thoughtSignature": 5},
        {"inlineData": "x"},
        {"inlineData": {"data": 5}},
        {"functionCall": {"name": ["f"]}},
        {"functionCall": {"name": "f", "args": []}},
        {"functionCall": {"name": "f", "args": "{}"}},
        {"functionResponse": {"name": "f", "parts": {}}},
        {"functionResponse": {"name": "f", "parts": [5]}},
        {"executableCode": {"code": 1}},
        {"codeExecutionResult": {"outcome": 1}},
        {"text": "a", "videoMetadata": []},
        {"text": "a", "mediaResolution": {"numTokens": []}},
        {"text": "a", "partMetadata": [1]},
    ],
)
def test_a_wrong_type_from_an_upstream_is_found_at_the_border(tree: dict[str, object]) -> None:
    """Structs do not check: a number for a text would have broken things far from here."""
    with pytest.raises(TypeError):
        read_part(tree)


def test_another_dialects_own_part_is_never_dropped_in_silence() -> None:
    part = Opaque(dialect="openai", kind="refusal", body=Json(b"{}"))

    with pytest.raises(Unrepresentable, match="'refusal' part of the openai API"):
        write_part(part)


def test_an_opaque_part_has_the_same_kind_in_every_process() -> None:
    """The order of a set of strings differs between runs; a log that counts kinds must not."""
    first = read_part({"zulu": 1, "alpha": 2, "mike": 3})

    assert isinstance(first, Opaque)
    assert first.kind == "zulu"
