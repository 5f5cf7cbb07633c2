"""Runs as a list shows them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from firetower.core.runs import RunState


class RunLine(NamedTuple):
    """What a list shows of a run: a Run takes long to read ten thousand times."""

    row: int
    """The number of its row."""
    reference: str
    """`entity/project/id`."""
    project: str
    name: str
    user: str
    state: RunState
    started_at: datetime
    ended_at: datetime | None
    values: tuple[float | None, ...]
    """The newest values of the list's metrics; None for one that the run has not logged."""

    def duration(self, now: datetime) -> timedelta:
        """Return how long it ran, or has been running."""
        return max((self.ended_at or now) - self.started_at, timedelta(0))


@dataclass(frozen=True, slots=True)
class RunList:
    """The newest runs of a project, or of what covers several."""

    lines: Sequence[RunLine] = ()
    total: int = 0
    """Runs that there are."""
    metrics: Sequence[str] = ()
    """The metrics whose values the lines have."""

    def joined(self, older: "RunList") -> "RunList":
        """Return these lines and those of an older list that they lack, the newest first."""
        if self.metrics != older.metrics or len(self.lines) >= self.total:
            return self
        rows = {line.row for line in self.lines}
        lines = [*self.lines, *(line for line in older.lines if line.row not in rows)]
        return RunList(lines, self.total, self.metrics)
