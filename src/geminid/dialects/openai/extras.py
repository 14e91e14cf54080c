"""Fields of a request that the core has no word for: those of Gemini's that this dialect has too,
and its own, as far as the server takes them.
"""

from typing import Final

import msgspec

from geminid.core.errors import Unsupported
from geminid.core.request import Extra
from geminid.dialects.openai.chat.ask.fields import FIELDS
from geminid.dialects.openai.flavor import Flavor
from geminid.dialects.openai.parts import DIALECT, Ignore
from geminid.dialects.openai.search import PLUGIN
from geminid.dialects.openai.tree import Tree

# Leaving these out would answer another question than the one that was asked.
_NEEDED: Final = {
    "cachedContent": "a cached content",
    "generationConfig.responseFormat": "`responseFormat`",
    "generationConfig.speechConfig": "speech",
}
_LAYER: Final = {"cachedContent": "cached_content", "safetySettings": "safety_settings"}
"""What Google's own layer takes in `extra_body.google` (gemini.md section 5)."""

_TIERS: Final = {"standard": "default", "flex": "flex", "priority": "priority"}
_IMAGE: Final = {"aspectRatio": "aspect_ratio", "imageSize": "image_size"}

_OURS: Final = frozenset({"models", "route"})
"""Never sent: which model is tried next is for this server to say."""

_FORMATS: Final = frozenset({"text", "json_object", "json_schema"})
"""The core has words for these."""


class Extras:
    """Writes them for one kind of server, beside the `tree` of all else.

    `ignore` is told what is left out; of what alters no answer, `mention` is.
    """

    def __init__(self, tree: Tree, flavor: Flavor, *, ignore: Ignore, mention: Ignore) -> None:
        self._tree, self._flavor = tree, flavor
        self._ignore, self._mention = ignore, mention

    def write(self, extra: Extra) -> Tree:
        """The fields of `extra`, to be put over those of the tree.

        Raises:
            Unsupported: without one of them the answer would be to another question.
        """
        fields = msgspec.json.decode(extra.fields, type=dict[str, object])
        return self._own(fields) if extra.dialect == DIALECT else self._gemini(fields)

    def _gemini(self, fields: Tree) -> Tree:
        written: Tree = {}
        layer: Tree = {}
        takes = self._flavor.takes
        for path, value in _leaves(fields):
            if path in _LAYER and "extra_body" in takes:
                layer[_LAYER[path]] = value
            elif path in _NEEDED:
                raise Unsupported(f"This model's engine cannot use {_NEEDED[path]}; leave it out.")
            elif path == "generationConfig.imageConfig" and "image_config" in takes:
                written["image_config"] = _renamed(value)
            elif path == "serviceTier" and "service_tier" in takes and str(value) in _TIERS:
                written["service_tier"] = _TIERS[str(value)]
            else:
                self._ignore(path)
        if layer:
            written["extra_body"] = _filled(self._tree.get("extra_body"), {"google": layer})
        return written

    def _own(self, fields: Tree) -> Tree:
        written: Tree = {}
        for name, value in fields.items():
            if name in _OURS:
                continue
            if name == "modalities" and name not in self._tree:  # those that the core leaves here
                raise Unsupported(
                    "Sound cannot be had from this model's engine; ask for `modalities` without"
                    " `audio`, or ask another model."
                )
            if name == "response_format":
                written |= self._format(value)
            elif name == "structured_outputs" and isinstance(value, dict) and not self._takes(name):
                raise _unheld(name)
            elif name == "extra_body" and not self._takes(name):
                self._layer_of(value)
            elif self._takes(name):
                written |= self._taken(name, value)
            elif name not in self._tree:
                self._left(name, value)
        return written

    def _takes(self, name: str) -> bool:
        return name in self._flavor.takes

    def _taken(self, name: str, value: object) -> Tree:
        if name == "parallel_tool_calls" and "tools" not in self._tree:
            return {}  # OpenAI refuses it where there is nothing to call
        if name == "plugins":
            return {name: _plugged(self._tree.get(name), value)}
        return {self._flavor.renamed.get(name, name): _filled(self._tree.get(name), value)}

    def _left(self, name: str, value: object) -> None:
        field = FIELDS.get(name)
        service = name == "service_tier" or (field is not None and field.use == "service")
        tell = self._mention if service else self._ignore
        if name != "provider" or not isinstance(value, dict):
            tell(name)
            return
        for key in value:
            if key != "require_parameters":  # that is obeyed here
                tell(f"{name}.{key}")

    def _format(self, value: object) -> Tree:
        """A format that is no JSON: OpenRouter's `grammar` and `python`, or a server's own."""
        form: Tree = value if isinstance(value, dict) else {}
        kind, grammar = form.get("type"), form.get("grammar")
        if kind in _FORMATS:
            return {}
        match self._flavor.grammar:
            case "format":
                return {"response_format": form}
            case "structured" if kind == "grammar":
                return {"structured_outputs": {"grammar": grammar}}
            case "field" if kind == "grammar":
                return {"grammar": grammar}
            case _:
                raise _unheld("response_format")

    def _layer_of(self, value: object) -> None:
        """Names what is for Google's layer, in words that only that layer understands."""
        body: Tree = value if isinstance(value, dict) else {}
        google = body.get("google")
        inner: Tree = google if isinstance(google, dict) else {}
        if inner.get("cached_content") is not None:
            raise Unsupported("This model's engine cannot use a cached content; leave it out.")
        for name in inner:
            if name != "thinking_config":
                self._ignore(f"extra_body.google.{name}")
        for name in body:
            if name != "google":
                self._ignore(f"extra_body.{name}")


def _unheld(name: str) -> Unsupported:
    return Unsupported(
        f"This model's engine cannot hold an answer to the `{name}` that is asked for; use a JSON"
        " schema, or ask another model."
    )


def _filled(ours: object, theirs: object) -> object:
    """`theirs` where there is nothing of ours; of two objects, what either has."""
    if ours is None:
        return theirs
    if not isinstance(ours, dict) or not isinstance(theirs, dict):
        return ours
    merged = dict(theirs)
    for key, value in ours.items():
        merged[key] = _filled(value, theirs.get(key))
    return merged


def _plugged(ours: object, theirs: object) -> object:
    """The caller's own plugins, and the search that a tool asked for, if theirs has none."""
    if not isinstance(theirs, list) or not isinstance(ours, list):
        return theirs
    searches = any(isinstance(plugin, dict) and plugin.get("id") == PLUGIN for plugin in theirs)
    return theirs if searches else [*theirs, *ours]


def _renamed(value: object) -> Tree:
    config: Tree = value if isinstance(value, dict) else {}
    return {_IMAGE.get(name, name): inner for name, inner in config.items()}


def _leaves(fields: Tree) -> list[tuple[str, object]]:
    leaves: list[tuple[str, object]] = []
    for name, value in fields.items():
        if name in ("generationConfig", "toolConfig") and isinstance(value, dict):
            leaves.extend((f"{name}.{inner}", found) for inner, found in value.items())
        else:
            leaves.append((name, value))
    return leaves
