"""Parts as the content parts of a message, and data URLs both ways."""

import binascii
import re
from base64 import b64decode
from collections.abc import Callable
from typing import Final, TypeAlias

import msgspec

from geminid.core.content import Blob, FileRef, Opaque, Part, Text
from geminid.core.errors import Unrepresentable, UpstreamMalformed
from geminid.dialects.openai.flavor import Flavor
from geminid.dialects.openai.tree import Tree

DIALECT: Final = "openai"

Ignore: TypeAlias = Callable[[str], None]
"""Takes the path of a field that is left out (`Context.ignore`)."""

_AUDIO: Final = {
    "audio/wav": "wav",
    "audio/x-wav": "wav",
    "audio/wave": "wav",
    "audio/mpeg": "mp3",
    "audio/mp3": "mp3",
    "audio/flac": "flac",
    "audio/ogg": "ogg",
    "audio/aac": "aac",
    "audio/mp4": "m4a",
}
_TEXTUAL: Final = frozenset({"application/json", "application/xml", "application/javascript"})
_PICTURE: Final = re.compile(r"\.(png|jpe?g|gif|webp)$", re.IGNORECASE)
_DATA_URL: Final = re.compile(r"data:([^;,]+)(?:;[^;,]*)*;base64,([A-Za-z0-9+/\s]*={0,2}\s*)")


def write_part(part: Part, flavor: Flavor, ignore: Ignore) -> Tree:
    """One content part of a user's message.

    Raises:
        Unrepresentable: servers of this flavor have no place for it.
    """
    if part.modifiers is not None:
        if part.modifiers.resolution:
            ignore("contents.parts.mediaResolution")
        if part.modifiers.video is not None:
            ignore("contents.parts.videoMetadata")
    match part:
        case Text():
            return {"type": "text", "text": part.text}
        case Blob():
            return _blob(part, flavor)
        case FileRef():
            return _file(part, flavor)
        case Opaque() if part.dialect == DIALECT:
            return msgspec.json.decode(part.body, type=dict[str, object])
        case _:
            raise unrepresentable(part)


def unrepresentable(part: Part) -> Unrepresentable:
    """The refusal of `part`, in words."""
    kind = part.kind if isinstance(part, Opaque) else part.__struct_config__.tag
    return Unrepresentable(
        f"A part of the kind {kind!r} cannot be sent to this model's engine here;"
        " leave it out, or ask a model that a Gemini channel serves."
    )


def data_url(blob: Blob) -> str:
    """`blob` as a `data:` URL."""
    return f"data:{blob.mime};base64,{blob.data}"


def read_image(url: str) -> Blob | FileRef:
    """The image that an answer names by `url`.

    Raises:
        UpstreamMalformed: it is neither base64 in a data URL nor an http(s) address.
    """
    if url.startswith(("https://", "http://")):
        return FileRef(uri=url)
    found = _DATA_URL.fullmatch(url)
    if found is None:
        raise UpstreamMalformed("The upstream sent an image that is not a base64 data URL.")
    data = "".join(found[2].split())
    return Blob(mime=found[1], data=data + "=" * (-len(data) % 4))


def _blob(blob: Blob, flavor: Flavor) -> Tree:
    kind = blob.mime.partition("/")[0]
    if kind == "image":
        return {"type": "image_url", "image_url": {"url": data_url(blob)}}
    if blob.mime in _AUDIO:
        return {
            "type": "input_audio",
            "input_audio": {"data": blob.data, "format": _AUDIO[blob.mime]},
        }
    if kind == "text" or blob.mime in _TEXTUAL:
        return {"type": "text", "text": _decoded(blob)}
    if blob.mime == "application/pdf" and flavor.pdf:
        name = blob.name or "document.pdf"
        return {"type": "file", "file": {"filename": name, "file_data": data_url(blob)}}
    if kind == "video" and flavor.video:
        return {"type": "video_url", "video_url": {"url": data_url(blob)}}
    raise Unrepresentable(f"Data of the type {blob.mime} cannot be sent to this model's engine.")


def _file(file: FileRef, flavor: Flavor) -> Tree:
    if file.uri.startswith(("https://", "http://")):
        kind = file.mime.partition("/")[0]
        path = file.uri.partition("?")[0]
        if kind == "image" or (not kind and _PICTURE.search(path)):
            return {"type": "image_url", "image_url": {"url": file.uri}}
        if kind == "video" and flavor.video:
            return {"type": "video_url", "video_url": {"url": file.uri}}
    raise Unrepresentable(
        "A file named by its address cannot be sent to this model's engine, unless it is an image"
        " with an https address; send its bytes inline."
    )


def _decoded(blob: Blob) -> str:
    try:
        return b64decode(blob.data).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise Unrepresentable(f"Data of the type {blob.mime} must be text in UTF-8.") from error
