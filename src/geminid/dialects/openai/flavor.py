"""What servers of this dialect do differently, as facts and not as code.

Sources: the vendors' API references and spec/dialects.md sections 2 and 3, November 2026.  Of the
fields in `takes`: openai-python 3.54 for OpenAI, @openrouter/sdk 1.3.19 for OpenRouter, the schema
of gemini-3-pro-preview in aimlapi/api-docs for AI/ML API, vLLM's chat protocol, llama.cpp's server
README, Ollama's page on compatibility.  [M] marks what nobody has tried here.
"""

from collections.abc import Mapping
from typing import Final, Literal
from urllib.parse import urlsplit

import msgspec


class Flavor(msgspec.Struct, frozen=True, kw_only=True):
    """How one kind of server takes what the standard leaves open.

    `reasoning`: thinking goes as `reasoning_effort`, as OpenRouter's `reasoning` object, or not.
    `efforts`: the efforts that are taken, the least first.
    `thinking_config`: Gemini's own goes in `extra_body.google` where an effort cannot say it.
    `shows`: it says what it thinks.
    `signatures`: Gemini's thought signatures go back in `reasoning_details`, in `extra_content`, or
    not at all.
    `history`: a former answer's thoughts go back where they came from; those of which nobody knows,
    in `thought_field` if there is one.
    `strict`: functions and schemas may be marked so, and the answer keeps to them.
    `tool_choice`: the server obeys that field.  `draws`: it has models that answer with images.
    `penalties`: presence and frequency penalties are taken.
    `search`: how the server is told to search the web: OpenRouter's plugin, `web_search_options`,
    or not at all.
    `grammar`: how an answer is held to a grammar: as a `response_format`, in vLLM's
    `structured_outputs`, in a field of its own, or not at all.
    `takes`: further fields of a request that the server knows; it is sent no other ones.
    `renamed`: what some of them are called there.
    """

    name: str
    max_tokens: str = "max_tokens"
    reasoning: Literal["", "effort", "object"] = "effort"
    efforts: tuple[str, ...] = ("none", "low", "medium", "high")
    thinking_config: bool = False
    shows: bool = True
    signatures: Literal["", "details", "extra"] = ""
    history: bool = True
    thought_field: str = ""
    strict: bool = False
    top_k: bool = False
    candidates: bool = True
    tool_choice: bool = True
    pdf: bool = False
    video: bool = False
    draws: bool = False
    penalties: bool = True
    search: Literal["", "plugin", "options"] = ""
    grammar: Literal["", "format", "structured", "field"] = ""
    takes: frozenset[str] = frozenset()
    renamed: Mapping[str, str] = {}


_ALL_EFFORTS: Final = ("none", "minimal", "low", "medium", "high", "xhigh")

_LOCAL: Final = frozenset(
    {"chat_template_kwargs", "logit_bias", "min_p", "parallel_tool_calls", "repetition_penalty"}
)
"""What servers of open models have in common."""

_OPENAI: Final = frozenset(
    {"logit_bias", "metadata", "moderation", "parallel_tool_calls", "prediction", "service_tier"}
    | {"prompt_cache_key", "prompt_cache_options", "prompt_cache_retention", "safety_identifier"}
    | {"store", "user", "verbosity", "web_search_options"}
)
_OPENROUTER: Final = frozenset(
    {"cache_control", "image_config", "logit_bias", "metadata", "min_p", "parallel_tool_calls"}
    | {"plugins", "prediction", "prompt_cache_key", "prompt_cache_options", "provider"}
    | {"repetition_penalty", "service_tier", "session_id", "stop_server_tools_when"}
    | {"top_a", "trace", "user", "verbosity", "web_search_options"}
    # In its older reference, and no longer in the SDK [M].
    | {"safety_identifier", "structured_outputs", "transforms"}
)
_VLLM: Final = frozenset(
    {"add_generation_prompt", "add_special_tokens", "allowed_token_ids", "bad_words", "cache_salt"}
    | {"continue_final_message", "documents", "ignore_eos", "include_stop_str_in_output"}
    | {"length_penalty", "min_tokens", "mm_processor_kwargs", "skip_special_tokens"}
    | {"spaces_between_special_tokens", "stop_token_ids", "structured_outputs"}
    | {"thinking_token_budget", "truncate_prompt_tokens"}
)
_LLAMA: Final = frozenset(
    {"cache_prompt", "dry_allowed_length", "dry_base", "dry_multiplier", "dynatemp_exponent"}
    | {"dynatemp_range", "grammar", "mirostat", "mirostat_eta", "mirostat_tau", "repeat_last_n"}
    | {"repeat_penalty", "samplers", "typical_p", "xtc_probability", "xtc_threshold"}
)

FLAVORS: Final = {
    flavor.name: flavor
    for flavor in (
        # Without `metadata` and `store`, which some refuse (livekit/agents#1276).
        Flavor(name="generic", takes=_LOCAL | {"user"}),
        Flavor(
            name="openai",
            max_tokens="max_completion_tokens",
            efforts=(*_ALL_EFFORTS, "max"),
            shows=False,
            history=False,  # and it refuses fields that it does not know
            strict=True,
            pdf=True,
            search="options",
            takes=_OPENAI,
        ),
        Flavor(
            name="openrouter",
            reasoning="object",
            efforts=_ALL_EFFORTS,
            signatures="details",
            thought_field="reasoning",
            strict=True,
            top_k=True,
            pdf=True,
            video=True,
            draws=True,
            search="plugin",
            grammar="format",
            takes=_OPENROUTER,
        ),
        # Its answers carry `reasoning` and OpenRouter's details (seed 001), and its schema leaves
        # an assistant's message open; that they help there on the way back is not known [M].
        Flavor(
            name="aimlapi",
            signatures="details",
            thought_field="reasoning",
            pdf=True,
            takes=frozenset(
                {"parallel_tool_calls", "prediction"}
                # In the schemas of its other models [M].
                | {"logit_bias", "min_p", "repetition_penalty", "top_a"}
            ),
        ),
        Flavor(
            name="google",
            efforts=("none", "minimal", "low", "medium", "high"),
            thinking_config=True,
            signatures="extra",
            history=False,
            penalties=False,
            takes=frozenset({"extra_body"}),  # and it refuses what it does not know
        ),
        Flavor(
            name="vllm",
            thought_field="reasoning",
            top_k=True,
            grammar="structured",
            takes=_LOCAL | _VLLM,
        ),
        # "max" came in 2026 [M]; "minimal" is answered with 400.
        Flavor(name="ollama", thought_field="reasoning", candidates=False, tool_choice=False),
        Flavor(
            name="llama",
            reasoning="",
            thought_field="reasoning_content",
            top_k=True,
            candidates=False,
            grammar="field",
            takes=_LOCAL | _LLAMA,
            renamed={"repetition_penalty": "repeat_penalty"},
        ),
    )
}
"""By the names that `[[channel]] flavor` takes."""

_HOSTS: Final = {
    "api.openai.com": "openai",
    "openrouter.ai": "openrouter",
    "api.aimlapi.com": "aimlapi",
    "generativelanguage.googleapis.com": "google",
}
_OLLAMA_PORT: Final = 11434


def flavor_of(base_url: str) -> Flavor:
    """The flavor of the server at `base_url`, as far as its address tells; else `generic`."""
    address = urlsplit(base_url)
    name = _HOSTS.get(address.hostname or "", "")
    if not name and address.port == _OLLAMA_PORT:
        name = "ollama"
    return FLAVORS[name or "generic"]
