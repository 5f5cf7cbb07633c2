"""The status of a database: its workers, and what waits for them."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Executable, func, select

from firetower.core.executions import Status
from firetower.store import schema
from firetower.store.changes import Reader
from firetower.store.schema import UNEVALUATED, has_status
from firetower.store.workers import (
    ServerInfo,
    WorkerInfo,
    find_dead,
    list_clients,
    list_servers,
    list_workers,
)

_executions, _events = schema.executions.c, schema.events.c
# Built once: building them took most of the time of an idle app.
_NEWEST = select(_events.recorded_at).order_by(_events.id.desc()).limit(1)
_UNEVALUATED = select(func.count()).where(UNEVALUATED)
_OLDEST = select(_events.recorded_at).where(UNEVALUATED).order_by(_events.id).limit(1)
_MARK: tuple[Executable, ...] = (
    select(func.max(schema.events.c.id)),
    select(func.max(schema.revisions.c.id)),
    select(func.max(schema.containers.c.id)),
    select(func.max(schema.version_changes.c.id)),
    select(func.count(), func.max(schema.secrets.c.updated_at)),
    select(schema.endpoints),
    select(schema.circuits).where(schema.circuits.c.opened_at.is_not(None)),
)


@dataclass(frozen=True, slots=True)
class DatabaseStatus:
    """What the status line shows."""

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
    dead = set(find_dead(connection, now))
    pending = select(
        func.count().filter(_executions.next_attempt_at <= now),
        func.count().filter(_executions.next_attempt_at > now),
        func.min(_executions.next_attempt_at).filter(_executions.next_attempt_at <= now),
    ).where(has_status(Status.PENDING))
    due, retrying, oldest_due_at = connection.execute(pending).one()
    workers = [one for one in list_workers(connection) if one.id not in dead and one.is_alive(now)]
    last_event_at = connection.execute(_NEWEST).scalar()
    events = connection.execute(_UNEVALUATED).scalar_one()
    servers = list_servers(connection, now)
    return DatabaseStatus(
        workers=tuple(workers),
        due=due,
        oldest_due_at=oldest_due_at,
        retrying=retrying,
        last_event_at=last_event_at,
        unevaluated=events,
        oldest_unevaluated_at=connection.execute(_OLDEST).scalar() if events else None,
        servers=tuple(servers),
        clients=tuple(list_clients(connection, now)) if servers else (),
    )


def read_mark(reader: Reader) -> tuple[object, ...]:
    """Return what differs once anything but executions and heartbeats has changed."""
    return tuple(tuple(map(tuple, reader.connection.execute(query))) for query in _MARK)
