"""The journal: each request is written down before it is sent and after it has ended.

One JSON line per entry, in `<home>/journal/<boot>.<number>.jsonl`.  A process appends to one file
and begins another when that has grown; openings still in flight are copied over, so the newest
file alone tells what is unsettled, and an older one can go as soon as its rows are committed.

A line is in the kernel's hands when the call returns (no fsync): it survives the death of the
process, not a loss of power.
"""

import secrets
from collections import deque
from pathlib import Path

import msgspec

from geminid.core.ports import Clock, Opening, Settlement
from geminid.stores.errors import JournalFull
from geminid.stores.record import Record
from geminid.stores.segment import Segment

BOOT_CHARS = 20
"""Characters of a file's name that say which process wrote it."""
_PROBE = 1024
"""Bytes that must fit before a full disk counts as mended: one request's two lines."""


class Opened(msgspec.Struct, frozen=True, tag_field="entry", tag="open"):
    """The line of a request that is about to be sent."""

    opening: Opening


class Settled(msgspec.Struct, frozen=True, tag_field="entry", tag="settle"):
    """The line of a request that has ended."""

    settlement: Settlement


class Journal:
    """The journal of this process.  Not shared: one thread writes, and reads `check`."""

    def __init__(self, home: Path, clock: Clock) -> None:
        """Begin the first file.  Raises `OSError` when it cannot be made."""
        self._folder = journal_folder(home)
        # Not the pid: in a container every boot has the same.
        self._boot = f"{int(clock.now()):011d}-{secrets.token_hex(4)}"
        self._number = 0
        self._encoder = msgspec.json.Encoder()
        self._in_flight: dict[str, Opening] = {}
        self._owed: deque[bytes] = deque()
        self._problem = ""
        self._segment = self._begin()

    @property
    def size(self) -> int:
        """Bytes in the file being written."""
        return self._segment.size

    def open(self, opening: Opening) -> None:
        """Write `opening` down.  Its id must be new: a second request under it is not booked.

        Raises:
            JournalFull: it is not written down; do not send the request.
        """
        try:
            self._pay()
            self._segment.append(self._encoder.encode(Opened(opening)) + b"\n")
        except OSError as error:
            self._note(error)
            raise JournalFull(
                "The server cannot write this request down, so it was not sent"
                f" ({error.strerror}). Try again later."
            ) from error
        self._problem = ""
        self._in_flight[opening.request_id] = opening

    def settle(self, settlement: Settlement) -> Record:
        """Write down how a request ended, and return both of its halves.

        A full disk does not raise, since the answer is already given: the line is owed, and
        written before the next one.

        Raises:
            LookupError: the request is not open: never opened, or settled before.
        """
        opening = self._in_flight.pop(settlement.request_id, None)
        if opening is None:
            raise LookupError(f"Request {settlement.request_id!r} is not open; settle it once.")
        self._owed.append(self._encoder.encode(Settled(settlement)) + b"\n")
        try:
            self._pay()
        except OSError as error:
            self._note(error)
        return Record(opening, settlement)

    def roll(self) -> Segment | None:
        """Begin the next file and give away the last one, to be removed when its rows are safe.

        `None` when no new file can be made now, or the old one still lacks a line that a full
        disk refused; it stays in use.
        """
        if self._owed:
            return None
        try:
            fresh = self._begin()
        except OSError as error:
            self._note(error)
            return None
        try:
            for opening in self._in_flight.values():
                fresh.append(self._encoder.encode(Opened(opening)) + b"\n")
        except OSError as error:
            self._note(error)
            fresh.remove()
            return None
        last, self._segment = self._segment, fresh
        return last

    def end(self) -> Segment | None:
        """Stop writing.  Gives the last file away if all in it is settled, else leaves it."""
        if self._in_flight or self._owed:
            self.close()
            return None
        last = self._segment
        self._segment = last.closed()
        return last

    def close(self) -> None:
        """Stop writing and leave the files to the next replay."""
        self._segment.close()

    def check(self) -> str:
        """Why requests cannot be written down now, for the operator; `""` when they can.

        Looks again after a failure, since nobody sends requests to a server that is not ready.
        """
        if self._problem:
            try:
                self._pay()
                self._segment.probe(_PROBE)
            except OSError as error:
                self._note(error)
            else:
                self._problem = ""
        return self._problem

    def _begin(self) -> Segment:
        while True:
            self._number += 1
            path = self._folder / f"{self._boot}.{self._number:06d}.jsonl"
            if segment := Segment.create(path):
                return segment

    def _pay(self) -> None:
        while self._owed:
            self._segment.append(self._owed[0])
            self._owed.popleft()

    def _note(self, error: OSError) -> None:
        self._problem = (
            f"The journal in {self._folder} cannot be written: {error.strerror}."
            " Free space there: a request that cannot be written down is not sent."
        )


def journal_folder(home: Path) -> Path:
    """Where the journal of `home` is; made if missing.  Raises `OSError`."""
    folder = home / "journal"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder
