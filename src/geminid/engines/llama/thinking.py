"""How much a local model thinks, and how."""

import re
from typing import Final

import msgspec

from geminid.core.content import Content, Text
from geminid.core.request import Request, Thinking
from geminid.engines.llama.marks import Tokenize, texts, unmarked

OPENING: Final = "Let me think about this first.\n"
"""How an answer begins in which a model thinks that was not made for it."""

CLOSING: Final = "\n\nAnswer:\n"
"""What its thoughts end with; the answer follows."""

NOTICE: Final = "thoughts were written by a separate pass of the local model"

_LEVELS: Final = {"LOW": 64, "MEDIUM": 128, "HIGH": 256}
_UNNAMED: Final = _LEVELS["MEDIUM"]  # a dynamic budget, or only `includeThoughts`
_MOST: Final = 512
# Models whose template knows of thoughts: Qwen 3, DeepSeek R1, GLM, Magistral, gpt-oss, ...  [M]
_THINKS: Final = re.compile(r"enable_thinking|reasoning_content|<think|\[THINK\]|<\|channel\|>")


def thinks(template: str) -> bool:
    """Whether the model with this chat template writes thoughts of its own."""
    return _THINKS.search(template) is not None


def worded(thinking: Thinking | None) -> int:
    """The most tokens that a model which does not think by itself shall think; 0 for none."""
    if thinking is None or thinking.level == "MINIMAL" or thinking.budget == 0:
        return 0
    if thinking.level:
        return _LEVELS.get(thinking.level, _UNNAMED)
    if thinking.budget is not None:
        return min(thinking.budget, _MOST) if thinking.budget > 0 else _UNNAMED
    return _UNNAMED if thinking.include else 0


def native(thinking: Thinking | None) -> dict[str, object]:
    """The fields of a body that ask a model which thinks by itself for as much.

    It thinks unless the request says no, as Gemini does.  A level bounds nothing: these models
    end their thoughts themselves.
    """
    asked = thinking or Thinking()
    if asked.level == "MINIMAL" or asked.budget == 0:
        return QUIET
    fields: dict[str, object] = {"chat_template_kwargs": {"enable_thinking": True}}
    if asked.budget is not None and asked.budget > 0:
        fields["thinking_budget_tokens"] = asked.budget
    return fields


QUIET: Final[dict[str, object]] = {"chat_template_kwargs": {"enable_thinking": False}}
"""The fields that ask such a model not to think."""


async def told(thoughts: str, tokenize: Tokenize) -> str:
    """How an answer begins after `thoughts`: in them, too, the model's own marks are only words.

    Raises:
        Unsupported: one could not be taken out.
    """
    before = OPENING + thoughts.rstrip() + CLOSING
    said = Request(model="", contents=(Content("model", (Text(text=before),)),))
    return "".join(texts(await unmarked(said, tokenize)))


class Spent(msgspec.Struct, frozen=True, kw_only=True):
    """What a pass of thoughts cost: its prompt without what was added, and its tokens."""

    prompt: int
    cached: int
    thoughts: int
