"""Reading what was sent to endpoints; bounded, however long the history is."""

from collections import defaultdict
from datetime import timedelta

from sqlalchemy import Connection, func, select

from firetower.core.executions import Status
from firetower.core.traffic import LastFailure, Traffic
from firetower.store import schema
from firetower.store.changes import Reader
from firetower.store.conditions import TRIED, WAS_MISSED, has_status
from firetower.store.endpoints import find_endpoint
from firetower.store.executions import build_attempt

_attempts, _automations = schema.attempts.c, schema.automations.c
_executions = schema.executions.c

NEWEST = 10_000
"""Executions of the database that are looked back at, at most: they take 25 ms."""
_DAY = timedelta(days=1)
_MISSED = 1_000
"""Missed executions of one endpoint among which its last failure is looked for."""


def read_traffic(reader: Reader) -> dict[int, Traffic]:
    """Return the traffic of the last 24 hours, of the newest executions, by endpoint."""
    connection = reader.connection
    newest = connection.execute(select(func.max(_executions.id))).scalar() or 0
    rows = connection.execute(
        select(_executions.endpoint_id, _executions.status, _executions.duration_ms).where(
            _executions.id > newest - NEWEST,
            _executions.created_at > reader.now - _DAY,
            _executions.endpoint_id.is_not(None),
            _executions.duration_ms.is_not(None),
        )
    )
    durations: defaultdict[int, list[float]] = defaultdict(list)
    succeeded: defaultdict[int, int] = defaultdict(int)
    for endpoint_id, status, duration_ms in rows:
        durations[endpoint_id].append(duration_ms)
        succeeded[endpoint_id] += status == Status.FINISHED.value
    running = _count_running(connection)
    return {
        key: Traffic.of(durations[key], succeeded[key], running.get(key, 0))
        for key in durations.keys() | running.keys()
    }


def _count_running(connection: Connection) -> dict[int, int]:
    query = (
        select(_executions.endpoint_id, func.count())
        .where(has_status(Status.RUNNING))
        .group_by(_executions.endpoint_id)
    )
    return {row[0]: row[1] for row in connection.execute(query)}


def find_last_failure(reader: Reader, name: str) -> LastFailure | None:
    """Return the newest attempt that an endpoint did not accept, if it is recent. Raises NotFound.

    Looked for in executions that failed or wait for a retry.
    """
    connection = reader.connection
    endpoint_id = find_endpoint(connection, name).id
    of_endpoint = select(_executions.id).where(_executions.endpoint_id == endpoint_id)
    missed = (
        of_endpoint.add_columns(_executions.status)
        .where(WAS_MISSED)
        .order_by(_executions.finished_at.desc())
        .limit(_MISSED)
        .subquery()
    )
    failed = select(missed.c.id).where(missed.c.status == Status.FAILED.value).limit(1)
    retrying = of_endpoint.where(TRIED).order_by(_executions.next_attempt_at.desc()).limit(1)
    ids = [
        *connection.execute(failed).scalars(),
        *connection.execute(retrying).scalars(),
    ]
    row = connection.execute(
        select(schema.attempts, _automations.name.label("automation"))
        .join_from(schema.attempts, schema.executions, _attempts.execution_id == _executions.id)
        .join(schema.automations, _executions.automation_id == _automations.id)
        .where(_attempts.execution_id.in_(ids), _attempts.outcome != Status.FINISHED.value)
        .order_by(_attempts.started_at.desc())
        .limit(1)
    ).first()
    if row is None:
        return None
    return LastFailure(row.execution_id, row.automation, build_attempt(row))
