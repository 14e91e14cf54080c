"""Routes: which channel answers, by which lane, and what the caller is told."""

import pytest

from geminid import catalog
from geminid.core.errors import UnknownModel
from geminid.core.ports import Engine
from geminid.pipeline.channel import LiveChannel, Manner
from geminid.pipeline.compile import Lane, Need, Routes
from tests.pipeline.scripted import Scripted, ScriptedBytes

CATALOG = catalog.parse(
    """
[defaults.text]
kind = "text"
display_name = "A model"
description = "For tests."
version = "1"
input_limit = 1000
output_limit = 100
methods = ["generateContent", "countTokens"]
source = "made up"
checked = 2026-11-21

[[model]]
id = "new-pro"
kind = "text"
aliases = ["pro-latest"]

[[model]]
id = "old-pro"
kind = "text"
aliases = ["pro-1"]
retired = 2026-03-09
successor = "new-pro"

[[model]]
id = "flash"
kind = "text"
"""
)


def channel(
    name: str, models: dict[str, str], engine: Engine | None = None, *, priority: int = 0
) -> LiveChannel:
    return LiveChannel(
        name, "test", engine or Scripted(), models=models, manner=Manner(priority=priority)
    )


def routes(*channels: LiveChannel, needs: tuple[Need, ...] = (Need.HEAD,)) -> Routes:
    return Routes(channels, CATALOG, dialect="gemini", needs=needs)


class OtherBytes(ScriptedBytes):
    """A byte engine of another dialect."""

    dialect = "openai"


class GeminiEvents(Scripted):
    """The caller's dialect, but nothing that passes bytes."""

    dialect = "gemini"


@pytest.mark.parametrize(
    ("engine", "needs", "lane"),
    [
        (ScriptedBytes(), (Need.HEAD,), Lane.BYTES),
        (ScriptedBytes(), (Need.HEAD, Need.REQUEST), Lane.BYTES),
        (ScriptedBytes(), (Need.EVENTS, Need.HEAD), Lane.EVENTS),
        (OtherBytes(), (Need.HEAD,), Lane.EVENTS),
        (GeminiEvents(), (Need.HEAD,), Lane.EVENTS),
        (Scripted(), (Need.HEAD,), Lane.EVENTS),
    ],
)
def test_bytes_pass_only_where_dialect_engine_and_every_policy_allow(
    engine: Engine, needs: tuple[Need, ...], lane: Lane
) -> None:
    compiled = routes(channel("a", {"flash": "theirs"}, engine), needs=needs)

    assert compiled.find("flash").lane is lane


def test_a_channel_that_may_ask_again_sees_the_answer_before_it_leaves() -> None:
    live = LiveChannel(
        "a", "test", ScriptedBytes(), models={"flash": "theirs"}, manner=Manner(repairs=1)
    )

    assert routes(live).find("flash").lane is Lane.EVENTS


def test_models_of_one_generation_and_kind_are_a_family() -> None:
    ids = ["gemini-3-pro-preview", "gemini-3.5-flash", "gemini-2.5-flash", "gemini-3-pro-image"]
    live = channel("a", {name: name for name in (*ids, "my-own")})
    compiled = Routes([live], catalog.load(), dialect="gemini")

    families = [compiled.find(name).family for name in (*ids, "my-own")]

    assert families[0] == families[1]
    assert len({*families}) == 4
    assert families[-1] == "my-own"


def test_the_highest_priority_answers_and_the_first_among_equals() -> None:
    compiled = routes(
        channel("low", {"flash": "low-flash", "only-low": "x"}, priority=-1),
        channel("first", {"flash": "first-flash"}),
        channel("second", {"flash": "second-flash", "new-pro": "second-pro"}),
        channel("high", {"new-pro": "high-pro"}, priority=5),
    )

    found = {ours: compiled.find(ours) for ours in ("flash", "new-pro", "only-low")}

    assert {ours: (t.channel.name, t.theirs) for ours, t in found.items()} == {
        "flash": ("first", "first-flash"),
        "new-pro": ("high", "high-pro"),
        "only-low": ("low", "x"),
    }
    assert [live.name for live in compiled.channels] == ["high", "first", "second", "low"]


def test_an_alias_leads_to_its_model_unless_a_channel_has_it_itself() -> None:
    plain = routes(channel("a", {"new-pro": "their-pro"}))
    own = routes(channel("a", {"new-pro": "their-pro", "pro-latest": "their-latest"}))

    assert plain.find("pro-latest").theirs == "their-pro"
    assert plain.find("pro-latest").model == "new-pro"
    assert own.find("pro-latest").theirs == "their-latest"


@pytest.mark.parametrize("model", ["", "nobody", "old-pro", "pro-1", "FLASH"])
def test_what_nobody_serves_is_named_with_its_method(model: str) -> None:
    with pytest.raises(UnknownModel) as caught:
        routes(channel("a", {"flash": "x"})).find(model, "countTokens")

    assert (caught.value.model, caught.value.method) == (model, "countTokens")


@pytest.mark.parametrize(
    ("theirs", "told"),
    [("new-pro", True), ("google/new-pro", True), ("old-pro", False), ("gpt-9", False)],
)
def test_a_retired_model_says_who_answers_when_its_successor_does(theirs: str, told: bool) -> None:
    compiled = routes(channel("a", {"old-pro": theirs}))

    for name in ("old-pro", "pro-1"):
        notice = compiled.find(name).notice
        assert notice == ("old-pro was retired on 2026-03-09; new-pro answers instead." * told)


def test_everything_served_is_listed_once_in_the_catalog_s_order() -> None:
    """Ids the catalog does not know come last, and so do its aliases that a channel has itself."""
    compiled = routes(
        channel("a", {"flash": "1", "house-model": "2"}),
        channel("b", {"new-pro": "3", "flash": "4", "pro-latest": "5"}),
    )

    listed = [target.model for target in compiled.served()]

    assert listed == ["new-pro", "flash", "house-model", "pro-latest"]


def test_nothing_configured_serves_nothing() -> None:
    assert routes().served() == ()
