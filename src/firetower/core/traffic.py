"""What was sent to an endpoint within a day: how much of it arrived, and how fast."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from math import ceil

from firetower.core.executions import Attempt


@dataclass(frozen=True, slots=True)
class Traffic:
    """The deliveries of the last 24 hours, each by its newest attempt, and what is under way."""

    sent: int = 0
    """Executions with at least one answer, or a failure to get one."""
    succeeded: int = 0
    p50_ms: float | None = None
    """Half of the newest attempts took at most so long."""
    p95_ms: float | None = None
    in_flight: int = 0
    """Requests under way now."""

    @classmethod
    def of(cls, durations_ms: Collection[float], succeeded: int, in_flight: int = 0) -> "Traffic":
        """Sum up attempts by their durations."""
        ordered = sorted(durations_ms)
        return cls(
            len(ordered), succeeded, _percentile(ordered, 50), _percentile(ordered, 95), in_flight
        )

    @property
    def success_words(self) -> str:
        """The rate rounded down, so that 100 % means all: "99 %"; "" where nothing was sent."""
        if not self.sent:
            return ""
        percent = self.succeeded * 100 // self.sent
        return "< 1 %" if self.succeeded and not percent else f"{percent} %"

    def as_data(self) -> dict[str, float | int | None]:
        """Return it as JSON-ready data."""
        return {
            "sent_24h": self.sent,
            "succeeded_24h": self.succeeded,
            "p50_ms": self.p50_ms,
            "p95_ms": self.p95_ms,
            "in_flight": self.in_flight,
        }


def _percentile(ordered: list[float], percent: int) -> float | None:
    """Return the smallest value that so many percent do not exceed."""
    return ordered[ceil(len(ordered) * percent / 100) - 1] if ordered else None


@dataclass(frozen=True, slots=True)
class LastFailure:
    """The newest attempt that an endpoint did not accept."""

    execution_id: int
    automation: str
    attempt: Attempt

    @property
    def at(self) -> datetime:
        """When the attempt ended."""
        return self.attempt.ended_at
