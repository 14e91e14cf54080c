"""An assistant message's reasoning, as its client sends it back.

It is said in `reasoning_details`, in a field of the message, or in both; then it is one thought.
Nothing here is refused: what cannot be read is only a summary that is lost.
"""

from typing import Final

import msgspec

from geminid.core.content import Thought
from geminid.dialects.openai.chat.history.binary import standard_base64
from geminid.dialects.openai.reasoning import FIELDS, SIGNED, THINKING, Detail, Origin
from geminid.dialects.openai.tree import Tree

_PROOFS: Final = frozenset({"signature", "data"})


def details_of(message: Tree) -> list[Tree]:
    """The `reasoning_details` of a message, those that say what they are."""
    details = message.get("reasoning_details")
    found = details if isinstance(details, list) else []
    return [tree for tree in found if isinstance(tree, dict) and isinstance(tree.get("type"), str)]


def is_signature(detail: Detail) -> bool:
    """Whether it is a thought signature of Gemini's own.

    openai-python's stream helper joins what a stream repeats: the format may be there twice or
    more, and the words of another detail beside the data.
    """
    form = detail.rest.get("format")
    return bool(detail.proof) and not detail.grows and (form is None or _is_ours(form))


def read_thoughts(message: Tree) -> list[Thought]:
    """The thoughts of an assistant message, in order.

    What proves another maker's thoughts is in their metadata with all else, not their signature: no
    upstream may take it for one of its own.
    """
    thoughts: list[Thought] = []
    before: Detail | None = None
    for tree in details_of(message):
        detail = Detail(tree)
        if is_signature(detail):
            words = tree.get("text")
            if isinstance(words, str) and words:
                thoughts.append(Thought(text=words))
        elif before is not None and _continues(detail, before):
            last = thoughts[-1]
            thoughts[-1] = msgspec.structs.replace(last, text=last.text + detail.text)
        else:
            thoughts.append(_thought(tree, detail))
            before = detail
    if not any(thought.text for thought in thoughts):
        thoughts += _field(message)
    return thoughts


def read_thinking(tree: Tree) -> list[Thought]:
    """The thoughts of a part of the type `thinking` (Mistral's)."""
    said = tree.get(THINKING)
    pieces = said if isinstance(said, list) else [{"text": said}]
    texts = (piece.get("text") for piece in pieces if isinstance(piece, dict))
    text = "".join(text for text in texts if isinstance(text, str))
    return [Thought(text=text, modifiers=Origin(field=THINKING).modifiers)] if text else []


def _thought(tree: Tree, detail: Detail) -> Thought:
    proof = standard_base64(detail.proof) if _is_ours(detail.rest.get("format")) else None
    if proof:
        rest = detail.rest
    else:
        rest = {key: tree[key] for key in tree if key in detail.rest or key in _PROOFS}
    modifiers = Origin(detail=rest).modifiers
    return Thought(text=detail.text, signature=proof or "", modifiers=modifiers)


def _is_ours(form: object) -> bool:
    return isinstance(form, str) and bool(form) and not form.replace(SIGNED, "")


def _field(message: Tree) -> list[Thought]:
    """The words of the first field that has some: servers that use both say the same in them."""
    for field in FIELDS:
        text = message.get(field)
        if isinstance(text, str) and text:
            return [Thought(text=text, modifiers=Origin(field=field).modifiers)]
    return []


def _continues(detail: Detail, before: Detail) -> bool:
    """Whether a client has kept the pieces of a stream as they came: all but the first of a detail
    are without its format.
    """
    return "format" not in detail.rest and detail.continues(before)
