"""Gemini's own fields, as Google's OpenAI-compatible layer takes them.

They stand in `google`, in `extra_body.google`, or in `extra_body.extra_body.google`, where a client
has wrapped once more what its SDK wraps already.  Both spellings of a key are taken.
"""

from collections.abc import Iterator
from typing import Final

import msgspec

from geminid.core.content import Json
from geminid.dialects.openai.chat.ask.reading import Left, Node, Reading
from geminid.dialects.openai.tree import Tree

_KEY: Final = "google"
_WRAP: Final = "extra_body"
_CONFIG: Final = "thinking_config"
_WRAPS: Final = 2
_CAMEL: Final = {
    "thinkingConfig": _CONFIG,
    "thinkingLevel": "thinking_level",
    "thinkingBudget": "thinking_budget",
    "includeThoughts": "include_thoughts",
    "cachedContent": "cached_content",
    "safetySettings": "safety_settings",
    "aspectRatio": "aspect_ratio",
}


class Google(msgspec.Struct, frozen=True, kw_only=True):
    """What the request says in Gemini's words.

    `safety` is a list of Gemini's `SafetySetting`.  `verbatim` is what an engine of this dialect
    gets in `extra_body`, and `left` is what Gemini has no word for.
    """

    cached_content: str = ""
    safety: Json | None = None
    aspect_ratio: str = ""
    verbatim: Json | None = None
    left: tuple[Left, ...] = ()


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """`thinking_config`; `path` is where it stands, `""` if nowhere."""

    path: str = ""
    level: str = ""
    budget: int | None = None
    include: bool | None = None


_NO_GOOGLE: Final = Google()
NOTHING: Final = Config()


def read_google(root: Node) -> tuple[Google, Config]:
    """What the request says, and how it wants the model to think."""
    if _KEY not in root.tree and _WRAP not in root.tree:  # as in nearly every request
        return _NO_GOOGLE, NOTHING
    apart = Reading()  # what Gemini cannot use, others may
    config, found, verbatim = Config(), Google(), Tree()
    for node in _places(root, apart):
        plain = Node(_snake(node.tree), node.path, node.reading)
        config = _config(plain.node(_CONFIG)) or config
        safety = _safety(plain)
        found = Google(
            cached_content=plain.text("cached_content") or found.cached_content,
            safety=safety or found.safety,
            aspect_ratio=plain.text("aspect_ratio") or found.aspect_ratio,
        )
        verbatim |= {key: value for key, value in plain.tree.items() if key != _CONFIG}
        rest = {key: value for key, value in plain.tree.items() if key not in _CAMEL.values()}
        Node(rest, plain.path, apart).leave_rest()
    others = {key: value for key, value in _wrapped(root).items() if key not in (_KEY, _WRAP)}
    body = others | ({_KEY: verbatim} if verbatim else {})
    sent = Json(msgspec.json.encode(body)) if body else None
    return msgspec.structs.replace(found, verbatim=sent, left=apart.left), config


def _wrapped(root: Node) -> Tree:
    node = root.node(_WRAP)
    return node.tree if node is not None else {}


def _places(root: Node, apart: Reading) -> Iterator[Node]:
    node: Node | None = root
    for _ in range(_WRAPS + 1):
        if node is None:
            return
        if (found := node.node(_KEY)) is not None:
            yield found
        if node is not root:
            inner = {key: value for key, value in node.tree.items() if key not in (_KEY, _WRAP)}
            Node(inner, node.path, apart).leave_rest()
        node = node.node(_WRAP)


def _config(node: Node | None) -> Config | None:
    if node is None:
        return None
    node = Node(_snake(node.tree), node.path, node.reading)
    level = node.text("thinking_level").upper()
    config = Config(
        path=node.path,
        level="" if level.endswith("_UNSPECIFIED") else level,
        budget=node.whole("thinking_budget"),
        include=node.flag("include_thoughts"),
    )
    node.leave_rest()
    return config


def _safety(node: Node) -> Json | None:
    settings = [
        {"category": item.required("category"), "threshold": item.required("threshold")}
        for item in node.nodes("safety_settings")
    ]
    return Json(msgspec.json.encode(settings)) if settings else None


def _snake(tree: Tree) -> Tree:
    return {_CAMEL.get(key, key): value for key, value in tree.items()}
