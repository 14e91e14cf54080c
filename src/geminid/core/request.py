"""What is asked: one request in the canonical model."""

import msgspec

from geminid.core.content import Content, Json, Part


class FunctionTool(msgspec.Struct, frozen=True, kw_only=True):
    """A function the caller offers.

    `parameters` is a schema in one of two languages, told apart by `json_schema`: Gemini's OpenAPI
    subset (`parameters`) or JSON Schema (`parametersJsonSchema`); the same for `response`.
    """

    name: str
    description: str = ""
    parameters: Json | None = None
    json_schema: bool = False
    response: Json | None = None
    response_json_schema: bool = False
    behavior: str = ""


class BuiltinTool(msgspec.Struct, frozen=True):
    """A tool that the model's side runs: `kind` is Gemini's field name, `settings` its value."""

    kind: str
    settings: Json


class ToolChoice(msgspec.Struct, frozen=True):
    """`mode` is AUTO, ANY, NONE or VALIDATED; `allowed` limits ANY and VALIDATED by name."""

    mode: str = ""
    allowed: tuple[str, ...] = ()


class Thinking(msgspec.Struct, frozen=True):
    """How much to think, as a `level` or a token `budget`, and whether to show it.

    A rule refuses both together; where rules are off, an engine that takes one takes the level.
    """

    level: str = ""
    budget: int | None = None
    include: bool | None = None


class OutputFormat(msgspec.Struct, frozen=True):
    """The shape the answer must have: a mime type, and a schema in one of two languages."""

    mime: str = ""
    schema: Json | None = None
    json_schema: bool = False


class Sampling(msgspec.Struct, frozen=True, kw_only=True):
    """The knobs of generation.  `None` leaves the choice to the engine."""

    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    seed: int | None = None
    max_output: int | None = None
    stop: tuple[str, ...] = ()
    candidates: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None


class Extra(msgspec.Struct, frozen=True):
    """Fields of the caller's dialect that the core has no word for.

    `fields` is a JSON object in canonical spelling of `dialect`.  An engine that speaks the same
    dialect writes them back where they were; any other names them in `x-geminid-ignored` or
    refuses.
    """

    dialect: str
    fields: Json


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One thing asked of one model.  `model` carries no `models/` prefix."""

    model: str
    contents: tuple[Content, ...]
    system: tuple[Part, ...] = ()
    functions: tuple[FunctionTool, ...] = ()
    builtins: tuple[BuiltinTool, ...] = ()
    tool_choice: ToolChoice | None = None
    sampling: Sampling = Sampling()
    output: OutputFormat | None = None
    thinking: Thinking | None = None
    modalities: tuple[str, ...] = ()
    extra: Extra | None = None
