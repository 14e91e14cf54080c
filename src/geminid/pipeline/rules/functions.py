"""Checks of tools: what is declared, how it may be called, and what goes together."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from geminid.catalog.rules import Rule
from geminid.core.request import ToolChoice
from geminid.pipeline.rules.case import BUILTINS, CHOICE, EXTRA, FUNCTIONS, OUTPUT, Case
from geminid.pipeline.rules.check import Check, Facts, shown

_JSON: Final = "application/json"
_NO_CHOICE: Final = ToolChoice()


def _count(case: Case, rule: Rule) -> Iterator[Facts]:
    """More than `most` functions in all: in which tool each stood is not known any more."""
    if len(case.request.functions) > rule.most:
        yield {"most": rule.most}


def _name(case: Case, rule: Rule) -> Iterator[Facts]:
    """A name that `pattern` does not match."""
    allowed = re.compile(rule.pattern)
    for index, function in enumerate(case.request.functions):
        if not allowed.fullmatch(function.name):
            yield {"index": index}


def _duplicate(case: Case, _: Rule) -> Iterator[Facts]:
    seen: set[str] = set()
    for function in case.request.functions:
        if function.name in seen:
            yield {"name": shown(function.name)}
        seen.add(function.name)


def _schema(case: Case, rule: Rule) -> Iterator[Facts]:
    """What a look at every schema has found of the kind `finding`."""
    for fault in case.faults.get(rule.finding, ()):
        yield {"path": fault.path(), "name": shown(fault.name)}


def _choice_alone(case: Case, _: Rule) -> Iterator[Facts]:
    """A choice between functions, and none is declared, here or in a cache.

    Seen to be let pass together with `includeServerSideToolInvocations`.
    """
    choice = case.request.tool_choice
    chosen = choice not in (None, _NO_CHOICE) and not case.request.functions
    if chosen and not _told(case) and not case.cached:
        yield {}


def _allowed_mode(case: Case, rule: Rule) -> Iterator[Facts]:
    """`allowedFunctionNames` in a mode that is none of `allowed`."""
    choice = case.request.tool_choice
    if choice is not None and choice.allowed and choice.mode not in rule.allowed:
        yield {}


def _allowed_unknown(case: Case, _: Rule) -> Iterator[Facts]:
    choice = case.request.tool_choice
    if choice is None or not case.request.functions or case.cached:
        return
    declared = {function.name for function in case.request.functions}
    for index, name in enumerate(choice.allowed):
        if name not in declared:
            yield {"name": shown(name), "index": index}


def _tool(case: Case, rule: Rule) -> Iterator[Facts]:
    """The tool `field` is asked for, and the model has it not."""
    if rule.field in case.known.tools:
        return
    if rule.field == "functionDeclarations":
        asked = bool(case.request.functions)
    else:
        asked = any(tool.kind == rule.field for tool in case.request.builtins)
    if asked:
        yield {}


def _together(case: Case, _: Rule) -> Iterator[Facts]:
    """Functions beside the model's own tools."""
    if case.request.functions and case.request.builtins:
        yield {}


def _untold(case: Case, rule: Rule) -> Iterator[Facts]:
    """The same, and the caller does not say that they want to see the model's own calls."""
    if not _told(case):
        yield from _together(case, rule)


def _circulation(case: Case, _: Rule) -> Iterator[Facts]:
    """The caller wants to see the model's own calls."""
    if _told(case):
        yield {}


def _functions_as_json(case: Case, _: Rule) -> Iterator[Facts]:
    if case.request.functions and _wants_json(case):
        yield {}


def _tools_as_json(case: Case, _: Rule) -> Iterator[Facts]:
    if case.request.builtins and _wants_json(case):
        yield {}


def _told(case: Case) -> bool:
    return case.fields.tool_config.include_server_side_tool_invocations


def _wants_json(case: Case) -> bool:
    return case.request.output is not None and case.request.output.mime == _JSON


CHECKS: Final[Mapping[str, Check]] = {
    "function_count": Check(FUNCTIONS, _count),
    "function_name": Check(FUNCTIONS, _name),
    "function_duplicate": Check(FUNCTIONS, _duplicate),
    "schema": Check(FUNCTIONS | OUTPUT, _schema),
    "choice_alone": Check(CHOICE, _choice_alone),
    "allowed_mode": Check(CHOICE, _allowed_mode),
    "allowed_unknown": Check(CHOICE, _allowed_unknown),
    "tool": Check(FUNCTIONS | BUILTINS, _tool, of_model=True),
    "tools_together": Check(BUILTINS, _together),
    "tools_untold": Check(BUILTINS, _untold),
    "tools_circulation": Check(EXTRA, _circulation),
    "functions_as_json": Check(OUTPUT, _functions_as_json),
    "tools_as_json": Check(OUTPUT, _tools_as_json),
}
