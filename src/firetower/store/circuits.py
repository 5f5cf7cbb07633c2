"""Circuits: counted, opened, probed and closed, each in its caller's transaction.

Where a transaction waits for rows of several tables, circuits come after its own executions and
before the stamp; a probe waits for none. So no two workers wait for each other.
"""

import random
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, delete, func, select, text, update

from firetower.core.circuit_breaker import (
    AnswerSummary,
    Circuit,
    CircuitChange,
    CircuitChangeKind,
    next_probe,
    opens,
)
from firetower.core.executions import Status
from firetower.store import schema
from firetower.store.circuit_news import build_circuit, tell
from firetower.store.conditions import TRIED, has_status
from firetower.store.redelivery import APART
from firetower.store.stamp import bump
from firetower.store.types import EPOCH, instant_number

_circuits, _executions = schema.circuits.c, schema.executions.c

_ANY = "SELECT 1 FROM circuits LIMIT 1"
"""By the driver alone: every turn that brings a success asks it, nearly always in vain."""
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
_HELD = select(
    select(func.count()).where(_OF_ONE, has_status(Status.PENDING)).scalar_subquery()
    - select(func.count()).where(_OF_ONE, TRIED).scalar_subquery()
)
"""What waits for its first try: two counts of indexes alone, however much it is."""
_RELEASE = text(
    "UPDATE executions SET next_attempt_at = :now + place * :apart FROM"
    " (SELECT id AS held, row_number() OVER (ORDER BY next_attempt_at, id) - 1 AS place"
    " FROM executions"
    " WHERE endpoint_id = :endpoint AND status = 'pending' AND attempts = 0"
    " AND next_attempt_at <= :now) AS backlog"
    " WHERE executions.id = held AND executions.status = 'pending'"
)


_MICROSECOND = timedelta(microseconds=1)


def any_jitter() -> float:
    """Return a random number from -1 to 1."""
    return random.uniform(-1, 1)  # noqa: S311 - spreads load, hides nothing


def follow(
    connection: Connection,
    runs: Mapping[int, AnswerSummary],
    probed: frozenset[int],
    now: datetime,
    jitter: Callable[[], float] = any_jitter,
    *,
    gone: Collection[int] = (),
) -> list[CircuitChange]:
    """Take in what endpoints have answered; `probed` are those one of whose answers was a probe's.

    Return what became of their circuits. Those `gone` are about to be disabled: nothing is told
    to go out.
    """
    news: list[CircuitChange] = []
    worked = sorted(key for key, run in runs.items() if run.worked)
    if worked:
        news.extend(_close(connection, worked, now, gone))
    for key, run in sorted(runs.items()):
        if run.last is not None:
            opened = _count(connection, key, run, now, jitter(), probed=key in probed)
            news.extend([] if opened is None else [opened])
    if news:
        bump(connection)
    return news


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
                tell(connection, CircuitChangeKind.CLOSED, key, circuit, at=now, waiting=waiting)
            )
    return closed


def _release(connection: Connection, endpoint_id: int, now: datetime) -> int:
    """Make due what was held, one after the other, as redeliveries are; return how many."""
    apart = instant_number(EPOCH + APART)
    values = {"now": instant_number(now), "apart": apart, "endpoint": endpoint_id}
    return connection.execute(_RELEASE, values).rowcount


def _count(
    connection: Connection,
    key: int,
    run: AnswerSummary,
    now: datetime,
    jitter: float,
    *,
    probed: bool,
) -> CircuitChange | None:
    """Count failures; open the circuit where they are too many, or put its next probe off."""
    assert run.last is not None
    reason = run.last.words
    values = {"endpoint": key, "failures": run.failures, "reason": reason}
    row = connection.execute(_COUNT, {**values, "now": instant_number(now)}).one()
    is_open = row.opened_at is not None
    lasted = now - (EPOCH + row.failing_since * _MICROSECOND)
    if not (probed if is_open else opens(row.failures, lasted)):
        return None
    probes = row.probes + 1 if is_open else 0
    opened_at = EPOCH + row.opened_at * _MICROSECOND if is_open else now
    probe_at = next_probe(run.last, probes=probes, now=now, jitter=jitter)
    connection.execute(
        update(schema.circuits)
        .where(_circuits.endpoint_id == key)
        .values(opened_at=opened_at, probe_at=probe_at, probes=probes)
    )
    circuit = Circuit(opened_at=opened_at, probe_at=probe_at, failures=row.failures, reason=reason)
    if is_open:
        return tell(connection, CircuitChangeKind.PROBED, key, circuit, at=now)
    waiting = connection.execute(_HELD, {"endpoint": key}).scalar_one()
    return tell(connection, CircuitChangeKind.OPENED, key, circuit, at=now, waiting=waiting)


def take_probe(connection: Connection, endpoint_id: int, now: datetime, until: datetime) -> bool:
    """Take the probe of an open circuit until a moment, unless another worker has it."""
    values = {"endpoint": endpoint_id, "now": now}
    if connection.execute(_FREE_PROBE, values).first() is None:
        return False
    connection.execute(
        update(schema.circuits).where(_circuits.endpoint_id == endpoint_id).values(probe_at=until)
    )
    return True


def close_by_hand(connection: Connection, endpoint_id: int, now: datetime, *, gone: bool) -> None:
    """Close a circuit, if it is open; what it held goes out unless the endpoint is `gone`."""
    _close(connection, [endpoint_id], now, [endpoint_id] if gone else ())
