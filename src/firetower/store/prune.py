"""Delete old events with all that they fired, and thin old values, a few at a time."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Select,
    TextClause,
    bindparam,
    delete,
    false,
    func,
    select,
    text,
    true,
)

from firetower.core.errors import InvalidInput
from firetower.core.metrics import MAX_WINDOW
from firetower.store import run_schema, schema
from firetower.store.changes import Reader
from firetower.store.columns import instant_number
from firetower.store.store import Store

NEWEST = 2 * MAX_WINDOW
"""Values of a metric that stay however old they are: the two windows of a change."""
PARTS = 500
"""Parts of a metric's steps of which the least and the greatest value stay."""
_PIECE = 50_000
"""Values that one transaction looks at."""

_metrics, _points, _runs = run_schema.run_metrics.c, run_schema.metric_points.c, run_schema.runs.c
_KEPT_FROM = (
    select(_points.step)
    .where(_points.run_metric_id == bindparam("metric"))
    .order_by(_points.step.desc())
    .limit(1)
    .offset(NEWEST - 1)
)
_RANKED = """
SELECT step FROM (
  SELECT step,
    row_number() OVER (PARTITION BY step / :width ORDER BY value IS NULL, value, step) AS low,
    row_number() OVER (PARTITION BY step / :width ORDER BY value IS NULL, value DESC, step) AS high
  FROM metric_points
  WHERE run_metric_id = :metric AND step >= :first AND step < :last AND at < :before
) AS ranked WHERE low > 1 AND high > 1
"""
_COUNT = text(f"SELECT count(*) FROM ({_RANKED}) AS doomed")  # noqa: S608
_DELETE = text(
    f"DELETE FROM metric_points WHERE run_metric_id = :metric AND step IN ({_RANKED})"  # noqa: S608
)
_TAKE_OFF = text("UPDATE run_metrics SET count = count - :deleted WHERE id = :metric")


@dataclass(frozen=True, slots=True)
class _Piece:
    """Some steps of a metric: whole parts of them."""

    metric: int
    width: int
    """Steps of a part."""
    first: int
    last: int

    def run(self, connection: Connection, statement: TextClause, before: datetime) -> int:
        values = {"metric": self.metric, "width": self.width, "first": self.first}
        values |= {"last": self.last, "before": instant_number(before)}
        done = connection.execute(statement, values)
        return int(done.scalar_one()) if done.returns_rows else done.rowcount


def count_old_points(reader: Reader, before: datetime) -> int:
    """Return how many values `thin` would delete."""
    connection = reader.connection
    return sum(piece.run(connection, _COUNT, before) for piece in _pieces(connection, before))


def thin(store: Store, before: datetime) -> Iterator[int]:
    """Delete values from before a moment that a chart does not need; yield how many, by batches.

    Each batch is a transaction of its own. Metrics with values that wait for evaluation stay whole.
    """
    with store.reading() as reader:
        pieces = list(_pieces(reader.connection, before))
    for piece in pieces:
        with store.changing() as change:
            deleted = piece.run(change.connection, _DELETE, before)
            taken = {"deleted": deleted, "metric": piece.metric}
            change.connection.execute(_TAKE_OFF, taken)
        if deleted:
            yield deleted


def _pieces(connection: Connection, before: datetime) -> Iterator[_Piece]:
    query = (
        select(_metrics.id, _metrics.count, _metrics.last_step)
        .join_from(run_schema.run_metrics, run_schema.runs, _metrics.run_id == _runs.id)
        .where(
            _runs.started_at < before,
            _metrics.pending == false(),
            _metrics.count > NEWEST + 2 * PARTS,  # else it is thin already
        )
    )
    for metric, count, last_step in connection.execute(query).all():
        end = connection.execute(_KEPT_FROM, {"metric": metric}).scalar_one()
        width = last_step // PARTS + 1
        piece = width * max(1, PARTS * _PIECE // count)
        for first in range(0, end, piece):
            yield _Piece(metric, width, first, min(first + piece, end))


BATCH = 200
"""Events that one transaction deletes: what is fired meanwhile waits for it."""
_BATCH_INTERVAL = 0.01
"""Seconds between two batches: SQLite's lock does not queue, so others need a chance to take it."""
_LEAST_AGE = timedelta(days=1)
"""The lists count what fired within a day."""

_automations = schema.automations.c
_attempts, _events, _executions = schema.attempts.c, schema.events.c, schema.executions.c


@dataclass(frozen=True, slots=True)
class Pruned:
    """How many rows were deleted, or would be."""

    events: int = 0
    executions: int = 0
    attempts: int = 0
    points: int = 0


def check_age(age: timedelta) -> None:
    """Refuse an age of less than a day: lists count those events. Raises InvalidInput."""
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
    while True:
        with store.changing() as change:
            batch = _prune_batch(change.connection, before)
        if not batch.events:
            break
        yield batch
        time.sleep(_BATCH_INTERVAL)
    for deleted in thin(store, before):
        yield Pruned(points=deleted)
        time.sleep(_BATCH_INTERVAL)


def _prune_batch(connection: Connection, before: datetime) -> Pruned:
    """Delete the oldest events from before a moment, with their executions and attempts.

    Locks are taken in the workers' order: what is redelivered meanwhile is seen and kept.
    """
    connection.execute(delete(schema.circuit_changes).where(schema.circuit_changes.c.at < before))
    oldest = _old(before).order_by(_events.recorded_at, _events.id).limit(BATCH)
    events = set(connection.execute(oldest).scalars())
    if not events:
        return Pruned()
    rows = connection.execute(
        select(_executions.id, _executions.event_id, _executions.status)
        .where(_executions.event_id.in_(events))
        .order_by(_executions.id)
        .with_for_update()
    ).all()
    events -= {row.event_id for row in rows if row.status not in schema.FINAL}
    ids = [row.id for row in rows if row.event_id in events]
    attempts = connection.execute(delete(schema.attempts).where(_attempts.execution_id.in_(ids)))
    connection.execute(delete(schema.executions).where(_executions.id.in_(ids)))
    connection.execute(delete(schema.events).where(_events.id.in_(events)))
    return Pruned(len(events), len(ids), attempts.rowcount)


def _old(before: datetime) -> Select[tuple[int | None]]:
    """Return the query of the events that may be deleted.

    Kept are those that wait for their evaluation, those with an execution that is not finished or
    finished later, that of each automation's newest execution, and those of the newest event,
    execution and attempt: ids continue there, and followers take a database without them for one
    that went back.
    """
    unfinished = (
        select(_executions.id)
        .where(
            _executions.event_id == _events.id,
            _executions.status.not_in(schema.FINAL) | (_executions.finished_at >= before),
        )
        .exists()
    )
    newest = select(func.max(_events.id)).scalar_subquery()
    execution = select(func.max(_executions.id)).scalar_subquery()
    attempt = select(func.max(_attempts.id)).scalar_subquery()
    attempted = select(_attempts.execution_id).where(_attempts.id == attempt).scalar_subquery()
    return select(_events.id).where(
        _events.recorded_at < before,
        _events.evaluated == true(),
        _events.id < newest,
        *(_events.id != _event_of(which) for which in (execution, attempted)),
        ~unfinished,
        ~_is_an_automations_newest(),
    )


def _event_of(execution: ColumnElement[int]) -> ColumnElement[int]:
    found = select(_executions.event_id).where(_executions.id == execution).scalar_subquery()
    return func.coalesce(found, 0)


def _is_an_automations_newest() -> ColumnElement[bool]:
    newest = (
        select(func.coalesce(func.max(_executions.event_id), 0))  # IN must not meet NULL
        .where(_executions.automation_id == _automations.id)
        .correlate(schema.automations)
        .scalar_subquery()
    )
    return _events.id.in_(select(newest).where(_automations.deleted_at.is_(None)))
