"""What the answer to one request has to keep to, and how to say that it did not."""

from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from geminid.core.content import Call, Json
from geminid.core.errors import Invalid
from geminid.core.request import FunctionTool, OutputFormat, Request, ToolChoice
from geminid.core.schema import json_schema
from geminid.pipeline.validator import Validator, Validators

_ENUM: Final = "text/x.enum"
_JSON: Final = "application/json"
_SHOWN: Final = 300


class Broken(msgspec.Struct, frozen=True):
    """How an answer broke its contract: the `finishReason` to end with, and words for people."""

    reason: str
    message: str


class Contract:
    """The tools an answer may call, whether it must, and the form of its text.

    `output` is the schema of the text, `json` says that it must be JSON, `choices` are the only
    texts allowed.  `others`: functions that the request does not declare may be called as well.
    """

    def __init__(
        self,
        tools: Mapping[str, Validator | None],
        *,
        others: bool = False,
        must_call: bool = False,
        output: Validator | None = None,
        json: bool = False,
        choices: tuple[str, ...] = (),
    ) -> None:
        self.must_call = must_call
        self._tools, self._others = tools, others
        self._output, self._json, self._choices = output, json, choices

    @property
    def bounds_text(self) -> bool:
        """Whether not every text will do."""
        return self._json or bool(self._choices)

    @property
    def bounds_answer(self) -> bool:
        """Whether there is anything to break, besides calling what was not offered."""
        return self.bounds_text or self.must_call or bool(self._tools)

    def broken(self, text: str, calls: tuple[Call, ...]) -> Broken | None:
        """What is wrong with an answer of `text` and `calls` that ended STOP."""
        for call in calls:
            if (found := self.broken_call(call)) is not None:
                return found
        if calls:
            return None
        if self.must_call:
            return Broken(
                "MALFORMED_FUNCTION_CALL",
                "The model called no function, though the function calling mode is ANY.",
            )
        problem = self._broken_text(text)
        return Broken("MALFORMED_RESPONSE", problem[:_SHOWN]) if problem else None

    def broken_call(self, call: Call) -> Broken | None:
        """What is wrong with one call."""
        name = call.name[:_SHOWN]
        if call.name not in self._tools and not self._others:
            return Broken(
                "UNEXPECTED_TOOL_CALL",
                f"The model called the function {name!r}, which it was not offered.",
            )
        validator = self._tools.get(call.name)
        problem = "" if _is_object(call.args) else "they are not a JSON object."
        if not problem and validator is not None:
            problem = validator.problem(bytes(call.args))
        if not problem:
            return None
        return Broken(
            "MALFORMED_FUNCTION_CALL",
            f"Malformed function call: the arguments of {name!r} break its schema: {problem}"[
                : 2 * _SHOWN
            ],
        )

    def _broken_text(self, text: str) -> str:
        if self._choices:
            return "" if text in self._choices else "The answer is none of the enum's values."
        if self._output is not None:
            problem = self._output.problem(text.encode())
            return f"The answer breaks its schema: {problem}" if problem else ""
        if self._json:
            try:
                msgspec.json.decode(text.encode())
            except (msgspec.MsgspecError, RecursionError):
                return "The answer is not JSON."
        return ""


def _is_object(args: Json) -> bool:
    try:
        return isinstance(msgspec.json.decode(args), dict)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return False


def contract_of(
    request: Request,
    validators: Validators,
    *,
    others: bool = False,
    unchecked: Callable[[str], None] | None = None,
) -> Contract:
    """What the answer to `request` has to keep to.

    `others`: the upstream knows functions that the request does not declare (tools of its own, or
    in a cached content).  `unchecked` is told of each schema that nobody here can check (a pattern
    with a lookahead, as pydantic writes for a Decimal); of what it describes only the kind is held.

    Raises:
        Invalid: a schema cannot be used, and there is no `unchecked`; nothing has been asked of
            anybody.
    """
    choice = request.tool_choice or ToolChoice()
    offered = request.functions if choice.mode != "NONE" else ()
    if choice.allowed and choice.mode in ("ANY", "VALIDATED"):
        allowed = frozenset(choice.allowed)
        offered = tuple(tool for tool in offered if tool.name in allowed)
    use = _Schemas(validators, unchecked)
    tools = {tool.name: use.parameters(tool) for tool in offered}
    output: Validator | None = None
    choices: tuple[str, ...] = ()
    json = False
    if request.output is not None and request.output.mime == _ENUM:
        choices = _choices(request.output, validators)
    elif request.output is not None:
        output, json = use.form(request.output)
    return Contract(
        tools,
        others=others,
        must_call=choice.mode == "ANY",
        output=output,
        json=json,
        choices=choices,
    )


class _Schemas:
    """Validators for what a request brings; what cannot be checked is told to `unchecked`."""

    def __init__(self, validators: Validators, unchecked: Callable[[str], None] | None) -> None:
        self._validators, self._unchecked = validators, unchecked

    def parameters(self, tool: FunctionTool) -> Validator | None:
        """For the arguments of a call."""
        if tool.parameters is None:
            return None
        where = f"The parameters of the function {tool.name[:_SHOWN]!r}"
        return self._checked(tool.parameters, where, already=tool.json_schema)

    def form(self, output: OutputFormat) -> tuple[Validator | None, bool]:
        """The schema of the text, and whether it must be JSON."""
        if output.schema is None:
            return None, output.mime == _JSON
        where = "The response schema"
        return self._checked(output.schema, where, already=output.json_schema), True

    def _checked(self, schema: Json, where: str, *, already: bool) -> Validator | None:
        try:
            return _validator(schema, where, self._validators, already=already)
        except Invalid as error:
            if self._unchecked is None:
                raise
            self._unchecked(f"not held to its schema: {error.detail[:_SHOWN]}")
            return None


def _validator(schema: Json, where: str, validators: Validators, *, already: bool) -> Validator:
    return validators.validator_for(json_schema(schema, already=already), where)


def _choices(output: OutputFormat, validators: Validators) -> tuple[str, ...]:
    """The texts that the schema of a choice allows.

    Raises:
        Invalid: there is none.
    """
    where = "The response schema"
    texts: tuple[str, ...] = ()
    if output.schema is not None:
        validator = _validator(output.schema, where, validators, already=output.json_schema)
        tree = msgspec.json.decode(json_schema(output.schema, already=output.json_schema))
        listed = tree.get("enum", ()) if isinstance(tree, dict) else ()
        texts = tuple(
            text
            for text in listed
            if isinstance(text, str) and not validator.problem(msgspec.json.encode(text))
        )
    if not texts:
        raise Invalid(f"{where} of a text/x.enum answer needs an `enum` with a string in it.")
    return texts
