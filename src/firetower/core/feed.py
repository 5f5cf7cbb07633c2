"""The live feed: executions, and changes of circuits among them."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Self

from firetower.core.circuit_breaker import CircuitChange
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


class CircuitLine(NamedTuple):
    """A change of a circuit, in its place: right after the execution of an id."""

    after: int
    change: CircuitChange


FeedEntry = Execution | CircuitLine


@dataclass(frozen=True, slots=True)
class FeedPage:
    """Consecutive entries of the feed, the oldest first."""

    entries: Sequence[FeedEntry]
    more: bool
    """Whether there may be older ones."""


def merge_feed(
    executions: Sequence[Execution], changes: Sequence[CircuitChange]
) -> list[FeedEntry]:
    """Merge executions, ordered by id, with changes of circuits, ordered by time.

    An execution of the same moment as a change comes after it: an open circuit queues it.
    """
    created = [execution.created_at for execution in executions]
    before_all = executions[0].id - 1 if executions else 0
    entries: list[FeedEntry] = []
    merged = 0
    for change in changes:
        place = max(bisect_left(created, change.at), merged)
        entries.extend(executions[merged:place])
        merged = place
        after = executions[place - 1].id if place else before_all
        entries.append(CircuitLine(after, change))
    return [*entries, *executions[merged:]]
