"""Lanes and routes, compiled once per configuration.

Each policy declares what it must see.  A route whose policies need no more than the head, and whose
engine speaks the caller's dialect, passes bytes untouched: for fidelity first, for speed second
(DESIGN section 2).
"""

from collections.abc import Iterable
from enum import Enum, IntEnum

import msgspec

from geminid.catalog import Catalog, Model
from geminid.core.errors import UnknownModel
from geminid.core.ports import ByteEngine
from geminid.pipeline.channel import LiveChannel


class Need(IntEnum):
    """What a policy must see of a request, from cheap to dear."""

    HEAD = 0
    REQUEST = 1
    EVENTS = 2


class Lane(Enum):
    """How an answer travels."""

    BYTES = "bytes"
    EVENTS = "events"


class Target(msgspec.Struct, frozen=True):
    """Where a model's requests go.

    `theirs` is the upstream's name, `facts` what the catalog knows of the model as it was asked
    for; `family` is shared by models that may read each other's signatures; `notice` tells the
    caller who answers.
    """

    model: str
    theirs: str
    channel: LiveChannel
    lane: Lane
    facts: Model | None = None
    family: str = ""
    notice: str = ""


class Routes:
    """Which channel answers which model.  Immutable; a reload makes another.

    `needs` are those of the policies in force.  Among channels that serve a model, the one of the
    highest priority is taken, and the first configured among equals.
    """

    def __init__(
        self,
        channels: Iterable[LiveChannel],
        catalog: Catalog,
        *,
        dialect: str,
        needs: Iterable[Need] = (Need.HEAD,),
    ) -> None:
        self.channels = tuple(sorted(channels, key=lambda channel: -channel.manner.priority))
        self.catalog = catalog
        cheap = max(needs) < Need.EVENTS
        self._targets: dict[str, Target] = {}
        for channel in self.channels:
            for ours, theirs in channel.models.items():
                if ours not in self._targets:
                    self._targets[ours] = self._target(ours, theirs, channel, dialect, cheap=cheap)

    def find(self, model: str, method: str = "generateContent") -> Target:
        """The target of `model`, an id or an alias.

        Raises:
            UnknownModel: nobody serves it.
        """
        target = self._targets.get(model)
        if target is None and (known := self.catalog.get(model)) is not None:
            target = self._targets.get(known.id)
        if target is None:
            raise UnknownModel(model, method)
        return target

    def served(self) -> tuple[Target, ...]:
        """Every target: the catalog's ids in its order, then all other names."""
        known = {m.id: self._targets[m.id] for m in self.catalog.models if m.id in self._targets}
        return tuple((known | self._targets).values())

    def _target(
        self, ours: str, theirs: str, channel: LiveChannel, dialect: str, *, cheap: bool
    ) -> Target:
        engine = channel.engine
        same = engine.dialect == dialect and isinstance(engine, ByteEngine)
        # An answer that may have to be asked for again must be seen whole before it leaves.
        lane = Lane.BYTES if same and cheap and not channel.manner.repairs else Lane.EVENTS
        resolved = self.catalog.resolve(ours)
        retold = resolved is not None and theirs.endswith(resolved.model.id)
        notice = resolved.notice if resolved is not None and retold else ""
        facts = self.catalog.get(ours)
        return Target(ours, theirs, channel, lane, facts, _family(facts, ours), notice)


def _family(facts: Model | None, model: str) -> str:
    """One generation of text models reads what another of it has signed, and so for images."""
    if facts is None or not facts.generation:
        return model
    return f"gemini-{facts.generation}-{facts.kind}"
