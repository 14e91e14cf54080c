"""What servers of this dialect do differently, as facts and not as code.

Sources: the vendors' API references and spec/dialects.md sections 2 and 3, November 2026.
"""

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


_ALL_EFFORTS: Final = ("none", "minimal", "low", "medium", "high", "xhigh")

FLAVORS: Final = {
    flavor.name: flavor
    for flavor in (
        Flavor(name="generic"),
        Flavor(
            name="openai",
            max_tokens="max_completion_tokens",
            efforts=(*_ALL_EFFORTS, "max"),
            shows=False,
            history=False,  # and it refuses fields that it does not know
            strict=True,
            pdf=True,
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
        ),
        Flavor(name="aimlapi", pdf=True),
        Flavor(
            name="google",
            efforts=("none", "minimal", "low", "medium", "high"),
            thinking_config=True,
            signatures="extra",
            history=False,
        ),
        Flavor(name="vllm", thought_field="reasoning", top_k=True),
        # "max" came in 2026 [M]; "minimal" is answered with 400.
        Flavor(name="ollama", thought_field="reasoning", candidates=False, tool_choice=False),
        Flavor(
            name="llama",
            reasoning="",
            thought_field="reasoning_content",
            top_k=True,
            candidates=False,
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
