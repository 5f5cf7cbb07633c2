"""The status of a database: its workers, and what waits for them."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, func, select

from firetower.core.executions import Status
from firetower.store import schema
from firetower.store.changes import Reader
from firetower.store.columns import Instant, instant_number
from firetower.store.driver import Prepared
from firetower.store.schema import UNEVALUATED, has_status
from firetower.store.workers import (
    ServerInfo,
    WorkerInfo,
    list_clients,
    list_servers,
    list_workers,
)

_executions, _events = schema.executions.c, schema.events.c
# Run by the driver: SQLAlchemy would take most of the time of an idle app.
_NEWEST = Prepared(select(_events.recorded_at).order_by(_events.id.desc()).limit(1))
_UNEVALUATED = Prepared(select(func.count()).where(UNEVALUATED))
_OLDEST = select(_events.recorded_at).where(UNEVALUATED).order_by(_events.id).limit(1)
_DUE_AT, _NOW = _executions.next_attempt_at, bindparam("now", type_=Instant)
_PENDING = Prepared(
    select(
        func.count().filter(_DUE_AT <= _NOW),
        func.count().filter(_DUE_AT > _NOW),
        func.min(_DUE_AT).filter(_DUE_AT <= _NOW),
    ).where(has_status(Status.PENDING))
)
_NUMBERED = schema.events, schema.revisions, schema.containers, schema.version_changes
_MARK = (
    Prepared(select(*(select(func.max(rows.c.id)).scalar_subquery() for rows in _NUMBERED))),
    Prepared(select(func.count(), func.max(schema.secrets.c.updated_at))),
    Prepared(select(schema.endpoints)),
    Prepared(select(schema.circuits).where(schema.circuits.c.opened_at.is_not(None))),
)


@dataclass(frozen=True, slots=True)
class DatabaseStatus:
    """Workers, servers, and the numbers of events and executions that wait."""

    workers: tuple[WorkerInfo, ...]
    """Alive ones, the newest first."""
    due: int
    """Executions due and not claimed."""
    oldest_due_at: datetime | None
    """When the first of them was due."""
    retrying: int
    """Executions that wait for another attempt."""
    last_event_at: datetime | None
    unevaluated: int
    """Events that wait for their evaluation."""
    oldest_unevaluated_at: datetime | None
    """When the first of them was recorded."""
    servers: tuple[ServerInfo, ...] = ()
    """Alive ones, the newest first."""
    clients: tuple[str, ...] = ()
    """Users who changed something through a server in the last minutes."""


def read_status(reader: Reader) -> DatabaseStatus:
    """Return the status of the database."""
    connection, now = reader.connection, reader.now
    due, retrying, oldest_due_at = _PENDING.first(connection, now=instant_number(now))
    [last_event_at] = _NEWEST.first(connection) or [None]
    [events] = _UNEVALUATED.first(connection)
    servers = tuple(one for one in list_servers(reader) if one.is_alive(now))
    return DatabaseStatus(
        workers=tuple(one for one in list_workers(reader) if one.is_alive(now)),
        due=due,
        oldest_due_at=oldest_due_at,
        retrying=retrying,
        last_event_at=last_event_at,
        unevaluated=events,
        oldest_unevaluated_at=connection.execute(_OLDEST).scalar() if events else None,
        servers=servers,
        clients=tuple(list_clients(reader)) if servers else (),
    )


def read_mark(reader: Reader) -> tuple[object, ...]:
    """Return a value that differs once anything but executions and heartbeats has changed."""
    return tuple(tuple(query.rows(reader.connection)) for query in _MARK)
