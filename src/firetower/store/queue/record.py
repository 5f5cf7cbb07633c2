"""Record the results of attempts, and recover the attempts that were lost with their worker."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, func, select

from firetower.core.circuit_breaker import CircuitChange, summarize
from firetower.core.executions import Status
from firetower.core.json import dump
from firetower.core.requests import RecordedRequest
from firetower.core.retry import LOST, Answer, Verdict, judge_lost
from firetower.store import schema
from firetower.store.changes import Change
from firetower.store.circuits import any_jitter, record_answers
from firetower.store.columns import instant_number, optional_number
from firetower.store.driver import Prepared, Values, insert_rows, run, run_with_ids, run_with_rows
from firetower.store.endpoints import disable_gone, read_schedule, skip_deleted
from firetower.store.queue.claim import Claim
from firetower.store.schema import has_status

_executions, _attempts, _endpoints = schema.executions.c, schema.attempts.c, schema.endpoints.c

_KNOWN = """
SELECT executions.id, webhook_id, number FROM executions
LEFT JOIN attempts ON execution_id = executions.id AND (error IS NULL OR error <> ?)
WHERE executions.id IN ({ids})
"""
"""Executions, with each attempt whose answer is recorded: lost ones have none."""
NOTHING_SENT = RecordedRequest(url="", headers={}, body="")

_GIVE_BACK = """
UPDATE executions SET
  status = 'pending', attempts = attempts - 1, next_attempt_at = ?,
  lease_until = NULL, worker_id = NULL
WHERE id = ? AND attempts = ? AND worker_id = ? AND status = 'running'
"""


@dataclass(frozen=True, slots=True)
class AttemptResult:
    """The result of an attempt, ready to be recorded."""

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


@dataclass(frozen=True, slots=True)
class Recorded:
    """Results that were recorded, and changes of circuits."""

    circuit_changes: Sequence[CircuitChange] = ()
    in_time: Sequence[AttemptResult] = ()
    """Those that decided about their execution, and those that were recorded before."""
    late: Sequence[AttemptResult] = ()
    """Those whose execution another worker has taken over: kept as attempts only."""


def record(
    change: Change, results: Sequence[AttemptResult], jitter: Callable[[], float] = any_jitter
) -> Recorded:
    """Write attempts and update their executions.

    An attempt is always written, unless its execution is gone: a backup was restored meanwhile.
    One whose answer is recorded already changes nothing: that commit was taken, but not answered.
    The execution is updated only if this is still its newest attempt and it has not ended: another
    worker may have taken over the lease.
    """
    connection, now = change.connection, change.now
    results, repeated = _split_known(connection, results)
    if not results:
        return Recorded(in_time=repeated)
    updates, attempts = [], []
    for result in results:
        claim, verdict, duration_ms = result.claim, result.verdict, result.duration_ms
        key = claim.execution_id, claim.number
        retries_used = claim.retries_used + (verdict.status is Status.PENDING)
        answered = result.answer.status_code, duration_ms
        updates.append((*key, *_update(verdict, now, retries_used), *answered))
        attempt = _attempt(result.request, result.answer, verdict, result.started_at, duration_ms)
        attempts.append((*key, *attempt))
    updated = _write(connection, updates, attempts)
    gone = {
        result.claim.endpoint.id: result.verdict.detail or ""
        for result in results
        if result.verdict.disables_endpoint
    }
    changed = _follow_circuits(change, results, jitter, gone)
    for endpoint_id, reason in gone.items():
        disable_gone(change, endpoint_id, reason)
    in_time = repeated
    late: list[AttemptResult] = []
    for result in results:
        taken = (result.claim.execution_id, result.claim.number) in updated
        (in_time if taken else late).append(result)
    return Recorded(changed, in_time, late)


def _split_known(
    connection: Connection, results: Sequence[AttemptResult]
) -> tuple[list[AttemptResult], list[AttemptResult]]:
    """Return the results that are new, and those that are recorded already."""
    if not results:
        return [], []
    ids = [result.claim.execution_id for result in results]
    known = set(run_with_ids(connection, _KNOWN, ids, LOST))
    webhook_ids = {(id_, webhook_id) for id_, webhook_id, _ in known}
    new, repeated = list[AttemptResult](), list[AttemptResult]()
    for result in results:
        claim = result.claim
        execution = claim.execution_id, claim.webhook_id
        if (*execution, claim.number) in known:
            repeated.append(result)
        elif execution in webhook_ids:
            new.append(result)
    return new, repeated


def _follow_circuits(
    change: Change,
    results: Sequence[AttemptResult],
    jitter: Callable[[], float],
    gone: Collection[int],
) -> Sequence[CircuitChange]:
    answers: dict[int, list[Answer]] = defaultdict(list)
    for result in results:
        if result.request.url:  # else nothing was sent, and nothing is known of the endpoint
            answers[result.claim.endpoint.id].append(result.answer)
    probed = frozenset(result.claim.endpoint.id for result in results if result.claim.probe)
    runs = {key: summarize(given) for key, given in answers.items()}
    return record_answers(change, runs, probed, jitter, gone=gone)


def give_back(change: Change, claims: Collection[Claim], worker_id: str) -> None:
    """Release a worker's claims of which nothing was sent: no attempt is counted."""
    now = instant_number(change.now)
    for claim in claims:
        run(change.connection, _GIVE_BACK, (now, claim.execution_id, claim.number, worker_id))


def recover(
    change: Change,
    dead_workers: Iterable[str] = (),
    jitter: Callable[[], float] = any_jitter,
) -> dict[int, Status]:
    """Release the claims of crashed workers; return the new status of each execution by id.

    Those are claims whose lease has expired, and claims of workers known to be dead. The attempt is
    recorded as lost: its request may have arrived.
    """
    connection, now = change.connection, change.now
    updates, attempts, statuses = [], [], {}
    number = instant_number(now)
    lost: dict[int, Any] = {}
    for worker_id in [None, *dead_workers]:
        lost |= {row.id: row for row in _LOST.rows(connection, now=number, worker=worker_id)}
    for row in lost.values():
        verdict = judge_lost(
            lost_before=row.lost_before,
            retries_used=row.retries_used,
            schedule=read_schedule(row.schedule_ms),
            now=now,
            jitter=jitter(),
        )
        key = row.id, row.attempts
        # The first one that is lost is repeated at once: no wait of the schedule is used.
        waits = verdict.status is Status.PENDING and row.lost_before > 0
        updates.append((*key, *_update(verdict, now, row.retries_used + waits), None, None))
        attempts.append((*key, *_attempt(NOTHING_SENT, Answer(error=LOST), verdict, now, 0.0)))
        statuses[row.id] = verdict.status
    _write(connection, updates, attempts)
    skip_deleted(change)  # what was running when its endpoint was deleted
    return statuses


_LOST_BEFORE = (
    select(func.count())
    .where(_attempts.execution_id == _executions.id, _attempts.error == LOST)
    .scalar_subquery()
)
_LOST = Prepared(
    select(
        *(_executions.id, _executions.attempts, _executions.retries_used),
        *(_endpoints.schedule_ms, _LOST_BEFORE.label("lost_before")),
    )
    .join_from(schema.executions, schema.endpoints, _executions.endpoint_id == _endpoints.id)
    .where(
        has_status(Status.RUNNING),
        (_executions.lease_until < bindparam("now"))
        | (_executions.worker_id == bindparam("worker")),
    )
    .with_for_update(of=schema.executions, skip_locked=True)
)

_UPDATE = """
UPDATE executions SET
  status = new.column3, detail = new.column4, next_attempt_at = new.column5,
  finished_at = new.column6, retries_used = new.column7, status_code = new.column8,
  duration_ms = new.column9, lease_until = NULL, worker_id = NULL
FROM (VALUES {rows}) AS new
WHERE executions.id = new.column1 AND executions.attempts = new.column2
  AND executions.status IN ('running', 'pending')
RETURNING id, attempts
"""
_BIGINT, _TEXT = "CAST(? AS bigint)", "CAST(? AS text)"
_UPDATE_VALUES = [_BIGINT] * 2 + [_TEXT] * 2 + [_BIGINT] * 4 + ["CAST(? AS double precision)"]
"""With their types: PostgreSQL does not infer them here."""
_ATTEMPT_COLUMNS = (
    *("execution_id", "number", "started_at", "duration_ms", "url", "request_headers"),
    *("request_body", "status_code", "response_body", "error", "outcome", "next_attempt_at"),
)
_REPLACE_LOST = """
ON CONFLICT (execution_id, number) DO UPDATE SET
  duration_ms = excluded.duration_ms, status_code = excluded.status_code,
  response_body = excluded.response_body, error = excluded.error, outcome = excluded.outcome
"""
"""The result of an attempt that was recorded as lost replaces that record."""


def _write(
    connection: Connection, updates: Sequence[Values], attempts: Sequence[Values]
) -> set[tuple[int, int]]:
    """Write executions and attempts; return the id and attempt of each that was updated."""
    # Executions before attempts, as `_LOST` locks them: else PostgreSQL finds a deadlock.
    updated = run_with_rows(connection, _UPDATE, _UPDATE_VALUES, updates)
    insert_rows(connection, schema.attempts, _ATTEMPT_COLUMNS, attempts, _REPLACE_LOST)
    return {(id_, number) for id_, number in updated}


def _update(verdict: Verdict, now: datetime, retries_used: int) -> Values:
    """Return an execution's new status, detail, next_attempt_at, finished_at and retries_used."""
    return (
        verdict.status.value,
        verdict.detail,
        optional_number(verdict.next_attempt_at),
        instant_number(now) if verdict.status.is_final else None,
        retries_used,
    )


def _attempt(
    request: RecordedRequest,
    answer: Answer,
    verdict: Verdict,
    started_at: datetime,
    duration_ms: float,
) -> Values:
    """Return the values of `_ATTEMPT_COLUMNS` after the first two."""
    return (
        instant_number(started_at),
        duration_ms,
        request.url,
        dump(request.headers),
        request.body,
        answer.status_code,
        answer.body,
        answer.error,
        verdict.status.value,
        optional_number(verdict.next_attempt_at),
    )
