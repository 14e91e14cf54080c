"""The parts of a message: text and media, in the spellings that clients use."""

import base64
from typing import Any

import msgspec
import pytest

from geminid.core.content import Blob, FileRef, Modifiers, Opaque, Part, Text
from geminid.core.errors import Malformed, Unsupported
from geminid.dialects.openai.chat.history.parts import read_part, read_parts, read_system

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n\xff\xfe>?").decode()
PATH = "messages[0].content[0]"


def image(url: str, **fields: Any) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url} | fields}


def file(**fields: Any) -> dict[str, Any]:
    return {"type": "file", "file": fields}


def sound(form: str, data: str = PNG) -> dict[str, Any]:
    return {"type": "input_audio", "input_audio": {"data": data, "format": form}}


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ({"type": "text", "text": "Hi", "cache_control": {}}, Text(text="Hi")),
        ({"type": "refusal", "refusal": "No."}, Text(text="No.")),
        (image(f"data:image/png;base64,{PNG}"), Blob(mime="image/png", data=PNG)),
        (
            {"type": "image_url", "image_url": f"data:image/png;base64,{PNG}"},
            Blob(mime="image/png", data=PNG),
        ),
        (
            image("https://example.com/a.webp?x=.png"),
            FileRef(uri="https://example.com/a.webp?x=.png", mime="image/webp"),
        ),
        (sound("wav"), Blob(mime="audio/wav", data=PNG)),
        (sound("MP3"), Blob(mime="audio/mp3", data=PNG)),
        (sound("wav", f"data:audio/ogg;base64,{PNG}"), Blob(mime="audio/ogg", data=PNG)),
        (
            file(file_data=f"data:application/pdf;base64,{PNG}", filename="a.pdf"),
            Blob(mime="application/pdf", data=PNG, name="a.pdf"),
        ),
        (file(file_data=PNG, filename="a.csv"), Blob(mime="text/csv", data=PNG, name="a.csv")),
        (file(file_data=PNG), Blob(mime="application/pdf", data=PNG)),
        (
            file(file_data=f"data:application/octet-stream;base64,{PNG}", filename="a.md"),
            Blob(mime="text/markdown", data=PNG, name="a.md"),
        ),
        (
            file(file_data="https://example.com/paper", filename="b.txt"),
            FileRef(uri="https://example.com/paper", mime="text/plain"),
        ),
        (
            file(file_id="gs://bucket/talk", format="video/mp4"),
            FileRef(uri="gs://bucket/talk", mime="video/mp4"),
        ),
        (
            {"type": "video_url", "video_url": {"url": "https://example.com/a"}},
            FileRef(uri="https://example.com/a", mime="video/mp4"),
        ),
        (
            {"type": "video_url", "video_url": {"url": "https://www.youtube.com/watch?v=x"}},
            FileRef(uri="https://www.youtube.com/watch?v=x"),
        ),
        (
            {"type": "video_url", "video_url": f"data:video/webm;base64,{PNG}"},
            Blob(mime="video/webm", data=PNG),
        ),
    ],
)
def test_a_part_is_read(part: dict[str, Any], expected: Part) -> None:
    """Each kind as the core has it."""
    assert read_part(part, PATH) == expected


@pytest.mark.parametrize(
    ("detail", "resolution"),
    [
        ("low", "MEDIA_RESOLUTION_LOW"),
        ("high", "MEDIA_RESOLUTION_HIGH"),
        ("medium", "MEDIA_RESOLUTION_MEDIUM"),
        ("auto", ""),
        (None, ""),
    ],
)
def test_the_detail_of_an_image_is_its_resolution(detail: str | None, resolution: str) -> None:
    """And `auto` is no wish."""
    modifiers = Modifiers(resolution=resolution) if resolution else None

    part = read_part(image("https://example.com/a.png", detail=detail), PATH)

    assert part == FileRef(uri="https://example.com/a.png", mime="image/png", modifiers=modifiers)


@pytest.mark.parametrize(
    ("url", "mime"),
    [
        ("https://example.com/a.JPG", "image/jpeg"),
        ("https://example.com/a", "image/jpeg"),
        ("https://example.com/a.png/resize", "image/jpeg"),
        ("https://example.com/a.heic#x.png", "image/heic"),
        ("gs://bucket/a.pdf", "application/pdf"),
        ("https://generativelanguage.googleapis.com/v1beta/files/abc", ""),
    ],
)
def test_the_type_of_an_address_is_that_of_its_extension(url: str, mime: str) -> None:
    """An upstream wants one."""
    assert read_part(image(url), PATH) == FileRef(uri=url, mime=mime)


@pytest.mark.parametrize(
    ("url", "mime", "data"),
    [
        ("data:image/png;base64,_-8=", "image/png", "/+8="),
        ("data:image/png;base64,_-8", "image/png", "/+8="),
        ("data:image/png;base64, /+\n8= ", "image/png", "/+8="),
        ("data:image/png;base64,%2F%2B8%3D", "image/png", "/+8="),
        ("DATA:Image/PNG;BASE64,/+8=", "image/png", "/+8="),
        ("data:image/jpg;base64,/+8=", "image/jpeg", "/+8="),
        ("data:image/svg+xml,%3Csvg/%3E", "image/svg+xml", "PHN2Zy8+"),
        ("data:image/svg+xml;utf8,<svg/>", "image/svg+xml", "PHN2Zy8+"),
        ("data:text/plain;charset=utf-8,hi", "text/plain", "aGk="),
        ("data:,hi", "text/plain", "aGk="),
        ("data:audio/L16;rate=24000;base64,/+8=", "audio/l16;rate=24000", "/+8="),
        ("data:image/png;name=a.png;base64,/+8=", "image/png", "/+8="),
    ],
)
def test_a_data_url_in_any_spelling_is_standard_base64(url: str, mime: str, data: str) -> None:
    """The core's one spelling."""
    assert read_part(image(url), PATH) == Blob(mime=mime, data=data)


@pytest.mark.parametrize(
    "url",
    [
        "data:image/png;base64,",
        "data:image/png;base64,%%%",
        "data:image/png;base64,a",
        "data:image/png;base64,abc!",
        "data:image/png;base64,ab=c",
        "data:image/png;base64",
        "data:image/png",
        "data:",
        "data:png;base64,/+8=",
        "data:im age/png;base64,/+8=",
    ],
)
def test_a_broken_data_url_is_refused_by_its_place(url: str) -> None:
    """Nothing of it is guessed."""
    with pytest.raises(Malformed) as caught:
        read_part(image(url), PATH)

    assert caught.value.violations[0].field == f"{PATH}.image_url.url"
    assert "base64" in caught.value.detail


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://example.com/a",
        "javascript:alert(1)",
        "blob:x",
        "a.png",
        "",
        PNG,
    ],
)
def test_another_scheme_is_refused(url: str) -> None:
    """Only what is public or sent along can be looked at."""
    with pytest.raises(Malformed, match="Expected one that begins with"):
        read_part(image(url), PATH)


def test_a_private_address_is_refused_in_every_kind_of_part() -> None:
    """Wherever an address may stand."""
    url = "http://169.254.169.254/a.png"
    places = {
        "image_url.url": image(url),
        "image_url": {"type": "image_url", "image_url": url},
        "video_url.url": {"type": "video_url", "video_url": {"url": url}},
        "video_url": {"type": "video_url", "video_url": url},
        "file.file_data": file(file_data=url),
        "file.file_id": file(file_id=url),
    }

    for place, part in places.items():
        with pytest.raises(Malformed) as caught:
            read_part(part, PATH)
        assert caught.value.violations[0].field == f"{PATH}.{place}"


def test_an_uploaded_file_is_not_here() -> None:
    """The error says what to send instead."""
    with pytest.raises(Unsupported, match="file_data"):
        read_part(file(file_id="file-abc123"), PATH)


@pytest.mark.parametrize(
    ("part", "place"),
    [
        ("text", ""),
        (None, ""),
        ({}, ".type"),
        ({"type": 5}, ".type"),
        ({"type": "text"}, ".text"),
        ({"type": "text", "text": ["a"]}, ".text"),
        ({"type": "image_url"}, ".image_url"),
        ({"type": "image_url", "image_url": 5}, ".image_url"),
        ({"type": "image_url", "image_url": {}}, ".image_url.url"),
        (image("https://example.com/a", detail="best"), ".image_url.detail"),
        (image("https://example.com/a", detail=1), ".image_url.detail"),
        ({"type": "input_audio", "input_audio": {"data": PNG}}, ".input_audio.format"),
        (sound("midi"), ".input_audio.format"),
        (sound("wav", "!"), ".input_audio.data"),
        (file(), ".file.file_data"),
        (file(file_data="!"), ".file.file_data"),
        (file(file_data="file:///etc/passwd"), ".file.file_data"),
        (file(file_data=5), ".file.file_data"),
        (file(filename=5, file_data=PNG), ".file.filename"),
        ({"type": "video_url", "video_url": {"url": "rtsp://example.com"}}, ".video_url.url"),
    ],
)
def test_an_ill_formed_part_is_refused_by_its_place(part: object, place: str) -> None:
    """So that a client can find it among a thousand."""
    with pytest.raises(Malformed) as caught:
        read_part(part, PATH)

    assert caught.value.violations[0].field == f"{PATH}{place}"
    assert caught.value.violations[0].description == caught.value.detail


def test_an_unknown_part_is_kept_for_an_engine_that_knows_it() -> None:
    """Verbatim, in this dialect's name."""
    body = {"type": "hologram", "hologram": {"b": 1, "a": [None, 1.5]}}

    part = read_part(body, PATH)

    assert isinstance(part, Opaque)
    assert (part.dialect, part.kind) == ("openai", "hologram")
    assert bytes(part.body) == msgspec.json.encode(body)


def test_empty_texts_are_left_out() -> None:
    """They say nothing, and some upstreams refuse them."""
    items: list[object] = [{"type": "text", "text": text} for text in ("", "a", "", " ")]

    assert read_parts(items, "content") == [Text(text="a"), Text(text=" ")]


def test_an_instruction_is_text() -> None:
    """Gemini's takes media, but no OpenAI server does."""
    assert read_system("Be brief.", "x") == [Text(text="Be brief.")]
    assert read_system([{"type": "text", "text": "a"}, {"type": "text", "text": ""}], "x") == [
        Text(text="a")
    ]
    for content in ([image("https://example.com/a.png")], None, 5, {"type": "text", "text": "a"}):
        with pytest.raises(Malformed):
            read_system(content, "x")
