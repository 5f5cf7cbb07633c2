"""The lines that a worker prints of executions, and its messages.

Lines are made from what the worker knows: reading executions back would slow delivery.
"""

from collections.abc import Callable, Iterable
from datetime import datetime

from firetower.core.executions import Execution
from firetower.core.feed import FeedLine
from firetower.core.matching import Decision
from firetower.store.changes import Change
from firetower.store.executions import find_ids
from firetower.store.queue.record import AttemptResult, Recorded

Emit = Callable[[FeedLine], None]
Report = Callable[[str], None]


def describe(recorded: Recorded) -> list[str]:
    """Say how circuits changed, and which attempts ended too late."""
    circuits = recorded.circuit_changes
    said = [one.describe(lambda moment: f"{moment.astimezone():%H:%M:%S}") for one in circuits]
    for result in recorded.late:
        claim = result.claim
        said.append(
            f"attempt {claim.number} of execution {claim.execution_id} ended after its lease: "
            "another worker had taken it over"
        )
    return said


def lines_of_decisions(change: Change, decisions: Iterable[Decision]) -> list[FeedLine]:
    """Return the lines of the executions that send nothing."""
    final = {
        (decision.revision.automation_id, decision.event.id): decision
        for decision in decisions
        if decision.status.is_final
    }
    ids = find_ids(change, final)
    return [_line_of_decision(ids[key], one, change.now) for key, one in final.items()]


def _line_of_decision(execution_id: int, decision: Decision, now: datetime) -> FeedLine:
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
        )
    )


def line_of_result(result: AttemptResult) -> FeedLine:
    """Return the line of an attempt that decided about its execution."""
    claim, verdict = result.claim, result.verdict
    ended_at = result.started_at + result.duration
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
        status_code=result.answer.status_code,
        duration_ms=result.duration_ms,
    )
    return FeedLine(ended_at, execution, result.answer.error)
