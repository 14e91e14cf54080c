"""Parts and contents: Gemini's JSON to and from `core.content`.

Reading takes canonical trees: those of `walk`, or an answer of the real API.  A payload the core
has no word for becomes `Opaque` and is written back as it was; so is one of a kind we know that
carries a field we do not.
"""

from typing import Final, assert_never, cast

import msgspec

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
from geminid.dialects.gemini.walk import Tree

DIALECT: Final = "gemini"

_PLAIN: Final = frozenset({"text", "thought", "thoughtSignature"})
_MODIFIERS: Final = frozenset(
    {"thought", "thoughtSignature", "videoMetadata", "mediaResolution", "partMetadata"}
)
_KNOWN: Final[dict[str, frozenset[str]]] = {
    "inlineData": frozenset({"mimeType", "data", "displayName"}),
    "fileData": frozenset({"fileUri", "mimeType"}),
    "functionCall": frozenset({"id", "name", "args"}),
    "functionResponse": frozenset(
        {"id", "name", "response", "parts", "willContinue", "scheduling"}
    ),
    "executableCode": frozenset({"id", "language", "code"}),
    "codeExecutionResult": frozenset({"id", "outcome", "output"}),
}


def json_of(value: object) -> Json:
    """`value` as encoded JSON."""
    return Json(msgspec.json.encode(value))


def read_content(tree: Tree) -> Content:
    """A content of a request or an answer.  Raises as `read_part`."""
    parts = cast("list[Tree]", tree.get("parts", []))
    return Content(cast("str", tree.get("role", "")), tuple(map(read_part, parts)))


def read_part(tree: Tree) -> Part:
    """One part.

    Raises:
        Invalid: it has no payload (the real API's own words).
    """
    if tree.keys() <= _PLAIN and "text" in tree:
        kind = Thought if tree.get("thought") else Text
        return kind(
            text=cast("str", tree["text"]), signature=cast("str", tree.get("thoughtSignature", ""))
        )
    names = tree.keys() - _MODIFIERS
    if not names:
        raise Invalid("required oneof field 'data' must have one initialized field")
    name = next(iter(names))
    signature = cast("str", tree.get("thoughtSignature", ""))
    modifiers = _read_modifiers(tree)
    payload = tree[name]
    if name == "text" and len(names) == 1:
        if modifiers is not None and modifiers.thought:
            rest = msgspec.structs.replace(modifiers, thought=False)
            modifiers = None if rest == Modifiers() else rest
            return Thought(text=cast("str", payload), signature=signature, modifiers=modifiers)
        return Text(text=cast("str", payload), signature=signature, modifiers=modifiers)
    if (
        len(names) > 1
        or name not in _KNOWN
        or not isinstance(payload, dict)
        or not payload.keys() <= _KNOWN[name]
    ):
        body = {key: value for key, value in tree.items() if key in names}
        return Opaque(
            dialect=DIALECT, kind=name, body=json_of(body), signature=signature, modifiers=modifiers
        )
    return msgspec.structs.replace(
        _read_payload(name, cast("Tree", payload)), signature=signature, modifiers=modifiers
    )


def _read_payload(name: str, tree: Tree) -> Part:
    def text(key: str) -> str:
        return cast("str", tree.get(key, ""))

    match name:
        case "inlineData":
            return Blob(mime=text("mimeType"), data=text("data"), name=text("displayName"))
        case "fileData":
            return FileRef(uri=text("fileUri"), mime=text("mimeType"))
        case "functionCall":
            args = json_of(tree["args"]) if "args" in tree else EMPTY_OBJECT
            return Call(name=text("name"), args=args, id=text("id"))
        case "executableCode":
            return Code(code=text("code"), language=text("language"), id=text("id"))
        case "codeExecutionResult":
            return CodeResult(outcome=text("outcome"), output=text("output"), id=text("id"))
        case _:
            media = cast("list[dict[str, Tree]]", tree.get("parts", []))
            blobs = [_read_payload("inlineData", part.get("inlineData", {})) for part in media]
            return Result(
                name=text("name"),
                response=json_of(tree["response"]) if "response" in tree else EMPTY_OBJECT,
                id=text("id"),
                media=tuple(cast("list[Blob]", blobs)),
                will_continue=cast("bool | None", tree.get("willContinue")),
                scheduling=text("scheduling"),
            )


def _read_modifiers(tree: Tree) -> Modifiers | None:
    if tree.keys().isdisjoint(_MODIFIERS - {"thoughtSignature"}):
        return None
    resolution = cast("Tree", tree.get("mediaResolution", {}))
    video = cast("Tree | None", tree.get("videoMetadata"))
    return Modifiers(
        thought=bool(tree.get("thought")),
        resolution=cast("str", resolution.get("level", "")),
        resolution_tokens=cast("int | None", resolution.get("numTokens")),
        video=None
        if video is None
        else VideoSpan(
            start_offset=cast("str", video.get("startOffset", "")),
            end_offset=cast("str", video.get("endOffset", "")),
            fps=cast("float | None", video.get("fps")),
        ),
        metadata=json_of(tree["partMetadata"]) if "partMetadata" in tree else None,
    )


def write_content(content: Content) -> Tree:
    """A content as the API writes it; an absent role stays absent."""
    tree: Tree = {}
    if content.parts:
        tree["parts"] = [write_part(part) for part in content.parts]
    if content.role:
        tree["role"] = content.role
    return tree


def write_part(part: Part) -> Tree:
    """One part as the API writes it.

    Raises:
        Unrepresentable: it is another dialect's `Opaque`.
    """
    tree = _write_payload(part)
    if part.modifiers is not None:
        _write_modifiers(part.modifiers, tree)
    if part.signature:
        tree["thoughtSignature"] = part.signature
    return tree


def _write_payload(part: Part) -> Tree:
    match part:
        case Text():
            return {"text": part.text}
        case Thought():
            return {"text": part.text, "thought": True}
        case Blob():
            return {"inlineData": _blob(part)}
        case FileRef():
            return {"fileData": _filled(mimeType=part.mime, fileUri=part.uri)}
        case Call():
            return {"functionCall": _filled(id=part.id, name=part.name) | {"args": part.args}}
        case Code():
            named = _filled(id=part.id, language=part.language)
            return {"executableCode": named | {"code": part.code}}
        case CodeResult():
            named = _filled(id=part.id, outcome=part.outcome)
            return {"codeExecutionResult": named | _filled(output=part.output)}
        case Result():
            return {"functionResponse": _result(part)}
        case Opaque():
            if part.dialect != DIALECT:
                raise Unrepresentable(
                    f"A {part.kind!r} part of the {part.dialect} API cannot be told in Gemini's;"
                    " leave it out of the conversation."
                )
            return cast("Tree", msgspec.json.decode(part.body, type=dict[str, msgspec.Raw]))
        case _:
            assert_never(part)


def _result(part: Result) -> Tree:
    tree: Tree = _filled(id=part.id, name=part.name) | {"response": part.response}
    if part.media:
        tree["parts"] = [{"inlineData": _blob(blob)} for blob in part.media]
    if part.will_continue is not None:
        tree["willContinue"] = part.will_continue
    return tree | _filled(scheduling=part.scheduling)


def _blob(blob: Blob) -> Tree:
    return _filled(mimeType=blob.mime, data=blob.data, displayName=blob.name)


def _filled(**fields: str) -> Tree:
    """Proto3 leaves empty strings out."""
    return {name: value for name, value in fields.items() if value}


def _write_modifiers(modifiers: Modifiers, tree: Tree) -> None:
    if modifiers.thought:
        tree["thought"] = True
    if modifiers.video is not None:
        video = _filled(
            startOffset=modifiers.video.start_offset, endOffset=modifiers.video.end_offset
        )
        if modifiers.video.fps is not None:
            video["fps"] = modifiers.video.fps
        tree["videoMetadata"] = video
    if modifiers.resolution or modifiers.resolution_tokens is not None:
        resolution = _filled(level=modifiers.resolution)
        if modifiers.resolution_tokens is not None:
            resolution["numTokens"] = modifiers.resolution_tokens
        tree["mediaResolution"] = resolution
    if modifiers.metadata is not None:
        tree["partMetadata"] = modifiers.metadata
