"""Tokens: what an answer cost, counted once and the same way for every dialect."""

import msgspec


class ModalityCount(msgspec.Struct, frozen=True):
    """Tokens of one kind of material: `TEXT`, `IMAGE`, `VIDEO`, `AUDIO` or `DOCUMENT`."""

    modality: str
    tokens: int


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """Token counts so far; each `Tally` replaces the one before, they never add up.

    `output` leaves thoughts out, and `prompt` includes `cached` (gemini.md section 2.2).
    `cost_nusd` is what an upstream says it charged, in nano-dollars, when it says so.
    """

    prompt: int = 0
    output: int = 0
    thoughts: int = 0
    cached: int = 0
    tool_use: int = 0
    prompt_details: tuple[ModalityCount, ...] = ()
    output_details: tuple[ModalityCount, ...] = ()
    cache_details: tuple[ModalityCount, ...] = ()
    tool_use_details: tuple[ModalityCount, ...] = ()
    service_tier: str = ""
    cost_nusd: int | None = None

    @property
    def total(self) -> int:
        """Everything that is paid for: prompt + output + thoughts + tool use."""
        return self.prompt + self.output + self.thoughts + self.tool_use
