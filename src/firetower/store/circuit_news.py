"""What became of circuits, written down for the feed."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, select

from firetower.core.circuits import Circuit, CircuitNews, Turn
from firetower.store import tables

_changes, _integrations = tables.circuit_changes.c, tables.integrations.c

MOST = 500
"""Openings and closings that one look at the past returns."""


def build_circuit(row: Any) -> Circuit:  # noqa: ANN401 - whichever query has its columns
    """Return the circuit of a row that has its columns."""
    return Circuit(
        opened_at=row.opened_at, probe_at=row.probe_at, failures=row.failures, reason=row.reason
    )


def tell(
    connection: Connection,
    turn: Turn,
    key: int,
    circuit: Circuit,
    *,
    at: datetime,
    waiting: int = 0,
) -> CircuitNews:
    """Return what became of the circuit of an integration, by its row, for those who tell it.

    An opening or a closing is written down; a probe in vain is news to nobody later.
    """
    name = connection.execute(
        select(_integrations.name).where(_integrations.id == key)
    ).scalar_one()
    if turn is not Turn.PROBED:
        newest = select(func.coalesce(func.max(tables.executions.c.id), 0)).scalar_subquery()
        connection.execute(
            tables.circuit_changes.insert().values(
                integration_id=key,
                at=at,
                after_execution_id=newest,
                closed=turn is Turn.CLOSED,
                opened_at=circuit.opened_at,
                probe_at=circuit.probe_at,
                failures=circuit.failures,
                reason=circuit.reason,
                waiting=waiting,
            )
        )
    return CircuitNews(turn=turn, integration=name, circuit=circuit, at=at, waiting=waiting)


def news_since(connection: Connection, after_id: int) -> list[CircuitNews]:
    """Return the openings and closings with higher numbers, in order."""
    return _read(connection, _changes.id > after_id)


def news_among(
    connection: Connection, first_execution: int, before_execution: int | None = None
) -> list[CircuitNews]:
    """Return the openings and closings whose place is among some executions of the feed."""
    places = _changes.after_execution_id >= first_execution
    if before_execution is not None:
        places &= _changes.after_execution_id < before_execution
    return _read(connection, places)


def newest_news(connection: Connection) -> int:
    """Return the number of the newest opening or closing."""
    return connection.execute(select(func.max(_changes.id))).scalar() or 0


def _read(connection: Connection, which: ColumnElement[bool]) -> list[CircuitNews]:
    query = (
        select(tables.circuit_changes, _integrations.name)
        .join(tables.integrations, _integrations.id == _changes.integration_id)
        .where(which)
        .order_by(_changes.id.desc())
        .limit(MOST)
    )
    found = [
        CircuitNews(
            turn=Turn.CLOSED if row.closed else Turn.OPENED,
            integration=row.name,
            circuit=build_circuit(row),
            at=row.at,
            waiting=row.waiting,
            id=row.id,
            after_execution_id=row.after_execution_id,
        )
        for row in connection.execute(query)
    ]
    return found[::-1]
