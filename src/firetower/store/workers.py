"""Workers and servers, their heartbeats, and who uses servers."""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

from sqlalchemy import Table, bindparam, select

from firetower.core.json import dump, parse_object
from firetower.store import worker_schema as schema
from firetower.store.changes import Change, Reader
from firetower.store.columns import instant_number
from firetower.store.driver import Prepared, insert_rows, run

HEARTBEAT_INTERVAL = timedelta(seconds=2)
"""Time between two heartbeats of a worker that has something to do."""
HEARTBEAT_TIMEOUT = timedelta(seconds=15)
"""Age of its last heartbeat from which a worker counts as dead."""
SERVER_HEARTBEAT_INTERVAL = timedelta(seconds=5)
"""Time between two heartbeats of a server."""
FORGET_AFTER = timedelta(days=1)
"""Age of its last heartbeat from which what runs elsewhere counts as gone."""

_RECENTLY = timedelta(minutes=5)
"""Who used a server since then is shown as using it."""
_MAX_FIELDS = 20
"""Unknown fields that are kept, those asked for most often."""

_workers, _servers, _tokens = schema.workers.c, schema.servers.c, schema.tokens.c
_WORKERS = Prepared(select(schema.workers).order_by(_workers.started_at.desc()))
_SERVERS = Prepared(select(schema.servers).order_by(_servers.started_at.desc()))
_CLIENTS = select(_tokens.user_name).where(_tokens.last_used_at > bindparam("since")).distinct()


@dataclass(frozen=True, slots=True)
class HeartbeatSender:
    """A process that sends heartbeats."""

    id: str
    host: str
    pid: int
    started_at: datetime
    heartbeat_at: datetime = field(compare=False)

    def is_alive(self, now: datetime) -> bool:
        """Return whether its last heartbeat is recent, and its process not known to be gone."""
        # By distance: a clock set back must not make a worker dead.
        is_recent = abs(now - self.heartbeat_at) <= HEARTBEAT_TIMEOUT
        return is_recent and not is_gone(self.host, self.pid)

    def is_dead(self, now: datetime) -> bool:
        """Return whether it is certainly dead.

        Its process on this machine is gone, or it has sent no heartbeat for a day.
        """
        return now - self.heartbeat_at > FORGET_AFTER or is_gone(self.host, self.pid)


@dataclass(frozen=True, slots=True)
class WorkerInfo(HeartbeatSender):
    """One worker. What is neither alive nor dead keeps its claims until the leases expire."""

    problem: str | None
    """What keeps it from sending."""


@cache
def this_host() -> str:
    """Return an id of where process ids are unique: machine, on Linux also boot and namespace."""
    parts = [socket.gethostname()]
    for path in ("/proc/sys/kernel/random/boot_id", "/proc/self/ns/pid"):
        try:
            is_link = Path(path).is_symlink()
            parts.append(str(Path(path).readlink()) if is_link else Path(path).read_text().strip())
        except OSError:
            continue
    return " ".join(parts)


def record_heartbeat(change: Change, worker_id: str, problem: str | None = None) -> None:
    """Record a heartbeat; register a worker that is new, or was taken for dead."""
    _write_heartbeat(change, schema.workers, worker_id, problem=problem)


def _write_heartbeat(change: Change, table: Table, id_: str, **values: str | None) -> bool:
    """Write a heartbeat; return whether who sends it was not registered yet."""
    connection = change.connection
    row: dict[str, str | int | None] = {"heartbeat_at": instant_number(change.now), **values}
    changed = ", ".join(f"{name} = ?" for name in row)
    update = f"UPDATE {table.name} SET {changed} WHERE id = ? RETURNING id"  # noqa: S608 - ours
    if run(connection, update, (*row.values(), id_)):
        return False
    row |= {"id": id_, "host": this_host(), "pid": os.getpid(), "started_at": row["heartbeat_at"]}
    insert_rows(connection, table, tuple(row), [tuple(row.values())])
    return True


def sign_off(change: Change, worker_ids: list[str]) -> None:
    """Remove workers that have ended."""
    if worker_ids:
        change.connection.execute(schema.workers.delete().where(_workers.id.in_(worker_ids)))


def list_workers(reader: Reader) -> list[WorkerInfo]:
    """Return every worker that has not signed off, the newest first."""
    return [WorkerInfo(**row._asdict()) for row in _WORKERS.rows(reader.connection)]


def is_gone(host: str, pid: int) -> bool:
    """Return whether a process of this machine has ended; of another nobody knows."""
    return host == this_host() and not _is_running(pid)


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return not _is_zombie(pid)


def _is_zombie(pid: int) -> bool:
    """Return whether a process has ended but was not reaped yet (Linux)."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[:1] == ["Z"]


@dataclass(frozen=True, slots=True)
class ServerInfo(HeartbeatSender):
    """One running server."""

    url: str
    unknown_fields: Mapping[str, int]
    """Unknown fields that clients asked for, with how often."""

    @property
    def is_here(self) -> bool:
        """Whether it runs on this machine."""
        return self.host == this_host()


def record_server(change: Change, server_id: str, url: str, unknown: Mapping[str, int]) -> None:
    """Record a server's heartbeat; register one that is new, and forget those that are dead."""
    often = sorted(unknown.items(), key=lambda one: -one[1])[:_MAX_FIELDS]
    fields = dump(dict(often))
    if _write_heartbeat(change, schema.servers, server_id, url=url, unknown_fields=fields):
        for server in list_servers(change):
            if server.is_dead(change.now):
                remove_server(change, server.id)


def remove_server(change: Change, server_id: str) -> None:
    """Remove a server that has ended."""
    change.connection.execute(schema.servers.delete().where(_servers.id == server_id))


def list_servers(reader: Reader) -> list[ServerInfo]:
    """Return every server that has not ended in order, the newest first."""
    return [
        ServerInfo(**{**row._asdict(), "unknown_fields": parse_object(row.unknown_fields)})
        for row in _SERVERS.rows(reader.connection)
    ]


def list_clients(reader: Reader) -> list[str]:
    """Return the users who changed something through a server recently, by name."""
    return sorted(reader.connection.execute(_CLIENTS, {"since": reader.now - _RECENTLY}).scalars())
