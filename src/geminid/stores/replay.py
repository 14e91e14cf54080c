"""Reading the journal back: what dead processes sent, and how it ended as far as is known."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import groupby
from pathlib import Path

import msgspec

from geminid.core.ports import Clock, Opening, Settlement
from geminid.stores.journal import BOOT_CHARS, Opened, Settled, journal_folder
from geminid.stores.record import UNCONFIRMED, Record
from geminid.stores.segment import Segment


class Reading:
    """Journal files turned back into records, one at a time.

    Feed the files of one boot in their order, then take what was never settled.
    """

    def __init__(self) -> None:
        self._decoder = msgspec.json.Decoder(Opened | Settled)
        self._openings: dict[str, Opening] = {}
        self.corrupt: list[str] = []
        """`file:line` of each line that could not be read and was skipped."""

    def settled(self, segment: Segment) -> Iterator[Record]:
        """The records that end in `segment`.  A torn last line is no entry and no error."""
        for number, line, whole in segment.lines():
            if not line or not whole:
                continue
            try:
                entry = self._decoder.decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError):
                self.corrupt.append(f"{segment.path.name}:{number}")
                continue
            if isinstance(entry, Opened):
                self._openings[entry.opening.request_id] = entry.opening
            else:
                yield self._record(entry.settlement)

    def unconfirmed(self, now: float) -> Iterator[Record]:
        """The openings left over: nobody knows how they ended, so their hold stays booked."""
        while self._openings:
            request_id, opening = self._openings.popitem()
            settlement = Settlement(
                request_id=request_id, outcome=UNCONFIRMED, finish="", usage=None, ended=now
            )
            yield Record(opening, settlement)

    def _record(self, settlement: Settlement) -> Record:
        opening = self._openings.pop(settlement.request_id, None)
        if opening is None:
            # Its opening was on a corrupt line: what it cost must still be in the books.
            opening = Opening(
                request_id=settlement.request_id,
                started=settlement.ended,
                caller="",
                dialect="",
                model="",
                channel="",
                engine="",
                upstream_model="",
                stream=False,
            )
        return Record(opening, settlement)


class Replay:
    """What dead processes left in the journal; locked, so that nobody else replays it too."""

    def __init__(self, boots: list[list[Segment]], clock: Clock) -> None:
        self._boots = boots
        self._clock = clock
        self._read = False
        self._corrupt: list[str] = []

    @property
    def corrupt(self) -> tuple[str, ...]:
        """`file:line` of each line that was skipped; complete once `records` is exhausted."""
        return tuple(self._corrupt)

    def records(self) -> Iterator[Record]:
        """All records: those settled, and as `unconfirmed` those found in flight.

        Raises:
            OSError: a file cannot be read.
        """
        for boot in self._boots:
            reading = Reading()
            for segment in boot:
                yield from reading.settled(segment)
            yield from reading.unconfirmed(self._clock.now())
            self._corrupt += reading.corrupt
        self._read = True

    def forget(self) -> None:
        """Remove the files, if all was read; those with corrupt lines are set aside instead."""
        if not self._read:
            return
        damaged = {place.rpartition(":")[0] for place in self._corrupt}
        for boot in self._boots:
            for segment in boot:
                if segment.path.name in damaged:
                    segment.set_aside()
                else:
                    segment.remove()


@contextmanager
def replay(home: Path, clock: Clock) -> Iterator[Replay]:
    """Lock and read the journals of dead processes; those of live ones are left alone.

    Commit the records inside the block: leaving it normally removes the files, leaving it by an
    exception keeps them for the next try.  A crash between commit and removal brings the same
    records again, so commit them by `request_id`.

    Raises:
        OSError: a file or the folder cannot be used.
    """
    with ExitStack() as held:
        found = Replay(_dead_boots(journal_folder(home), held), clock)
        yield found
        found.forget()


def _dead_boots(folder: Path, held: ExitStack) -> list[list[Segment]]:
    boots = []
    for _, files in groupby(
        sorted(folder.glob("*.jsonl")), key=lambda path: path.name[:BOOT_CHARS]
    ):
        segments: list[Segment] = []
        with ExitStack() as stack:
            for path in files:
                segment = Segment.adopt(path)
                if segment is None:
                    # Its process lives, or somebody else replays it: leave the whole boot.
                    break
                stack.callback(segment.close)
                segments.append(segment)
            else:
                boots.append(segments)
                held.push(stack.pop_all())
    return boots
