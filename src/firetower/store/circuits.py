"""Circuits: count failures, open, probe and close, and record the changes for the feed.

Lock order: a transaction locks its executions first, then circuits, then the endpoints' version; a
probe waits for no lock. So two workers never deadlock.
"""

import random
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, bindparam, delete, func, select, text, update

from firetower.core.circuit_breaker import (
    AnswerSummary,
    Circuit,
    CircuitChange,
    CircuitChangeKind,
    next_probe,
    opens,
)
from firetower.core.references import ContainerReference
from firetower.store import schema
from firetower.store.catalog.lookups import find_container, select_containers_in, select_covering
from firetower.store.changes import Change, Reader, bump_endpoints_version
from firetower.store.columns import Instant
from firetower.store.redelivery import REDELIVERY_INTERVAL
from firetower.store.schema import UNTRIED

MAX_CHANGES = 500
"""Openings and closings that one query returns."""

_circuits, _changes = schema.circuits.c, schema.circuit_changes.c
_endpoints, _executions, _revisions = schema.endpoints.c, schema.executions.c, schema.revisions.c
_NOW = bindparam("now", type_=Instant)
_FORGET = (  # built once: the worker's cycles run it
    delete(schema.circuits)
    .where(_circuits.endpoint_id.in_(bindparam("ids", expanding=True)))
    .returning(schema.circuits)
)
_COUNT = (
    text(
        "INSERT INTO circuits (endpoint_id, failures, failing_since, probes, reason)"
        " VALUES (:endpoint, :failures, :now, 0, :reason)"
        " ON CONFLICT (endpoint_id) DO UPDATE SET"
        " failures = circuits.failures + excluded.failures, reason = excluded.reason"
        " RETURNING failures, failing_since, probes, opened_at"
    )
    .bindparams(_NOW)
    .columns(failing_since=Instant, opened_at=Instant)
)
_RELEASE = text(
    "UPDATE executions SET next_attempt_at = :now + place * :interval FROM"
    " (SELECT id AS queued, row_number() OVER (ORDER BY next_attempt_at, id) - 1 AS place"
    " FROM executions"
    " WHERE endpoint_id = :endpoint AND status = 'pending' AND attempts = 0"
    " AND next_attempt_at <= :now) AS backlog"
    " WHERE executions.id = queued AND executions.status = 'pending'"
).bindparams(_NOW)
"""Makes queued executions due one after the other, as redeliveries."""
_INTERVAL = REDELIVERY_INTERVAL // timedelta(microseconds=1)


def any_jitter() -> float:
    """Return a random number from -1 to 1."""
    return random.uniform(-1, 1)  # noqa: S311 - spreads load, hides nothing


def record_answers(
    change: Change,
    answers: Mapping[int, AnswerSummary],
    probed: frozenset[int],
    jitter: Callable[[], float] = any_jitter,
    *,
    gone: Collection[int] = (),
) -> list[CircuitChange]:
    """Record a batch of answers, summed up by endpoint; return the changes of circuits.

    `probed` are the endpoints with an answer to a probe. Those `gone` are about to be disabled: a
    circuit that closes sends nothing there.
    """
    worked = [key for key, summary in answers.items() if summary.worked]
    changes = close_circuits(change, worked, gone=gone) if worked else []
    for key, summary in sorted(answers.items()):
        if summary.last is not None:
            made = _count(change, key, summary, jitter(), probed=key in probed)
            changes += [] if made is None else [made]
    if changes:
        bump_endpoints_version(change)
    return changes


def close_circuits(
    change: Change, ids: Collection[int], *, gone: Collection[int]
) -> list[CircuitChange]:
    """Close those circuits that are open; their queues are sent unless their endpoint is `gone`."""
    forgotten = change.connection.execute(_FORGET, {"ids": list(ids)})
    opened = {row.endpoint_id: build_circuit(row) for row in forgotten if row.opened_at is not None}
    changes = []
    for key, circuit in sorted(opened.items()):
        values = {"now": change.now, "interval": _INTERVAL, "endpoint": key}
        released = change.connection.execute(_RELEASE, values)
        waiting = 0 if key in gone else released.rowcount
        kind = CircuitChangeKind.CLOSED
        changes.append(_record_change(change, kind, key, circuit, waiting=waiting))
    return changes


def _count(
    change: Change, key: int, summary: AnswerSummary, jitter: float, *, probed: bool
) -> CircuitChange | None:
    """Count failures; open the circuit if they are too many, or delay its next probe."""
    assert summary.last is not None
    connection, now = change.connection, change.now
    reason = summary.last.words
    values = {"endpoint": key, "failures": summary.failures, "reason": reason, "now": now}
    row = connection.execute(_COUNT, values).one()
    is_open = row.opened_at is not None
    if not (probed if is_open else opens(row.failures, now - row.failing_since)):
        return None
    probes = row.probes + 1 if is_open else 0
    opened_at = row.opened_at or now
    probe_at = next_probe(summary.last, probes=probes, now=now, jitter=jitter)
    connection.execute(
        update(schema.circuits)
        .where(_circuits.endpoint_id == key)
        .values(opened_at=opened_at, probe_at=probe_at, probes=probes)
    )
    circuit = Circuit(opened_at=opened_at, probe_at=probe_at, failures=row.failures, reason=reason)
    if is_open:
        return _record_change(change, CircuitChangeKind.PROBED, key, circuit)
    queued = select(func.count()).where(_executions.endpoint_id == key, UNTRIED)
    waiting = connection.execute(queued).scalar_one()
    return _record_change(change, CircuitChangeKind.OPENED, key, circuit, waiting=waiting)


def take_probe(change: Change, endpoint_id: int, until: datetime) -> bool:
    """Take the probe of an open circuit until a moment, unless another worker has it."""
    free = (
        select(_circuits.endpoint_id)
        .where(_circuits.endpoint_id == endpoint_id, _circuits.probe_at <= change.now)
        .with_for_update(skip_locked=True)
    )
    query = update(schema.circuits).where(_circuits.endpoint_id.in_(free)).values(probe_at=until)
    return change.connection.execute(query).rowcount == 1


def build_circuit(row: Any) -> Circuit:  # noqa: ANN401 - a row of any query with its columns
    """Return the circuit of a row."""
    return Circuit(
        opened_at=row.opened_at, probe_at=row.probe_at, failures=row.failures, reason=row.reason
    )


def _record_change(
    change: Change, kind: CircuitChangeKind, key: int, circuit: Circuit, *, waiting: int = 0
) -> CircuitChange:
    """Return the change of a circuit; write it down for the feed, unless it is a failed probe."""
    connection, at = change.connection, change.now
    name = connection.execute(select(_endpoints.name).where(_endpoints.id == key)).scalar_one()
    if kind is not CircuitChangeKind.PROBED:
        connection.execute(
            schema.circuit_changes.insert().values(
                endpoint_id=key,
                at=at,
                closed=kind is CircuitChangeKind.CLOSED,
                waiting=waiting,
                **dict(circuit),
            )
        )
    return CircuitChange(kind=kind, endpoint=name, circuit=circuit, at=at, waiting=waiting)


def list_changes(
    reader: Reader,
    container: ContainerReference | None = None,
    *,
    after_id: int = 0,
    after: datetime | None = None,
    before_execution: int | None = None,
) -> list[CircuitChange]:
    """Return the newest openings and closings, in order.

    `after_id` and `after` leave out those up to a change or a moment, `before_execution` those
    later than an execution. `container` narrows them to the endpoints that automations which
    watch there use, or have used. Raises NotFound.
    """
    query = (
        select(schema.circuit_changes, _endpoints.name)
        .join(schema.endpoints, _endpoints.id == _changes.endpoint_id)
        .where(_changes.id > after_id)
        .order_by(_changes.id.desc())
        .limit(MAX_CHANGES)
    )
    if after is not None:
        query = query.where(_changes.at > after)
    if before_execution is not None:
        end = select(_executions.created_at).where(_executions.id == before_execution)
        query = query.where(_changes.at <= end.scalar_subquery())
    if container is not None:
        query = query.where(_changes.endpoint_id.in_(_select_used(reader, container)))
    found = [
        CircuitChange(
            kind=CircuitChangeKind.CLOSED if row.closed else CircuitChangeKind.OPENED,
            endpoint=row.name,
            circuit=build_circuit(row),
            at=row.at,
            waiting=row.waiting,
            id=row.id,
        )
        for row in reader.connection.execute(query)
    ]
    return found[::-1]


def _select_used(reader: Reader, container: ContainerReference) -> Select[int]:
    """Return the query of the endpoints that what watches a container uses, or has used."""
    find_container(reader, container)
    watching = select_covering(select_containers_in(container))
    return select(_revisions.endpoint_id).where(
        _revisions.container_id.in_(watching), _revisions.endpoint_id.is_not(None)
    )


def newest_change_id(reader: Reader) -> int:
    """Return the id of the newest opening or closing; 0 if there is none."""
    return reader.connection.execute(select(func.max(_changes.id))).scalar() or 0
