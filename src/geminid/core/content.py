"""What is said: contents made of parts, the canonical form of every dialect's messages.

The words are Gemini's, because contents of parts with a signature on *any* part are the richest
vocabulary of the four dialects (DESIGN section 2).  The union is closed: code that handles parts
matches on all of them and ends in `assert_never`.

Three conventions hold everywhere in the core:

* Binary data (`Blob.data`, `signature`) is *text*: standard base64 with padding, as every wire
  needs it.  Decoders accept the other spellings and normalise; nobody decodes a megabyte twice.
* Free-form JSON (`Call.args`, `Result.response`, schemas) is `Json`: the encoded bytes, never
  renamed, never re-ordered.
* Absent text is `""` and an absent group is `None`; proto3 does not tell the two apart either.
"""

from typing import TypeAlias

import msgspec

Json: TypeAlias = msgspec.Raw
"""One encoded JSON value (UTF-8).  Compare by bytes; decode with `msgspec.json.decode`."""

EMPTY_OBJECT = Json(b"{}")


class VideoSpan(msgspec.Struct, frozen=True, kw_only=True):
    """Which piece of a video to look at.  Offsets are proto durations such as `"1.5s"`."""

    start_offset: str = ""
    end_offset: str = ""
    fps: float | None = None


class Modifiers(msgspec.Struct, frozen=True, kw_only=True):
    """What a part carries beside its payload and signature.  `None` on nearly every part.

    `thought` marks a non-text payload as a draft (image models, gemini.md section 3.1); thought
    *text* is `Thought`.  `resolution` is a `MEDIA_RESOLUTION_*` name.
    """

    thought: bool = False
    resolution: str = ""
    resolution_tokens: int | None = None
    video: VideoSpan | None = None
    metadata: Json | None = None


class _Part(msgspec.Struct, frozen=True, kw_only=True):
    signature: str = ""
    modifiers: Modifiers | None = None


class Text(_Part, frozen=True, tag="text"):
    """Words of the answer or the prompt; `text` may be empty and carry only a signature."""

    text: str


class Thought(_Part, frozen=True, tag="thought"):
    """A summary of the model's reasoning, shown but not part of the answer."""

    text: str


class Blob(_Part, frozen=True, tag="blob"):
    """Media carried inline.  `data` is standard base64."""

    mime: str
    data: str
    name: str = ""


class FileRef(_Part, frozen=True, tag="file"):
    """Media named by address: a Files API uri, a video page, an https or gs address."""

    uri: str
    mime: str = ""


class Call(_Part, frozen=True, tag="call"):
    """A function the model asks to be run.  `args` is the JSON object of its arguments."""

    name: str
    args: Json = EMPTY_OBJECT
    id: str = ""


class Result(_Part, frozen=True, tag="result"):
    """What a function gave back.  `media` are blobs that belong to the result."""

    name: str
    response: Json = EMPTY_OBJECT
    id: str = ""
    media: tuple[Blob, ...] = ()
    will_continue: bool | None = None
    scheduling: str = ""


class Code(_Part, frozen=True, tag="code"):
    """Code the model wrote for the server's sandbox to run."""

    code: str
    language: str = "PYTHON"
    id: str = ""


class CodeResult(_Part, frozen=True, tag="code_result"):
    """What running a `Code` part printed, and whether it ended well (`OUTCOME_*`)."""

    outcome: str
    output: str = ""
    id: str = ""


class Opaque(_Part, frozen=True, tag="opaque"):
    """A part only `dialect` understands, kept verbatim.

    `body` is the whole part in that dialect's own JSON.  Encoding to another dialect raises
    `Unrepresentable`: a part is never dropped in silence.
    """

    dialect: str
    kind: str
    body: Json


Part: TypeAlias = Text | Thought | Blob | FileRef | Call | Result | Code | CodeResult | Opaque


class Content(msgspec.Struct, frozen=True):
    """One message: who speaks (`user` or `model`; `""` means user) and what they say."""

    role: str
    parts: tuple[Part, ...]
