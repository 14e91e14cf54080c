"""What the catalog knows of a model, and the catalog itself."""

from collections.abc import Mapping
from datetime import date
from typing import Literal

import msgspec

Kind = Literal["text", "image", "embedding"]
Level = Literal["minimal", "low", "medium", "high", "xhigh"]
Modality = Literal["TEXT", "IMAGE", "AUDIO"]
Tool = Literal[
    "functionDeclarations",
    "googleSearch",
    "urlContext",
    "codeExecution",
    "fileSearch",
    "googleMaps",
    "computerUse",
    "mcpServers",
    "googleSearchRetrieval",
]


class Budget(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The thinking budgets a model takes, in tokens.

    From `min` to `max` (`None`: no limit is known); 0 only if thinking can be turned `off`, and -1
    only if the model chooses by itself (`dynamic`).
    """

    min: int
    max: int | None = None
    off: bool = False
    dynamic: bool = False


class Model(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One model of Google's, as its own list describes it, and what the list does not say.

    `id` has no `models/`.  Limits are in tokens.  `methods` are wire names (`generateContent`).
    `thinking_levels` are in rising order; none means that the model refuses the field.  No
    `budget` means that nothing is known against any.  `checks_signatures`: the current turn's
    calls must bring back their thought signatures.

    What a request may ask for: `generation` is 2, 3 or 4 (0: none is known); `tools` are wire names
    of a tool's fields; `outputs` are the combinations of response modalities; `candidates` is the
    highest `candidateCount`; `media_resolution` says where the field may stand (`part`: there and
    in the request); `json_output` is an answer held to a schema; `masks` are pixel-level ones.
    `aspect_ratios` and `image_sizes` are those of `imageConfig`.

    From `retired` on, `successor` answers to the name.  `unsure` names the fields not to be relied
    on.
    """

    id: str
    kind: Kind
    display_name: str
    description: str
    version: str
    input_limit: int
    output_limit: int
    methods: tuple[str, ...]
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    max_temperature: float | None = None
    thinking: bool = False
    thinking_levels: tuple[Level, ...] = ()
    default_level: Level | None = None
    budget: Budget | None = None
    checks_signatures: bool = False
    generation: int = 0
    tools: tuple[Tool, ...] = ()
    outputs: tuple[tuple[Modality, ...], ...] = ()
    candidates: int = 1
    penalties: bool = False
    logprobs: bool = False
    json_output: bool = False
    media_resolution: Literal["", "request", "part"] = ""
    masks: bool = False
    aspect_ratios: tuple[str, ...] = ()
    image_sizes: tuple[str, ...] = ()
    released: date | None = None
    retired: date | None = None
    successor: str | None = None
    aliases: tuple[str, ...] = ()
    source: str
    checked: date
    unsure: tuple[str, ...] = ()

    def retired_by(self, day: date) -> bool:
        """The day of retirement itself counts."""
        return self.retired is not None and self.retired <= day


class Resolved(msgspec.Struct, frozen=True):
    """Who answers to a name.

    `asked` is the name as it came, without `models/`.  `notice` is for the caller to read; it is
    empty unless another model than the one meant answers.
    """

    model: Model
    asked: str
    notice: str = ""


class Catalog(msgspec.Struct, frozen=True):
    """All models, in the order of every list.  Made by `loader`, which proves that it is sound.

    `names` holds each id and each alias.
    """

    models: tuple[Model, ...]
    names: Mapping[str, Model]

    def get(self, name: str) -> Model | None:
        """The entry of an id or alias, with or without `models/`; a retired model's is its own."""
        return self.names.get(name.removeprefix("models/"))

    def resolve(self, name: str, today: date | None = None) -> Resolved | None:
        """The model that answers to `name` on `today`, or `None` if no entry has that name.

        Retirements up to `today` count.  Without it, those up to the day the entry was checked do:
        all that its author could know of.
        """
        asked = name.removeprefix("models/")
        meant = model = self.names.get(asked)
        if meant is None or model is None:
            return None
        while model.successor is not None and model.retired_by(today or model.checked):
            model = self.names[model.successor]
        if model is meant:
            return Resolved(model, asked)
        return Resolved(
            model, asked, f"{meant.id} was retired on {meant.retired}; {model.id} answers instead."
        )
