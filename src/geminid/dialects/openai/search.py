"""Searching the web, which Gemini has as a tool and this dialect in two other forms."""

from typing import Final

import msgspec

from geminid.core.errors import Unsupported
from geminid.core.request import BuiltinTool
from geminid.dialects.openai.flavor import Flavor
from geminid.dialects.openai.parts import Ignore
from geminid.dialects.openai.tree import Tree

PLUGIN: Final = "web"
"""The id of OpenRouter's."""

_SEARCHES: Final = frozenset({"googleSearch", "googleSearchRetrieval"})


def write_builtins(builtins: tuple[BuiltinTool, ...], flavor: Flavor, ignore: Ignore) -> Tree:
    """The fields that stand for `builtins`.

    Raises:
        Unsupported: the server has no such tool.
    """
    tree: Tree = {}
    for tool in builtins:
        if tool.kind not in _SEARCHES or not flavor.search:
            raise Unsupported(
                f"The tool `{tool.kind}` runs on Google's side and this model's engine has none;"
                " leave it out, or ask a model that a Gemini channel serves."
            )
        tree |= _search(tool, flavor, ignore)
    return tree


def _search(tool: BuiltinTool, flavor: Flavor, ignore: Ignore) -> Tree:
    found = msgspec.json.decode(tool.settings)
    settings: Tree = found if isinstance(found, dict) else {}
    plugin: Tree = {"id": PLUGIN}
    for name, value in settings.items():
        if name == "searchTypes" and isinstance(value, dict) and value.keys() <= {"webSearch"}:
            continue  # it is what every search is
        if name == "excludeDomains" and flavor.search == "plugin":
            plugin["exclude_domains"] = value
        else:
            ignore(f"tools.{tool.kind}.{name}")
    return {"plugins": [plugin]} if flavor.search == "plugin" else {"web_search_options": {}}
