"""Media that a message carries in a data URL or names by its address."""

import re
from base64 import b64encode
from typing import Final
from urllib.parse import unquote, unquote_to_bytes, urlsplit

from geminid.core.content import Blob, FileRef
from geminid.core.errors import Malformed
from geminid.dialects.openai.chat.history.binary import standard_base64
from geminid.dialects.openai.chat.history.links import check_link
from geminid.dialects.openai.chat.tree import wrong

DEFAULTS: Final = {"image": "image/jpeg", "video": "video/mp4", "file": "application/pdf"}
"""The type of what an address names that does not end in an extension we know [M]: an upstream that
fetches it wants one, and a wrong type of the right kind is read all the same.
"""

_TYPES: Final = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "gif": "image/gif",
    "heic": "image/heic",
    "heif": "image/heif",
    "avif": "image/avif",
    "bmp": "image/bmp",
    "svg": "image/svg+xml",
    "tif": "image/tiff",
    "tiff": "image/tiff",
    "mp4": "video/mp4",
    "m4v": "video/mp4",
    "mov": "video/quicktime",
    "webm": "video/webm",
    "mpeg": "video/mpeg",
    "mpg": "video/mpeg",
    "avi": "video/x-msvideo",
    "wmv": "video/x-ms-wmv",
    "flv": "video/x-flv",
    "3gp": "video/3gpp",
    "mkv": "video/x-matroska",
    "wav": "audio/wav",
    "mp3": "audio/mp3",
    "flac": "audio/flac",
    "ogg": "audio/ogg",
    "opus": "audio/opus",
    "aac": "audio/aac",
    "aiff": "audio/aiff",
    "m4a": "audio/mp4",
    "pdf": "application/pdf",
    "json": "application/json",
    "xml": "application/xml",
    "txt": "text/plain",
    "log": "text/plain",
    "md": "text/markdown",
    "csv": "text/csv",
    "html": "text/html",
    "htm": "text/html",
    "css": "text/css",
    "rtf": "text/rtf",
    "js": "text/javascript",
    "py": "text/x-python",
}
"""Types by extension, as Gemini's documents spell them."""

_SPELLINGS: Final = {"image/jpg": "image/jpeg", "audio/x-wav": "audio/wav"}
_UNTOLD: Final = frozenset({"", "application/octet-stream", "binary/octet-stream"})
_UNTYPED: Final = frozenset(
    {
        "youtube.com",
        "www.youtube.com",
        "m.youtube.com",
        "youtu.be",
        "generativelanguage.googleapis.com",
    }
)
"""Hosts whose files have their type by themselves."""

_TYPE: Final = re.compile(r"[a-z0-9.+_-]+/[a-z0-9.+_*-]+")
_PARAMETER: Final = re.compile(r"(?!charset=|name=|filename=)[a-z0-9_-]+=[A-Za-z0-9._+-]+")
"""Those that say how to read the data (`rate=24000`)."""
_SCHEME: Final = re.compile(r"[a-z][a-z0-9+.-]{0,30}(?=:)", re.IGNORECASE)


def scheme_of(url: str) -> str:
    """The scheme of `url` in lower case; `""` if it has none."""
    found = _SCHEME.match(url)
    return found[0].lower() if found is not None else ""


def read_url(url: str, path: str, *, kind: str, name: str = "", mime: str = "") -> Blob | FileRef:
    """What `url` holds (`data:`) or names (`https:`, `http:`, `gs:`).

    `kind` is a key of `DEFAULTS`, `name` the file's if it has one, `mime` its type if it is told;
    `path` is where `url` stands.

    Raises:
        Malformed: a broken data URL, another scheme, or an address that is not public.
    """
    match scheme_of(url):
        case "data":
            return _blob(url, path, name, mime)
        case "https" | "http":
            check_link(url, path)
            parts = urlsplit(url)
            default = "" if parts.hostname in _UNTYPED else DEFAULTS[kind]
            return FileRef(uri=url, mime=mime or mime_of(parts.path) or mime_of(name) or default)
        case "gs":
            return FileRef(uri=url, mime=mime or mime_of(url) or mime_of(name) or DEFAULTS[kind])
        case _:
            raise wrong(
                path,
                f"Invalid URL in '{path}'. Expected one that begins with 'https://', 'http://',"
                " 'gs://', or 'data:<type>;base64,'.",
            )


def read_data(text: str, path: str, *, mime: str, name: str = "") -> Blob:
    """Bare base64, or a data URL, which knows its type better than `mime`.

    Raises:
        Malformed: it is neither.
    """
    if scheme_of(text) == "data":
        return _blob(text, path, name, "")
    data = standard_base64(text)
    if not data:
        raise _broken(path)
    return Blob(mime=mime, data=data, name=name)


def mime_of(name: str) -> str:
    """The type of a file called `name`, by its extension; `""` if that is not known."""
    return _TYPES.get(name.rpartition(".")[2].lower(), "") if "." in name else ""


def _blob(url: str, path: str, name: str, mime: str) -> Blob:
    head, comma, body = url.partition(",")
    told, *parameters = head[len("data:") :].split(";")
    encoded = bool(parameters) and parameters[-1].strip().lower() == "base64"
    if encoded:
        data = standard_base64(unquote(body) if "%" in body else body)
    else:
        data = b64encode(unquote_to_bytes(body)).decode()
    mime = mime or _type(told, parameters, name)
    if not comma or not data or not mime:
        raise _broken(path)
    return Blob(mime=mime, data=data, name=name)


def _type(told: str, parameters: list[str], name: str) -> str:
    """The type of a data URL; `""` if it is none."""
    mime = told.strip().lower()
    if mime in _UNTOLD:
        return mime_of(name) or mime or "text/plain"  # RFC 2397
    if not _TYPE.fullmatch(mime):
        return ""
    kept = (each for each in parameters if _PARAMETER.fullmatch(each))
    return ";".join((_SPELLINGS.get(mime, mime), *kept))


def _broken(path: str) -> Malformed:
    return wrong(
        path,
        f"Invalid data in '{path}'. Expected 'data:<type>;base64,' and then base64 that is not"
        " empty.",
    )
