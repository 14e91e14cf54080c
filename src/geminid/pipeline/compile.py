"""Lanes and routes, compiled once per configuration.

Each policy declares what it must see.  A route whose policies need no more than the head, and whose
engine speaks the caller's dialect, passes bytes untouched: for fidelity first, for speed second
(DESIGN section 2).
"""

from collections.abc import Iterable
from enum import Enum, IntEnum

import msgspec

from geminid.catalog import Catalog
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
    """Where a model's requests go.  `theirs` is the upstream's name; `notice` tells the caller."""

    model: str
    theirs: str
    channel: LiveChannel
    lane: Lane
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
        self.channels = tuple(sorted(channels, key=lambda channel: -channel.priority))
        self.catalog = catalog
        cheap = max(needs) is Need.HEAD
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
        lane = Lane.BYTES if same and cheap else Lane.EVENTS
        resolved = self.catalog.resolve(ours)
        retold = resolved is not None and theirs.endswith(resolved.model.id)
        notice = resolved.notice if resolved is not None and retold else ""
        return Target(ours, theirs, channel, lane, notice)
