"""How much a request wants the model to think, and what the model can make of that.

It may be said as an effort, in words, or as a budget, in tokens, in five places; in Gemini's own
`thinking_config` it is meant exactly, and its model's rules apply to it.
"""

from typing import Final

import msgspec

from geminid.catalog import Model
from geminid.core.errors import Invalid
from geminid.core.request import Thinking
from geminid.dialects.openai.chat.ask.google import NOTHING, Config
from geminid.dialects.openai.chat.ask.reading import Node
from geminid.dialects.openai.parts import Ignore

EFFORTS: Final = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
"""The least first."""

# As Google's own layer takes them for models that think by budget (gemini.md section 5); what it
# has no word for is bounded by the model.
_BUDGETS: Final = {"none": 0, "minimal": 1024, "low": 1024, "medium": 8192, "high": 24576}
_MOST: Final = 32768
_USUAL: Final = ("low", "medium", "high")
"""The levels of a Gemini model that the catalog does not know yet."""
_LARGEST: Final = (1 << 31) - 1


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What a request says about thinking.

    `effort` is one of `EFFORTS`, or `""`; `budget` is in tokens.  `exact` has Gemini's own words
    instead.  `asked`: the caller says that they want thoughts; `shows`: they may see them.  `path`
    is where the effort or the budget stands.
    """

    effort: str = ""
    budget: int | None = None
    exact: Config = Config()
    asked: bool = False
    shows: bool = True
    path: str = ""


_NO_WISH: Final = Wish()
_FIELDS: Final = frozenset({"reasoning_effort", "reasoning", "include_reasoning", "thinking"})


def read_wish(root: Node, config: Config) -> Wish:
    """What `reasoning_effort`, `reasoning`, `include_reasoning`, `thinking` and `config` say.

    Raises:
        Invalid: it is said in two ways.
    """
    if config is NOTHING and _FIELDS.isdisjoint(root.tree):  # as in nearly every request
        return _NO_WISH
    efforts = {"reasoning_effort": root.word("reasoning_effort", EFFORTS)}
    budgets: dict[str, int | None] = {}
    asked = shows = root.flag("include_reasoning")
    if (node := root.node("reasoning")) is not None:
        efforts[node.at("effort")] = node.word("effort", EFFORTS)
        budgets[node.at("max_tokens")] = _tokens(node, "max_tokens")
        enabled = node.flag("enabled")
        if enabled is False:
            efforts[node.at("enabled")] = "none"
        asked = asked or enabled or bool(node.text("summary"))
        if node.flag("exclude"):
            shows = False
        node.leave_rest()
    if (node := root.node("thinking")) is not None:
        kind = node.word("type", ("enabled", "disabled", "adaptive"))
        tokens = _tokens(node, "budget_tokens")
        if kind == "disabled":
            efforts[node.at("type")] = "none"
        else:
            budgets[node.at("budget_tokens")] = tokens
            asked = asked or bool(kind)
        node.leave_rest()
    if config.include is not None:
        asked, shows = asked or config.include, config.include and shows is not False
    path, effort, budget = _one(efforts, budgets, config)
    return Wish(
        effort=effort,
        budget=budget,
        exact=config,
        asked=bool(asked) and shows is not False,
        shows=shows is not False,
        path=path,
    )


def _tokens(node: Node, key: str) -> int | None:
    tokens = node.whole(key)
    if tokens is not None and tokens < 0:
        node.reading.below(node.at(key), tokens, 0)
    return None if tokens is None else min(tokens, _LARGEST)


def _one(
    efforts: dict[str, str], budgets: dict[str, int | None], config: Config
) -> tuple[str, str, int | None]:
    """The path, the effort and the budget, of which there is one at most."""
    said = {path: effort for path, effort in efforts.items() if effort}
    counted = {path: tokens for path, tokens in budgets.items() if tokens is not None}
    if len(set(said.values())) > 1:
        raise _twice(list(said))
    if len(set(counted.values())) > 1:
        raise _twice(list(counted))
    if said and counted:
        raise _twice([*said, *counted])
    if (said or counted) and (config.level or config.budget is not None):
        raise _twice([*said, *counted, config.path])
    if config.level and config.budget is not None:
        raise _twice([f"{config.path}.thinking_level", f"{config.path}.thinking_budget"])
    path = next(iter(said or counted), config.path)
    return path, next(iter(said.values()), ""), next(iter(counted.values()), None)


def _twice(paths: list[str]) -> Invalid:
    names = " and ".join(f"'{path}'" for path in paths)
    return Invalid(f"Only one of {names} may say how much to think; leave the others out.")


def thinking_of(
    wish: Wish, facts: Model | None, *, dialect: str, native: bool, ignore: Ignore
) -> Thinking | None:
    """`wish` as the model can take it; `None` leaves everything to it.

    Of Gemini's API thoughts are asked for unless the caller does not want to see them, since it
    makes them anyway.  Others may make them only if asked, at a price, and an image model's are
    drafts: there the caller has to want them.
    """
    level, budget = wish.exact.level, wish.exact.budget
    said = bool(wish.effort) or wish.budget is not None
    if facts is None and said:
        level, budget = _unknown(wish, dialect)
    elif facts is not None and said:
        if facts.thinking:
            level, budget = _fitted(wish, facts)
        elif wish.effort != "none" and wish.budget != 0:
            ignore(wish.path)
    # A model that does not think at all has nothing to show, and Google's says so as an error.
    thinks = facts.thinking if facts is not None else not native or wish.asked or said
    always = dialect == "gemini" and (facts is None or facts.kind != "image")
    include: bool | None = None
    if thinks and (always or wish.asked or said or not wish.shows):
        include = wish.shows and budget != 0 and level != "NONE"
    if not level and budget is None and not include:
        return None
    return Thinking(level, budget, include)


def _unknown(wish: Wish, dialect: str) -> tuple[str, int | None]:
    """For a model that the catalog does not know."""
    if not wish.effort:
        return "", wish.budget
    if dialect == "gemini":
        return _level(wish.effort, _USUAL), None
    if not dialect and wish.effort == "none":  # an engine of our own, which knows Gemini's words
        return "", 0
    return wish.effort.upper(), None


def _fitted(wish: Wish, facts: Model) -> tuple[str, int | None]:
    """The level or the budget that is nearest of those that the model has."""
    bounds = facts.budget
    off = bounds is not None and bounds.off
    if facts.thinking_levels and (wish.effort or (wish.budget == 0 and not off)):
        return _level(wish.effort or "none", facts.thinking_levels), None
    budget = _BUDGETS.get(wish.effort, _MOST) if wish.effort else wish.budget
    assert budget is not None
    if bounds is None or (budget == 0 and off):
        return "", budget
    most = _LARGEST if bounds.max is None else bounds.max
    return "", min(max(budget, bounds.min), most)


def _level(effort: str, levels: tuple[str, ...]) -> str:
    """Down to what the model has, for less is what a small effort asks for; but up from the middle,
    as Google's layer does.
    """
    wanted = EFFORTS.index(effort)
    if effort == "medium":
        above = [level for level in levels if EFFORTS.index(level) >= wanted]
        return (above[0] if above else levels[-1]).upper()
    below = [level for level in levels if EFFORTS.index(level) <= wanted]
    return (below[-1] if below else levels[0]).upper()
