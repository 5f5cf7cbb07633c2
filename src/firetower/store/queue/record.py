"""What became of claims: answers recorded."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, update
from sqlalchemy.dialects import postgresql, sqlite

from firetower.core.delivery import Answer, Verdict
from firetower.core.executions import Status
from firetower.core.jsons import dump
from firetower.core.requests import RecordedRequest
from firetower.store import tables
from firetower.store.changes import is_postgresql
from firetower.store.integrations import disable_gone
from firetower.store.queue.turn import Claim

_executions = tables.executions.c


@dataclass(frozen=True, slots=True)
class Outcome:
    """A claim's try, ready to be recorded."""

    claim: Claim
    request: RecordedRequest
    answer: Answer
    verdict: Verdict
    started_at: datetime
    duration: timedelta

    @property
    def duration_ms(self) -> float:
        """Milliseconds, to the microsecond."""
        return self.duration / timedelta(milliseconds=1)


def record(connection: Connection, outcomes: Sequence[Outcome], now: datetime) -> None:
    """Write tries and what follows from them.

    A try is always written. Its execution changes only while this try is still its newest and
    nothing final is known of it: the lease may have been lost to another worker meanwhile.
    """
    if not outcomes:
        return
    _write_attempts(connection, [_attempt(outcome) for outcome in outcomes])
    connection.execute(
        update(tables.executions)
        .where(
            _executions.id == bindparam("execution"),
            _executions.attempts == bindparam("try"),
            # Not in_(): SQLAlchemy refuses it for many rows at once.
            (_executions.status == Status.RUNNING.value)
            | (_executions.status == Status.PENDING.value),
        )
        .values(
            status=bindparam("new_status"),
            reason=bindparam("new_reason"),
            due_at=bindparam("new_due_at"),
            finished_at=bindparam("new_finished_at"),
            retries_used=bindparam("new_retries_used"),
            status_code=bindparam("new_status_code"),
            duration_ms=bindparam("new_duration_ms"),
            lease_until=None,
            worker_id=None,
        ),
        [_change(outcome, now) for outcome in outcomes],
    )
    gone = {
        outcome.claim.integration.id: outcome.verdict.reason or ""
        for outcome in outcomes
        if outcome.verdict.disables_endpoint
    }
    for integration_id, reason in gone.items():
        disable_gone(connection, integration_id, reason, now)


def _attempt(outcome: Outcome) -> dict[str, Any]:
    return {
        "execution_id": outcome.claim.execution_id,
        "number": outcome.claim.number,
        "started_at": outcome.started_at,
        "duration_ms": outcome.duration_ms,
        "url": outcome.request.url,
        "request_headers": dump(outcome.request.headers),
        "request_body": outcome.request.body,
        "status_code": outcome.answer.status_code,
        "response_body": outcome.answer.body,
        "error": outcome.answer.error,
        "outcome": outcome.verdict.status.value,
        "next_try_at": outcome.verdict.due_at,
    }


def _change(outcome: Outcome, now: datetime) -> dict[str, Any]:
    verdict = outcome.verdict
    retried = verdict.status is Status.PENDING
    return {
        "execution": outcome.claim.execution_id,
        "try": outcome.claim.number,
        "new_status": verdict.status.value,
        "new_reason": verdict.reason,
        "new_due_at": verdict.due_at,
        "new_finished_at": None if retried else now,
        "new_retries_used": outcome.claim.retries_used + retried,
        "new_status_code": outcome.answer.status_code,
        "new_duration_ms": outcome.duration_ms,
    }


def _write_attempts(connection: Connection, rows: list[dict[str, Any]]) -> None:
    """Write tries; a try that was taken for lost is written over by what it brought."""
    insert = postgresql.insert if is_postgresql(connection) else sqlite.insert
    statement = insert(tables.attempts)
    overwritten = {
        name: statement.excluded[name]
        for name in ("duration_ms", "status_code", "response_body", "error", "outcome")
    }
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["execution_id", "number"], set_=overwritten
        ),
        rows,
    )
