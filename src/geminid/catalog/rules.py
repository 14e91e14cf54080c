"""The rules that the API holds requests to, as data: `rules.toml`."""

import string
import tomllib
from collections.abc import Iterator
from datetime import date
from importlib import resources
from typing import Literal

import msgspec

from geminid.catalog.loader import CatalogError
from geminid.catalog.model import Kind, Model

Effect = Literal["refuse", "advise"]
By = Literal["", "walk", "decode", "signatures", "limits"]


class Models(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which models of the catalog a rule is about: those that every given fact fits.

    `ids` are their own, no aliases.  `since` and `until` are generations, both included.  `has` and
    `lacks` name a field of `Model` that must be set, or must be empty.
    """

    ids: tuple[str, ...] = ()
    kinds: tuple[Kind, ...] = ()
    since: int | None = None
    until: int | None = None
    has: str = ""
    lacks: str = ""

    def fit(self, model: Model) -> bool:
        """Whether the rule is about `model`."""
        return (
            (not self.ids or model.id in self.ids)
            and (not self.kinds or model.kind in self.kinds)
            and (self.since is None or model.generation >= self.since)
            and (self.until is None or model.generation <= self.until)
            and (not self.has or bool(getattr(model, self.has)))
            and (not self.lacks or not getattr(model, self.lacks))
        )

    def __str__(self) -> str:
        spans = {
            (False, False): "",
            (True, False): f"Gemini {self.since} and newer",
            (False, True): f"up to Gemini {self.until}",
            (True, True): f"Gemini {self.since} to {self.until}",
        }
        span = spans[self.since is not None, self.until is not None]
        if span and self.since == self.until:
            span = f"Gemini {self.since}"
        kinds = " and ".join(self.kinds)
        has = f"with {self.has}" if self.has else ""
        lacks = f"without {self.lacks}" if self.lacks else ""
        return ", ".join(filter(None, (*self.ids, span, kinds, has, lacks)))


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One rule.

    `check` names the function that finds what is against it (`pipeline.rules`); where the rule is
    kept somewhere else, `by` says where instead.  No `models` means every model, also one that the
    catalog does not know.  The `error` is the API's own text, or the advice; what stands in braces
    comes from the check.  Rules of one `group` are told together, a line for each finding.
    `unsure`: the text, or that the API refuses at all, rests on memory or on one report.

    The rest are parameters of the check, which says what they mean to it.
    """

    id: str
    effect: Effect
    check: str = ""
    by: By = ""
    models: Models | None = None
    group: str = ""
    error: str
    source: str
    checked: date
    unsure: bool = False
    field: str = ""
    low: int | float | None = None
    high: int | float | None = None
    most: int = 0
    finding: str = ""
    pattern: str = ""
    allowed: tuple[str, ...] = ()
    phrases: tuple[str, ...] = ()

    def about(self) -> str:
        """The models, in words."""
        return str(self.models) if self.models else "all"


class _File(msgspec.Struct, forbid_unknown_fields=True):
    rule: tuple[Rule, ...]


def load_rules() -> tuple[Rule, ...]:
    """The rules that this package carries, in the order in which they are looked at.

    Raises:
        CatalogError: the file is wrong, which the tests rule out for a released package.
    """
    return parse_rules(resources.files("geminid.catalog").joinpath("rules.toml").read_text("utf-8"))


def parse_rules(text: str) -> tuple[Rule, ...]:
    """Rules from TOML in the form of `rules.toml`.

    Raises:
        CatalogError: not TOML, an unknown, missing or mistyped field, or rules that do not fit
            together.
    """
    try:
        rules = msgspec.convert(tomllib.loads(text), _File).rule
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise CatalogError(f"The rules cannot be read: {error}") from error
    seen: set[str] = set()
    groups: list[str] = []
    for rule in rules:
        problems = list(_problems(rule))
        if rule.id in seen:
            problems.append("another rule has this id")
        if rule.group != (groups[-1] if groups else "") and rule.group:
            if rule.group in groups:
                problems.append(f"the others of its group {rule.group} stand apart from it")
            groups.append(rule.group)
        elif groups and rule.group != groups[-1]:
            groups.append("")
        seen.add(rule.id)
        if problems:
            raise CatalogError(f"Rule {rule.id}: {problems[0]}")
    return rules


def _problems(rule: Rule) -> Iterator[str]:
    if bool(rule.check) == bool(rule.by):
        yield "needs a check, or `by` if it is kept elsewhere, and not both"
    try:
        list(string.Formatter().parse(rule.error))
    except ValueError as error:
        yield f"its error is no template: {error}"
    if rule.effect == "advise" and (rule.group or not rule.error.isascii()):
        yield "advice goes into a header: ASCII, and told by itself"
    for field in filter(None, (rule.models and rule.models.has, rule.models and rule.models.lacks)):
        if field not in Model.__struct_fields__:
            yield f"is about models by {field}, which is no field"
