"""What the vault holds in memory: the signatures that were kept or found last."""

from collections import OrderedDict
from collections.abc import Sequence

from geminid.core.ports import Kept

_EACH_PLACE, _EACH_ENTRY = 200, 400
"""About what Python takes for a place and for an entry, besides its signature."""


class Entry:
    """One signature and when it was kept (epoch seconds).  `places` counts those it is at."""

    __slots__ = ("kept", "made", "places")

    def __init__(self, kept: Kept, made: float) -> None:
        self.kept, self.made, self.places = kept, made, 0

    @property
    def size(self) -> int:
        """About what it takes in memory, in bytes."""
        return _EACH_ENTRY + len(self.kept.signature)


class Recent:
    """Entries by place, in `bound` bytes: what was not asked for the longest goes first.

    The entry that was put last always stays.
    """

    def __init__(self, bound: int) -> None:
        self.bound = bound
        self._entries: OrderedDict[bytes, Entry] = OrderedDict()
        self._size = 0

    def get(self, place: bytes) -> Entry | None:
        """What is at `place`."""
        entry = self._entries.get(place)
        if entry is not None:
            self._entries.move_to_end(place)
        return entry

    def put(self, entry: Entry, places: Sequence[bytes]) -> None:
        """Put `entry` at `places`, over what was there."""
        for place in places:
            old = self._entries.pop(place, None)
            if old is not None:
                self._left(old)
            self._entries[place] = entry
            self._size += _EACH_PLACE if entry.places else _EACH_PLACE + entry.size
            entry.places += 1
        while self._size > self.bound and next(iter(self._entries.values())) is not entry:
            self._left(self._entries.popitem(last=False)[1])

    def _left(self, entry: Entry) -> None:
        entry.places -= 1
        self._size -= _EACH_PLACE if entry.places else _EACH_PLACE + entry.size
