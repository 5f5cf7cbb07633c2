"""Claims: executions that are due, leased to one worker for one try."""

from datetime import datetime

from sqlalchemy import func, select, update

from firetower.core.executions import Status
from firetower.core.integrations import Integration
from firetower.store import tables
from firetower.store.events import build_event, learn_collections, select_events
from firetower.store.queue.turn import LEASE_MARGIN, Claim, Turn

_events, _executions = tables.events.c, tables.executions.c


def claim_due(turn: Turn) -> tuple[list[Claim], datetime | None]:
    """Lease what is due: for each enabled integration as many as it has room for.

    Return the claims, and when to look again: the earliest time at which an integration with
    room has something due. Those without room are looked at when an answer comes.
    """
    claims: list[Claim] = []
    upcoming: list[datetime] = []
    for integration_id, due_at in next_due(turn).items():
        if turn.slots.free.get(integration_id, 0) == 0:
            continue
        if due_at > turn.now:
            upcoming.append(due_at)
            continue
        claims.extend(_claim(turn, turn.mirror.integrations[integration_id]))
        if turn.slots.free[integration_id] > 0:
            upcoming.append(_next_due_of(turn, integration_id) or turn.now + LEASE_MARGIN)
    return claims, min(upcoming, default=None)


def _next_due_of(turn: Turn, integration_id: int) -> datetime | None:
    moment: datetime | None = turn.connection.execute(
        select(func.min(_executions.due_at)).where(
            _executions.integration_id == integration_id,
            _executions.status == Status.PENDING.value,
        )
    ).scalar()
    return moment


def next_due(turn: Turn) -> dict[int, datetime]:
    """Return when each enabled integration's next execution is due."""
    integrations = tables.integrations.c
    earliest = (
        select(func.min(_executions.due_at))
        .where(
            _executions.integration_id == integrations.id,
            _executions.status == Status.PENDING.value,
        )
        .scalar_subquery()
    )
    rows = turn.connection.execute(
        select(integrations.id, earliest.label("due_at")).where(
            integrations.disabled_at.is_(None), integrations.deleted_at.is_(None)
        )
    )
    known = turn.mirror.integrations
    return {row.id: row.due_at for row in rows if row.due_at is not None and row.id in known}


def _claim(turn: Turn, integration: Integration) -> list[Claim]:
    connection, slots = turn.connection, turn.slots
    rows = connection.execute(
        select(
            _executions.id,
            _executions.webhook_id,
            _executions.attempts,
            _executions.retries_used,
            _executions.revision_id,
            _executions.event_id,
        )
        .where(
            _executions.integration_id == integration.id,
            _executions.status == Status.PENDING.value,
            _executions.due_at <= turn.now,
        )
        .order_by(_executions.due_at)
        .limit(slots.free[integration.id])
        .with_for_update(skip_locked=True)
    ).all()
    if not rows:
        return []
    slots.free[integration.id] -= len(rows)
    connection.execute(
        update(tables.executions)
        .where(_executions.id.in_([row.id for row in rows]))
        .values(
            status=Status.RUNNING.value,
            attempts=_executions.attempts + 1,
            worker_id=slots.worker_id,
            lease_until=turn.lease_until(integration),
        )
    )
    event_rows = connection.execute(
        select_events().where(_events.id.in_([row.event_id for row in rows]))
    ).all()
    learn_collections(connection, turn.known, event_rows)
    events = {row.event_id: build_event(row, turn.known) for row in event_rows}
    return [
        Claim(
            execution_id=row.id,
            webhook_id=row.webhook_id,
            number=row.attempts + 1,
            retries_used=row.retries_used,
            revision=turn.mirror.revision(connection, row.revision_id),
            event=events[row.event_id],
            integration=integration,
        )
        for row in rows
    ]
