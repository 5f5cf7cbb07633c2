"""A database that an older Firetower made goes on where it was, on SQLite and PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import text

import firetower
from firetower.core.endpoints import EndpointKind
from firetower.store import migrate
from firetower.store.database import Database, create_sqlite_file
from firetower.store.location import Location

ENDPOINT = (
    "INSERT INTO integrations (id, name, kind, url, signature_encoding, schedule_ms, timeout_ms,"
    " max_in_flight, author, created_at) VALUES"
    " (:id, :name, 'webhook', 'http://localhost:9/', 'base64', '[5000]', 10000, 16, 'ada', 1)"
)
CIRCUIT = (
    "INSERT INTO circuits (integration_id, failures, opened_at, probe_at, probes, reason)"
    " VALUES (:id, 5, :at, :at, 0, '503')"
)


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database with nothing in it."""
    if request.param == "sqlite":
        yield str(tmp_path / "tower.db")
        return
    server = request.getfixturevalue("postgresql")
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS older WITH (FORCE)")
        connection.execute("CREATE DATABASE older")
        yield server.get_uri("older")
        connection.execute("DROP DATABASE older WITH (FORCE)")


def bring_to(database: Database, revision: str) -> None:
    """Make the tables as they were once."""
    if database.is_sqlite:
        create_sqlite_file(database.location)
    config = Config()
    config.set_main_option("script_location", str(Path(migrate.__file__).parent / "migrations"))
    with database.changing() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


@pytest.mark.parametrize("before", ["0003", "0005"])
def test_what_was_there_stays_and_works(empty_url: str, before: str) -> None:
    database = Database(Location.of(empty_url))
    bring_to(database, before)
    with database.changing() as connection:
        for number, name in enumerate(("works", "held"), start=1):
            connection.execute(text(ENDPOINT), {"id": number, "name": name})
        if before == "0005":
            connection.execute(text(CIRCUIT), {"id": 1, "at": None})
            connection.execute(text(CIRCUIT), {"id": 2, "at": 1_800_000_000_000_000})
    assert migrate.migrate_schema(database) == before
    database.close()
    with firetower.connect(empty_url) as tower:
        found = {one.name: one for one in tower.endpoints.list(EndpointKind.WEBHOOK)}
        assert set(found) == {"works", "held"}
        assert found["works"].circuit is None
        assert (found["held"].circuit is not None) == (before == "0005")
        tower.endpoints.enable("held", EndpointKind.WEBHOOK)
        assert tower.endpoints.find("held").circuit is None
