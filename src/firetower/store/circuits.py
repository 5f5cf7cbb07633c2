"""Circuits: count failures, open, probe and close, and record the changes for the feed.

Lock order: a transaction locks its executions first, then circuits, then the endpoints' version; a
probe waits for no lock. So two workers never deadlock.
"""

import random
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, bindparam, delete, func, select, text, update

from firetower.core.circuit_breaker import (
    AnswerSummary,
    Circuit,
    CircuitChange,
    CircuitChangeKind,
    next_probe,
    opens,
)
from firetower.core.executions import Status
from firetower.core.references import ContainerReference
from firetower.store import schema
from firetower.store.catalog.lookups import find_container
from firetower.store.changes import Reader, bump_endpoints_version
from firetower.store.conditions import TRIED, has_status
from firetower.store.redelivery import REDELIVERY_INTERVAL
from firetower.store.types import EPOCH, bounded, instant_number

_circuits, _changes = schema.circuits.c, schema.circuit_changes.c
_endpoints, _executions, _revisions = (
    schema.endpoints.c,
    schema.executions.c,
    schema.revisions.c,
)

MOST_CHANGES = 500
"""Openings and closings that one query returns."""


_ANY = "SELECT 1 FROM circuits LIMIT 1"
"""By the driver alone: every turn with a success runs it, and mostly there is no row."""
_FORGET = (
    delete(schema.circuits)
    .where(_circuits.endpoint_id.in_(bindparam("ids", expanding=True)))
    .returning(
        _circuits.endpoint_id,
        _circuits.opened_at,
        _circuits.probe_at,
        _circuits.failures,
        _circuits.reason,
    )
)
_COUNT = text(
    "INSERT INTO circuits (endpoint_id, failures, failing_since, probes, reason)"
    " VALUES (:endpoint, :failures, :now, 0, :reason)"
    " ON CONFLICT (endpoint_id) DO UPDATE SET"
    " failures = circuits.failures + excluded.failures, reason = excluded.reason"
    " RETURNING failures, failing_since, probes, opened_at"
)
_FREE_PROBE = (
    select(_circuits.endpoint_id)
    .where(_circuits.endpoint_id == bindparam("endpoint"), _circuits.probe_at <= bindparam("now"))
    .with_for_update(skip_locked=True)
)
_OF_ONE = _executions.endpoint_id == bindparam("endpoint")
_COUNT_QUEUED = select(
    select(func.count()).where(_OF_ONE, has_status(Status.PENDING)).scalar_subquery()
    - select(func.count()).where(_OF_ONE, TRIED).scalar_subquery()
)
"""How many wait for their first attempt: two counts of indexes alone."""
_RELEASE = text(
    "UPDATE executions SET next_attempt_at = :now + place * :apart FROM"
    " (SELECT id AS queued, row_number() OVER (ORDER BY next_attempt_at, id) - 1 AS place"
    " FROM executions"
    " WHERE endpoint_id = :endpoint AND status = 'pending' AND attempts = 0"
    " AND next_attempt_at <= :now) AS backlog"
    " WHERE executions.id = queued AND executions.status = 'pending'"
)


_MICROSECOND = timedelta(microseconds=1)


def any_jitter() -> float:
    """Return a random number from -1 to 1."""
    return random.uniform(-1, 1)  # noqa: S311 - spreads load, hides nothing


def record_answers(
    connection: Connection,
    answers: Mapping[int, AnswerSummary],
    probed: frozenset[int],
    now: datetime,
    jitter: Callable[[], float] = any_jitter,
    *,
    gone: Collection[int] = (),
) -> list[CircuitChange]:
    """Record a batch of answers, summed up by endpoint; return the changes of circuits.

    `probed` are the endpoints with an answer to a probe. Those `gone` are about to be disabled: a
    circuit that closes sends nothing there.
    """
    changes: list[CircuitChange] = []
    worked = sorted(key for key, summary in answers.items() if summary.worked)
    if worked:
        changes.extend(_close(connection, worked, now, gone))
    for key, summary in sorted(answers.items()):
        if summary.last is not None:
            opened = _count(connection, key, summary, now, jitter(), probed=key in probed)
            changes.extend([] if opened is None else [opened])
    if changes:
        bump_endpoints_version(connection)
    return changes


def _close(
    connection: Connection, ids: list[int], now: datetime, gone: Collection[int] = ()
) -> list[CircuitChange]:
    if connection.exec_driver_sql(_ANY).first() is None:
        return []
    rows = connection.execute(_FORGET, {"ids": ids}).all()
    closed = []
    for row in sorted(rows, key=lambda row: row.endpoint_id):
        if row.opened_at is not None:
            key, circuit = row.endpoint_id, build_circuit(row)
            released = _release(connection, key, now)
            waiting = 0 if key in gone else released
            closed.append(
                record_change(
                    connection, CircuitChangeKind.CLOSED, key, circuit, at=now, waiting=waiting
                )
            )
    return closed


def _release(connection: Connection, endpoint_id: int, now: datetime) -> int:
    """Make queued executions due one after the other, as redeliveries; return how many."""
    apart = instant_number(EPOCH + REDELIVERY_INTERVAL)
    values = {"now": instant_number(now), "apart": apart, "endpoint": endpoint_id}
    return connection.execute(_RELEASE, values).rowcount


def _count(
    connection: Connection,
    key: int,
    summary: AnswerSummary,
    now: datetime,
    jitter: float,
    *,
    probed: bool,
) -> CircuitChange | None:
    """Count failures; open the circuit if they are too many, or delay its next probe."""
    assert summary.last is not None
    reason = summary.last.words
    values = {"endpoint": key, "failures": summary.failures, "reason": reason}
    row = connection.execute(_COUNT, {**values, "now": instant_number(now)}).one()
    is_open = row.opened_at is not None
    lasted = now - (EPOCH + row.failing_since * _MICROSECOND)
    if not (probed if is_open else opens(row.failures, lasted)):
        return None
    probes = row.probes + 1 if is_open else 0
    opened_at = EPOCH + row.opened_at * _MICROSECOND if is_open else now
    probe_at = next_probe(summary.last, probes=probes, now=now, jitter=jitter)
    connection.execute(
        update(schema.circuits)
        .where(_circuits.endpoint_id == key)
        .values(opened_at=opened_at, probe_at=probe_at, probes=probes)
    )
    circuit = Circuit(opened_at=opened_at, probe_at=probe_at, failures=row.failures, reason=reason)
    if is_open:
        return record_change(connection, CircuitChangeKind.PROBED, key, circuit, at=now)
    waiting = connection.execute(_COUNT_QUEUED, {"endpoint": key}).scalar_one()
    return record_change(
        connection, CircuitChangeKind.OPENED, key, circuit, at=now, waiting=waiting
    )


def take_probe(connection: Connection, endpoint_id: int, now: datetime, until: datetime) -> bool:
    """Take the probe of an open circuit until a moment, unless another worker has it."""
    values = {"endpoint": endpoint_id, "now": now}
    if connection.execute(_FREE_PROBE, values).first() is None:
        return False
    connection.execute(
        update(schema.circuits).where(_circuits.endpoint_id == endpoint_id).values(probe_at=until)
    )
    return True


def close_circuit(connection: Connection, endpoint_id: int, now: datetime, *, gone: bool) -> None:
    """Close a circuit, if it is open; its queue is sent unless the endpoint is `gone`."""
    _close(connection, [endpoint_id], now, [endpoint_id] if gone else ())


def build_circuit(row: Any) -> Circuit:  # noqa: ANN401 - whichever query has its columns
    """Return the circuit of a row that has its columns."""
    return Circuit(
        opened_at=row.opened_at, probe_at=row.probe_at, failures=row.failures, reason=row.reason
    )


def record_change(
    connection: Connection,
    turn: CircuitChangeKind,
    key: int,
    circuit: Circuit,
    *,
    at: datetime,
    waiting: int = 0,
) -> CircuitChange:
    """Return the change of a circuit; write it down for the feed, unless it is a failed probe."""
    name = connection.execute(select(_endpoints.name).where(_endpoints.id == key)).scalar_one()
    if turn is not CircuitChangeKind.PROBED:
        connection.execute(
            schema.circuit_changes.insert().values(
                endpoint_id=key,
                at=at,
                closed=turn is CircuitChangeKind.CLOSED,
                opened_at=circuit.opened_at,
                probe_at=circuit.probe_at,
                failures=circuit.failures,
                reason=circuit.reason,
                waiting=waiting,
            )
        )
    return CircuitChange(kind=turn, endpoint=name, circuit=circuit, at=at, waiting=waiting)


def list_changes_since(
    reader: Reader, after_id: int, container: ContainerReference | None = None
) -> list[CircuitChange]:
    """Return the newest openings and closings with higher ids, in order.

    `container` narrows them to the endpoints that automations of one registry or project use, or
    have used. Raises NotFound.
    """
    connection = reader.connection
    newer = _newest_changes(connection, container).where(_changes.id > after_id)
    return _read_changes(connection, newer)


def list_changes_between(
    connection: Connection,
    *,
    after: datetime | None,
    before_id: int | None,
    container: ContainerReference | None,
) -> list[CircuitChange]:
    """Return the newest openings and closings after a moment, up to an execution, in order.

    `container` narrows them as above. Raises NotFound.
    """
    query = _newest_changes(connection, container)
    if after is not None:
        query = query.where(_changes.at > after)
    if before_id is not None:
        end = select(_executions.created_at).where(_executions.id == bounded(before_id))
        query = query.where(_changes.at <= end.scalar_subquery())
    return _read_changes(connection, query)


def _newest_changes(connection: Connection, container: ContainerReference | None) -> Select[Any]:
    query = (
        select(schema.circuit_changes, _endpoints.name)
        .join(schema.endpoints, _endpoints.id == _changes.endpoint_id)
        .order_by(_changes.id.desc())
        .limit(MOST_CHANGES)
    )
    if container is None:
        return query
    used = select(_revisions.endpoint_id).where(
        _revisions.container_id == find_container(connection, container),
        _revisions.endpoint_id.is_not(None),
    )
    return query.where(_changes.endpoint_id.in_(used))


def _read_changes(connection: Connection, query: Select[Any]) -> list[CircuitChange]:
    found = [
        CircuitChange(
            kind=CircuitChangeKind.CLOSED if row.closed else CircuitChangeKind.OPENED,
            endpoint=row.name,
            circuit=build_circuit(row),
            at=row.at,
            waiting=row.waiting,
            id=row.id,
        )
        for row in connection.execute(query)
    ]
    return found[::-1]


def newest_change_id(reader: Reader) -> int:
    """Return the id of the newest opening or closing; 0 if there is none."""
    return reader.connection.execute(select(func.max(_changes.id))).scalar() or 0
