"""The lines of the live feed: one for each outcome of a firing."""

from datetime import datetime
from enum import StrEnum

from pydantic import AwareDatetime

from firetower.core.executions import Attempt, Execution, Status
from firetower.core.references import Frozen


class FeedState(StrEnum):
    """What a line says of a firing: its status, and `retrying` after a failed try."""

    PENDING = "pending"
    RUNNING = "running"
    RETRYING = "retrying"
    FINISHED = "finished"
    FAILED = "failed"
    SKIPPED = "skipped"

    @property
    def glyph(self) -> str:
        """One cell that says it without colour."""
        return _GLYPHS[self]


_GLYPHS = {
    FeedState.PENDING: "◌",
    FeedState.RUNNING: "▸",
    FeedState.RETRYING: "!",
    FeedState.FINISHED: "✓",
    FeedState.FAILED: "✗",
    FeedState.SKIPPED: "–",
}


class FeedLine(Frozen):
    """One outcome of one execution."""

    at: AwareDatetime
    state: FeedState
    execution: Execution
    status_code: int | None
    duration_ms: float | None
    error: str | None = None
    attempt: int = 0
    next_try_at: datetime | None = None


def line_of(execution: Execution) -> FeedLine:
    """Return the line of an execution as it stands."""
    retrying = execution.status is Status.PENDING and execution.attempts > 0
    state = FeedState.RETRYING if retrying else FeedState(execution.status.value)
    return FeedLine(
        at=execution.finished_at or execution.created_at,
        state=state,
        execution=execution,
        status_code=execution.status_code,
        duration_ms=execution.duration_ms,
        error=execution.reason if execution.status_code is None else None,
        attempt=execution.attempts,
        next_try_at=execution.due_at if execution.status is Status.PENDING else None,
    )


def line_of_attempt(execution: Execution, attempt: Attempt) -> FeedLine:
    """Return the line of what one try brought."""
    retrying = attempt.outcome is Status.PENDING
    return FeedLine(
        at=attempt.ended_at,
        state=FeedState.RETRYING if retrying else FeedState(attempt.outcome.value),
        execution=execution,
        status_code=attempt.status_code,
        duration_ms=attempt.duration_ms,
        error=attempt.error,
        attempt=attempt.number,
        next_try_at=attempt.next_try_at,
    )
