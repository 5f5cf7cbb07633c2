"""A database made by an older Firetower is migrated with all that is in it."""

import asyncio
import json
import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Connection, MetaData, inspect, text

import firetower
from firetower.core.automations import Mode
from firetower.core.circuit_breaker import CircuitChangeKind
from firetower.core.errors import StoreError
from firetower.core.executions import Execution, Status
from firetower.core.feed import CircuitLine, FeedLine
from firetower.delivery.client import open_client
from firetower.store import migrate
from firetower.store.database import Database, create_sqlite_file
from firetower.store.location import Location
from firetower.store.store import Store
from firetower.tower import Tower
from firetower.worker.worker import Worker
from postgres import create_database
from receiver import Receiver, serve

FILLED_0006 = Path(__file__).with_name("schema_0006.json")
"""The rows of a small database at schema 0006, by table: the columns, then the rows."""
KEY_0006 = "YSBrZXkgZm9yIG9uZSBvbGQgdGVzdCBkYXRhYmFzZSE="
"""Opens its secrets."""


@pytest.fixture
def empty_url(
    database_url: str, request: pytest.FixtureRequest, tmp_path: Path, worker_id: str
) -> str:
    """A database of the kind of `database_url`, with nothing in it."""
    if "://" in database_url:
        return create_database(request.getfixturevalue("postgresql"), f"older_{worker_id}")
    return str(tmp_path / "empty" / "tower.db")


def create_0006(database: Database) -> None:
    """Make the tables as they were at schema 0006."""
    kind = "sqlite" if database.is_sqlite else "postgresql"
    statements = FILLED_0006.with_name(f"schema_0006_{kind}.sql").read_text().split(";\n")
    if database.is_sqlite:
        create_sqlite_file(database.location)
    with database.transaction(changes=True) as connection:
        for statement in filter(None, statements):
            connection.exec_driver_sql(statement)


def fill(database: Database, receiver: str) -> None:
    """Insert the rows of the database at schema 0006, its endpoints at a receiver."""
    rows = json.loads(FILLED_0006.read_text().replace("http://endpoint.test", receiver))
    with database.transaction(changes=True) as connection:
        metadata = MetaData()
        metadata.reflect(connection)
        for name, (columns, *values) in rows.items():
            table = metadata.tables[name]
            flags = {"evaluated", "closed"} & set(columns)
            records = [dict(zip(columns, row, strict=True)) for row in values]
            for record in records:
                record.update({flag: bool(record[flag]) for flag in flags})
            connection.execute(table.insert(), records)
            if not database.is_sqlite and columns[0] == "id" and name != "workers":
                sequence = f"pg_get_serial_sequence('{name}', 'id')"
                newest = max(record["id"] for record in records)
                connection.execute(text(f"SELECT setval({sequence}, {newest})"))


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A server that answers 200."""
    with serve() as running:
        yield running


@pytest.fixture
def migrated(
    empty_url: str, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Tower]:
    """A database that was filled at schema 0006, and migrated."""
    monkeypatch.setenv("FIRETOWER_SECRET_KEY", KEY_0006)
    database = Database(Location.of(empty_url))
    create_0006(database)
    fill(database, receiver.url().removesuffix("/hook"))
    assert migrate.migrate_schema(database) == "0006"
    database.close()
    with firetower.connect(empty_url, author="ada") as tower:
        yield tower


def executions_by_alias(tower: Tower) -> dict[str, Execution]:
    return {str(one.event.alias): one for one in tower.executions.newest(100)}


def run_worker_once(url: str) -> list[FeedLine]:
    """Run a worker until nothing is due; return its lines."""
    store = Store.open(url)
    lines: list[FeedLine] = []

    async def run() -> None:
        async with open_client() as client:
            await Worker(store, client, lines.append, lambda _: None).run(once=True)

    asyncio.run(run())
    store.close()
    return lines


def test_migration_from_0006_keeps_every_execution(migrated: Tower) -> None:
    found = executions_by_alias(migrated)
    said = {
        alias: f"{one.state.value}: {one.describe(lambda moment: f'{moment:%d %H:%M:%S}')}"
        for alias, one in found.items()
    }
    assert said == {
        "deploy-finished": "finished: ",
        "tell-everyone": "finished: ",
        "count-once": "finished: ",
        "count-twice": "skipped: cooldown until 31 12:10:03",
        "try-it": "skipped: shadow",
        "deploy-loop": "skipped: loop: 8 automations fired one another",
        "count-caused": "skipped: cooldown until 31 12:10:03",
        "dashboard-failed": "failed: the endpoint is gone (410)",
        "dashboard-skipped": "skipped: endpoint old is disabled: the endpoint is gone (410)",
        "flaky-skipped": "skipped: endpoint flaky is disabled",
        "left-pending": "skipped: the endpoint was deleted",
        "flaky-failed": "failed: gave up after 10 tries: 404",
        "flaky-redelivered": "retrying: redelivery requested at 20 12:00:33",
        "flaky-again": "pending: ",
        "page-held": "queued: next probe 20 12:02:04, circuit of pager is open",
        "page-held-too": "queued: next probe 20 12:02:04, circuit of pager is open",
        "deploy-retrying": "retrying: 503, again 20 12:01:42",
        "deploy-running": "running: ",
        "deploy-pending": "pending: ",
    }
    assert found["try-it"].request_body == '{"alias": "try-it"}'
    assert all(
        (one.next_attempt_at is not None) == (one.status is Status.PENDING)
        for one in found.values()
    )
    _, attempts = migrated.executions.get(found["flaky-redelivered"].id)
    assert [one.number for one in attempts] == list(range(1, 11))
    assert migrated.executions.chain(found["count-caused"]) == [found["deploy-finished"]]
    page = migrated.executions.page(100)
    changes = [line.change.kind for line in page.entries if isinstance(line, CircuitLine)]
    assert changes == [CircuitChangeKind.OPENED, CircuitChangeKind.CLOSED, CircuitChangeKind.OPENED]


def test_migration_from_0006_keeps_the_catalog_and_automations(migrated: Tower) -> None:
    shown = migrated.version("models/resnet:deploy-finished")
    assert shown.version.metadata == {"f1": 0.91}
    assert "reviewed" in shown.version.tags
    endpoints = {one.name: one for one in migrated.endpoints.list()}
    assert set(endpoints) == {"ci", "pager", "old", "flaky", "team"}
    assert not endpoints["old"].enabled
    assert endpoints["pager"].circuit is not None
    assert endpoints["ci"].settings.access_token_secret == "CI_TOKEN"
    assert [one.name for one in migrated.secrets.list()] == ["CI_SIGNING", "CI_TOKEN", "TEAM_URL"]
    modes = {one.name: one.mode for one in migrated.automations.list()}
    assert (modes.pop("try"), modes.pop("asleep")) == (Mode.SHADOW, Mode.DISABLED)
    assert set(modes.values()) == {Mode.ENABLED}
    assert [one.number for one in migrated.automations.revisions("deploy")] == [2, 1]
    assert migrated.automations.get("deploy").definition.action.endpoint == "ci"
    explained = migrated.explain.event(executions_by_alias(migrated)["try-it"].event.id)
    [fired] = [one for one in explained.findings if one.stop is None]
    assert fired.words == "fired, and was skipped: it is in shadow: recorded, not sent"
    assert migrated.version("models/resnet:latest").version.index == 0


def test_migration_from_0006_leaves_nothing_undelivered(
    migrated: Tower, empty_url: str, receiver: Receiver
) -> None:
    migrated.secrets.set("TEAM_URL", receiver.url())
    failed = executions_by_alias(migrated)["flaky-failed"].id
    assert migrated.executions.redeliver([failed]) == 1
    run_worker_once(empty_url)
    found = executions_by_alias(migrated)
    assert found["count-unevaluated"].status is Status.FINISHED
    sent = {alias for alias, one in found.items() if one.status_code == 200}
    assert sent == {
        *("tell-everyone", "deploy-running", "deploy-retrying", "deploy-pending"),
        *("flaky-failed", "flaky-redelivered", "flaky-again", "page-held", "page-held-too"),
    }
    assert {one.status for one in found.values()} == {
        *(Status.FINISHED, Status.FAILED, Status.SKIPPED)
    }
    assert migrated.endpoints.find("pager").circuit is None
    tokens = {request.headers["authorization"] for request in receiver.at("/ci")}
    assert tokens == {"Bearer s3cret-token"}


def checks_in(statement: str) -> dict[str, str]:
    """Return the named CHECK conditions of a CREATE TABLE statement."""
    found = {}
    for match in re.finditer(r"CONSTRAINT (\w+) CHECK \(", statement):
        end, depth = match.end(), 1
        while depth:
            depth += {"(": 1, ")": -1}.get(statement[end], 0)
            end += 1
        found[match[1]] = statement[match.end() : end - 1]
    return found


def sqlite_details(connection: Connection) -> dict[str, object]:
    """Return what SQLAlchemy's inspector does not tell."""
    rows = connection.execute(text("SELECT type, name, sql FROM sqlite_master")).all()
    tables = {row.name: row.sql for row in rows if row.type == "table"}
    return {
        "checks": {name: checks_in(statement) for name, statement in tables.items()},
        "autoincrement": {name for name, sql in tables.items() if "AUTOINCREMENT" in sql},
        "others": {row.name for row in rows if row.type not in {"table", "index"}},
    }


def postgresql_details(connection: Connection) -> dict[str, object]:
    """Return what SQLAlchemy's inspector does not tell."""
    queries = {
        "constraints": "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)"
        " FROM pg_constraint WHERE connamespace = 'public'::regnamespace",
        "indexes": "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'",
        "sequences": "SELECT sequencename, data_type::text, pg_get_serial_sequence("
        "left(sequencename, -7), 'id') FROM pg_sequences",
        "triggers": "SELECT tgrelid::regclass::text, tgname FROM pg_trigger WHERE NOT tgisinternal",
        "functions": "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace",
    }
    return {
        name: {tuple(row) for row in connection.execute(text(query))}
        for name, query in queries.items()
    }


def describe_schema(url: str) -> dict[str, object]:
    """Return all that a database's schema consists of, without the order of columns."""
    database = Database(Location.of(url))
    with database.transaction() as connection:
        found = inspect(connection)
        tables = {
            name: {
                "columns": {
                    column["name"]: (str(column["type"]), column["nullable"], column["default"])
                    for column in found.get_columns(name)
                },
                "primary key": found.get_pk_constraint(name),
                "foreign keys": sorted(map(str, found.get_foreign_keys(name))),
                "unique": sorted(map(str, found.get_unique_constraints(name))),
                "indexes": sorted(
                    f"{index['name']} {index['column_names']} {index['unique']} "
                    f"{ {key: str(value) for key, value in index['dialect_options'].items()} }"
                    for index in found.get_indexes(name)
                ),
            }
            for name in found.get_table_names()
        }
        version = connection.execute(text("SELECT version_num FROM alembic_version")).all()
        details = sqlite_details if database.is_sqlite else postgresql_details
        described = {"tables": tables, "version": version, **details(connection)}
    database.close()
    return described


def test_migrated_schema_equals_that_of_a_new_database(migrated: Tower, database_url: str) -> None:
    assert describe_schema(str(migrated.location)) == describe_schema(database_url)


def test_database_older_than_0006_is_refused(empty_url: str) -> None:
    database = Database(Location.of(empty_url))
    create_0006(database)
    with database.transaction(changes=True) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0005'"))
    with pytest.raises(StoreError, match="older than schema 0006"):
        migrate.migrate_schema(database)
    database.close()
    with pytest.raises(StoreError, match="older than schema 0006"):
        firetower.connect(empty_url)


def test_programs_that_start_at_once_make_one_database(empty_url: str) -> None:
    programs = 8
    together = threading.Barrier(programs)

    def open_one(_: int) -> None:
        together.wait()
        firetower.connect(empty_url).close()

    with ThreadPoolExecutor(programs) as pool:
        list(pool.map(open_one, range(programs)))
    with firetower.connect(empty_url) as tower:
        assert tower.registries() == []
