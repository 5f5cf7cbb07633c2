"""Databases with automations, and workers on them, as other tests need them."""

import math
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

import forked
from firetower.core.actions import WebhookAction
from firetower.core.automations import Definition
from firetower.core.endpoints import EndpointKind, EndpointSettings
from firetower.core.events import EventType
from firetower.core.executions import Execution
from firetower.core.references import ContainerReference
from firetower.core.scopes import ContainerScope
from firetower.store.migrate import SCHEMA
from firetower.store.store import Store
from firetower.tower import Tower
from waiting import TIMEOUT

COMMAND = str(Path(sys.executable).with_name("firetower"))
QUICK = (timedelta(milliseconds=50),) * 20 + (timedelta(seconds=1),) * 60
"""A retry schedule for tests, as long as the slowest machine needs."""


def environment(database: str, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FIRETOWER")}
    return {**kept, "FIRETOWER_DATABASE_URL": database, "FIRETOWER_USER": "ada", **more}


def run(
    database: str, *arguments: str, given: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return forked.run(arguments, environment(database), given=given or "")


@contextmanager
def started(database: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run a command beside the test, ended gently when the block ends."""
    process = subprocess.Popen(
        [COMMAND, *arguments],
        env=environment(database),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.communicate(timeout=TIMEOUT)


@contextmanager
def worker(database: str) -> Iterator[subprocess.Popen[str]]:
    """Run a worker that has begun to watch."""
    with started(database, "worker") as process:
        assert process.stderr is not None
        assert "started" in process.stderr.readline()
        yield process


def webhook(tower: Tower, name: str, url: str, **settings: object) -> None:
    values = {"name": name, "kind": EndpointKind.WEBHOOK, "url": url, "schedule": QUICK}
    tower.endpoints.create(EndpointSettings.model_validate({**values, **settings}))


def on_alias(tower: Tower, name: str, endpoint: str, registry: str = "models") -> None:
    """Send every alias of a registry to an endpoint."""
    tower.automations.create(
        Definition(
            name=name,
            scope=ContainerScope(container=ContainerReference.registry(registry)),
            event_type=EventType.ADD_ARTIFACT_ALIAS,
            action=WebhookAction(endpoint=endpoint),
        )
    )


def linked_model(tower: Tower) -> str:
    """Make a registry with one linked version and return its reference."""
    tower.create_registry("models")
    version = tower.log("acme/vision/resnet", type="model", empty=True)
    return tower.link(version, "models/resnet").reference


def multiply_history(path: Path, count: int, seconds_apart: int = 0, **executions: str) -> None:
    """Add `count` executions, each by an event of its own: copies of the newest one.

    The last happens when that one did, each before it `seconds_apart` earlier. `executions` gives
    columns other values, SQL in which `v` counts from 1.
    """
    earlier = f"({count} - v) * {seconds_apart} * 1000000"
    numbers = f"""
        WITH RECURSIVE n(v) AS (SELECT 1 UNION ALL SELECT v + 1 FROM n WHERE v < {count})
    """  # one statement: a million rows in seconds
    execution = "(SELECT * FROM executions ORDER BY id DESC LIMIT 1)"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN")
        (first,) = connection.execute("SELECT max(id) FROM events").fetchone()
        for table, own, source in (
            (
                "events",
                {"id": f"{first} + v", "recorded_at": f"recorded_at - {earlier}"},
                "(SELECT * FROM events ORDER BY id DESC LIMIT 1)",
            ),
            (
                "executions",
                {"id": "id + v", "event_id": f"{first} + v", "webhook_id": "'msg_' || v"}
                | {"created_at": f"created_at - {earlier}"}
                | executions,
                execution,
            ),
        ):
            rows = connection.execute(f"SELECT * FROM {table} LIMIT 0")
            columns = [column[0] for column in rows.description]
            values = ", ".join(own.get(column, column) for column in columns)
            connection.execute(
                f"INSERT INTO {table} ({', '.join(columns)}) {numbers} "
                f"SELECT {values} FROM n, {source}"
            )
        connection.execute("COMMIT")


@contextmanager
def newer_schema(store: Store) -> Iterator[None]:
    """Let a database look to others as if a newer program had migrated it."""
    store._checked_at = math.inf
    migrate = "UPDATE alembic_version SET version_num = '{}'".format
    with store.changing() as change:
        change.connection.exec_driver_sql(migrate("9999"))
    try:
        yield
    finally:
        with store.changing() as change:
            change.connection.exec_driver_sql(migrate(SCHEMA))


def every_execution(tower: Tower) -> list[Execution]:
    return tower.executions.newest(100_000)
