"""Databases to measure on, filled without a commit for each row."""

import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import firetower
from firetower.core.automations import Definition
from firetower.core.events import EventType
from firetower.store import schema
from firetower.store.store import Store

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
METADATA = {"accuracy": 0.9312, "framework": "torch", "epochs": 40, "stage": {"eu": True}}


def make_catalog(path: Path | str, registries: int, collections: int) -> list[str]:
    """Make a database of one linked version in many collections; return their names.

    `path` may be the URL of a PostgreSQL.
    """
    with firetower.connect(str(path)) as tower:
        tower.log("acme/vision/resnet", type="model", empty=True, metadata=METADATA)
    names = [f"reg-{i % registries}/col-{i}" for i in range(collections)]
    store = Store.open(str(path))
    made = {"author": "ada", "created_at": NOON}
    with store.changing() as change:
        connection = change.connection
        connection.execute(
            schema.containers.insert(),
            [
                {"id": 100 + i, "kind": "registry", "entity": "", "name": f"reg-{i}"}
                | {"description": "", **made}
                for i in range(registries)
            ],
        )
        connection.execute(
            schema.collections.insert(),
            [
                {"id": 1000 + i, "container_id": 100 + i % registries, "name": f"col-{i}"}
                | {"type": "model", "next_index": 1, **made}
                for i in range(collections)
            ],
        )
        connection.execute(
            schema.memberships.insert(),
            [
                {"collection_id": 1000 + i, "version_index": 0, "version_id": 1, **made}
                for i in range(collections)
            ],
        )
        connection.execute(schema.events.update().values(evaluated=True))
    store.close()
    return names


def add_automations(path: Path, definitions: Sequence[tuple[int, Definition]]) -> None:
    """Save automations, each with the number of its collection."""
    store = Store.open(str(path))
    with store.changing() as change:
        change.connection.execute(
            schema.automations.insert(),
            [
                {"id": i, "name": definition.name, "created_at": NOON}
                for i, (_, definition) in enumerate(definitions, 1)
            ],
        )
        containers = dict(
            change.connection.execute(
                schema.collections.select().with_only_columns(
                    schema.collections.c.id, schema.collections.c.container_id
                )
            )
            .tuples()
            .all()
        )
        change.connection.execute(
            schema.revisions.insert(),
            [
                {"id": i, "automation_id": i, "number": 1, "mode": "enabled", "author": "ada"}
                | {"definition": definition.model_dump_json(), "saved_at": NOON}
                | {"after_event_id": 0, "collection_id": 1000 + place}
                | {"container_id": containers[1000 + place]}
                for i, (place, definition) in enumerate(definitions, 1)
            ],
        )
    store.close()


def add_events(path: Path | str, count: int, collections: int) -> None:
    """Record added aliases, one collection after another."""
    store = Store.open(str(path))
    with store.changing() as change:
        change.connection.execute(
            schema.events.insert(),
            [
                {"type": EventType.ADD_ARTIFACT_ALIAS.value, "recorded_at": NOON, "author": "ada"}
                | {"collection_id": 1000 + i % collections, "version_id": 1, "version_index": 0}
                | {"alias": f"prod-{i}", "evaluated": False}
                for i in range(count)
            ],
        )
    store.close()


def raw(path: Path) -> sqlite3.Connection:
    """Open SQLite with the durability that Firetower has."""
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute("PRAGMA cache_size = -16000")
    connection.execute("PRAGMA temp_store = MEMORY")
    return connection
