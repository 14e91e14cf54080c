"""Parts and contents: Gemini's JSON to and from `core.content`.

Reading takes canonical trees: those of `walk`, or an answer of the real API, whose types nobody has
checked (`tree`).  A part the core has no word for becomes `Opaque` and is written back as it was;
so is one of a kind we know that carries a field we do not.
"""

from collections.abc import Set as AbstractSet
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
from geminid.dialects.gemini.tree import Tree, count_at, text_at, tree_at, trees_at

DIALECT: Final = "gemini"

_MODIFIERS: Final[dict[str, frozenset[str]]] = {
    "thought": frozenset(),
    "thoughtSignature": frozenset(),
    "videoMetadata": frozenset({"startOffset", "endOffset", "fps"}),
    "mediaResolution": frozenset({"level", "numTokens"}),
    "partMetadata": frozenset(),
}
"""What may stand beside a payload, with the fields of those that the core takes apart."""

_PAYLOADS: Final[dict[str, frozenset[str]]] = {
    "text": frozenset(),
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
    return Content(text_at(tree, "role"), tuple(map(read_part, trees_at(tree, "parts"))))


def read_part(tree: Tree) -> Part:
    """One part.

    Raises:
        Invalid: it has no payload (the real API's own words).
        TypeError: a field is of a wrong type; never after a walk.
    """
    if len(tree) == 1 and type(text := tree.get("text")) is str:
        return Text(text=text)
    names = tree.keys() - _MODIFIERS.keys()
    if not names:
        raise Invalid("required oneof field 'data' must have one initialized field")
    signature = text_at(tree, "thoughtSignature")
    name = next(iter(names))
    if len(names) > 1 or not _known(name, tree):
        return _opaque(tree, names, signature)
    modifiers = _read_modifiers(tree)
    if name == "text":
        text = text_at(tree, "text")
        if modifiers is None or not modifiers.thought:
            return Text(text=text, signature=signature, modifiers=modifiers)
        rest = msgspec.structs.replace(modifiers, thought=False)
        return Thought(
            text=text, signature=signature, modifiers=None if rest == Modifiers() else rest
        )
    return msgspec.structs.replace(
        _read_payload(name, tree_at(tree, name)), signature=signature, modifiers=modifiers
    )


def _known(name: str, tree: Tree) -> bool:
    """Whether the core has a word for all that stands in the part."""
    if name not in _PAYLOADS:
        return False
    groups = [key for key in tree if key != "text" and type(tree[key]) is dict]
    for key in groups:
        fields = _PAYLOADS[key] if key == name else _MODIFIERS[key]
        if key != "partMetadata" and not tree_at(tree, key).keys() <= fields:
            return False
    media = trees_at(tree_at(tree, name), "parts") if name == "functionResponse" else []
    return all(_is_media(part) for part in media)


def _is_media(part: Tree) -> bool:
    blob = part.get("inlineData")
    return len(part) == 1 and type(blob) is dict and blob.keys() <= _PAYLOADS["inlineData"]


def _opaque(tree: Tree, names: AbstractSet[str], signature: str) -> Opaque:
    kinds = sorted(names, key=lambda name: (name not in _PAYLOADS, list(tree).index(name)))
    body = {key: value for key, value in tree.items() if key != "thoughtSignature"}
    return Opaque(dialect=DIALECT, kind=kinds[0], body=json_of(body), signature=signature)


def _read_payload(name: str, tree: Tree) -> Part:
    match name:
        case "inlineData":
            return _read_blob(tree)
        case "fileData":
            return FileRef(uri=text_at(tree, "fileUri"), mime=text_at(tree, "mimeType"))
        case "functionCall":
            return Call(
                name=text_at(tree, "name"), args=_read_object(tree, "args"), id=text_at(tree, "id")
            )
        case "executableCode":
            return Code(
                code=text_at(tree, "code"),
                language=text_at(tree, "language"),
                id=text_at(tree, "id"),
            )
        case "codeExecutionResult":
            return CodeResult(
                outcome=text_at(tree, "outcome"),
                output=text_at(tree, "output"),
                id=text_at(tree, "id"),
            )
        case _:
            media = trees_at(tree, "parts")
            return Result(
                name=text_at(tree, "name"),
                response=_read_object(tree, "response"),
                id=text_at(tree, "id"),
                media=tuple(_read_blob(tree_at(part, "inlineData")) for part in media),
                will_continue=cast("bool | None", tree.get("willContinue")),
                scheduling=text_at(tree, "scheduling"),
            )


def _read_blob(tree: Tree) -> Blob:
    return Blob(
        mime=text_at(tree, "mimeType"),
        data=text_at(tree, "data"),
        name=text_at(tree, "displayName"),
    )


def _read_object(tree: Tree, key: str) -> Json:
    value = tree_at(tree, key)
    return json_of(value) if value else EMPTY_OBJECT


def _read_modifiers(tree: Tree) -> Modifiers | None:
    if len(tree) == 1 + ("thoughtSignature" in tree):  # only the payload, and its signature
        return None
    resolution = tree_at(tree, "mediaResolution")
    video = tree_at(tree, "videoMetadata")
    found = Modifiers(
        thought=bool(tree.get("thought")),
        resolution=text_at(resolution, "level"),
        resolution_tokens=count_at(resolution, "numTokens") if "numTokens" in resolution else None,
        video=None if tree.get("videoMetadata") is None else _read_video(video),
        metadata=json_of(tree_at(tree, "partMetadata")) if "partMetadata" in tree else None,
    )
    return None if found == Modifiers() else found


def _read_video(tree: Tree) -> VideoSpan:
    return VideoSpan(
        start_offset=text_at(tree, "startOffset"),
        end_offset=text_at(tree, "endOffset"),
        fps=cast("float | None", tree.get("fps")),
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
    """One part as the API writes it, its fields in the order of their proto numbers.

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
            call = _filled(name=part.name) | {"args": part.args}
            return {"functionCall": call | _filled(id=part.id)}
        case Code():
            code = _filled(language=part.language) | {"code": part.code}
            return {"executableCode": code | _filled(id=part.id)}
        case CodeResult():
            return {
                "codeExecutionResult": _filled(outcome=part.outcome, output=part.output, id=part.id)
            }
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
    tree = _filled(name=part.name) | {"response": part.response} | _filled(id=part.id)
    if part.will_continue is not None:
        tree["willContinue"] = part.will_continue
    tree |= _filled(scheduling=part.scheduling)
    if part.media:
        tree["parts"] = [{"inlineData": _blob(blob)} for blob in part.media]
    return tree


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
