"""Workers and their heartbeats."""

import os
import socket
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, select, update

from firetower.store import schema

HEARTBEAT_INTERVAL = timedelta(seconds=2)
"""Time between two heartbeats of a worker that has something to do."""
HEARTBEAT_TIMEOUT = timedelta(seconds=15)
"""Age of its last heartbeat from which a worker counts as dead."""
FORGET_AFTER = timedelta(days=1)
"""Age of its last heartbeat from which what runs elsewhere counts as gone."""

_workers = schema.workers.c


@dataclass(frozen=True, slots=True)
class WorkerInfo:
    """One worker."""

    id: str
    host: str
    pid: int
    started_at: datetime
    heartbeat_at: datetime
    problem: str | None = None
    """What keeps it from sending."""

    def is_alive(self, now: datetime) -> bool:
        """Return whether its last heartbeat is recent."""
        # By distance: a clock set back must not make a worker dead.
        return abs(now - self.heartbeat_at) <= HEARTBEAT_TIMEOUT


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


def record_heartbeat(
    connection: Connection, worker_id: str, now: datetime, problem: str | None = None
) -> None:
    """Record a heartbeat; register a worker that is new, or was taken for dead."""
    values = {"heartbeat_at": now, "problem": problem}
    updated = connection.execute(
        update(schema.workers).where(_workers.id == worker_id).values(values)
    )
    if updated.rowcount == 0:
        here = {"id": worker_id, "host": this_host(), "pid": os.getpid(), "started_at": now}
        connection.execute(schema.workers.insert(), here | values)


def sign_off(connection: Connection, worker_ids: list[str]) -> None:
    """Remove workers that have ended."""
    connection.execute(schema.workers.delete().where(_workers.id.in_(worker_ids)))


def list_workers(connection: Connection) -> list[WorkerInfo]:
    """Return every worker that has not signed off, the newest first."""
    rows = connection.execute(select(schema.workers).order_by(_workers.started_at.desc()))
    return [WorkerInfo(**row) for row in rows.mappings()]


def find_dead(connection: Connection, now: datetime) -> list[str]:
    """Return the ids of workers that are certainly dead.

    Those are workers of this machine whose process is gone, and those without a heartbeat for a
    day. Others keep their claims until the leases expire.
    """
    return [
        worker.id
        for worker in list_workers(connection)
        if now - worker.heartbeat_at > FORGET_AFTER or is_gone(worker.host, worker.pid)
    ]


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
