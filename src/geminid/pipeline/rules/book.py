"""The book of rules: goes through them in order, and tells what is broken."""

from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Final, TypeAlias

from geminid.catalog import CatalogError, Model
from geminid.catalog.rules import By, Rule
from geminid.core.errors import Invalid
from geminid.core.ports import Context
from geminid.core.request import Request
from geminid.dialects.gemini.lines import Lines
from geminid.pipeline.rules import (
    advice,
    conversation,
    functions,
    output,
    safety,
    sampling,
    thinking,
)
from geminid.pipeline.rules.case import SAMPLED, Case, features_of
from geminid.pipeline.rules.check import Check, Facts

_Entry: TypeAlias = tuple[int, Rule, Callable[[Case, Rule], Iterable[Facts]]]

_SIGNED: Final = ("signature", "image_signature")

_MODULES: Final = (thinking, sampling, conversation, functions, output, safety, advice)


def checks() -> dict[str, Check]:
    """Every check there is, by the name that rules call it."""
    return {name: check for module in _MODULES for name, check in module.CHECKS.items()}


class Rulebook:
    """The rules in force.  Immutable but for what it remembers of models it has met.

    Raises:
        CatalogError: a rule names a check that does not exist, or one that is about models of the
            catalog while the rule is about all.
    """

    def __init__(self, rules: tuple[Rule, ...]) -> None:
        self.rules = rules
        self._by_id = {rule.id: rule for rule in rules}
        self._entries: list[_Entry] = []
        known = checks()
        for rule in rules:
            if rule.by:
                continue
            check = known.get(rule.check)
            if check is None:
                raise CatalogError(f"Rule {rule.id}: there is no check {rule.check}")
            if check.of_model and rule.models is None:
                raise CatalogError(f"Rule {rule.id}: its check needs models of the catalog")
            needs = check.needs or SAMPLED[rule.field]
            self._entries.append((needs, rule, check.run))
        self._plans: dict[str, _Plan] = {}

    @cached_property
    def sure(self) -> "Rulebook":
        """The book without the rules that rest on memory: for an upstream that knows better."""
        return Rulebook(tuple(rule for rule in self.rules if not rule.unsure))

    @cached_property
    def unsigned(self) -> "Rulebook":
        """The book without the rules on signatures: for callers whose lost ones are put back."""
        return Rulebook(tuple(rule for rule in self.rules if rule.check not in _SIGNED))

    def rule(self, id: str) -> Rule:  # noqa: A002  the word that the table has for it
        """The rule of that id.  Raises `KeyError` if there is none."""
        return self._by_id[id]

    def kept(self, by: By, model: Model | None) -> Rule | None:
        """The first rule about `model` that is kept `by` somebody else, who wants its text.

        `None`: none is about it, so there is nothing to keep.
        """
        fitting = (rule for rule in self.rules if rule.by == by and _fits(rule, model))
        return next(fitting, None)

    def check(self, request: Request, model: Model | None, context: Context) -> None:
        """Hold `request` to the rules for `model`; `None` if the catalog does not know it.

        Advice goes into the context's notices.

        Raises:
            Invalid: the first rule that is broken, in its own words; those of one group are told
                together, as many as `Lines` takes.
        """
        entries = self._plan(model).entries(features_of(request))
        if not entries:
            return
        case = Case(request, model)
        group, lines = "", Lines()
        for _, rule, run in entries:
            if group and rule.group != group:
                lines.check()
            group = rule.group
            for facts in run(case, rule):
                # Advice comes with good requests too, and has nothing to fill in.
                text = _filled(rule, case, facts) if "{" in rule.error else rule.error
                if rule.effect == "advise":
                    context.notice(text)
                elif group:
                    lines.add(text)
                else:
                    raise Invalid(text)
        lines.check()

    def _plan(self, model: Model | None) -> "_Plan":
        name = model.id if model is not None else ""
        plan = self._plans.get(name)
        if plan is None or plan.model is not model:  # another catalog's model of the same name
            plan = self._plans[name] = _Plan(model, self._entries)
        return plan


class _Plan:
    """The rules for one model, sorted out by what a request has in it as requests come."""

    def __init__(self, model: Model | None, entries: list[_Entry]) -> None:
        self.model = model
        self._all = [entry for entry in entries if _fits(entry[1], model)]
        self._known: dict[int, tuple[_Entry, ...]] = {}

    def entries(self, features: int) -> tuple[_Entry, ...]:
        """Those that can find something in a request with these features."""
        found = self._known.get(features)
        if found is None:
            found = tuple(entry for entry in self._all if entry[0] & features)
            self._known[features] = found
        return found


def _filled(rule: Rule, case: Case, facts: Facts) -> str:
    return rule.error.format(**{"model": case.name, **facts})


def _fits(rule: Rule, model: Model | None) -> bool:
    return rule.models is None or (model is not None and rule.models.fit(model))
