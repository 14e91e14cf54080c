"""What servers of this dialect do differently, as facts and not as code.

Sources: the vendors' API references and spec/dialects.md sections 2 and 3, November 2026.
"""

from typing import Final, Literal
from urllib.parse import urlsplit

import msgspec


class Flavor(msgspec.Struct, frozen=True, kw_only=True):
    """How one kind of server takes what the standard leaves open.

    `reasoning`: thinking goes as `reasoning_effort`, as OpenRouter's `reasoning` object, or not.
    `signatures`: thought signatures go back in `reasoning_details`, in `extra_content`, or not.
    `history`: the field in which a former answer's thoughts may be sent back; none if empty.
    `tool_choice`: the server obeys that field.  `draws`: it has models that answer with images.
    """

    name: str
    max_tokens: str = "max_tokens"
    reasoning: Literal["", "effort", "object"] = "effort"
    signatures: Literal["", "details", "extra"] = ""
    history: str = ""
    top_k: bool = False
    candidates: bool = True
    tool_choice: bool = True
    pdf: bool = False
    video: bool = False
    draws: bool = False


FLAVORS: Final = {
    flavor.name: flavor
    for flavor in (
        Flavor(name="generic"),
        Flavor(name="openai", max_tokens="max_completion_tokens", pdf=True),
        Flavor(
            name="openrouter",
            reasoning="object",
            signatures="details",
            history="reasoning",
            top_k=True,
            pdf=True,
            video=True,
            draws=True,
        ),
        Flavor(name="aimlapi", pdf=True),
        Flavor(name="google", signatures="extra"),
        Flavor(name="vllm", top_k=True),
        Flavor(name="ollama", candidates=False, tool_choice=False),
        Flavor(name="llama", reasoning="", top_k=True, candidates=False),
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
