"""Record the results of attempts."""

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from firetower.core.circuit_breaker import CircuitChange, summarize
from firetower.core.executions import Status
from firetower.core.json import dump
from firetower.core.requests import RecordedRequest
from firetower.core.retry import Answer, Verdict
from firetower.store import schema
from firetower.store.bulk import Values, insert_rows, run_with_rows
from firetower.store.circuits import any_jitter, record_answers
from firetower.store.endpoints import disable_gone
from firetower.store.queue.cycle import Claim
from firetower.store.types import instant_number, optional_number


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


def record(
    connection: Connection,
    results: Sequence[AttemptResult],
    now: datetime,
    jitter: Callable[[], float] = any_jitter,
) -> Sequence[CircuitChange]:
    """Write attempts and update their executions; return the changes of circuits.

    An attempt is always written. Its execution is updated only if this is still its newest attempt
    and it has not ended: another worker may have taken over the lease.
    """
    if not results:
        return ()
    changes = [_change(result, instant_number(now)) for result in results]
    # Executions before attempts, as `recover` locks them: else PostgreSQL finds a deadlock.
    run_with_rows(connection, _CHANGE, _CHANGED, changes)
    insert_rows(
        connection,
        schema.attempts,
        _ATTEMPT_COLUMNS,
        [_attempt(result) for result in results],
        _REPLACE_LOST,
    )
    gone = {
        result.claim.endpoint.id: result.verdict.detail or ""
        for result in results
        if result.verdict.disables_endpoint
    }
    changed = _follow_circuits(connection, results, now, jitter, gone)
    for endpoint_id, reason in gone.items():
        disable_gone(connection, endpoint_id, reason, now)
    return changed


def _follow_circuits(
    connection: Connection,
    results: Sequence[AttemptResult],
    now: datetime,
    jitter: Callable[[], float],
    gone: Collection[int],
) -> Sequence[CircuitChange]:
    answers: dict[int, list[Answer]] = defaultdict(list)
    for result in results:
        if result.request.url:  # else nothing was sent, and nothing is known of the endpoint
            answers[result.claim.endpoint.id].append(result.answer)
    probed = frozenset(result.claim.endpoint.id for result in results if result.claim.probe)
    runs = {key: summarize(given) for key, given in answers.items()}
    return record_answers(connection, runs, probed, now, jitter, gone=gone)


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


def _attempt(result: AttemptResult) -> Values:
    """Return the values of `_ATTEMPT_COLUMNS`."""
    return (
        result.claim.execution_id,
        result.claim.number,
        instant_number(result.started_at),
        result.duration_ms,
        result.request.url,
        dump(result.request.headers),
        result.request.body,
        result.answer.status_code,
        result.answer.body,
        result.answer.error,
        result.verdict.status.value,
        optional_number(result.verdict.next_attempt_at),
    )


_CHANGED = tuple(
    f"CAST(? AS {type_})"
    for type_ in (
        *("bigint", "bigint", "text", "text", "bigint"),
        *("bigint", "bigint", "bigint", "double precision"),
    )
)
"""The types of what `_change` returns: PostgreSQL does not infer them here."""
_CHANGE = """
UPDATE executions SET
  status = new.column3, detail = new.column4, next_attempt_at = new.column5,
  finished_at = new.column6, retries_used = new.column7, status_code = new.column8,
  duration_ms = new.column9, lease_until = NULL, worker_id = NULL
FROM (VALUES {rows}) AS new
WHERE executions.id = new.column1 AND executions.attempts = new.column2
  AND executions.status IN ('running', 'pending')
"""


def _change(result: AttemptResult, now: int) -> Values:
    """Return the values of `_CHANGED`: the execution and the attempt, then the new columns."""
    verdict = result.verdict
    retried = verdict.status is Status.PENDING
    return (
        result.claim.execution_id,
        result.claim.number,
        verdict.status.value,
        verdict.detail,
        optional_number(verdict.next_attempt_at),
        None if retried else now,
        result.claim.retries_used + retried,
        result.answer.status_code,
        result.duration_ms,
    )
