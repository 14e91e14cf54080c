"""The search of the web that a request wants: `web_search_options`, or the plugin `web`."""

from typing import Final

import msgspec

from geminid.core.content import Json
from geminid.core.request import BuiltinTool
from geminid.dialects.openai.chat.ask.reading import Left, Node, Reading
from geminid.dialects.openai.tree import Tree

SEARCH: Final = BuiltinTool("googleSearch", Json(b"{}"))
_WEB: Final = "web"


class Search(msgspec.Struct, frozen=True):
    """`tool` is what Gemini runs, if a search is wanted; `left` are wishes it has no word for."""

    tool: BuiltinTool | None = None
    left: tuple[Left, ...] = ()


def read_search(root: Node) -> Search:
    """What is wanted.  Engines of this dialect get the fields as they are."""
    apart = Reading()  # what Gemini cannot use, others may
    wanted = False
    settings: Tree = {}
    options = root.node("web_search_options")
    if options is not None:
        wanted = True
        Node(options.tree, options.path, apart).leave_rest()
    for plugin in root.nodes("plugins"):
        name = plugin.required("id")
        if name != _WEB:
            apart.leave(f"plugins.{name}")
            continue
        if plugin.flag("enabled") is False:
            continue
        wanted = True
        shunned = plugin.texts("exclude_domains")
        if shunned:
            settings["excludeDomains"] = shunned
        rest = {key: value for key, value in plugin.tree.items() if key not in _READ}
        Node(rest, f"plugins.{_WEB}", apart).leave_rest()
    tool = BuiltinTool(SEARCH.kind, Json(msgspec.json.encode(settings))) if wanted else None
    return Search(tool, apart.left)


_READ: Final = ("id", "enabled", "exclude_domains")
