"""The vault's tables: writing a row, finding rows by their places, and taking the oldest away."""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from geminid.stores.db import VAULT, VAULT_PLACES

PLACE: Final = 16
"""Bytes of a place."""

_ROW, _EACH_PLACE = 64, 56
"""About what a row and each of its places take on the disk besides the body."""
_CHUNKS: Final = (8, 64, 500)
"""How many places one statement looks for; the rest of them is filled up."""
_BITE, _BITE_BYTES = 32, 4 << 20


class VaultRow(msgspec.Struct, frozen=True):
    """One row: when it was made (epoch seconds), its places one behind the other, its body."""

    made: float
    places: bytes
    body: bytes

    @property
    def size(self) -> int:
        """About what it takes on the disk, in bytes."""
        return kept_size(len(self.places), len(self.body))


class VaultRows:
    """The statements, compiled once for `engine`'s dialect, run on a plain driver connection.

    All of them raise `sqlite3.Error`.
    """

    def __init__(self, engine: sa.Engine) -> None:
        def compiled(statement: sa.ClauseElement, *, literal: bool = False) -> str:
            how = {"literal_binds": literal}
            return str(statement.compile(dialect=engine.dialect, compile_kwargs=how))

        last = sa.select(sa.func.max(VAULT.c.id)).scalar_subquery()
        newest = sa.select(VAULT.c.through).where(VAULT.c.id == last)
        before = sa.func.coalesce(newest.scalar_subquery(), sa.literal_column("0"))
        size = sa.bindparam("size", type_=sa.Integer)
        place = insert(VAULT_PLACES)
        self._insert = compiled(
            sa.insert(VAULT).values(
                made=sa.bindparam("made"),
                through=before + size,
                places=sa.bindparam("places"),
                body=sa.bindparam("body"),
            )
        )
        self._place = compiled(
            place.on_conflict_do_update(index_elements=["place"], set_={"id": place.excluded.id})
        )
        self._newest = compiled(newest)
        self._oldest = compiled(
            sa.select(
                VAULT.c.id,
                VAULT.c.made,
                VAULT.c.through,
                VAULT.c.places,
                sa.func.length(VAULT.c.body),
            )
            .order_by(VAULT.c.id)
            .limit(_BITE),
            literal=True,
        )
        self._drop = compiled(sa.delete(VAULT).where(VAULT.c.id <= sa.bindparam("last")))
        self._leave = compiled(
            sa.delete(VAULT_PLACES).where(
                VAULT_PLACES.c.place == sa.bindparam("at"), VAULT_PLACES.c.id == sa.bindparam("of")
            )
        )
        self._find = {size: compiled(_at(size)) for size in _CHUNKS}

    def write(self, connection: sqlite3.Connection, row: VaultRow) -> None:
        """Add `row`, which takes its places from whatever was there.  Inside a transaction."""
        values = (row.made, row.size, row.places, row.body)
        number = connection.execute(self._insert, values).lastrowid
        connection.executemany(self._place, [(place, number) for place in split(row.places)])

    def find(self, connection: sqlite3.Connection, places: Iterable[bytes]) -> list[VaultRow]:
        """The rows at `places`, each once, the oldest first: of two at one place the later has it.

        A row may have further places that are another row's by now.
        """
        found: dict[int, VaultRow] = {}
        wanted = list(dict.fromkeys(places))
        for start in range(0, len(wanted), _CHUNKS[-1]):
            asked = wanted[start : start + _CHUNKS[-1]]
            size = next(size for size in _CHUNKS if size >= len(asked))
            asked += asked[:1] * (size - len(asked))
            for number, *values in connection.execute(self._find[size], asked):
                found[number] = VaultRow(*values)
        return [found[number] for number in sorted(found)]

    def sweep(self, connection: sqlite3.Connection, *, until: float, most: int) -> bool:
        """Delete some of the rows made by `until`, or of the oldest while all take more than
        `most` bytes.  Inside a transaction.  Whether there may be more to delete.
        """
        newest = connection.execute(self._newest).fetchone()
        if newest is None:
            return False
        last, freed, gone = None, 0, []
        for number, made, through, places, length in connection.execute(self._oldest).fetchall():
            kept = newest[0] - through + kept_size(len(places), length)
            if (made > until and kept <= most) or freed >= _BITE_BYTES:
                break
            last, freed = number, freed + length
            gone += [(place, number) for place in split(places)]
        if last is None:
            return False
        connection.executemany(self._leave, gone)
        connection.execute(self._drop, (last,))
        return True


def split(places: bytes) -> Sequence[bytes]:
    """The places of a row."""
    return [places[at : at + PLACE] for at in range(0, len(places), PLACE)]


def kept_size(places: int, body: int) -> int:
    """About what a row of so many bytes takes on the disk."""
    return body + _ROW + places // PLACE * _EACH_PLACE


def _at(size: int) -> sa.Select[tuple[object, ...]]:
    """The rows at `size` places."""
    places = [sa.bindparam(f"p{number}", type_=sa.LargeBinary) for number in range(size)]
    ids = sa.select(VAULT_PLACES.c.id).where(VAULT_PLACES.c.place.in_(places))
    columns = (VAULT.c.id, VAULT.c.made, VAULT.c.places, VAULT.c.body)
    return sa.select(*columns).where(VAULT.c.id.in_(ids))
