"""What the model said: one assistant message as the parts of a model's content."""

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

import msgspec

from geminid.core.content import EMPTY_OBJECT, Call, Json, Part, Text, Thought
from geminid.core.errors import Unsupported
from geminid.dialects.openai.chat.history.carriers import Carried, beside, carried, split_id
from geminid.dialects.openai.chat.history.parts import no_content, read_image, read_part
from geminid.dialects.openai.chat.history.thoughts import read_thinking, read_thoughts
from geminid.dialects.openai.chat.tree import list_at, missing, text_at, tree_at, tree_of
from geminid.dialects.openai.loose import loosely
from geminid.dialects.openai.reasoning import THINKING
from geminid.dialects.openai.tree import Tree

_P = TypeVar("_P", bound=Part)

_CUSTOM: Final = "custom"
_INPUT: Final = "input"
_PLAIN: Final = frozenset({"role", "content", "name"})
_BROKEN: Final = "arguments"
"""The argument that stands for a text that is no JSON object."""


class Asked(msgspec.Struct, frozen=True):
    """A call, with the id and the function's name that the caller has for it."""

    call: Call
    id: str
    name: str


class Said(msgspec.Struct, frozen=True):
    """A message's parts (none: it says nothing), and those that are calls, in the same order."""

    parts: tuple[Part, ...] = ()
    asked: tuple[Asked, ...] = ()


class _Told(msgspec.Struct, frozen=True):
    """A call as it came: `tree` has its id and signature, `inner` at the path `inside` says what is
    called, a free-form tool if it is `free`.
    """

    tree: Tree
    inner: Tree
    inside: str
    free: bool = False


def read_assistant(message: Tree, path: str, sent: Callable[[str], str]) -> Said:
    """The assistant `message` at `path`: thoughts, then words and pictures, then calls.

    Raises:
        Malformed: a field is ill-formed.
        Unsupported: all it has is sound that was told by its id.
    """
    content = message.get("content")
    if content and isinstance(content, str) and message.keys() <= _PLAIN:  # most are so
        return Said((Text(text=content),))
    thoughts: list[Part] = [*read_thoughts(message)]
    words: list[Part] = []
    for part in _content(message, path):
        (thoughts if isinstance(part, Thought) else words).append(part)
    told = _told(message, path)
    asked = [_asked(each, sent) for each in told]
    found = carried(message, [each.tree for each in told])
    if not words and not asked:
        words += _heard(message, path, signed=bool(found.own))
    asked, words = _signed(asked, words, found)
    if not words and not asked:
        return Said()
    calls = _apart(asked)
    return Said((*thoughts, *words, *(each.call for each in calls)), tuple(calls))


def args_of(value: object) -> Json:
    """The arguments of a call as an object.

    Text that is an object stays as it is.  Models write broken JSON, and a conversation must be
    able to go on from it: that is mended, or handed on as a text.
    """
    if isinstance(value, dict):
        return Json(msgspec.json.encode(value))
    if not isinstance(value, str):
        text = "" if value is None else msgspec.json.encode(value).decode()
    else:
        text = value.strip()
    if not text:
        return EMPTY_OBJECT
    try:
        if isinstance(msgspec.json.decode(text), dict):
            return Json(text.encode())
    except (msgspec.MsgspecError, RecursionError):
        try:
            mended = loosely(text.encode())
            if isinstance(mended, dict):
                return Json(msgspec.json.encode(mended))
        except (ValueError, RecursionError):
            pass
    return Json(msgspec.json.encode({_BROKEN: text}))


def _content(message: Tree, path: str) -> list[Part]:
    """Its content, its refusal and its pictures, in this order; no text of them is empty."""
    parts: list[Part] = []
    content = message.get("content")
    if isinstance(content, list):
        for place, item in enumerate(content):
            parts += _part(tree_of(item, f"{path}.content[{place}]"), f"{path}.content[{place}]")
    elif isinstance(content, str):
        parts += [Text(text=content)] if content else []
    elif content is not None:
        raise no_content(content, f"{path}.content")
    refusal = message.get("refusal")
    if isinstance(refusal, str) and refusal:
        parts.append(Text(text=refusal))
    for place, item in enumerate(list_at(message, "images", path)):
        where = f"{path}.images[{place}]"
        tree = tree_of(item, where)
        parts.append(_with(read_image(tree, where), beside(tree)))
    return parts


def _part(tree: Tree, path: str) -> Sequence[Part]:
    if tree.get("type") == THINKING:
        return read_thinking(tree)
    part = _with(read_part(tree, path), beside(tree))
    empty = isinstance(part, Text) and not part.text and not part.signature
    return () if empty else (part,)


def _told(message: Tree, path: str) -> list[_Told]:
    """Its calls, the old `function_call` as one of them."""
    calls: list[_Told] = []
    for place, item in enumerate(list_at(message, "tool_calls", path)):
        where = f"{path}.tool_calls[{place}]"
        tree = tree_of(item, where)
        free = isinstance(tree.get(_CUSTOM), dict) and tree.get("function") is None
        key = _CUSTOM if free else "function"
        calls.append(_Told(tree, tree_at(tree, key, where), f"{where}.{key}", free))
    if message.get("function_call") is not None:
        function = tree_at(message, "function_call", path)
        calls.append(_Told(function, function, f"{path}.function_call"))
    return calls


def _asked(told: _Told, sent: Callable[[str], str]) -> Asked:
    name = text_at(told.inner, "name", told.inside)
    if not name:
        raise missing(f"{told.inside}.name")
    if told.free:
        args = Json(msgspec.json.encode({_INPUT: text_at(told.inner, _INPUT, told.inside)}))
    else:
        args = args_of(told.inner.get("arguments"))
    known, _ = split_id(told.tree.get("id"))
    return Asked(Call(name=sent(name), args=args, id=known), known, name)


def _heard(message: Tree, path: str, *, signed: bool) -> list[Part]:
    """The transcript of a message that has nothing but sound."""
    audio = message.get("audio")
    if not isinstance(audio, dict):
        return []
    transcript = audio.get("transcript")
    if isinstance(transcript, str) and transcript:
        return [Text(text=transcript)]
    if signed:
        return []
    raise Unsupported(
        f"'{path}.audio' names the sound of an earlier answer, which is not kept here; send its"
        " transcript as 'content'."
    )


def _signed(
    asked: list[Asked], words: list[Part], found: Carried
) -> tuple[list[Asked], list[Part]]:
    """Each signature on its part.

    One that names no call is the words' or the pictures', and the last of them are the last parts';
    where there are none it is the first call's, or stands alone.
    """
    own = list(found.own)
    calls = list(found.calls)
    if own and not words and calls:
        calls[0] = calls[0] or own[-1]
    elif own and not words:
        words = [Text(text="", signature=own[-1])]
    elif own:
        words = _signed_words(words, own)
    signed = [
        Asked(_with(each.call, signature), each.id, each.name)
        for each, signature in zip(asked, calls, strict=True)
    ]
    return signed, words


def _signed_words(words: list[Part], own: list[str]) -> list[Part]:
    places = [place for place, part in enumerate(words) if not part.signature]
    texts = [place for place in places if isinstance(words[place], Text)]
    if len(own) == 1 and texts:
        places = texts
    signed = list(words)
    for place, signature in zip(reversed(places), reversed(own), strict=False):
        signed[place] = _with(words[place], signature)
    return signed


def _with(part: _P, signature: str) -> _P:
    return msgspec.structs.replace(part, signature=signature) if signature else part


def _apart(asked: list[Asked]) -> list[Asked]:
    """`asked` with no id in it twice: servers that number their calls may write one number on all,
    and nobody could tell whose result is whose by it.
    """
    seen: set[str] = set()
    apart: list[Asked] = []
    for each in asked:
        call = each.call
        if call.id in seen:
            call = msgspec.structs.replace(call, id="")
        seen.add(call.id)
        apart.append(Asked(call, each.id, each.name))
    return apart
