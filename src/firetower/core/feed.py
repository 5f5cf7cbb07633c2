"""The lines of the live feed: one for each outcome of a firing."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from pydantic import AwareDatetime

from firetower.core.circuit_breaker import CircuitNews
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
    next_attempt_at: datetime | None = None


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
        next_attempt_at=execution.due_at if execution.status is Status.PENDING else None,
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
        next_attempt_at=attempt.next_attempt_at,
    )


class Told(NamedTuple):
    """What became of a circuit, in its place: right after the execution of a number."""

    after: int
    news: CircuitNews


Line = Execution | Told


@dataclass(frozen=True, slots=True)
class Page:
    """Lines of the feed that follow each other, the oldest first."""

    lines: Sequence[Line]
    more: bool
    """Whether there may be older ones."""


def in_order(executions: Sequence[Execution], news: Sequence[CircuitNews]) -> list[Line]:
    """Return executions by number, and among them what became of circuits by its time.

    What fired at the same moment comes after: it is what an open circuit holds.
    """
    made = [execution.created_at for execution in executions]
    lines: list[Line] = []
    shown = 0
    for one in news:
        place = max(bisect_left(made, one.at), shown)
        lines.extend(executions[shown:place])
        shown = place
        lines.append(Told(_before(executions, place), one))
    return [*lines, *executions[shown:]]


def _before(executions: Sequence[Execution], place: int) -> int:
    """Return the number after which stands what comes before the execution of a place."""
    if place:
        return executions[place - 1].id
    return executions[0].id - 1 if executions else 0
