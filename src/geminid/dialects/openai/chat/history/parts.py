"""The parts of a message's content."""

from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from geminid.core.content import Blob, FileRef, Json, Modifiers, Opaque, Part, Text
from geminid.core.errors import Unsupported
from geminid.dialects.openai.chat.history.attached import (
    DEFAULTS,
    mime_of,
    read_data,
    read_url,
    scheme_of,
)
from geminid.dialects.openai.chat.tree import (
    missing,
    mistyped,
    text_at,
    tree_at,
    tree_of,
    unknown,
    wrong,
)
from geminid.dialects.openai.parts import DIALECT
from geminid.dialects.openai.tree import Tree

_SOUNDS: Final = {
    "wav": "audio/wav",
    "mp3": "audio/mp3",
    "flac": "audio/flac",
    "ogg": "audio/ogg",
    "opus": "audio/opus",
    "aac": "audio/aac",
    "aiff": "audio/aiff",
    "m4a": "audio/mp4",
    "webm": "audio/webm",
    "pcm16": "audio/pcm;rate=24000",
}
"""Formats of `input_audio`: OpenAI's, and those that aggregators take too."""

_DETAILS: Final = {
    "low": "MEDIA_RESOLUTION_LOW",
    "medium": "MEDIA_RESOLUTION_MEDIUM",
    "high": "MEDIA_RESOLUTION_HIGH",
    "ultra_high": "MEDIA_RESOLUTION_ULTRA_HIGH",
    "auto": "",
    "original": "",
    "": "",
}
"""`detail` of an image: OpenAI's words, and LiteLLM's for what else Gemini has."""

_NOTHING: Final = Text(text="")
_SOURCES: Final = frozenset({"https", "http", "gs", "data"})


def read_parts(items: list[object], path: str) -> list[Part]:
    """The parts of the array at `path`, without texts that are empty.

    Raises as `read_part`.
    """
    parts = [read_part(item, f"{path}[{place}]") for place, item in enumerate(items)]
    return [part for part in parts if not isinstance(part, Text) or part.text]


def read_part(value: object, path: str) -> Part:
    """One part.  A kind that nobody here knows is kept as it is, for an engine that speaks this
    dialect.

    Raises:
        Malformed: a field is missing, ill-formed, or an address that is not public.
        Unsupported: it names an uploaded file.
    """
    tree = tree_of(value, path)
    kind = text_at(tree, "type", path)
    read = _READERS.get(kind)
    if read is None:
        return Opaque(dialect=DIALECT, kind=kind, body=Json(msgspec.json.encode(tree)))
    return read(tree, path)


def _text(tree: Tree, path: str) -> Part:
    return Text(text=text_at(tree, "text", path))


def _refusal(tree: Tree, path: str) -> Part:
    return Text(text=text_at(tree, "refusal", path))


def read_image(tree: Tree, path: str) -> Blob | FileRef:
    """The image of an `image_url` part, or of an element of a message's `images`.

    Raises as `read_part`.
    """
    value = tree.get("image_url")
    if isinstance(value, str):
        return read_url(value, f"{path}.image_url", kind="image")
    image, where = tree_at(tree, "image_url", path), f"{path}.image_url"
    found = read_url(text_at(image, "url", where), f"{where}.url", kind="image")
    detail = image.get("detail")
    if detail is None:
        return found
    if not isinstance(detail, str):
        raise mistyped(f"{where}.detail", "a string", detail)
    if detail not in _DETAILS:
        raise unknown(f"{where}.detail", detail, ("low", "high", "auto"))
    if not _DETAILS[detail]:
        return found
    return msgspec.structs.replace(found, modifiers=Modifiers(resolution=_DETAILS[detail]))


def _video(tree: Tree, path: str) -> Part:
    value = tree.get("video_url")
    if isinstance(value, str):
        return read_url(value, f"{path}.video_url", kind="video")
    video, where = tree_at(tree, "video_url", path), f"{path}.video_url"
    return read_url(text_at(video, "url", where), f"{where}.url", kind="video")


def _sound(tree: Tree, path: str) -> Part:
    sound, where = tree_at(tree, "input_audio", path), f"{path}.input_audio"
    form = text_at(sound, "format", where).lower()
    if form not in _SOUNDS:
        raise unknown(f"{where}.format", form, _SOUNDS)
    return read_data(text_at(sound, "data", where), f"{where}.data", mime=_SOUNDS[form])


def _file(tree: Tree, path: str) -> Part:
    file, where = tree_at(tree, "file", path), f"{path}.file"
    name = _optional(file, "filename", where)
    # LiteLLM's clients put an address into `file_id`, and its type into `format`.
    told = _optional(file, "format", where)
    mime = told if "/" in told else ""
    for key in ("file_data", "file_id"):
        source = _optional(file, key, where)
        if scheme_of(source) in _SOURCES:
            return read_url(source, f"{where}.{key}", kind="file", name=name, mime=mime)
    if data := _optional(file, "file_data", where):
        if scheme_of(data):
            return read_url(data, f"{where}.file_data", kind="file")  # which says what is wrong
        mime = mime or mime_of(name) or DEFAULTS["file"]
        return read_data(data, f"{where}.file_data", mime=mime, name=name)
    if _optional(file, "file_id", where):
        raise Unsupported(
            f"'{where}.file_id' names an uploaded file, and there are none here; send the file"
            " itself as 'file_data', a data URL."
        )
    raise missing(f"{where}.file_data")


def _optional(tree: Tree, key: str, path: str) -> str:
    value = tree.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise mistyped(f"{path}.{key}", "a string", value)
    return value


def read_system(content: object, path: str) -> list[Part]:
    """The texts of a system or developer message, without empty ones.

    Raises:
        Malformed: something else is in it.
    """
    if isinstance(content, str):
        return [Text(text=content)] if content else []
    if not isinstance(content, list):
        raise no_content(content, path)
    parts: list[Part] = []
    for place, item in enumerate(content):
        where = f"{path}[{place}]"
        tree = tree_of(item, where)
        if (kind := text_at(tree, "type", where)) != "text":
            raise unknown(f"{where}.type", kind, ("text",))
        parts.append(_text(tree, where))
    return [part for part in parts if part != _NOTHING]


def no_content(content: object, path: str) -> Exception:
    """The refusal of a `content` that is neither a string nor an array."""
    if content is None:
        return wrong(path, f"Invalid value for '{path}': expected a string, got null.")
    return mistyped(path, "a string or an array of objects", content)


_READERS: Final[Mapping[str, Callable[[Tree, str], Part]]] = {
    "text": _text,
    "refusal": _refusal,
    "image_url": read_image,
    "video_url": _video,
    "input_audio": _sound,
    "file": _file,
}
