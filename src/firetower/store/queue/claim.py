"""Claims: executions that are due, leased to one worker for one attempt."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, TextClause, bindparam, func, select, update

from firetower.core.circuit_breaker import Circuit
from firetower.core.endpoints import Endpoint
from firetower.core.executions import Status
from firetower.store import schema
from firetower.store.circuits import take_probe
from firetower.store.conditions import TRIED, UNTRIED, has_status
from firetower.store.events import build_event, learn_collections, select_events
from firetower.store.queue.cycle import LEASE_MARGIN, Claim, Turn

_events, _executions = schema.events.c, schema.executions.c
_endpoints = schema.endpoints.c

_GLANCE = timedelta(seconds=1)
"""After which a probe that another worker has is looked at again."""

# Made once: making a query costs as much as running it, and every turn runs these.
_WAITING = has_status(Status.PENDING)
_OF_ONE = _executions.endpoint_id == bindparam("endpoint")
_NEXT_OF_ONE = select(func.min(_executions.next_attempt_at)).where(_OF_ONE, _WAITING)
_NEXT_TRIED = select(func.min(_executions.next_attempt_at)).where(_OF_ONE, TRIED)
_NEXT_UNTRIED = (
    select(_executions.next_attempt_at)
    .where(_OF_ONE, UNTRIED)
    .order_by(_executions.next_attempt_at)
    .limit(1)
)
_NEXT_OF_EACH = select(
    _endpoints.id,
    select(func.min(_executions.next_attempt_at))
    .where(_executions.endpoint_id == _endpoints.id, _WAITING)
    .scalar_subquery()
    .label("next_attempt_at"),
).where(_endpoints.disabled_at.is_(None), _endpoints.deleted_at.is_(None))


def _due(which: ColumnElement[bool] | TextClause) -> Select[Any]:
    return (
        select(
            _executions.id,
            _executions.webhook_id,
            _executions.attempts,
            _executions.retries_used,
            _executions.revision_id,
            _executions.event_id,
        )
        .where(_OF_ONE, which, _executions.next_attempt_at <= bindparam("now"))
        .order_by(_executions.next_attempt_at)
        .limit(bindparam("room"))
        .with_for_update(skip_locked=True)
    )


_DUE, _DUE_TRIED, _DUE_UNTRIED = _due(_WAITING), _due(TRIED), _due(UNTRIED)
_LEASE = (
    update(schema.executions)
    .where(_executions.id.in_(bindparam("ids", expanding=True)))
    .values(
        status=Status.RUNNING.value,
        attempts=_executions.attempts + 1,
        worker_id=bindparam("worker"),
        lease_until=bindparam("until"),
    )
)
_EVENTS = select_events().where(_events.id.in_(bindparam("ids", expanding=True)))


def claim_due(turn: Turn) -> tuple[list[Claim], datetime | None]:
    """Lease what is due: for each enabled endpoint as many as it has room for.

    Return the claims, and when to look again: the earliest time at which an endpoint with
    room has something due. Those without room are looked at when an answer comes.
    """
    claims: list[Claim] = []
    upcoming: list[datetime] = []
    for endpoint_id, due_at in next_due(turn).items():
        if turn.slots.free.get(endpoint_id, 0) == 0:
            continue
        endpoint = turn.cache.endpoints[endpoint_id]
        if endpoint.circuit is not None:
            through, moments = _claim_through(turn, endpoint, endpoint.circuit)
            claims.extend(through)
            upcoming.extend(moments)
            continue
        if due_at > turn.now:
            upcoming.append(due_at)
            continue
        claims.extend(_claim(turn, endpoint, turn.slots.free[endpoint_id]))
        if turn.slots.free[endpoint_id] > 0:
            upcoming.append(_next_due_of(turn, endpoint_id) or turn.now + LEASE_MARGIN)
    return claims, min(upcoming, default=None)


def _claim_through(
    turn: Turn, endpoint: Endpoint, circuit: Circuit
) -> tuple[list[Claim], list[datetime]]:
    """Lease what an open circuit lets through, and return when to look again.

    That is retries, by their own schedule, and a probe now and then.
    """
    claims: list[Claim] = []
    tried_at = _next_due_of(turn, endpoint.id, _NEXT_TRIED)
    if tried_at is not None and tried_at <= turn.now:
        claims = _claim(turn, endpoint, turn.slots.free[endpoint.id], _DUE_TRIED)
        tried_at = _next_due_of(turn, endpoint.id, _NEXT_TRIED)
    upcoming = [] if tried_at is None else [tried_at]
    if turn.slots.free[endpoint.id] == 0:
        return claims, []  # looked at when an answer comes
    held_since = _next_due_of(turn, endpoint.id, _NEXT_UNTRIED)
    if held_since is not None:
        probes, again_at = _claim_probe(turn, endpoint, max(held_since, circuit.probe_at))
        claims, upcoming = [*claims, *probes], [*upcoming, again_at]
    return claims, upcoming


def _claim_probe(turn: Turn, endpoint: Endpoint, begins: datetime) -> tuple[list[Claim], datetime]:
    """Lease a probe if its time has come; return it, and when to look again."""
    if begins > turn.now:
        return [], begins
    until = turn.lease_until(endpoint)
    if not take_probe(turn.connection, endpoint.id, turn.now, until):
        return [], turn.now + _GLANCE
    return _claim(turn, endpoint, 1, _DUE_UNTRIED, probe=True), until


def _next_due_of(
    turn: Turn, endpoint_id: int, query: Select[Any] = _NEXT_OF_ONE
) -> datetime | None:
    moment: datetime | None = turn.connection.execute(query, {"endpoint": endpoint_id}).scalar()
    return moment


def next_due(turn: Turn) -> dict[int, datetime]:
    """Return when each enabled endpoint's next execution is due."""
    rows = turn.connection.execute(_NEXT_OF_EACH)
    known = turn.cache.endpoints
    return {
        row.id: row.next_attempt_at
        for row in rows
        if row.next_attempt_at is not None and row.id in known
    }


def _claim(
    turn: Turn,
    endpoint: Endpoint,
    room: int,
    query: Select[Any] = _DUE,
    *,
    probe: bool = False,
) -> list[Claim]:
    connection, slots = turn.connection, turn.slots
    rows = connection.execute(
        query,
        {"endpoint": endpoint.id, "now": turn.now, "room": room},
    ).all()
    if not rows:
        return []
    slots.free[endpoint.id] -= len(rows)
    connection.execute(
        _LEASE,
        {
            "ids": [row.id for row in rows],
            "worker": slots.worker_id,
            "until": turn.lease_until(endpoint),
        },
    )
    event_rows = connection.execute(_EVENTS, {"ids": [row.event_id for row in rows]}).all()
    learn_collections(turn, event_rows)
    events = {row.event_id: build_event(row, turn.collections) for row in event_rows}
    return [
        Claim(
            execution_id=row.id,
            webhook_id=row.webhook_id,
            number=row.attempts + 1,
            retries_used=row.retries_used,
            revision=turn.cache.revision(connection, row.revision_id),
            event=events[row.event_id],
            endpoint=endpoint,
            probe=probe,
        )
        for row in rows
    ]
