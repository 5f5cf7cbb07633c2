"""Sending executions again."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, bindparam, func, select, update

from firetower.core.errors import Conflict, NotFound
from firetower.core.executions import Status
from firetower.store import schema
from firetower.store.changes import Change, Reader
from firetower.store.types import bounded

_executions = schema.executions.c

REDELIVERY_INTERVAL = timedelta(milliseconds=100)
"""The time between two redeliveries to one endpoint: ten a second."""


def redeliver(change: Change, execution_ids: Iterable[int]) -> int:
    """Make executions due at once, with the same webhook-id and a new schedule.

    Return how many. Raises Conflict for one that is under way or has nothing to send.
    """
    ids = list(execution_ids)
    for execution_id in ids:
        _check_redeliverable(change.connection, execution_id)
    return _make_due(change, _executions.id.in_(ids)) if ids else 0


def redeliver_failed(change: Change, since: datetime, endpoint_id: int | None = None) -> int:
    """Make due what failed since a moment, of one endpoint or of all; return how many."""
    which = (_executions.status == Status.FAILED.value) & (_executions.finished_at >= since)
    if endpoint_id is not None:
        which &= _executions.endpoint_id == endpoint_id
    return _make_due(change, which)


def count_failed(reader: Reader, since: datetime) -> dict[str, int]:
    """Return how many executions failed since a moment, by endpoint; deleted ones left out."""
    endpoints = schema.endpoints.c
    rows = reader.connection.execute(
        select(endpoints.name, func.count())
        .join_from(schema.executions, schema.endpoints, _executions.endpoint_id == endpoints.id)
        .where(
            _executions.status == Status.FAILED.value,
            _executions.finished_at >= since,
            endpoints.deleted_at.is_(None),
        )
        .group_by(endpoints.name)
    )
    return {row[0]: row[1] for row in rows}


def _check_redeliverable(connection: Connection, execution_id: int) -> None:
    query = select(_executions.status, _executions.endpoint_id)
    row = connection.execute(query.where(_executions.id == bounded(execution_id))).one_or_none()
    if row is None:
        raise NotFound(f"there is no execution {execution_id}", "List them with `firetower feed`.")
    if row.status == Status.RUNNING.value:
        raise Conflict(f"execution {execution_id} is running", "Wait for its answer.")
    if row.endpoint_id is None:
        raise Conflict(
            f"execution {execution_id} has nothing to send: its automation only records",
            "Only webhooks and Slack messages can be sent again.",
        )


def _make_due(change: Change, which: ColumnElement[bool]) -> int:
    """Make executions due, one after the other: an endpoint that is back is not to be flooded."""
    endpoints = schema.endpoints.c
    alive = select(endpoints.id).where(endpoints.deleted_at.is_(None))
    rows = change.connection.execute(
        select(_executions.id, _executions.endpoint_id)
        .where(which, _executions.status != Status.RUNNING.value)
        .where(_executions.endpoint_id.in_(alive))
        .order_by(_executions.id)
        .with_for_update()
    ).all()
    before: Counter[int] = Counter()
    due = []
    for row in rows:
        due_at = change.now + before[row.endpoint_id] * REDELIVERY_INTERVAL
        due.append({"execution": row.id, "due": due_at, "requested": change.now})
        before[row.endpoint_id] += 1
    if due:
        change.connection.execute(_MAKE_DUE, due)
    return len(due)


_MAKE_DUE = (
    update(schema.executions)
    .where(_executions.id == bindparam("execution"))
    .values(
        status=Status.PENDING.value,
        skip_reason=None,
        detail=None,
        next_attempt_at=bindparam("due"),
        cooldown_until=None,
        redelivery_requested_at=bindparam("requested"),
        finished_at=None,
        retries_used=0,
    )
)
