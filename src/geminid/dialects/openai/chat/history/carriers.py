"""Where clients send thought signatures back (spec/dialects.md section 3).

A client keeps some of the places that an answer had them in, and which ones depends on the client.
A signature that is no base64 is lost, like one that did not come: this dialect refuses neither.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from geminid.dialects.openai.chat.history.binary import standard_base64
from geminid.dialects.openai.chat.history.thoughts import details_of, is_signature
from geminid.dialects.openai.reasoning import Detail
from geminid.dialects.openai.tree import Tree

_KEY: Final = "thought_signature"
_KEYS: Final = f"{_KEY}s"
_BESIDE: Final = "provider_specific_fields"
_INSIDE: Final = "__thought__"
"""LiteLLM puts the signature of a call behind its id."""
_CARRIERS: Final = frozenset({"extra_content", _BESIDE, "reasoning_details", _KEY})


class Carried(msgspec.Struct, frozen=True):
    """The signatures of one assistant message: of its `calls`, by position (`""` for none), and
    those that name no call (`own`), in order.
    """

    calls: tuple[str, ...]
    own: tuple[str, ...] = ()


_NOTHING: Final = Carried(())


def carried(message: Tree, calls: Sequence[Tree]) -> Carried:
    """What `message` carries, whose calls are `calls`.

    A signature that names a call which is not there goes to the first call, if that has none: it is
    the one that an upstream asks for.  Where there are no calls it is the words'.
    """
    if not calls and _CARRIERS.isdisjoint(message):
        return _NOTHING
    named: dict[str, list[str]] = {}
    for tree in details_of(message):
        detail = Detail(tree)
        if is_signature(detail) and (signature := _standard(detail.proof)):
            named.setdefault(split_id(detail.signed)[0], []).append(signature)
    own = _own(message) or tuple(named.get("", ()))
    named.pop("", None)
    found: list[str] = []
    for call in calls:
        sent, inside = split_id(call.get("id"))
        listed = named.get(sent)
        detailed = listed.pop(0) if listed else ""
        found.append(beside(call) or detailed or inside)
    lost = [signature for signatures in named.values() for signature in signatures]
    if found and not found[0] and lost:
        found[0] = lost[0]
    return Carried(tuple(found), own if own or found else tuple(lost))


def beside(tree: Tree) -> str:
    """The signature that stands beside what `tree` is: a call, a part, an image or a message."""
    extra = tree.get("extra_content")
    if isinstance(extra, dict):
        for vendor in ("google", "vertex"):
            if signature := _at(extra.get(vendor)):
                return signature
    function = tree.get("function")
    inner = function.get(_BESIDE) if isinstance(function, dict) else None
    return _at(tree.get(_BESIDE)) or _at(inner) or _at(tree)


def split_id(value: object) -> tuple[str, str]:
    """The id of a call, and the signature behind it; `""` for what is not there."""
    if isinstance(value, int) and not isinstance(value, bool):  # some servers number them
        return str(value), ""
    if not isinstance(value, str):
        return "", ""
    sent, _, signature = value.partition(_INSIDE)
    return sent, _standard(signature)


def _own(message: Tree) -> tuple[str, ...]:
    """The signatures of a message's words and pictures, of the first carrier that has some."""
    if signature := beside(message):
        return (signature,)
    fields = message.get(_BESIDE)
    listed = fields.get(_KEYS) if isinstance(fields, dict) else None
    signatures = map(_standard, listed) if isinstance(listed, list) else ()
    return tuple(signature for signature in signatures if signature)


def _at(tree: object) -> str:
    return _standard(tree.get(_KEY)) if isinstance(tree, Mapping) else ""


def _standard(value: object) -> str:
    return (standard_base64(value) or "") if isinstance(value, str) and value else ""
