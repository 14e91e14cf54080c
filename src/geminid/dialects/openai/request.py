"""`core.request.Request` as a `/chat/completions` body.

What has no place here is named through `ignore` if the answer stays what was asked for, and
refused if it would not.  Paths are Gemini's, but for fields that only this dialect has.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from geminid.core.content import Json
from geminid.core.errors import Invalid, Unsupported
from geminid.core.request import FunctionTool, OutputFormat, Request, Thinking, ToolChoice
from geminid.core.schema.openapi import json_schema
from geminid.dialects.openai.choice import MIME, wrapped
from geminid.dialects.openai.extras import Extras
from geminid.dialects.openai.flavor import Flavor
from geminid.dialects.openai.messages import write_messages
from geminid.dialects.openai.names import Names
from geminid.dialects.openai.parts import Ignore
from geminid.dialects.openai.search import write_builtins
from geminid.dialects.openai.strict import strict_schema
from geminid.dialects.openai.tree import Tree

_SAME: Final = ("temperature", "top_p", "seed", "presence_penalty", "frequency_penalty", "logprobs")
_PENALTIES: Final = {
    "presence_penalty": "generationConfig.presencePenalty",
    "frequency_penalty": "generationConfig.frequencyPenalty",
}
_BUDGETS: Final = ((1024, "low"), (8192, "medium"))
_EFFORTS: Final = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
"""All there are, the least first."""
_IN_JSON: Final = "Answer in JSON."
_NO_PARAMETERS: Final = Json(b'{"type":"object","properties":{}}')


def encode_request(
    request: Request,
    model: str,
    flavor: Flavor,
    *,
    stream: bool,
    ignore: Ignore,
    mention: Ignore | None = None,
) -> bytes:
    """The body that asks `model` (the server's own name for it).

    What is left out is told to `ignore`; to `mention`, if there is one, what is no wish of the
    caller's for this answer: matters of the service, and what former answers carried.

    Raises:
        Unrepresentable: a part cannot be carried.
        Unsupported: a tool, a format or a modality cannot be had here.
        Invalid: a schema that cannot be converted.
    """
    mention = mention or ignore
    messages = write_messages(request, flavor, mention)
    tree: Tree = {"model": model, "messages": messages}
    if stream:
        tree |= {"stream": True, "stream_options": {"include_usage": True}}
    tree |= write_builtins(request.builtins, flavor, ignore)
    tree |= _tools(request, flavor, ignore)
    tree |= _sampling(request, flavor, ignore)
    if request.output is not None:
        tree |= _output(request.output, flavor)
        if request.output.schema is None and "response_format" in tree:
            tree["messages"] = _told(messages)
    if request.thinking is not None:
        if request.thinking.include and not flavor.shows:
            mention("generationConfig.thinkingConfig.includeThoughts")
        tree |= _thinking(request.thinking, flavor, ignore)
    tree |= _modalities(request, flavor)
    if request.extra is not None:
        extras = Extras(tree, flavor, ignore=ignore, mention=mention)
        tree |= extras.write(request.extra)
    return msgspec.json.encode(tree)


def _tools(request: Request, flavor: Flavor, ignore: Ignore) -> Tree:
    choice = request.tool_choice or ToolChoice()
    if not request.functions or (choice.mode == "NONE" and not flavor.tool_choice):
        return {}
    offered = _offered(request.functions, choice)
    names = Names(request.functions)
    tools = [_function(tool, names.sent(tool.name), ignore) for tool in offered]
    tree: Tree = {"tools": [{"type": "function", "function": tool} for tool in tools]}
    strict = flavor.strict and choice.mode in ("ANY", "VALIDATED")
    marked = [_make_strict(tool, "parameters") for tool in tools if strict]
    match choice.mode:
        case "NONE":  # still listed: some servers want the tools that the history speaks of
            tree["tool_choice"] = "none"
        case "ANY" if not flavor.tool_choice:
            raise Unsupported(
                "This model's engine cannot be made to call a function (mode ANY); use AUTO."
            )
        case "ANY" if len(offered) == 1:
            named = {"name": names.sent(offered[0].name)}
            tree["tool_choice"] = {"type": "function", "function": named}
        case "ANY":
            tree["tool_choice"] = "required"
        case "VALIDATED" if not strict or not all(marked):
            ignore("toolConfig.functionCallingConfig.mode")
    return tree


def _offered(functions: tuple[FunctionTool, ...], choice: ToolChoice) -> Sequence[FunctionTool]:
    if not choice.allowed or choice.mode not in ("ANY", "VALIDATED"):
        return functions
    offered = [tool for tool in functions if tool.name in choice.allowed]
    if not offered:
        raise Invalid("`allowedFunctionNames` names none of the functions that are declared.")
    return offered


def _function(tool: FunctionTool, sent: str, ignore: Ignore) -> Tree:
    if tool.response is not None:
        ignore("tools.functionDeclarations.response")
    if tool.behavior:
        ignore("tools.functionDeclarations.behavior")
    parameters = _NO_PARAMETERS
    if tool.parameters is not None:
        parameters = json_schema(tool.parameters, already=tool.json_schema)
    function: Tree = {"name": sent, "parameters": parameters}
    if tool.description:
        function["description"] = tool.description
    return function


def _make_strict(named: Tree, key: str) -> bool:
    """Marks a function or a format as strict, if its schema under `key` may be."""
    schema = named[key]
    closed = strict_schema(schema) if isinstance(schema, msgspec.Raw) else None
    if closed is not None:
        named |= {key: closed, "strict": True}
    return closed is not None


def _sampling(request: Request, flavor: Flavor, ignore: Ignore) -> Tree:
    sampling = request.sampling
    values = ((name, getattr(sampling, name)) for name in _SAME)
    tree: Tree = {name: value for name, value in values if value is not None}
    for name, path in () if flavor.penalties else _PENALTIES.items():
        if tree.pop(name, None) is not None:
            ignore(path)
    if sampling.stop:
        tree["stop"] = sampling.stop
    if sampling.max_output is not None:
        tree[flavor.max_tokens] = sampling.max_output
    if sampling.logprobs and sampling.top_logprobs is not None:
        tree["top_logprobs"] = sampling.top_logprobs
    if sampling.top_k is not None:
        if flavor.top_k:
            tree["top_k"] = sampling.top_k
        else:
            ignore("generationConfig.topK")
    if sampling.candidates is not None and sampling.candidates > 1:
        if flavor.candidates:
            tree["n"] = sampling.candidates
        else:
            ignore("generationConfig.candidateCount")
    return tree


def _output(output: OutputFormat, flavor: Flavor) -> Tree:
    if output.schema is not None and output.mime in ("", "application/json", MIME):
        schema = json_schema(output.schema, already=output.json_schema)
        named: Tree = {
            "name": "answer",
            "schema": wrapped(schema) if output.mime == MIME else schema,
        }
        if flavor.strict:
            _make_strict(named, "schema")
        return {"response_format": {"type": "json_schema", "json_schema": named}}
    match output.mime:
        case "application/json":
            return {"response_format": {"type": "json_object"}}
        case "" | "text/plain":
            return {}
        case _:
            raise Unsupported(
                f"The response type {output.mime} cannot be had from this model's engine; use"
                " application/json with a schema."
            )


def _told(messages: list[Tree]) -> list[Tree]:
    # OpenAI and DeepSeek refuse `json_object` when no message says that it shall be JSON.
    if b"json" in msgspec.json.encode(messages).lower():
        return messages
    first: Tree = {"role": "system", "content": _IN_JSON}
    if messages and messages[0]["role"] == "system":  # some servers take only one
        first["content"] = f"{messages[0]['content']}\n\n{_IN_JSON}"
        messages = messages[1:]
    return [first, *messages]


def _thinking(thinking: Thinking, flavor: Flavor, ignore: Ignore) -> Tree:
    match flavor.reasoning:
        case "effort" if flavor.thinking_config and (thinking.include or thinking.budget):
            return {"extra_body": {"google": {"thinking_config": _config(thinking)}}}
        case "effort":
            effort = _effort(thinking.level, thinking.budget, flavor)
            return {"reasoning_effort": effort} if effort else {}
        case "object":
            # Never `exclude`: it costs the same, and the next turn needs what was thought.
            if thinking.level:
                return {"reasoning": {"effort": _effort(thinking.level, None, flavor)}}
            if thinking.budget == 0:
                return {"reasoning": {"enabled": False}}
            if thinking.budget is not None and thinking.budget > 0:
                return {"reasoning": {"max_tokens": thinking.budget}}
            wanted = thinking.include or thinking.budget is not None
            return {"reasoning": {"enabled": True}} if wanted else {}
        case _:
            ignore("generationConfig.thinkingConfig")
            return {}


def _config(thinking: Thinking) -> Tree:
    """Gemini's own `thinking_config`: it and an effort together are refused."""
    tree: Tree = {"include_thoughts": thinking.include} if thinking.include is not None else {}
    if thinking.level:
        tree["thinking_level"] = thinking.level.lower()
    elif thinking.budget is not None:
        tree["thinking_budget"] = thinking.budget
    return tree


def _effort(level: str, budget: int | None, flavor: Flavor) -> str:
    """The effort of those that the server takes which is nearest; `""` leaves it the choice."""
    if level:
        wanted = level.lower()
    elif budget is None or budget < 0:
        return ""
    elif budget == 0:
        wanted = "none"
    else:
        wanted = next((effort for limit, effort in _BUDGETS if budget <= limit), "high")
    if wanted in flavor.efforts or wanted not in _EFFORTS:
        return wanted
    stronger = [name for name in _EFFORTS[_EFFORTS.index(wanted) :] if name in flavor.efforts]
    return stronger[0] if stronger else flavor.efforts[-1]


def _modalities(request: Request, flavor: Flavor) -> Tree:
    wanted = [name.lower() for name in request.modalities]
    if not set(wanted) - {"text", "modality_unspecified"}:
        return {}
    if flavor.draws and set(wanted) <= {"text", "image"}:
        return {"modalities": wanted}
    raise Unsupported(f"This model's engine cannot answer in {', '.join(request.modalities)}.")
