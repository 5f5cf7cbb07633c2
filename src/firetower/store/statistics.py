"""Reading how often automations fired recently, and what was sent to endpoints."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, Select, case, func, select, type_coerce

from firetower.core.automations import Automation
from firetower.core.errors import InvalidInput
from firetower.core.executions import SkipReason, Status
from firetower.core.statistics import (
    PARTS,
    FiringHistory,
    Heat,
    LastFailure,
    RecentFirings,
    Traffic,
    percentile,
)
from firetower.core.times import moment_before
from firetower.store import schema
from firetower.store.changes import Reader
from firetower.store.columns import instant_number
from firetower.store.endpoints import find_endpoint
from firetower.store.events import first_event_after
from firetower.store.executions import build_attempt
from firetower.store.schema import TRIED, WAS_MISSED, has_status

_attempts, _automations = schema.attempts.c, schema.automations.c
_endpoints, _executions = schema.endpoints.c, schema.executions.c
_AT_ENDPOINT = (_executions.endpoint_id == _endpoints.id) & _endpoints.deleted_at.is_(None)
_DAYS = 30
_DAY = timedelta(days=1)
_DAY_NUMBER = _DAY // timedelta(microseconds=1)
_MAX_COUNTED = 100_000
"""Executions that are counted of all automations."""
_MAX_PARTS = 1_000
_MAX_OF_AUTOMATION = 20_000
"""Executions that are read of one automation."""
_MAX_OF_ENDPOINTS = 10_000
"""Executions of the database that are looked back at, at most: they take 25 ms."""
_MISSED = 1_000
"""Missed executions of one endpoint among which its last failure is looked for."""


def read_recent(reader: Reader, among: Sequence[int] | None = None) -> dict[int, RecentFirings]:
    """Return how often each automation fired in the last 24 hours, without those that did not.

    `among` are the ids of some: a range of an index for each. Otherwise the newest end of the table
    is read, however long the history.
    """
    begin, part = instant_number(reader.now - _DAY), _DAY_NUMBER // PARTS
    at = type_coerce(_executions.created_at, BigInteger)
    fired = case(
        (_executions.status != Status.SKIPPED.value, 1),
        (_executions.skip_reason == SkipReason.SHADOW.value, 1),
        else_=0,
    )
    failed = case((_executions.status == Status.FAILED.value, 1), else_=0)
    number = (at - begin) // part
    first = first_event_after(reader.now - _DAY)
    if among is None:
        begun = select(_executions.id).where(_executions.event_id >= first)
        oldest = begun.order_by(_executions.event_id).limit(1).scalar_subquery()
        newest = _executions.id >= oldest
    else:
        newest = _executions.automation_id.in_(among) & (_executions.event_id >= first)
    rows = reader.connection.execute(
        select(_executions.automation_id, number.label("part"), func.sum(fired), func.sum(failed))
        .where(newest, at >= begin)
        .group_by(_executions.automation_id, number)
    )
    counts: dict[int, list[int]] = {}
    failures: dict[int, int] = {}
    for automation_id, place, fired_count, failed_count in rows:
        parts = counts.setdefault(automation_id, [0] * PARTS)
        parts[min(int(place), PARTS - 1)] += int(fired_count)
        failures[automation_id] = failures.get(automation_id, 0) + int(failed_count)
    return {key: RecentFirings(tuple(parts), failures[key]) for key, parts in counts.items()}


def read_firing_history(reader: Reader, automation: Automation) -> FiringHistory:
    """Return how often an automation fired on each of the last 30 days, and the answers.

    Of one that fires all the time only the newest 20,000 executions are read.
    """
    since = reader.now - _DAYS * _DAY
    rows = reader.connection.execute(_select_history(automation.id, since)).all()
    end = instant_number(reader.now)
    days = [0] * _DAYS
    for row in rows:
        if row.status != Status.SKIPPED.value or row.skip_reason == SkipReason.SHADOW.value:
            days[max(0, _DAYS - 1 - max(0, end - row.at) // _DAY_NUMBER)] += 1
    if len(rows) == _MAX_OF_AUTOMATION:
        since = reader.now - (end - rows[-1].at) * timedelta(microseconds=1)
    ended = [row.status for row in rows]
    times = sorted(row.duration_ms for row in rows if row.duration_ms is not None)
    return FiringHistory(
        since,
        tuple(days),
        finished=ended.count(Status.FINISHED.value),
        failed=ended.count(Status.FAILED.value),
        p95_ms=percentile(times, 95),
    )


def _select_history(automation_id: int, since: datetime) -> Select[tuple[int, str, str, float]]:
    """Return the query of the newest executions: a range of the index of (automation, event)."""
    return (
        select(
            type_coerce(_executions.created_at, BigInteger).label("at"),
            _executions.status,
            _executions.skip_reason,
            _executions.duration_ms,
        )
        .where(
            _executions.automation_id == automation_id,
            _executions.event_id >= first_event_after(since),
        )
        .order_by(_executions.event_id.desc())
        .limit(_MAX_OF_AUTOMATION)
    )


def read_heat(reader: Reader, span: timedelta, parts: int) -> Heat:
    """Return how much fired and failed in each of equal parts of a span back from now.

    Of very many executions only the newest are counted. Raises InvalidInput.
    """
    if not 1 <= parts <= _MAX_PARTS:
        raise InvalidInput(f"{parts} parts cannot be counted", "Give 1 to 1,000.")
    since = moment_before(reader.now, span)
    start, part = instant_number(since), max(1, span // parts // timedelta(microseconds=1))
    at = type_coerce(_executions.created_at, BigInteger)
    newest = (
        select(((at - start) // part).label("part"), _executions.status)
        .where(_executions.event_id >= first_event_after(since))
        .order_by(_executions.event_id.desc())
        .limit(_MAX_COUNTED)
        .subquery()
    )
    counts = select(newest.c.part, newest.c.status, func.count()).group_by(
        newest.c.part, newest.c.status
    )
    fired, failed = [0] * parts, [0] * parts
    for number, status, count in reader.connection.execute(counts):
        place = min(max(number, 0), parts - 1)
        fired[place] += count
        failed[place] += count * (status == Status.FAILED.value)
    return Heat(tuple(fired), tuple(failed))


def read_traffic(reader: Reader) -> dict[str, Traffic]:
    """Return the deliveries to each endpoint in the last 24 hours, by its name.

    Of the newest 10,000 executions; an endpoint without any is left out.
    """
    connection = reader.connection
    newest = connection.execute(select(func.max(_executions.id))).scalar() or 0
    sent = (
        select(_endpoints.name, _executions.status, _executions.duration_ms)
        .join_from(schema.executions, schema.endpoints, _AT_ENDPOINT)
        .where(
            _executions.id > newest - _MAX_OF_ENDPOINTS,
            _executions.created_at > reader.now - _DAY,
            _executions.duration_ms.is_not(None),
        )
    )
    durations: defaultdict[str, list[float]] = defaultdict(list)
    succeeded: Counter[str] = Counter()
    for name, status, duration_ms in connection.execute(sent):
        durations[name].append(duration_ms)
        succeeded[name] += status == Status.FINISHED.value
    in_flight = (
        select(_endpoints.name)
        .join_from(schema.executions, schema.endpoints, _AT_ENDPOINT)
        .where(has_status(Status.RUNNING))
    )
    running = Counter(connection.execute(in_flight).scalars())
    return {
        name: Traffic.of(durations[name], succeeded[name], running[name])
        for name in durations.keys() | running.keys()
    }


def find_last_failure(reader: Reader, name: str) -> LastFailure | None:
    """Return the newest attempt that an endpoint did not accept, if it is recent. Raises NotFound.

    Looked for in executions that failed or wait for a retry.
    """
    connection = reader.connection
    endpoint_id = find_endpoint(reader, name).id
    of_endpoint = select(_executions.id).where(_executions.endpoint_id == endpoint_id)
    missed = (
        of_endpoint.add_columns(_executions.status, _executions.finished_at)
        .where(WAS_MISSED)
        .order_by(_executions.finished_at.desc())
        .limit(_MISSED)
        .subquery()
    )
    failed = select(missed.c.id).where(missed.c.status == Status.FAILED.value)
    failed = failed.order_by(missed.c.finished_at.desc()).limit(1)
    retrying = of_endpoint.where(TRIED).order_by(_executions.next_attempt_at.desc()).limit(1)
    ids = [*connection.execute(failed).scalars(), *connection.execute(retrying).scalars()]
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
