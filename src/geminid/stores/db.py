"""The database: its tables, how it is opened, and how it gets the newest schema.

SQLite in WAL mode: readers never wait for the writer.  Column types are the generic ones, so that
the same tables work on PostgreSQL.  A commit survives the death of the process; a power loss may
take the last commits (`synchronous=NORMAL`), and never leaves the file half written.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import sqlalchemy as sa

from geminid.stores.errors import StateUnusable

HEAD = "0002"
"""The newest revision in `migrations/versions`; kept here so that a start needs no alembic."""

METADATA = sa.MetaData()

REQUESTS = sa.Table(
    "requests",
    METADATA,
    sa.Column("request_id", sa.Text, primary_key=True),
    # Epoch seconds, UTC.  Double and not REAL: on PostgreSQL REAL has 24 bits, two minutes' grain.
    sa.Column("started", sa.Double, nullable=False),
    sa.Column("ended", sa.Double, nullable=False),
    sa.Column("first_byte", sa.Double, nullable=False),
    sa.Column("caller", sa.Text, nullable=False),
    sa.Column("dialect", sa.Text, nullable=False),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("engine", sa.Text, nullable=False),
    sa.Column("upstream_model", sa.Text, nullable=False),
    sa.Column("stream", sa.Boolean, nullable=False),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("finish", sa.Text, nullable=False),
    sa.Column("hold_nusd", sa.BigInteger, nullable=False),
    sa.Index("ix_requests_recent", "started", "request_id"),
)
"""One row per request that was sent and has ended."""

USAGE = sa.Table(
    "usage",
    METADATA,
    sa.Column(
        "request_id",
        sa.Text,
        sa.ForeignKey("requests.request_id", ondelete="CASCADE", name="fk_usage_request"),
        primary_key=True,
    ),
    sa.Column("prompt", sa.BigInteger, nullable=False),
    sa.Column("output", sa.BigInteger, nullable=False),
    sa.Column("thoughts", sa.BigInteger, nullable=False),
    sa.Column("cached", sa.BigInteger, nullable=False),
    sa.Column("tool_use", sa.BigInteger, nullable=False),
    sa.Column("total", sa.BigInteger, nullable=False),
    sa.Column("service_tier", sa.Text, nullable=False),
    sa.Column("cost_nusd", sa.BigInteger, nullable=True),
)
"""Tokens of one request; no row when nobody counted them."""

VAULT = sa.Table(
    "vault",
    METADATA,
    # Counts up, so that the order of ids is that of age, and what is newest stands together.
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    sa.Column("made", sa.Double, nullable=False),
    sa.Column("through", sa.BigInteger, nullable=False),
    sa.Column("places", sa.LargeBinary, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
)
"""One row per thought signature that left, encrypted.

`through` is the size of all that was ever kept up to this row: what is kept now is the last less
the first, and nobody has to add it up.  `places` has all of the row's, one behind the other.
"""

VAULT_PLACES = sa.Table(
    "vault_places",
    METADATA,
    sa.Column("place", sa.LargeBinary, primary_key=True),
    # No foreign key: it would need an index of its own.  Who deletes a row knows its places.
    sa.Column("id", sa.BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""Where a row is found.  A signature has several places; the last that was kept at one has it."""

_MIGRATIONS = Path(__file__).parent / "migrations"
_BUSY_MS = 5_000


def database_url(home: Path) -> sa.URL:
    """Where the SQLite file of `home` is."""
    return sa.URL.create("sqlite", database=str(home / "geminid.db"))


def open_engine(url: sa.URL) -> sa.Engine:
    """An engine whose connections have our pragmas.  The caller disposes it.

    Reads begin deferred and so never take the write lock; a connection with the execution option
    `immediate` takes it at BEGIN, where waiting is possible, and not in the middle.
    """
    engine = sa.create_engine(url)
    sa.event.listen(engine, "connect", _on_connect)
    sa.event.listen(engine, "begin", _on_begin)
    return engine


def connect(engine: sa.Engine, *, busy_ms: int = _BUSY_MS) -> sqlite3.Connection:
    """A plain driver connection in autocommit mode, for the writer.  The caller closes it.

    Waits at most `busy_ms` for another process's lock.  Raises `sqlite3.Error`.
    """
    connection = sqlite3.connect(str(engine.url.database), isolation_level=None)
    try:
        _set_pragmas(connection, busy_ms)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """All of the block is committed, or none of it.  `connection` is one of `connect`.

    Takes the write lock at once, where waiting is possible.  Raises `sqlite3.Error`.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:  # a full disk may have rolled back already
            connection.execute("ROLLBACK")


def upgrade(url: sa.URL) -> None:
    """Bring the database to `HEAD`, creating it when it is missing; all or nothing.

    Several processes may call this at once: the write lock makes them take turns.

    Raises:
        StateUnusable: it cannot be opened or written, or a newer geminid has written it.
    """
    engine = open_engine(url)
    try:
        with closing(connect(engine)) as plain:
            plain.execute("PRAGMA journal_mode=WAL")  # kept in the file; not inside a transaction
            if _revision(plain) == HEAD:
                return
        with (
            engine.connect().execution_options(immediate=True) as connection,
            connection.begin(),
        ):
            _migrate(connection)
    except (sqlite3.Error, sa.exc.DBAPIError) as error:
        cause = error.orig if isinstance(error, sa.exc.DBAPIError) else error
        raise StateUnusable(
            f"The database {url.database} cannot be used: {cause}. Free space, mend its"
            " permissions, or move it away to begin a new one."
        ) from error
    finally:
        engine.dispose()


def _migrate(connection: sa.Connection) -> None:
    # Alembic takes as long to import as everything else here together, and nearly no start needs
    # it: only here is it loaded.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    try:
        command.upgrade(config, HEAD)
    except CommandError as error:
        raise StateUnusable(
            f"The database {connection.engine.url.database} was written by a newer geminid"
            f" ({error}). Install that version again, or use another home folder."
        ) from error


def _revision(connection: sqlite3.Connection) -> str:
    known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'")
    if known.fetchone() is None:
        return ""
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return str(row[0]) if row else ""


def _set_pragmas(connection: sqlite3.Connection, busy_ms: int) -> None:
    connection.execute(f"PRAGMA busy_timeout={busy_ms}")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("PRAGMA foreign_keys=ON")


def _on_connect(connection: sqlite3.Connection, _record: object) -> None:
    # The driver's own implicit BEGIN would leave DDL outside the transaction; `_on_begin` says it.
    connection.isolation_level = None
    _set_pragmas(connection, _BUSY_MS)


def _on_begin(connection: sa.Connection) -> None:
    immediate = connection.get_execution_options().get("immediate", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")
