"""`generateContent` requests: bytes to `core.request.Request` and back."""

from typing import Final, cast

import msgspec

from geminid.core.content import Call, Content, Json, Part, Result
from geminid.core.errors import Invalid
from geminid.core.request import (
    BuiltinTool,
    Extra,
    FunctionTool,
    OutputFormat,
    Request,
    Sampling,
    Thinking,
    ToolChoice,
)
from geminid.dialects.gemini.lines import Lines
from geminid.dialects.gemini.parts import DIALECT, json_of, read_part, write_content, write_part
from geminid.dialects.gemini.plain import DEPTH, decode_plain
from geminid.dialects.gemini.tree import Tree
from geminid.dialects.gemini.walk import walk

_ROLES: Final = {"": "user", "user": "user", "model": "model", "function": "user"}

_NAMED: Final[dict[type, str]] = {Call: "function_call", Result: "function_response"}
"""Parts that mean nothing without a name."""

_SAMPLING: Final = {
    "temperature": "temperature",
    "topP": "top_p",
    "topK": "top_k",
    "seed": "seed",
    "maxOutputTokens": "max_output",
    "candidateCount": "candidates",
    "presencePenalty": "presence_penalty",
    "frequencyPenalty": "frequency_penalty",
    "responseLogprobs": "logprobs",
    "logprobs": "top_logprobs",
}
"""Fields of `generationConfig` and the fields of `Sampling` they are."""

_SCHEMAS: Final = {
    "responseSchema": False,
    "responseJsonSchema": True,
    "_responseJsonSchema": True,
}
"""Where an output schema may stand, and whether it is JSON Schema there."""


def decode_request(body: bytes, model: str, *, depth: int = 100) -> Request:
    """The request that `body` spells for `model` (no `models/` prefix).

    Raises:
        Malformed, TooLarge: as `walk`.
        Invalid: no contents, an empty content or part, an unknown role, two fields that exclude
            each other (the real API's words where they are known).
    """
    if depth >= DEPTH and (plain := decode_plain(body, model)) is not None:
        return plain
    return read_request(walk("GenerateContentRequest", body, depth=depth), model)


def check_syntax(body: bytes, depth: int) -> None:
    """Let a body pass that is a JSON object; who answers it will look at its fields.

    Raises as `decode_request`, for what is no such object.
    """
    try:
        msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        decode_request(body, "", depth=depth)  # finds it too, and has the words


def read_request(tree: Tree, model: str, *, name: str = "GenerateContentRequest") -> Request:
    """The request in a walked tree.  Takes known fields out of `tree`; the rest becomes `Extra`.

    `name` is what error texts call it.
    """
    contents, system = _contents(tree, name)
    tree.pop("model", None)
    config = cast("Tree", tree.pop("generationConfig", {}))
    functions, builtins = _tools(cast("list[Tree]", tree.pop("tools", [])))
    choice = _tool_choice(tree)
    sampling, output, thinking = _sampling(config), _output(config), _thinking(config)
    asked = cast("list[str]", config.pop("responseModalities", []))
    modalities = tuple(filter(None, map(_named, asked)))
    if config:
        tree["generationConfig"] = config
    return Request(
        model=model,
        contents=contents,
        system=system,
        functions=functions,
        builtins=builtins,
        tool_choice=choice,
        sampling=sampling,
        output=output,
        thinking=thinking,
        modalities=modalities,
        extra=Extra(DIALECT, json_of(tree)) if tree else None,
    )


def _contents(tree: Tree, name: str) -> tuple[tuple[Content, ...], tuple[Part, ...]]:
    """The contents and the system instruction; one line for each thing that is missing in them."""
    trees = cast("list[Tree]", tree.pop("contents", []))
    system = cast("Tree", tree.pop("systemInstruction", {}))
    wrong = Lines()
    if not trees:
        wrong.add(f"* {name}.contents: contents is not specified")
    contents: list[Content] = []
    roles = True
    for index, content in enumerate(trees):
        parts = _parts(content, wrong, name, index)
        if not content.get("parts"):
            wrong.add(f"* {name}.contents[{index}].parts: contents.parts must not be empty.")
        role = _ROLES.get(cast("str", content.get("role", "")))
        roles = roles and role is not None
        contents.append(Content(role or "", parts))
    instruction = _parts(system, wrong, name, -1)
    wrong.check()
    if not roles:
        raise Invalid("Please use a valid role: user, model.")
    return tuple(contents), instruction


def _parts(tree: Tree, wrong: Lines, name: str, index: int) -> tuple[Part, ...]:
    """The parts of content `index`, or of the system instruction if that is negative."""
    parts: list[Part] = []
    for number, item in enumerate(cast("list[Tree]", tree.get("parts", []))):
        what = ""
        try:
            part = read_part(item)
        except Invalid as error:
            what = f"data: {error.detail}"
        else:
            parts.append(part)
            if (kind := _NAMED.get(type(part))) and not getattr(part, "name", ""):
                what = f"{kind}.name: Name cannot be empty."
        if what:
            where = "system_instruction" if index < 0 else f"contents[{index}]"
            wrong.add(f"* {name}.{where}.parts[{number}].{what}")
    return tuple(parts)


def _tools(trees: list[Tree]) -> tuple[tuple[FunctionTool, ...], tuple[BuiltinTool, ...]]:
    functions: list[FunctionTool] = []
    builtins: list[BuiltinTool] = []
    for tree in trees:
        for kind, settings in tree.items():
            if kind == "functionDeclarations":
                functions.extend(map(_function, cast("list[Tree]", settings)))
            elif settings != []:  # no servers at all: the same as nothing, in proto3
                builtins.append(BuiltinTool(kind, json_of(settings)))
    return tuple(functions), tuple(builtins)


def _function(tree: Tree) -> FunctionTool:
    parameters, json_schema = _either(tree, "parameters")
    response, response_json_schema = _either(tree, "response")
    return FunctionTool(
        name=cast("str", tree.get("name", "")),
        description=cast("str", tree.get("description", "")),
        parameters=parameters,
        json_schema=json_schema,
        response=response,
        response_json_schema=response_json_schema,
        behavior=cast("str", tree.get("behavior", "")),
    )


def _either(tree: Tree, name: str) -> tuple[Json | None, bool]:
    long = f"{name}JsonSchema"
    if name in tree and long in tree:
        raise Invalid(f"Only one of `{name}` and `{long}` may be set in a function declaration.")
    if long in tree:
        return json_of(tree[long]), True
    return (json_of(tree[name]), False) if name in tree else (None, False)


def _tool_choice(tree: Tree) -> ToolChoice | None:
    config = cast("Tree", tree.pop("toolConfig", {}))
    calling = cast("Tree | None", config.pop("functionCallingConfig", None))
    choice = None
    if calling is not None:
        choice = ToolChoice(
            _named(calling.pop("mode", "")),
            tuple(cast("list[str]", calling.pop("allowedFunctionNames", []))),
        )
        if calling:
            config["functionCallingConfig"] = calling
    if config:
        tree["toolConfig"] = config
    return choice


def _named(value: object) -> str:
    """An enum's value; its zero is the same as nothing, in proto3."""
    name = cast("str", value)
    return "" if name.endswith("_UNSPECIFIED") else name


def _sampling(config: Tree) -> Sampling:
    if not config:
        return Sampling()
    known = {ours: config.pop(theirs) for theirs, ours in _SAMPLING.items() if theirs in config}
    stop = tuple(cast("list[str]", config.pop("stopSequences", [])))
    return Sampling(stop=stop, **known)  # type: ignore[arg-type]  # walked: types are the table's


def _output(config: Tree) -> OutputFormat | None:
    found = [name for name in _SCHEMAS if name in config]
    if len(found) > 1:
        raise Invalid(f"Only one of `{found[0]}` and `{found[1]}` may be set.")
    mime = cast("str", config.pop("responseMimeType", ""))
    if found:
        return OutputFormat(mime, json_of(config.pop(found[0])), _SCHEMAS[found[0]])
    return OutputFormat(mime) if mime else None


def _thinking(config: Tree) -> Thinking | None:
    tree = cast("Tree | None", config.pop("thinkingConfig", None))
    if tree is None:
        return None
    return Thinking(
        _named(tree.get("thinkingLevel", "")),
        cast("int | None", tree.get("thinkingBudget")),
        cast("bool | None", tree.get("includeThoughts")),
    )


def encode_request(request: Request) -> bytes:
    """`request` as a `generateContent` body, in canonical spelling.

    Raises:
        Unrepresentable: a part or field belongs to another dialect alone.
    """
    return msgspec.json.encode(write_request(request))


def write_request(request: Request) -> Tree:
    """`request` as a tree, for a body that holds one.  Raises as `encode_request`."""
    tree: Tree = {"contents": [write_content(content) for content in request.contents]}
    if request.system:
        tree["systemInstruction"] = {"parts": [write_part(part) for part in request.system]}
    tools = [{tool.kind: tool.settings} for tool in request.builtins]
    if request.functions:
        declared = [_write_function(tool) for tool in request.functions]
        tools.append({"functionDeclarations": declared})  # type: ignore[dict-item]  # one of two forms
    if tools:
        tree["tools"] = tools
    if request.tool_choice is not None:
        calling: Tree = {}
        if request.tool_choice.mode:
            calling["mode"] = request.tool_choice.mode
        if request.tool_choice.allowed:
            calling["allowedFunctionNames"] = request.tool_choice.allowed
        tree["toolConfig"] = {"functionCallingConfig": calling}
    if config := _write_config(request):
        tree["generationConfig"] = config
    if request.extra is not None and request.extra.dialect == DIALECT:
        _merge(tree, cast("Tree", msgspec.json.decode(request.extra.fields)))
    return tree


def _write_function(tool: FunctionTool) -> Tree:
    tree: Tree = {"name": tool.name}
    if tool.description:
        tree["description"] = tool.description
    if tool.parameters is not None:
        tree["parametersJsonSchema" if tool.json_schema else "parameters"] = tool.parameters
    if tool.response is not None:
        tree["responseJsonSchema" if tool.response_json_schema else "response"] = tool.response
    if tool.behavior:
        tree["behavior"] = tool.behavior
    return tree


def _write_config(request: Request) -> Tree:
    sampling = request.sampling
    values = ((theirs, getattr(sampling, ours)) for theirs, ours in _SAMPLING.items())
    config: Tree = {name: value for name, value in values if value is not None}
    if sampling.stop:
        config["stopSequences"] = sampling.stop
    if request.output is not None:
        if request.output.mime:
            config["responseMimeType"] = request.output.mime
        if request.output.schema is not None:
            name = "responseJsonSchema" if request.output.json_schema else "responseSchema"
            config[name] = request.output.schema
    if request.modalities:
        config["responseModalities"] = request.modalities
    if request.thinking is not None:
        config["thinkingConfig"] = _write_thinking(request.thinking)
    return config


def _write_thinking(thinking: Thinking) -> Tree:
    tree: Tree = {}
    if thinking.include is not None:
        tree["includeThoughts"] = thinking.include
    if thinking.level:
        tree["thinkingLevel"] = thinking.level
    if thinking.budget is not None:
        tree["thinkingBudget"] = thinking.budget
    return tree


def _merge(tree: Tree, extra: Tree) -> None:
    for key, value in extra.items():
        here = tree.get(key)
        if isinstance(here, dict) and isinstance(value, dict):
            _merge(here, value)
        else:
            tree[key] = value
