"""Writing records as rows, so that writing them twice is the same as once."""

import sqlite3
from collections.abc import Iterable, Iterator
from itertools import islice

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from geminid.stores.db import REQUESTS, USAGE
from geminid.stores.record import UNCONFIRMED, Record, Row

BATCH = 500
"""Records of one transaction at most: a reader of the backlog need not wait long for its part."""


class Upsert:
    """The statements, compiled once for `engine`'s dialect, run on a plain driver connection.

    The first settlement of a `request_id` stays; only `unconfirmed` gives way, to a settlement
    that a second journal file brings later.
    """

    def __init__(self, engine: sa.Engine) -> None:
        rows = insert(REQUESTS)
        unconfirmed: sa.ColumnElement[str] = sa.literal_column(f"'{UNCONFIRMED}'")
        rows = rows.on_conflict_do_update(
            index_elements=[REQUESTS.c.request_id],
            set_={
                column.name: rows.excluded[column.name]
                for column in REQUESTS.columns
                if not column.primary_key
            },
            where=sa.and_(REQUESTS.c.outcome == unconfirmed, rows.excluded.outcome != unconfirmed),
        )
        self._request = str(rows.compile(dialect=engine.dialect))
        self._usage = str(insert(USAGE).on_conflict_do_nothing().compile(dialect=engine.dialect))

    def write(self, connection: sqlite3.Connection, records: Iterable[Record]) -> None:
        """Write `records`, inside a `db.transaction` of `connection`.  Raises `sqlite3.Error`."""
        rows = [Row.of(record) for record in records]
        connection.executemany(self._request, map(_request_values, rows))
        connection.executemany(self._usage, (v for row in rows for v in _usage_values(row)))


def batches(records: Iterable[Record]) -> Iterator[list[Record]]:
    """`records` in lists of at most `BATCH`, read no further than asked."""
    remaining = iter(records)
    while batch := list(islice(remaining, BATCH)):
        yield batch


# Both in the order of the table's columns, which is the order of the compiled statement.
def _request_values(row: Row) -> tuple[object, ...]:
    return (
        row.request_id,
        row.started,
        row.ended,
        row.first_byte,
        row.caller,
        row.dialect,
        row.model,
        row.channel,
        row.engine,
        row.upstream_model,
        row.stream,
        row.outcome,
        row.finish,
        row.hold_nusd,
    )


def _usage_values(row: Row) -> Iterator[tuple[object, ...]]:
    usage = row.usage
    if usage is None:
        return
    yield (
        row.request_id,
        usage.prompt,
        usage.output,
        usage.thoughts,
        usage.cached,
        usage.tool_use,
        usage.total,
        usage.service_tier,
        usage.cost_nusd,
    )
