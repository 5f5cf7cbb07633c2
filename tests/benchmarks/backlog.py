"""The memory of a worker before a backlog of a million events."""

import sqlite3
import time
from contextlib import closing
from pathlib import Path

from benchmarks import data
from benchmarks.delivery import prepare
from benchmarks.endpoint import Endpoint, endpoint, worker
from benchmarks.table import Row
from firetower.core.events import EventType

EVENTS = 1_000_000
SECONDS = 15.0
MOST = 150
"""MiB."""
_ADD = f"""
WITH RECURSIVE n(v) AS (SELECT 0 UNION ALL SELECT v + 1 FROM n WHERE v < {EVENTS} - 1)
INSERT INTO events
  (type, recorded_at, author, collection_id, version_id, version_index, alias, evaluated)
SELECT ?, ?, 'ada', 1000, 1, 0, 'prod-' || v, 0 FROM n
"""


def measure(folder: Path) -> list[Row]:
    """The most memory of a worker at it, beside that of one with nothing to do."""
    path = folder / "tower.db"
    with endpoint() as receiver:
        prepare(path, receiver.hook)
        resting, _ = _most(path, receiver, 3)
        with closing(data.raw(path)) as connection:
            moment = int(data.NOON.timestamp()) * 1_000_000
            connection.execute(_ADD, (EventType.ADD_ARTIFACT_ALIAS.value, moment))
        working, delivered = _most(path, receiver, SECONDS)
    with closing(sqlite3.connect(path)) as connection:
        evaluated = connection.execute("SELECT sum(evaluated) FROM events").fetchone()[0]
    assert delivered > 1_000
    return [
        Row(
            f"memory, 1,000,000 events wait, {evaluated:,} evaluated meanwhile",
            f"{working:.0f} MiB",
            f"{resting:.0f} MiB at rest",
            working / resting,
            f"≤ {MOST} MiB",
            working <= MOST,
        )
    ]


def _most(path: Path, receiver: Endpoint, seconds: float) -> tuple[float, int]:
    """Run a worker for a while; return the most it had resident, and what it delivered."""
    with worker(str(path), once=False) as process:
        time.sleep(seconds)
        status = Path(f"/proc/{process.pid}/status").read_text()
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(peak.split()[1]) / 1024, len(receiver.take()["arrivals"])
