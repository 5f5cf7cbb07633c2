"""What became of circuits, written down for the feed."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, func, select

from firetower.core.circuit_breaker import Circuit, CircuitChange, CircuitChangeKind
from firetower.core.references import ContainerReference
from firetower.store import schema
from firetower.store.catalog.lookups import find_container
from firetower.store.types import bounded

_changes, _endpoints = schema.circuit_changes.c, schema.endpoints.c
_executions, _revisions = schema.executions.c, schema.revisions.c

MOST = 500
"""Openings and closings that one look at the past returns."""


def build_circuit(row: Any) -> Circuit:  # noqa: ANN401 - whichever query has its columns
    """Return the circuit of a row that has its columns."""
    return Circuit(
        opened_at=row.opened_at, probe_at=row.probe_at, failures=row.failures, reason=row.reason
    )


def tell(
    connection: Connection,
    turn: CircuitChangeKind,
    key: int,
    circuit: Circuit,
    *,
    at: datetime,
    waiting: int = 0,
) -> CircuitChange:
    """Return what became of the circuit of an endpoint, by its row, for those who tell it.

    An opening or a closing is written down; a probe in vain is news to nobody later.
    """
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


def news_since(
    connection: Connection, after_id: int, container: ContainerReference | None = None
) -> list[CircuitChange]:
    """Return the newest openings and closings with higher numbers, in order.

    `container` narrows them to the endpoints that automations of one registry or project use, or
    have used. Raises NotFound.
    """
    return _read(connection, _newest(connection, container).where(_changes.id > after_id))


def news_among(
    connection: Connection,
    *,
    after: datetime | None,
    before_id: int | None,
    container: ContainerReference | None,
) -> list[CircuitChange]:
    """Return the newest openings and closings of a stretch of the feed, in order.

    It begins after a moment, and ends with the execution of a number. `container` narrows them as
    above. Raises NotFound.
    """
    query = _newest(connection, container)
    if after is not None:
        query = query.where(_changes.at > after)
    if before_id is not None:
        end = select(_executions.created_at).where(_executions.id == bounded(before_id))
        query = query.where(_changes.at <= end.scalar_subquery())
    return _read(connection, query)


def _newest(connection: Connection, container: ContainerReference | None) -> Select[Any]:
    query = (
        select(schema.circuit_changes, _endpoints.name)
        .join(schema.endpoints, _endpoints.id == _changes.endpoint_id)
        .order_by(_changes.id.desc())
        .limit(MOST)
    )
    if container is None:
        return query
    used = select(_revisions.endpoint_id).where(
        _revisions.container_id == find_container(connection, container),
        _revisions.endpoint_id.is_not(None),
    )
    return query.where(_changes.endpoint_id.in_(used))


def _read(connection: Connection, query: Select[Any]) -> list[CircuitChange]:
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


def newest_news(connection: Connection) -> int:
    """Return the number of the newest opening or closing."""
    return connection.execute(select(func.max(_changes.id))).scalar() or 0
