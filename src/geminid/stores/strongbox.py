"""The vault's rows as entries: encrypted when they are written, opened when they are found.

A row's body is bound to the places of the row and to the time when it was made: in a database that
somebody has changed, nothing is found where it was not kept, nor after its time.
"""

import sqlite3
import struct
from collections.abc import Sequence

import msgspec
import sqlalchemy as sa

from geminid.core.ports import Kept
from geminid.stores.keyring import Cipher, Keyring
from geminid.stores.recent import Entry
from geminid.stores.vaultrows import VaultRow, VaultRows, split


class Strongbox:
    """Entries in the database of `engine`, under the keys of `ring`.

    `write` and `sweep` belong to the writer's thread, `find` to the reader's.  All of them raise
    `sqlite3.Error`.
    """

    def __init__(self, engine: sa.Engine, ring: Keyring) -> None:
        self.written = 0
        """How many entries were written, also of those that were rolled back."""
        self._rows = VaultRows(engine)
        self._cipher = Cipher(ring, b"geminid vault")

    def write(self, connection: sqlite3.Connection, entry: Entry, places: bytes) -> None:
        """Keep `entry` at `places`, one behind the other.  Inside a transaction."""
        body = msgspec.msgpack.encode(entry.kept)
        encrypted = self._cipher.encrypt(body, _bound(entry.made, places))
        self._rows.write(connection, VaultRow(entry.made, places, encrypted))
        self.written += 1

    def find(
        self, connection: sqlite3.Connection, places: Sequence[bytes], *, after: float
    ) -> dict[bytes, Entry]:
        """What was kept at `places` after the time `after`."""
        wanted = set(places)
        found: dict[bytes, Entry] = {}
        for row in self._rows.find(connection, places):
            entry = self._opened(row) if row.made > after else None
            if entry is not None:
                found.update((place, entry) for place in split(row.places) if place in wanted)
        return found

    def sweep(self, connection: sqlite3.Connection, *, until: float, most: int) -> bool:
        """Delete a few of the oldest entries, if they were made by `until` or all take more than
        `most` bytes.  Inside a transaction.  Whether there may be more to delete.
        """
        return self._rows.sweep(connection, until=until, most=most)

    def _opened(self, row: VaultRow) -> Entry | None:
        body = self._cipher.decrypt(row.body, _bound(row.made, row.places))
        if body is None:
            return None
        try:
            return Entry(msgspec.msgpack.decode(body, type=Kept), row.made)
        except msgspec.MsgspecError:  # of a version that keeps something else
            return None


def _bound(made: float, places: bytes) -> bytes:
    return struct.pack(">d", made) + places
