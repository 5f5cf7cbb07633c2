"""Delete old events with all that they fired, a few at a time.

An event goes with all its executions, or stays with all of them: to explain it takes both.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, FromClause, Select, delete, func, select, true

from firetower.core.errors import InvalidInput
from firetower.core.executions import Status
from firetower.store import schema
from firetower.store.changes import Reader
from firetower.store.store import Store
from firetower.store.thin import count_old_points, thin

BATCH = 200
"""Events that one transaction deletes: what is fired meanwhile waits for it."""
_PAUSE = 0.01
"""Seconds between two batches: SQLite's lock does not queue, so others need a chance to take it."""
_LEAST_AGE = timedelta(days=1)
"""The lists count what fired within a day."""

_automations = schema.automations.c
_attempts, _events, _executions = schema.attempts.c, schema.events.c, schema.executions.c
_FINAL = [status.value for status in Status if status.is_final]


@dataclass(frozen=True, slots=True)
class Pruned:
    """How many rows were deleted, or would be."""

    events: int = 0
    executions: int = 0
    attempts: int = 0
    points: int = 0


def check_age(age: timedelta) -> None:
    """Refuse to delete what the lists still count. Raises InvalidInput."""
    if age < _LEAST_AGE:
        raise InvalidInput(
            "the last 24 hours are kept: the lists count what fired in them",
            "Give 1d or more, for example --older-than 90d.",
        )


def plan(reader: Reader, before: datetime) -> Pruned:
    """Return what would be deleted. It reads all of that history once."""

    def count(rows: FromClause) -> int:
        return reader.connection.execute(select(func.count()).select_from(rows)).scalar_one()

    old = _old(before).subquery()
    of_old = schema.executions.join(old, _executions.event_id == old.c.id)
    attempts = of_old.join(schema.attempts, _attempts.execution_id == _executions.id)
    points = count_old_points(reader, before)
    return Pruned(count(old), count(of_old), count(attempts), points)


def prune(store: Store, before: datetime) -> Iterator[Pruned]:
    """Delete the events from before a moment, and values of runs' metrics that no chart needs.

    Yield each batch, a transaction of its own.
    """
    yield from _prune_events(store, before)
    for deleted in thin(store, before):
        yield Pruned(points=deleted)
        time.sleep(_PAUSE)


def _prune_events(store: Store, before: datetime) -> Iterator[Pruned]:
    while True:
        with store.changing() as change:
            batch = _prune_batch(change.connection, before)
        if not batch.events:
            return
        yield batch
        time.sleep(_PAUSE)


def _prune_batch(connection: Connection, before: datetime) -> Pruned:
    """Delete the oldest events from before a moment, with their executions and attempts.

    Locks are taken in the workers' order: what is redelivered meanwhile is seen and kept.
    """
    connection.execute(delete(schema.circuit_changes).where(schema.circuit_changes.c.at < before))
    oldest = _old(before).order_by(_events.recorded_at).limit(BATCH)
    events = set(connection.execute(oldest).scalars())
    if not events:
        return Pruned()
    rows = connection.execute(
        select(_executions.id, _executions.event_id, _executions.status)
        .where(_executions.event_id.in_(events))
        .order_by(_executions.id)
        .with_for_update()
    ).all()
    events -= {row.event_id for row in rows if row.status not in _FINAL}
    ids = [row.id for row in rows if row.event_id in events]
    attempts = connection.execute(delete(schema.attempts).where(_attempts.execution_id.in_(ids)))
    connection.execute(delete(schema.executions).where(_executions.id.in_(ids)))
    connection.execute(delete(schema.events).where(_events.id.in_(events)))
    return Pruned(len(events), len(ids), attempts.rowcount)


def _old(before: datetime) -> Select[tuple[int | None]]:
    """Return the query of the events that may be deleted.

    Kept are those that wait for their evaluation, those with an execution that is not finished or
    finished later, that of each automation's newest execution, and the newest: ids go on from it.
    """
    unfinished = (
        select(_executions.id)
        .where(
            _executions.event_id == _events.id,
            _executions.status.not_in(_FINAL) | (_executions.finished_at >= before),
        )
        .exists()
    )
    newest = select(func.max(_events.id)).scalar_subquery()
    return select(_events.id).where(
        _events.recorded_at < before,
        _events.evaluated == true(),
        _events.id < newest,
        ~unfinished,
        ~_is_an_automations_newest(),
    )


def _is_an_automations_newest() -> ColumnElement[bool]:
    newest = (
        select(func.coalesce(func.max(_executions.event_id), 0))  # IN must not meet NULL
        .where(_executions.automation_id == _automations.id)
        .correlate(schema.automations)
        .scalar_subquery()
    )
    return _events.id.in_(select(newest).where(_automations.deleted_at.is_(None)))
