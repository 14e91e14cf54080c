"""The database: its schema, its upgrade, and who waits for whom."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable

from geminid.stores import db
from geminid.stores.errors import StateUnusable
from tests.stores.samples import ROOT

_PRAGMAS = {"journal_mode": "wal", "synchronous": 1, "foreign_keys": 1, "busy_timeout": 5000}


def test_the_migrations_make_exactly_the_tables_that_the_code_uses(tmp_path: Path) -> None:
    """Nobody edits one and forgets the other."""
    url = db.database_url(tmp_path)
    db.upgrade(url)
    engine = db.open_engine(url)

    with engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), db.METADATA)
    engine.dispose()

    assert differences == []


def test_head_is_the_newest_migration() -> None:
    """`HEAD` spares a start the import of alembic, so it must be right."""
    script = ScriptDirectory(str(Path(db.__file__).parent / "migrations"))

    assert script.get_current_head() == db.HEAD


def test_upgrading_again_keeps_the_rows(tmp_path: Path) -> None:
    """Every start calls it."""
    url = db.database_url(tmp_path)
    db.upgrade(url)
    engine = db.open_engine(url)
    with closing(db.connect(engine)) as connection:
        values = ",".join("?" * len(db.REQUESTS.columns))
        connection.execute(f"INSERT INTO requests VALUES ({values})", _VALUES)

    db.upgrade(url)

    with engine.connect() as reader:
        assert reader.execute(sa.select(db.REQUESTS.c.request_id)).all() == [("r1",)]
    engine.dispose()


def test_processes_that_start_together_upgrade_once(tmp_path: Path) -> None:
    """The write lock makes them take turns; none of them fails."""
    script = (
        "import sys; from pathlib import Path; import alembic.command\n"
        "from geminid.stores import db\n"
        "print('ready', flush=True); sys.stdin.readline()\n"
        "db.upgrade(db.database_url(Path(sys.argv[1])))\n"
    )
    children = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        for _ in range(3)
    ]
    for child in children:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    for child in children:
        child.communicate(timeout=30)

    assert [child.returncode for child in children] == [0, 0, 0]


@pytest.mark.parametrize("plain", [True, False])
def test_connections_have_our_pragmas(tmp_path: Path, *, plain: bool) -> None:
    """The writer's plain connection and the pool's alike."""
    url = db.database_url(tmp_path)
    db.upgrade(url)
    engine = db.open_engine(url)

    found: dict[str, object] = {}
    if plain:
        with closing(db.connect(engine)) as connection:
            for name in _PRAGMAS:
                found[name] = connection.execute(f"PRAGMA {name}").fetchone()[0]
    else:
        with engine.connect() as pooled:
            for name in _PRAGMAS:
                found[name] = pooled.exec_driver_sql(f"PRAGMA {name}").scalar()
    engine.dispose()

    assert found == _PRAGMAS


def test_readers_do_not_wait_for_a_writer(tmp_path: Path) -> None:
    """A transaction in the middle neither blocks a query nor shows in it."""
    url = db.database_url(tmp_path)
    db.upgrade(url)
    engine = db.open_engine(url)
    with closing(db.connect(engine)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        values = ",".join("?" * len(db.REQUESTS.columns))
        writer.execute(f"INSERT INTO requests VALUES ({values})", _VALUES)

        with engine.connect() as reader:
            seen = reader.scalar(sa.select(sa.func.count()).select_from(db.REQUESTS))

        writer.execute("ROLLBACK")
    engine.dispose()

    assert seen == 0


def test_usage_needs_its_request(tmp_path: Path) -> None:
    """Foreign keys are on, which SQLite leaves off by itself."""
    url = db.database_url(tmp_path)
    db.upgrade(url)
    engine = db.open_engine(url)

    with closing(db.connect(engine)) as connection, pytest.raises(sqlite3.IntegrityError):
        connection.execute("INSERT INTO usage VALUES ('nobody', 1, 1, 0, 0, 0, 2, '', NULL)")
    engine.dispose()


def test_the_tables_work_on_postgresql() -> None:
    """Times keep their microseconds there, money its 64 bits, and ids count up by themselves."""
    sql = "".join(
        str(CreateTable(table).compile(dialect=postgresql.dialect()))  # type: ignore[no-untyped-call]
        for table in db.METADATA.sorted_tables
    )

    assert "started DOUBLE PRECISION NOT NULL" in sql
    assert "hold_nusd BIGINT NOT NULL" in sql
    assert "id BIGSERIAL NOT NULL" in sql
    assert "place BYTEA NOT NULL" in sql


def test_code_of_the_version_before_goes_on_after_an_upgrade(tmp_path: Path) -> None:
    """A server that runs while the next version starts beside it on the same home."""
    url = db.database_url(tmp_path)
    engine = db.open_engine(url)
    script = Path(db.__file__).parent / "migrations"
    with engine.connect() as connection, connection.begin():
        config = Config(attributes={"connection": connection})
        config.set_main_option("script_location", str(script))
        command.upgrade(config, "0001")
    values = ",".join("?" * len(db.REQUESTS.columns))
    with closing(db.connect(engine)) as running:
        running.execute(f"INSERT INTO requests VALUES ({values})", _VALUES)

        db.upgrade(url)

        running.execute(f"INSERT INTO requests VALUES ({values})", ("r2", *_VALUES[1:]))
        assert running.execute("SELECT request_id FROM requests").fetchall() == [("r1",), ("r2",)]
    with engine.connect() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(db.VAULT)) == 0
    engine.dispose()


def test_a_database_from_a_newer_geminid_is_refused(tmp_path: Path) -> None:
    """Rather than written with columns missing."""
    url = db.database_url(tmp_path)
    db.upgrade(url)
    with closing(sqlite3.connect(tmp_path / "geminid.db")) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()

    with pytest.raises(StateUnusable, match=r"newer geminid.*Install that version"):
        db.upgrade(url)


def test_a_file_that_is_no_database_is_refused_and_kept(tmp_path: Path) -> None:
    """The text says which file and what to do."""
    path = tmp_path / "geminid.db"
    path.write_bytes(b"my holiday pictures" * 100)

    with pytest.raises(StateUnusable, match=r"geminid\.db cannot be used: file is not a database"):
        db.upgrade(db.database_url(tmp_path))

    assert path.read_bytes() == b"my holiday pictures" * 100


_VALUES = ("r1", 1.5, 2.5, 0.0, "c", "gemini", "m", "ch", "echo", "m", True, "ok", "STOP", 0)
