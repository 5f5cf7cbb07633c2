"""Recover attempts that were lost with their worker: repeat them, or give up."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, func, select, update

from firetower.core.executions import Status
from firetower.core.retry import LOST, Verdict, judge_lost
from firetower.store import schema
from firetower.store.circuits import any_jitter
from firetower.store.conditions import has_status
from firetower.store.endpoints import read_schedule

_executions, _attempts = schema.executions.c, schema.attempts.c


@dataclass(frozen=True, slots=True)
class _Lost:
    """An attempt whose worker has ended."""

    execution_id: int
    number: int
    retries_used: int
    schedule: Sequence[timedelta]
    lost_before: int
    """How many attempts of the same execution were lost before it."""


def recover(
    connection: Connection,
    now: datetime,
    dead_workers: Iterable[str] = (),
    jitter: Callable[[], float] = any_jitter,
) -> dict[int, Status]:
    """Release the claims of crashed workers; return the new status of each execution by id.

    Those are claims whose lease has expired, and claims of workers known to be dead. The attempt is
    recorded as lost: its request may have arrived.
    """
    lost = _lost_claims(connection, now, dead_workers)
    if not lost:
        return {}
    verdicts = [
        judge_lost(
            lost_before=claim.lost_before,
            retries_used=claim.retries_used,
            schedule=claim.schedule,
            now=now,
            jitter=jitter(),
        )
        for claim in lost
    ]
    pairs = list(zip(lost, verdicts, strict=True))
    connection.execute(schema.attempts.insert(), [_attempt(*pair, now) for pair in pairs])
    connection.execute(
        update(schema.executions)
        .where(_executions.id == bindparam("execution"))
        .values(
            status=bindparam("new_status"),
            detail=bindparam("new_detail"),
            next_attempt_at=bindparam("new_next_attempt_at"),
            finished_at=bindparam("new_finished_at"),
            retries_used=bindparam("new_retries_used"),
            worker_id=None,
            lease_until=None,
        ),
        [_change(*pair, now) for pair in pairs],
    )
    return {claim.execution_id: verdict.status for claim, verdict in pairs}


def _lost_claims(connection: Connection, now: datetime, dead_workers: Iterable[str]) -> list[_Lost]:
    expired = _executions.lease_until < now
    dead = list(dead_workers)
    if dead:
        expired = expired | _executions.worker_id.in_(dead)
    lost_before = (
        select(func.count())
        .where(_attempts.execution_id == _executions.id, _attempts.error == LOST)
        .scalar_subquery()
    )
    rows = connection.execute(
        select(
            _executions.id,
            _executions.attempts,
            _executions.retries_used,
            schema.endpoints.c.schedule_ms,
            lost_before.label("lost_before"),
        )
        .join_from(
            schema.executions,
            schema.endpoints,
            _executions.endpoint_id == schema.endpoints.c.id,
        )
        .where(has_status(Status.RUNNING), expired)
        .with_for_update(of=schema.executions, skip_locked=True)
    )
    return [
        _Lost(
            execution_id=row.id,
            number=row.attempts,
            retries_used=row.retries_used,
            schedule=read_schedule(row.schedule_ms),
            lost_before=row.lost_before,
        )
        for row in rows
    ]


def _attempt(claim: _Lost, verdict: Verdict, now: datetime) -> dict[str, Any]:
    return {
        "execution_id": claim.execution_id,
        "number": claim.number,
        "started_at": now,
        "duration_ms": 0.0,
        "url": "",
        "request_headers": "{}",
        "request_body": "",
        "status_code": None,
        "response_body": "",
        "error": LOST,
        "outcome": verdict.status.value,
        "next_attempt_at": verdict.next_attempt_at,
    }


def _change(claim: _Lost, verdict: Verdict, now: datetime) -> dict[str, Any]:
    waits = verdict.status is Status.PENDING and claim.lost_before > 0
    return {
        "execution": claim.execution_id,
        "new_status": verdict.status.value,
        "new_detail": verdict.detail,
        "new_next_attempt_at": verdict.next_attempt_at,
        "new_finished_at": now if verdict.status.is_final else None,
        "new_retries_used": claim.retries_used + waits,
    }
