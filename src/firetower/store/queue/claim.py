"""Claims: executions that are due, leased to one worker for one attempt."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    TextClause,
    bindparam,
    func,
    select,
)

from firetower.core.automations import Revision
from firetower.core.circuit_breaker import Circuit
from firetower.core.endpoints import Endpoint
from firetower.core.events import Event
from firetower.core.executions import Status
from firetower.store import schema
from firetower.store.changes import Change, Reader
from firetower.store.circuits import take_probe
from firetower.store.columns import instant_number
from firetower.store.driver import Prepared, run_with_ids
from firetower.store.events import Versions, build_event, learn_collections, select_events
from firetower.store.queue.automation_cache import AutomationCache
from firetower.store.schema import TRIED, UNTRIED, has_status

LEASE_MARGIN = timedelta(seconds=20)
"""How much longer than the request's timeout a lease lasts: the answer is still to be recorded."""
SLOT = 1 << 16
"""Characters of metadata or config that a request in flight may have for each slot it takes."""
_PROBE_INTERVAL = timedelta(seconds=1)
"""How long to wait before looking again at a probe that another worker has taken."""

_events, _executions, _endpoints = schema.events.c, schema.executions.c, schema.endpoints.c
_OF_ENDPOINT = _executions.endpoint_id == bindparam("endpoint")


@dataclass(frozen=True, slots=True)
class Claim:
    """One attempt of an execution, leased to one worker."""

    execution_id: int
    webhook_id: str
    number: int
    """The attempt's number, which fences off a worker that lost its lease."""
    retries_used: int
    revision: Revision
    event: Event
    endpoint: Endpoint
    probe: bool = False
    """Whether it probes an open circuit."""

    @property
    def slots(self) -> int:
        """How many of its endpoint's it takes: more where the request may be long."""
        return 1 + self.event.length // SLOT


class _Queue(NamedTuple):
    """The queries of some of an endpoint's executions, in the order in which they are due."""

    first: Prepared
    next_due_at: Prepared


# Queries are built once: building one costs as much as running it, and every cycle runs these.
def _queue(which: ColumnElement[bool] | TextClause) -> _Queue:
    due_at = _executions.next_attempt_at
    columns = ("id", "webhook_id", "attempts", "retries_used", "revision_id", "event_id")
    first = (
        select(*(_executions[name] for name in columns), due_at)
        .where(_OF_ENDPOINT, which)
        .order_by(due_at)
        .limit(bindparam("limit"))
        .with_for_update(skip_locked=True)
    )
    next_due_at = select(due_at).where(_OF_ENDPOINT, which).order_by(due_at).limit(1)
    return _Queue(Prepared(first), Prepared(next_due_at))


_PENDING = has_status(Status.PENDING)
_ALL, _RETRIES, _FIRST_ATTEMPTS = _queue(_PENDING), _queue(TRIED), _queue(UNTRIED)
_NEXT_DUE_AT = (
    select(func.min(_executions.next_attempt_at))
    .where(_executions.endpoint_id == _endpoints.id, _PENDING)
    .scalar_subquery()
)
_NEXT_OF_EACH = Prepared(
    select(_endpoints.id, _NEXT_DUE_AT).where(
        _endpoints.disabled_at.is_(None), _endpoints.deleted_at.is_(None)
    )
)
_LEASE = """
UPDATE executions SET
  status = 'running', attempts = attempts + 1, worker_id = ?, lease_until = ?
WHERE id IN ({ids})
"""
_EVENTS = select_events().where(_events.id.in_(bindparam("ids", expanding=True)))


def claim_due(
    change: Change,
    cache: AutomationCache,
    worker_id: str,
    free: dict[int, int],
    known: Mapping[int, Event] = MappingProxyType({}),
    *,
    is_ready: Callable[[Endpoint], bool] = lambda _: True,
) -> tuple[list[Claim], datetime | None]:
    """Lease what is due: for each enabled endpoint as many as it has free slots.

    `free` maps endpoints to slots, and is changed by what is leased; `known` are events, by id,
    that need no reading; `is_ready` is asked about endpoints that have something due. Return the
    claims, and when to look again: the earliest time at which an endpoint with a free slot has
    something due. One without is looked at when an answer comes.
    """
    claimer = _Claimer(change, cache, worker_id, free, dict(known))
    for endpoint_id, due_at in _NEXT_OF_EACH.rows(change.connection):
        endpoint = cache.endpoints.get(endpoint_id)
        if endpoint is None or due_at is None or not free.get(endpoint_id):
            continue
        if due_at <= change.now and not is_ready(endpoint):
            continue
        if endpoint.circuit is not None:
            claimer.claim_through_circuit(endpoint, endpoint.circuit)
        elif due_at > change.now:
            claimer.upcoming.append(due_at)
        else:
            claimer.claim(endpoint, _ALL)
    return claimer.claims, min(claimer.upcoming, default=None)


def count_due(reader: Reader, endpoint_ids: Sequence[int]) -> int:
    """Count the executions of endpoints that are due."""
    if not endpoint_ids:
        return 0
    is_due = _executions.next_attempt_at <= reader.now
    query = select(func.count()).where(_executions.endpoint_id.in_(endpoint_ids), _PENDING, is_due)
    return reader.connection.execute(query).scalar_one()


@dataclass(slots=True)
class _Claimer:
    change: Change
    cache: AutomationCache
    worker_id: str
    free: dict[int, int]
    known: dict[int, Event]
    versions: Versions = field(default_factory=dict)
    claims: list[Claim] = field(default_factory=list)
    upcoming: list[datetime] = field(default_factory=list)

    def claim(self, endpoint: Endpoint, queue: _Queue) -> None:
        """Lease what is due, and note when the next is."""
        due_at = self._lease(endpoint, queue, self.free[endpoint.id])
        if due_at is not None and self.free[endpoint.id]:
            self.upcoming.append(due_at)

    def claim_through_circuit(self, endpoint: Endpoint, circuit: Circuit) -> None:
        """Lease what an open circuit lets through: retries, and a probe if its time has come."""
        self.claim(endpoint, _RETRIES)
        due_at = self._next_due_at(endpoint, _FIRST_ATTEMPTS)
        if due_at is None or not self.free[endpoint.id]:
            return
        now, probe_at = self.change.now, max(due_at, circuit.probe_at)
        if probe_at > now:
            self.upcoming.append(probe_at)
            return
        until = self._lease_until(endpoint)
        if take_probe(self.change, endpoint.id, until):
            self._lease(endpoint, _FIRST_ATTEMPTS, 1, probe=True)
            self.upcoming.append(until)
        else:
            self.upcoming.append(now + _PROBE_INTERVAL)

    def _next_due_at(self, endpoint: Endpoint, queue: _Queue) -> datetime | None:
        first = queue.next_due_at.first(self.change.connection, endpoint=endpoint.id)
        return None if first is None else first.next_attempt_at

    def _lease_until(self, endpoint: Endpoint) -> datetime:
        return self.change.now + endpoint.settings.timeout + LEASE_MARGIN

    def _lease(
        self, endpoint: Endpoint, queue: _Queue, limit: int, *, probe: bool = False
    ) -> datetime | None:
        """Lease at most `limit` of what is due; return when the first that is not due will be.

        None where nothing is pending beside what was read.
        """
        connection = self.change.connection
        found = queue.first.rows(connection, endpoint=endpoint.id, limit=limit)
        rows = [row for row in found if row.next_attempt_at <= self.change.now]
        other = found[len(rows)].next_attempt_at if len(rows) < len(found) else None
        if not rows:
            return other
        leased = []
        unknown = self._read_events({row.event_id for row in rows})
        for row in rows:
            claim = Claim(
                execution_id=row.id,
                webhook_id=row.webhook_id,
                number=row.attempts + 1,
                retries_used=row.retries_used,
                revision=self.cache.revision(self.change, row.revision_id),
                event=self._event(row.event_id, unknown),
                endpoint=endpoint,
                probe=probe,
            )
            leased.append(claim)
            self.free[endpoint.id] = max(0, self.free[endpoint.id] - claim.slots)
            if not self.free[endpoint.id]:
                break
        ids = [claim.execution_id for claim in leased]
        until = instant_number(self._lease_until(endpoint))
        run_with_ids(connection, _LEASE, ids, self.worker_id, until)
        self.claims += leased
        return other

    def _read_events(self, ids: set[int]) -> dict[int, Any]:
        """Return the rows of those events that are not known yet."""
        unknown = list(ids - self.known.keys())
        if not unknown:
            return {}
        rows = self.change.connection.execute(_EVENTS, {"ids": unknown}).all()
        learn_collections(self.change, rows)
        return {row.event_id: row for row in rows}

    def _event(self, event_id: int, unknown: Mapping[int, Any]) -> Event:
        if event_id not in self.known:
            self.known[event_id] = build_event(self.change, unknown[event_id], self.versions)
        return self.known[event_id]
