"""The feed's lines of what this worker did, without reading them back from the database."""

from collections.abc import Iterable
from datetime import datetime

from firetower.core.circuit_breaker import CircuitChange
from firetower.core.executions import Execution
from firetower.core.feed import FeedLine
from firetower.core.matching import Decision
from firetower.store.queue.record import AttemptResult


def words_of(news: Iterable[CircuitChange]) -> list[str]:
    """Return the changes of circuits in words, in local time."""
    return [one.describe(lambda moment: f"{moment.astimezone():%H:%M:%S}") for one in news]


def line_of_decision(execution_id: int, decision: Decision, now: datetime) -> FeedLine:
    """Return the line of an execution that sends nothing."""
    revision = decision.revision
    return FeedLine.of(
        Execution(
            id=execution_id,
            webhook_id="",
            automation_id=revision.automation_id,
            automation=revision.definition.name,
            revision=revision.number,
            event=decision.event,
            endpoint=revision.definition.action.endpoint,
            status=decision.status,
            skip_reason=decision.skip_reason,
            detail=decision.detail,
            cooldown_until=decision.cooldown_until,
            created_at=now,
            finished_at=now,
            request_body=decision.request_body,
        )
    )


def line_of_outcome(outcome: AttemptResult) -> FeedLine:
    """Return the line of an attempt."""
    claim, verdict = outcome.claim, outcome.verdict
    ended_at = outcome.started_at + outcome.duration
    execution = Execution(
        id=claim.execution_id,
        webhook_id=claim.webhook_id,
        automation_id=claim.revision.automation_id,
        automation=claim.revision.definition.name,
        revision=claim.revision.number,
        event=claim.event,
        endpoint=claim.endpoint.name,
        status=verdict.status,
        detail=verdict.detail,
        created_at=claim.event.recorded_at,
        next_attempt_at=verdict.next_attempt_at,
        finished_at=ended_at if verdict.status.is_final else None,
        attempts=claim.number,
        status_code=outcome.answer.status_code,
        duration_ms=outcome.duration_ms,
    )
    return FeedLine(ended_at, execution, outcome.answer.error)
