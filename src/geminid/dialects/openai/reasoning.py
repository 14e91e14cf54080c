"""Thoughts as this wire carries them, both ways: an engine's state must come back as it was said.

A `Thought` remembers in `modifiers.metadata` how it stood there: `{"openai": {"field": ...}}` for
words in a field of the message (or, inside its content, in a tag), `{"openai": {"detail": ...}}`
for one of OpenRouter's `reasoning_details`, whose words are the thought's text, whose proof
(`signature` or `data`) is its signature, and of which all else is kept verbatim.
"""

from base64 import b64encode, urlsafe_b64decode
from collections.abc import Iterable
from typing import Final

import msgspec

from geminid.core.content import Json, Modifiers, Thought
from geminid.dialects.openai.flavor import Flavor
from geminid.dialects.openai.parts import Ignore
from geminid.dialects.openai.tree import Tree

FIELDS: Final = ("reasoning", "reasoning_content")
TAGS: Final = ("think", "thought")
THINKING: Final = "thinking"
"""Mistral's: a part of `content`."""

SIGNED: Final = "google-gemini-v1"
"""The format of a detail whose `data` is a Gemini thought signature."""

_BYPASS: Final = ("skip_thought_signature_validator", "context_engineering_is_the_way_to_go")
"""What Google's documents put where no signature was ever made; Vertex knows the first only."""

_BYPASSES: Final = frozenset(
    b64encode(spelling).decode()
    for words in _BYPASS
    for spelling in (words.encode(), urlsafe_b64decode(words))
)
"""As the core spells them: the words are base64 by chance, and some clients encode them again."""

_PLACES: Final = {
    "reasoning.text": ("text", "signature"),
    "reasoning.summary": ("summary", "signature"),
    "reasoning.encrypted": ("", "data"),
}
"""Where each type of detail has its words and its proof.  Of another type nothing is taken out."""


def sent_signature(signature: str) -> str:
    """`signature` as servers take it: a bypass is read in words only, not in another spelling."""
    return _BYPASS[0] if signature in _BYPASSES else signature


class Origin(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a thought stood: in `field`, or in a `detail`; both empty if nobody knows."""

    field: str = ""
    detail: Tree | None = None

    @property
    def modifiers(self) -> Modifiers:
        """What a `Thought` keeps of it."""
        return Modifiers(metadata=Json(msgspec.json.encode(_Metadata(self))))


class _Metadata(msgspec.Struct, frozen=True):
    openai: Origin


class Detail:
    """One of the `reasoning_details` of a message, or a fragment of one."""

    def __init__(self, tree: Tree) -> None:
        words, proof = _PLACES.get(str(tree.get("type")), ("", ""))
        self.rest = dict(tree)
        self.grows = bool(words)
        self.text = _taken(self.rest, words)
        self.proof = _taken(self.rest, proof)

    @property
    def signed(self) -> str:
        """The id of the call that it is the signature of; `""` for a text's."""
        return str(self.rest.get("id") or "")

    @property
    def is_signature(self) -> bool:
        """Whether it is a thought signature of Gemini's own."""
        return bool(self.proof) and not self.grows and self.rest.get("format") == SIGNED

    def continues(self, other: "Detail") -> bool:
        """Whether it is the next fragment of `other`, which has no proof yet."""
        if not self.grows or not (self.text or self.proof):
            return False
        names = ("type", "index", "id", "format")
        return all(_agree(self.rest.get(name), other.rest.get(name)) for name in names)

    def whole(self) -> Tree:
        """It as it came, but for its proof."""
        words, _ = _PLACES.get(str(self.rest.get("type")), ("", ""))
        return self.rest | {words: self.text} if words else self.rest


class Recalled(msgspec.Struct):
    """A former answer's thoughts on their way back: fields of the message, `reasoning_details`, and
    what stands in its content: before the words (`inline`), or as a part of its own (`thinking`).
    """

    fields: Tree = {}
    details: list[Tree] = []
    inline: str = ""
    thinking: str = ""


def recall(thoughts: Iterable[Thought], flavor: Flavor, ignore: Ignore) -> Recalled:
    """`thoughts` where servers of `flavor` take them back; the others are named as ignored."""
    found = Recalled()
    for thought in thoughts:
        origin = _origin(thought)
        if not flavor.history:
            ignore("contents.parts.thought")
        elif origin.detail is not None:
            found.details.append(_detail(origin.detail, thought))
        elif not _say(found, origin.field or flavor.thought_field, thought.text):
            ignore("contents.parts.thought")
        if thought.signature and (origin.detail is None or not flavor.history):
            ignore("contents.parts.thoughtSignature")
    return found


def _say(found: Recalled, field: str, text: str) -> bool:
    """Puts `text` where `field` says, if it is a place that thoughts come from."""
    if field in FIELDS:
        found.fields[field] = f"{found.fields.get(field, '')}{text}"
    elif field in TAGS:
        found.inline += f"<{field}>{text}</{field}>"
    elif field == THINKING:
        found.thinking += text
    else:
        return False
    return True


def _origin(thought: Thought) -> Origin:
    metadata = thought.modifiers.metadata if thought.modifiers is not None else None
    if metadata is None:
        return Origin()
    try:
        return msgspec.json.decode(metadata, type=_Metadata).openai
    except (msgspec.MsgspecError, RecursionError):  # a caller's own metadata
        return Origin()


def _detail(rest: Tree, thought: Thought) -> Tree:
    words, proof = _PLACES.get(str(rest.get("type")), ("", ""))
    tree = dict(rest)
    if words and thought.text:
        tree[words] = thought.text
    if proof and thought.signature:
        tree[proof] = thought.signature
    return tree


def _taken(tree: Tree, key: str) -> str:
    value = tree.get(key)
    if not isinstance(value, str) or not value:  # stays where it is, to come back so
        return ""
    del tree[key]
    return value


def _agree(one: object, other: object) -> bool:
    return one is None or other is None or one == other
