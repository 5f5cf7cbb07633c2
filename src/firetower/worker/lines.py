"""The feed's lines of what this worker did."""

from collections.abc import Iterable
from datetime import datetime

from firetower.core.circuit_breaker import CircuitNews
from firetower.core.executions import Execution, Status
from firetower.core.feed import FeedLine, FeedState
from firetower.core.matching import Firing
from firetower.store.queue.record import Outcome


def words_of(news: Iterable[CircuitNews]) -> list[str]:
    """Return what became of circuits, in local time."""
    return [one.words(lambda moment: f"{moment.astimezone():%H:%M:%S}") for one in news]


def line_of_firing(execution_id: int, firing: Firing, now: datetime) -> FeedLine:
    """Return the line of a firing that sends nothing."""
    revision = firing.revision
    execution = Execution(
        id=execution_id,
        webhook_id="",
        automation_id=revision.automation_id,
        automation=revision.definition.name,
        revision=revision.number,
        event=firing.event,
        endpoint=revision.definition.action.endpoint,
        status=firing.status,
        reason=firing.reason,
        due_at=firing.held_until,
        created_at=now,
        finished_at=now,
        request_body=firing.request_body,
    )
    return FeedLine(
        at=now,
        state=FeedState(firing.status.value),
        execution=execution,
        status_code=None,
        duration_ms=None,
        error=firing.reason,
    )


def line_of_outcome(outcome: Outcome) -> FeedLine:
    """Return the line of what a try brought."""
    claim, verdict = outcome.claim, outcome.verdict
    at = outcome.started_at + outcome.duration
    execution = Execution(
        id=claim.execution_id,
        webhook_id=claim.webhook_id,
        automation_id=claim.revision.automation_id,
        automation=claim.revision.definition.name,
        revision=claim.revision.number,
        event=claim.event,
        endpoint=claim.endpoint.name,
        status=verdict.status,
        reason=verdict.reason,
        due_at=verdict.due_at,
        created_at=claim.event.recorded_at,
        finished_at=at if verdict.status.is_final else None,
        attempts=claim.number,
        status_code=outcome.answer.status_code,
        duration_ms=outcome.duration_ms,
    )
    retrying = verdict.status is Status.PENDING
    return FeedLine(
        at=at,
        state=FeedState.RETRYING if retrying else FeedState(verdict.status.value),
        execution=execution,
        status_code=outcome.answer.status_code,
        duration_ms=outcome.duration_ms,
        error=outcome.answer.error,
        attempt=claim.number,
        next_attempt_at=verdict.due_at,
    )
