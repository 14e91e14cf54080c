"""The functions that a request declares, and how they may be called."""

from typing import Final

import msgspec

from geminid.core.content import Json
from geminid.core.request import FunctionTool, ToolChoice
from geminid.dialects.openai.chat.ask.naming import Inside
from geminid.dialects.openai.chat.ask.reading import Node
from geminid.dialects.openai.chat.functions import Functions

_TYPES: Final = ("function", "custom")
_MODES: Final = {"none": "NONE", "auto": "", "required": "ANY"}
# A function may be called or not, but no other than those: that is what VALIDATED with names says.
_ALLOWED: Final = {"auto": "VALIDATED", "required": "ANY"}
_INPUT: Final = Json(
    b'{"type":"object","properties":{"input":{"type":"string"}},"required":["input"],'
    b'"additionalProperties":false}'
)


class Declared(msgspec.Struct, frozen=True, kw_only=True):
    """What is declared.

    `names` are those inside.  `strict`: some calls are to keep to their schemas.  `answered` says
    how calls are told to the caller.
    """

    tools: tuple[FunctionTool, ...]
    names: Inside
    strict: bool
    answered: Functions


_NOTHING: Final = Declared(tools=(), names=Inside(), strict=False, answered=Functions())
_FIELDS: Final = frozenset({"tools", "functions"})


def read_tools(root: Node) -> Declared:
    """What `tools` declares, or `functions`, its forerunner."""
    if _FIELDS.isdisjoint(root.tree):
        return _NOTHING
    legacy = bool(root.items("functions"))
    if legacy and root.items("tools"):
        root.reading.add(
            "functions", "Only one of 'functions' and 'tools' may be set; use 'tools'."
        )
    nodes = root.nodes("functions") if legacy else _tools(root)
    named: dict[str, Node] = {}
    for node in nodes:
        name = node.required("name")
        if name in named:
            node.reading.add(
                node.at("name"),
                f"Invalid '{node.at('name')}': the name '{name[:64]}' is declared twice;"
                " give each function a name of its own.",
            )
        named[name] = node
    names = Inside(filter(None, named))
    custom: set[str] = set()
    declared: list[FunctionTool] = []
    strict = False
    for name, node in named.items():
        if node.path.endswith(".custom"):
            custom.add(names.of(name))
            declared.append(_custom(node, names.of(name)))
        else:
            strict = strict or node.flag("strict") is True
            declared.append(_function(node, names.of(name)))
    answered = Functions(renamed=names.renamed, custom=frozenset(custom), legacy=legacy)
    return Declared(tools=tuple(declared), names=names, strict=strict, answered=answered)


def read_choice(root: Node, declared: Declared) -> ToolChoice | None:
    """What `tool_choice` asks for, or `function_call`, its forerunner; `None`: as it likes."""
    key = "tool_choice" if root.value("tool_choice") is not None else "function_call"
    asked = root.value(key, "string", "object")
    if asked is None:
        return None
    if isinstance(asked, str):
        return _mode(root, key, asked, declared)
    node = root.node(key)
    if node is None or not declared.tools:
        _untooled(root, key)
        return None
    if key == "function_call":
        return _named(node, [node], declared, "ANY")
    kind = node.word("type", (*_TYPES, "allowed_tools")) or "function"
    inner = node.node(kind)
    if inner is None:
        node.reading.missing(node.at(kind))
        return None
    if kind != "allowed_tools":
        return _named(node, [inner], declared, "ANY")
    mode = inner.word("mode", tuple(_ALLOWED)) or "auto"
    tools = inner.nodes("tools")
    if not tools:
        node.reading.empty(inner.at("tools"), "array")
    offered = [tool.node(tool.word("type", _TYPES) or "function") for tool in tools]
    return _named(inner, offered, declared, _ALLOWED[mode])


def _tools(root: Node) -> list[Node]:
    """The inner object of each tool, `function` or `custom`."""
    found: list[Node] = []
    for tool in root.nodes("tools"):
        kind = tool.text("type") or "function"
        if kind not in _TYPES:
            tool.reading.unsupported(tool.at("type"), kind, _TYPES)
            continue
        inner = tool.node(kind)
        if inner is not None:
            found.append(inner)
        elif tool.tree.get(kind) is None:
            tool.reading.missing(tool.at(kind))
        tool.leave_rest()
    return found


def _function(node: Node, name: str) -> FunctionTool:
    parameters = node.value("parameters", "object")
    tool = FunctionTool(
        name=name,
        description=node.text("description"),
        parameters=Json(msgspec.json.encode(parameters)) if parameters else None,
        json_schema=bool(parameters),
    )
    node.flag("strict")
    node.leave_rest()
    return tool


def _custom(node: Node, name: str) -> FunctionTool:
    """A tool that takes plain text.  A grammar cannot be held here: it is told, and named."""
    description = node.text("description")
    form = node.node("format")
    grammar = form.node("grammar") if form is not None else None
    if grammar is not None:
        told = f"The input keeps to this {grammar.text('syntax')} grammar:"
        description = f"{description}\n{told}\n{grammar.text('definition')}".strip()
        node.reading.leave(node.at("format"))
    node.leave_rest()
    return FunctionTool(name=name, description=description, parameters=_INPUT, json_schema=True)


def _mode(root: Node, key: str, asked: str, declared: Declared) -> ToolChoice | None:
    if asked not in _MODES:
        root.reading.unsupported(key, asked, _MODES)
        return None
    mode = _MODES[asked]
    if mode == "ANY" and not declared.tools:
        _untooled(root, key)
    return ToolChoice(mode) if mode and declared.tools else None


def _untooled(root: Node, key: str) -> None:
    tools = "functions" if key == "function_call" else "tools"
    root.reading.add(key, f"Invalid value: '{key}' is only allowed when '{tools}' are specified.")


def _named(
    node: Node, tools: list[Node | None], declared: Declared, mode: str
) -> ToolChoice | None:
    """A choice of the functions that `tools` name."""
    allowed: list[str] = []
    for tool in tools:
        name = tool.required("name") if tool is not None else ""
        if name and declared.names.declares(name):
            allowed.append(declared.names.of(name))
        elif name or tool is None:
            node.reading.add(
                node.path,
                f"Invalid value: the function '{name[:64]}' of '{node.path}' is not among those"
                " that are declared.",
            )
    return ToolChoice(mode, tuple(dict.fromkeys(allowed))) if allowed else None
