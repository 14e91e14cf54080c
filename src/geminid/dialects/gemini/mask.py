"""Partial responses: the `fields` parameter, as Google's APIs read it.

`a,b/c`, `a.b` and `a(b,c/d)` name what to keep; `*` keeps all of a level; lists are passed through.
Names are not checked against the answer: one that is nowhere keeps nothing.
"""

from typing import TypeAlias, cast

import msgspec

from geminid.core.errors import Malformed, Violation
from geminid.dialects.gemini.walk import snake

Mask: TypeAlias = dict[str, "Mask"]
"""Field names in snake case; an empty mask keeps everything below it."""

_DEPTH = 50


def parse_mask(text: str) -> Mask:
    """The mask that `text` spells.

    Raises:
        Malformed: it is not a field selection.
    """
    parser = _Parser(text)
    mask = parser.selection(_DEPTH)
    if parser.at < len(text):
        raise parser.wrong()
    return mask


def apply_mask(mask: Mask, encoded: bytes) -> bytes:
    """`encoded`, a JSON object, with only what `mask` names."""
    return msgspec.json.encode(_keep(mask, msgspec.json.decode(encoded)))


def _keep(mask: Mask, value: object) -> object:
    if not mask:
        return value
    if isinstance(value, list):
        return [_keep(mask, item) for item in value]
    if not isinstance(value, dict):
        return value
    kept: dict[str, object] = {}
    for key, item in cast("dict[str, object]", value).items():
        named = [mask[name] for name in (snake(key), "*") if name in mask]
        if named:
            kept[key] = _keep(_either(named[0], named[-1]), item)
    return kept


def _either(one: Mask, two: Mask) -> Mask:
    """What is kept by `one` or by `two`."""
    if not one or not two:
        return {}
    return {
        name: _either(one[name], two[name])
        if name in one and name in two
        else one.get(name, two.get(name, {}))
        for name in (*one, *two)
    }


class _Parser:
    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0

    def selection(self, left: int) -> Mask:
        mask = self._field(left)
        while self._took(","):
            mask = _either(mask, self._field(left))
        return mask

    def _field(self, left: int) -> Mask:
        if not left:
            raise self.wrong()
        name, below = snake(self._name()), Mask()
        if self._took("/") or self._took("."):
            below = self._field(left - 1)
        elif self._took("("):
            below = self.selection(left - 1)
            if not self._took(")"):
                raise self.wrong()
        return {name: below}

    def _name(self) -> str:
        start = self.at
        while self.at < len(self.text) and (
            self.text[self.at].isalnum() or self.text[self.at] in "_*@"
        ):
            self.at += 1
        if self.at == start:
            raise self.wrong()
        return self.text[start : self.at]

    def _took(self, char: str) -> bool:
        if self.text[self.at : self.at + 1] == char:
            self.at += 1
            return True
        return False

    def wrong(self) -> Malformed:
        what = f"Invalid field selection {self.text[:200]}"
        return Malformed(
            f"Request contains an invalid argument. {what}", (Violation("fields", what),)
        )
