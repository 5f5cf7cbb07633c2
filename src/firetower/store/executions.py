"""Reading executions and their attempts."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, func, select

from firetower.core.causes import LOOP_LIMIT
from firetower.core.errors import NotFound
from firetower.core.executions import Attempt, Execution, SkipReason, Status
from firetower.core.json import parse_object
from firetower.core.references import ContainerReference
from firetower.core.runs import RunReference
from firetower.store import schema
from firetower.store.catalog.lookups import find_container, happened_in
from firetower.store.changes import Reader
from firetower.store.columns import bounded_limit
from firetower.store.events import (
    EVENT_COLUMNS,
    WITH_VERSIONS,
    Versions,
    build_event,
    learn_collections,
)

_executions, _attempts = schema.executions.c, schema.attempts.c
_events = schema.events.c
_COLUMNS = [column for column in _executions if column.name in Execution.model_fields]
_FIELDS = [*(column.name for column in _COLUMNS), "automation", "revision", "endpoint"]
_ATTEMPT_FIELDS = [name for name in Attempt.model_fields if name in _attempts]

_NEAR = 100_000
"""Executions among which a cause mostly lies. An index of all webhook-ids would find it at once,
but they are random: with it SQLite evaluates little more than half as many events a second."""


def select_executions() -> Select[Any]:
    """Return the query of executions, to be narrowed and ordered."""
    revisions, endpoints = schema.revisions, schema.endpoints
    joined = (
        WITH_VERSIONS.join(schema.executions, _executions.event_id == _events.id)
        .join(revisions, revisions.c.id == _executions.revision_id)
        .join(schema.automations, schema.automations.c.id == _executions.automation_id)
        .outerjoin(endpoints, endpoints.c.id == _executions.endpoint_id)
        .outerjoin(schema.circuits, schema.circuits.c.endpoint_id == _executions.endpoint_id)
    )
    return select(
        *EVENT_COLUMNS,
        *_COLUMNS,
        schema.automations.c.name.label("automation"),
        revisions.c.number.label("revision"),
        endpoints.c.name.label("endpoint"),
        schema.circuits.c.probe_at,
    ).select_from(joined)


def read_executions(reader: Reader, query: Select[Any]) -> list[Execution]:
    """Return the executions of a query made by `select_executions`."""
    rows = reader.connection.execute(query).all()
    learn_collections(reader, rows)
    versions: Versions = {}
    return [_build_execution(reader, row, versions) for row in rows]


def _build_execution(reader: Reader, row: Row[Any], versions: Versions) -> Execution:
    values = {name: getattr(row, name) for name in _FIELDS}
    if row.status != Status.PENDING.value:
        values["next_attempt_at"] = None
    elif row.attempts == 0 and row.probe_at is not None and row.next_attempt_at <= row.probe_at:
        values["next_attempt_at"] = values["circuit_open_until"] = row.probe_at
    return Execution(**values, event=build_event(reader, row[: len(EVENT_COLUMNS)], versions))


def list_executions(
    reader: Reader,
    limit: int,
    *,
    status: Status | None = None,
    since: datetime | None = None,
    before_id: int | None = None,
    container: ContainerReference | None = None,
    automation_id: int | None = None,
    run: RunReference | None = None,
) -> list[Execution]:
    """Return the newest executions, the newest first; `before_id` gives the next page.

    They are narrowed to those of one status, automation or run, or to what happened in a container.
    Of a run what was skipped comes last: a noisy metric leaves a hundred of these. Raises NotFound
    for the run and the container.
    """
    query = select_executions().limit(bounded_limit(limit))
    if status is not None:
        query = query.where(_executions.status == status.value)
    if since is not None:
        query = query.where(_executions.created_at >= since)
    if before_id is not None:
        query = query.where(_executions.id < before_id)
    if automation_id is not None:
        query = query.where(_executions.automation_id == automation_id)
    if run is not None:
        from firetower.store.runs import find_run

        query = query.where(_events.run_id == find_run(reader, run).id)
        reason = func.coalesce(_executions.skip_reason, SkipReason.SHADOW.value)
        query = query.order_by(reason != SkipReason.SHADOW.value)
    # one automation's are in order in its unique key, so that not all of them are read and sorted
    by_event = automation_id is not None and before_id is None
    query = query.order_by((_executions.event_id if by_event else _executions.id).desc())
    if container is not None:
        find_container(reader, container)
        query = query.where(happened_in(container))
    return read_executions(reader, query)


def find_execution(reader: Reader, execution_id: int) -> Execution:
    """Return one execution. Raises NotFound."""
    query = select_executions().where(_executions.id == execution_id)
    for execution in read_executions(reader, query):
        return execution
    raise NotFound(f"there is no execution {execution_id}", "List them with `firetower feed`.")


def find_newest_at(reader: Reader, moment: datetime) -> int:
    """Return the id of the newest execution that an event up to a moment caused; 0 for none."""
    event = (
        select(_events.id)
        .where(_events.recorded_at <= moment)
        .order_by(_events.recorded_at.desc(), _events.id.desc())
        .limit(1)
    )
    query = select(_executions.id).where(_executions.event_id <= event.scalar_subquery())
    newest = query.order_by(_executions.event_id.desc(), _executions.id.desc()).limit(1)
    return reader.connection.execute(newest).scalar() or 0


def find_page_end(
    reader: Reader, execution_id: int, count: int, container: ContainerReference | None = None
) -> int | None:
    """Return the `before_id` of the page whose last execution is the `count`th after another.

    None if there are fewer: then it is the newest page. Raises NotFound for the container.
    """
    query = select(_executions.id).where(_executions.id > execution_id)
    if container is not None:
        query = query.join(schema.events, _events.id == _executions.event_id)
        query = query.where(happened_in(container))
    last = query.order_by(_executions.id).offset(bounded_limit(count - 1)).limit(1)
    found = reader.connection.execute(last).scalar()
    return None if found is None else found + 1


def find_ids(reader: Reader, keys: Collection[tuple[int, int]]) -> dict[tuple[int, int], int]:
    """Return the executions' ids by automation and event, given those of one batch of events."""
    if not keys:
        return {}
    events = [event_id for _, event_id in keys]
    rows = reader.connection.execute(
        select(_executions.id, _executions.automation_id, _executions.event_id).where(
            _executions.automation_id.in_({automation_id for automation_id, _ in keys}),
            _executions.event_id.between(min(events), max(events)),
        )
    )
    return {(row.automation_id, row.event_id): row.id for row in rows}


def list_causes(reader: Reader, execution: Execution) -> list[Execution]:
    """Return the execution that caused another one's event, the cause of that, and so on."""
    causes: list[Execution] = []
    while len(causes) < LOOP_LIMIT and (cause := _find_cause(reader, execution)) is not None:
        causes.append(cause)
        execution = cause
    return causes


def _find_cause(reader: Reader, execution: Execution) -> Execution | None:
    cause = execution.event.cause
    if cause is None:
        return None
    query = select_executions().where(
        _executions.webhook_id == cause, _executions.id < execution.id
    )
    newest = query.order_by(_executions.id.desc()).limit(1)
    for first in (execution.id - _NEAR, 0):  # PostgreSQL would read all, however near it lies
        if found := read_executions(reader, newest.where(_executions.id >= first)):
            return found[0]
    return None


def list_attempts(reader: Reader, execution_id: int) -> list[Attempt]:
    """Return an execution's attempts, in order."""
    query = select(schema.attempts).where(_attempts.execution_id == execution_id)
    return [
        build_attempt(row) for row in reader.connection.execute(query.order_by(_attempts.number))
    ]


def build_attempt(row: Row[Any]) -> Attempt:
    """Return the attempt of a row."""
    values = {name: getattr(row, name) for name in _ATTEMPT_FIELDS}
    values["request_headers"] = parse_object(row.request_headers)
    return Attempt(**values)
