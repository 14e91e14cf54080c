"""Reading the request log, also from a process that serves nothing (the CLI)."""

import sqlalchemy as sa

from geminid.core.usage import Usage
from geminid.stores.db import REQUESTS, USAGE
from geminid.stores.record import Row


class RequestLog:
    """Queries over what is committed.  Owns no connection: the pool of `engine` does.

    Each call reads from disk (about a millisecond), so an event loop calls it in a thread.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def recent(self, limit: int) -> tuple[Row, ...]:
        """At most `limit` rows, the latest started first; ids decide between equals."""
        query = (
            sa.select(REQUESTS, *(c for c in USAGE.columns if not c.primary_key))
            .join_from(REQUESTS, USAGE, isouter=True)
            .order_by(REQUESTS.c.started.desc(), REQUESTS.c.request_id.desc())
            .limit(max(limit, 0))
        )
        with self._engine.connect() as connection:
            return tuple(_row(found) for found in connection.execute(query).mappings())

    def count(self) -> int:
        """How many requests are in the log."""
        with self._engine.connect() as connection:
            return connection.scalar(sa.select(sa.func.count()).select_from(REQUESTS)) or 0


def _row(found: sa.RowMapping) -> Row:
    usage = None
    if found["prompt"] is not None:
        usage = Usage(
            prompt=found["prompt"],
            output=found["output"],
            thoughts=found["thoughts"],
            cached=found["cached"],
            tool_use=found["tool_use"],
            service_tier=found["service_tier"],
            cost_nusd=found["cost_nusd"],
        )
    return Row(usage=usage, **{column.name: found[column.name] for column in REQUESTS.columns})
