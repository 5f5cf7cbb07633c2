"""What became of claims: answers recorded."""

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
from firetower.store.circuits import any_jitter, follow
from firetower.store.endpoints import disable_gone
from firetower.store.queue.cycle import Claim
from firetower.store.types import instant_number, optional_number


@dataclass(frozen=True, slots=True)
class AttemptResult:
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


def record(
    connection: Connection,
    outcomes: Sequence[AttemptResult],
    now: datetime,
    jitter: Callable[[], float] = any_jitter,
) -> Sequence[CircuitChange]:
    """Write tries and what follows from them; return what became of circuits.

    A try is always written. Its execution changes only while this try is still its newest and
    nothing final is known of it: the lease may have been lost to another worker meanwhile.
    """
    if not outcomes:
        return ()
    insert_rows(
        connection, schema.attempts, _TRIED, [_attempt(outcome) for outcome in outcomes], _OVER_LOST
    )
    changes = [_change(outcome, instant_number(now)) for outcome in outcomes]
    run_with_rows(connection, _CHANGE, _CHANGED, changes)
    gone = {
        outcome.claim.endpoint.id: outcome.verdict.detail or ""
        for outcome in outcomes
        if outcome.verdict.disables_endpoint
    }
    news = _follow_circuits(connection, outcomes, now, jitter, gone)
    for endpoint_id, reason in gone.items():
        disable_gone(connection, endpoint_id, reason, now)
    return news


def _follow_circuits(
    connection: Connection,
    outcomes: Sequence[AttemptResult],
    now: datetime,
    jitter: Callable[[], float],
    gone: Collection[int],
) -> Sequence[CircuitChange]:
    answers: dict[int, list[Answer]] = defaultdict(list)
    for outcome in outcomes:
        if outcome.request.url:  # else nothing was sent, and nothing is known of the endpoint
            answers[outcome.claim.endpoint.id].append(outcome.answer)
    probed = frozenset(outcome.claim.endpoint.id for outcome in outcomes if outcome.claim.probe)
    runs = {key: summarize(given) for key, given in answers.items()}
    return follow(connection, runs, probed, now, jitter, gone=gone)


_TRIED = (
    *("execution_id", "number", "started_at", "duration_ms", "url", "request_headers"),
    *("request_body", "status_code", "response_body", "error", "outcome", "next_attempt_at"),
)
_OVER_LOST = """
ON CONFLICT (execution_id, number) DO UPDATE SET
  duration_ms = excluded.duration_ms, status_code = excluded.status_code,
  response_body = excluded.response_body, error = excluded.error, outcome = excluded.outcome
"""
"""A try that was taken for lost is written over by what it brought."""


def _attempt(outcome: AttemptResult) -> Values:
    """Return the values of `_TRIED`."""
    return (
        outcome.claim.execution_id,
        outcome.claim.number,
        instant_number(outcome.started_at),
        outcome.duration_ms,
        outcome.request.url,
        dump(outcome.request.headers),
        outcome.request.body,
        outcome.answer.status_code,
        outcome.answer.body,
        outcome.answer.error,
        outcome.verdict.status.value,
        optional_number(outcome.verdict.next_attempt_at),
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


def _change(outcome: AttemptResult, now: int) -> Values:
    """Return which try of which execution it was, and what that becomes."""
    verdict = outcome.verdict
    retried = verdict.status is Status.PENDING
    return (
        outcome.claim.execution_id,
        outcome.claim.number,
        verdict.status.value,
        verdict.detail,
        optional_number(verdict.next_attempt_at),
        None if retried else now,
        outcome.claim.retries_used + retried,
        outcome.answer.status_code,
        outcome.duration_ms,
    )
