"""Workers: who is alive, and who left claims behind."""

import os
import socket
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, select, update

from firetower.store import schema

BEAT = timedelta(seconds=2)
"""How often a worker says that it lives."""
FRESH = timedelta(seconds=15)
"""How old the last beat of a living worker can be."""
_FORGOTTEN = timedelta(days=1)

_workers = schema.workers.c


@dataclass(frozen=True, slots=True)
class WorkerInfo:
    """One worker as the database knows it."""

    id: str
    host: str
    pid: int
    started_at: datetime
    heartbeat_at: datetime

    def is_alive(self, now: datetime) -> bool:
        """Return whether it has said so lately. A clock set back does not bury a worker."""
        return abs(now - self.heartbeat_at) <= FRESH


def this_host() -> str:
    """Return what tells this machine's processes from those of another with the same name.

    Linux: the boot and the process namespace, in which a process number means something.
    """
    parts = [socket.gethostname()]
    for path in ("/proc/sys/kernel/random/boot_id", "/proc/self/ns/pid"):
        try:
            is_link = Path(path).is_symlink()
            parts.append(str(Path(path).readlink()) if is_link else Path(path).read_text().strip())
        except OSError:
            continue
    return " ".join(parts)


def register(connection: Connection, worker_id: str, now: datetime) -> None:
    """Say that a worker has started."""
    connection.execute(
        schema.workers.insert(),
        {
            "id": worker_id,
            "host": this_host(),
            "pid": os.getpid(),
            "started_at": now,
            "heartbeat_at": now,
        },
    )


def beat(connection: Connection, worker_id: str, now: datetime) -> None:
    """Say that a worker lives, also where a clock that stepped had it taken for dead."""
    beaten = connection.execute(
        update(schema.workers).where(_workers.id == worker_id).values(heartbeat_at=now)
    )
    if beaten.rowcount == 0:
        register(connection, worker_id, now)


def sign_off(connection: Connection, worker_ids: list[str]) -> None:
    """Forget workers that have ended."""
    connection.execute(schema.workers.delete().where(_workers.id.in_(worker_ids)))


def list_workers(connection: Connection) -> list[WorkerInfo]:
    """Return every worker that has not signed off, the newest first."""
    rows = connection.execute(select(schema.workers).order_by(_workers.started_at.desc()))
    return [WorkerInfo(row.id, row.host, row.pid, row.started_at, row.heartbeat_at) for row in rows]


def find_dead(connection: Connection, now: datetime) -> list[str]:
    """Return the workers that are certainly dead.

    Those of this machine whose process is gone, and those long silent. Others keep their claims
    until the leases run out.
    """
    here = this_host()
    return [
        worker.id
        for worker in list_workers(connection)
        if now - worker.heartbeat_at > _FORGOTTEN or (worker.host == here and not _runs(worker.pid))
    ]


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return not _is_zombie(pid)


def _is_zombie(pid: int) -> bool:
    """Return whether a process has ended and waits for its parent to notice (Linux)."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[:1] == ["Z"]
