"""A database made by an older Firetower is migrated with all that is in it."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import MetaData, inspect, text

import firetower
from firetower.core.automations import Mode
from firetower.core.circuit_breaker import CircuitChangeKind
from firetower.core.endpoints import EndpointKind
from firetower.core.executions import Execution, Status
from firetower.core.feed import CircuitLine, FeedLine
from firetower.delivery.client import open_client
from firetower.store import migrate, schema
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
def empty_url(request: pytest.FixtureRequest, tmp_path: Path, worker_id: str) -> str:
    """A database with nothing in it."""
    if request.param == "sqlite":
        return str(tmp_path / "tower.db")
    return create_database(request.getfixturevalue("postgresql"), f"older_{worker_id}")


def bring_to(database: Database, revision: str) -> None:
    """Make the tables as they were once."""
    if database.is_sqlite:
        create_sqlite_file(database.location)
    config = Config()
    config.set_main_option("script_location", str(Path(migrate.__file__).parent / "migrations"))
    with database.transaction(changes=True) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


@pytest.mark.parametrize("before", ["0003", "0005"])
def test_what_was_there_stays_and_works(empty_url: str, before: str) -> None:
    database = Database(Location.of(empty_url))
    bring_to(database, before)
    with database.transaction(changes=True) as connection:
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


def fill(database: Database, receiver: str) -> None:
    """Insert the rows of the database at schema 0006, its endpoints at a receiver."""
    rows = json.loads(FILLED_0006.read_text().replace("http://endpoint.test", receiver))
    with database.transaction(changes=True) as connection:
        metadata = MetaData()
        metadata.reflect(connection)
        connection.execute(metadata.tables["state"].delete())
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
    bring_to(database, "0006")
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


def test_migrated_tables_have_the_columns_and_indexes_of_the_program(migrated: Tower) -> None:
    store = Store.open(str(migrated.location))
    with store.reading() as reader:
        found = inspect(reader.connection)
        for table in schema.metadata.sorted_tables:
            columns = {column["name"] for column in found.get_columns(table.name)}
            assert columns == set(table.columns.keys()), table.name
            indexes = {index["name"] for index in found.get_indexes(table.name)}
            assert indexes >= {index.name for index in table.indexes}, table.name
    store.close()
