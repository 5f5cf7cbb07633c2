"""The live feed: executions, and changes of circuits among them."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Self

from firetower.core.circuit_breaker import CircuitNews
from firetower.core.executions import Attempt, Execution, Status


@dataclass(frozen=True, slots=True)
class FeedLine:
    """An execution at one moment of its life, as the feed and the worker's log print it."""

    at: datetime
    execution: Execution
    """As it was at that moment."""
    error: str | None

    @classmethod
    def of(cls, execution: Execution, attempt: Attempt | None = None) -> Self:
        """Return the line of an execution as it is, or as it was after one of its attempts."""
        if attempt is not None:
            return cls(attempt.ended_at, execution.after(attempt), attempt.error)
        failed = execution.status_code is None and execution.status is not Status.SKIPPED
        error = execution.detail if failed else None
        return cls(execution.finished_at or execution.created_at, execution, error)


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
