"""A model as three lists of models say it: OpenAI's, OpenRouter's and Gemini's, in one object.

No key is in two of them with different meanings but `name`, which is OpenRouter's here; Gemini's
own would repeat the id.  Sources: openai-python 3.54, @openrouter/sdk 1.3.19 (whose reader wants
each of its fields, present or null), gemini.md section 1.1.
"""

from datetime import UTC, date, datetime
from typing import Final

from geminid.catalog import Kind, Model
from geminid.dialects.openai.tree import Tree

_SOME_DAY: Final = date(2025, 11, 18)
"""For a model of which nobody knows when it came: clients want a day, and always the same."""

_METHODS: Final = ("generateContent", "countTokens")
"""What this server serves."""

_INPUTS: Final[dict[Kind, tuple[str, ...]]] = {
    "text": ("text", "image", "file", "audio", "video"),
    "image": ("text", "image"),
    "embedding": ("text",),
}
"""What Google's models of each kind read (gemini.md section 4), in OpenRouter's words."""

_EFFORTS: Final = ("high", "medium", "low", "minimal")
"""Of a model that takes a budget and no levels: each stands for one."""

_ALWAYS: Final = ("max_completion_tokens", "max_tokens", "seed", "stop", "temperature", "top_p")


def write_model(name: str, model: Model | None, *, input_limit: int | None, owner: str) -> Tree:
    """What is known of `name`, its id here; of a model that the catalog does not know, little.

    `input_limit` is the serving channel's own, if it differs; `owner` who made the model.
    """
    context, output = input_limit, None
    if model is not None:
        context = input_limit or model.input_limit
        output = min(model.output_limit, context)
    retired = model.retired.isoformat() if model is not None and model.retired else None
    slug = name if model is None else f"{owner}/{model.id}"
    tree: Tree = {
        "id": name,
        "object": "model",
        "created": _seconds(model.released if model is not None else None),
        "owned_by": owner,
        "shutdown_date": retired,
        "name": model.display_name if model is not None else name,
        "canonical_slug": slug,
        "description": model.description if model is not None else "",
        "context_length": context,
        "architecture": _architecture(model),
        # As OpenRouter writes a price that is not known in advance; there are no prices here yet.
        "pricing": {"prompt": "-1", "completion": "-1"},
        "top_provider": {
            "context_length": context,
            "max_completion_tokens": output,
            "is_moderated": False,
        },
        "per_request_limits": None,
        "supported_parameters": _parameters(model),
        "supported_voices": None,
        "default_parameters": _defaults(model),
        "knowledge_cutoff": None,
        "expiration_date": retired,
        "hugging_face_id": None,
        "links": {"details": f"/api/v1/models/{slug}"},
    }
    if model is not None:
        if model.thinking:
            tree["reasoning"] = _reasoning(model)
        tree |= _gemini(model)
    if context is not None:
        tree["inputTokenLimit"] = context
    if output is not None:
        tree["outputTokenLimit"] = output
    return tree


def _seconds(day: date | None) -> int:
    day = day or _SOME_DAY
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


def _architecture(model: Model | None) -> Tree:
    inputs: list[str] = ["text"]
    outputs: list[str] = ["text"]
    if model is not None:
        inputs = list(_INPUTS[model.kind])
        listed = {name.lower() for combination in model.outputs for name in combination}
        outputs = [name for name in ("text", "image", "audio") if name in listed]
        outputs = outputs or ["embeddings" if model.kind == "embedding" else model.kind]
    return {
        "modality": f"{'+'.join(inputs)}->{'+'.join(outputs)}",
        "input_modalities": inputs,
        "output_modalities": outputs,
        "tokenizer": "Gemini" if model is not None else "Other",
        "instruct_type": None,
    }


def _parameters(model: Model | None) -> list[str]:
    """The fields of a chat that alter its answer."""
    named = {*_ALWAYS}
    if model is not None:
        if model.kind == "embedding":
            return []
        more = {
            "top_k": model.top_k is not None,
            "tools": "functionDeclarations" in model.tools,
            "tool_choice": "functionDeclarations" in model.tools,
            "web_search_options": "googleSearch" in model.tools,
            "response_format": model.json_output,
            "structured_outputs": model.json_output,
            "frequency_penalty": model.penalties,
            "presence_penalty": model.penalties,
            "logprobs": model.logprobs,
            "top_logprobs": model.logprobs,
            "reasoning": model.thinking,
            "reasoning_effort": model.thinking,
            "include_reasoning": model.thinking,
        }
        named |= {name for name, taken in more.items() if taken}
    return sorted(named)


def _defaults(model: Model | None) -> Tree | None:
    if model is None:
        return None
    return {
        "temperature": model.temperature,
        "top_p": model.top_p,
        "top_k": model.top_k,
        "frequency_penalty": None,
        "presence_penalty": None,
        "repetition_penalty": None,
    }


def _reasoning(model: Model) -> Tree:
    budget = model.budget
    mandatory = budget is None or not budget.off
    efforts = list(reversed(model.thinking_levels)) or list(_EFFORTS)
    tree: Tree = {
        "mandatory": mandatory,
        "default_effort": model.default_level,
        "supported_efforts": efforts if mandatory else [*efforts, "none"],
        "supports_max_tokens": budget is not None,
    }
    if mandatory:
        tree["default_enabled"] = True
    return tree


def _gemini(model: Model) -> Tree:
    tree: Tree = {
        "baseModelId": model.id,
        "version": model.version,
        "displayName": model.display_name,
        "supportedGenerationMethods": [name for name in _METHODS if name in model.methods],
        "temperature": model.temperature,
        "topP": model.top_p,
        "topK": model.top_k,
        "maxTemperature": model.max_temperature,
        "thinking": model.thinking or None,
    }
    return {name: value for name, value in tree.items() if value is not None}
