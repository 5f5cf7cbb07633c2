"""How often automations fired recently, and how endpoints answered."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil

from firetower.core.executions import Attempt
from firetower.core.text import BARS


@dataclass(frozen=True, slots=True)
class FiringHistory:
    """How often one automation fired since a moment, and the answers."""

    since: datetime
    days: tuple[int, ...]
    """How often it fired on each day, the oldest first."""
    finished: int
    failed: int
    p95_ms: float | None
    """The time within which 95 of 100 answers came; None without any."""

    @property
    def success(self) -> int | None:
        """Of 100 executions that ended, how many finished; None before any has ended.

        It is 100 only if none failed.
        """
        ended = self.finished + self.failed
        return 100 * self.finished // ended if ended else None


PARTS = 8
"""Parts of 24 hours in which firings are counted."""


@dataclass(frozen=True, slots=True)
class RecentFirings:
    """How often one automation fired in the last 24 hours."""

    parts: tuple[int, ...] = (0,) * PARTS
    """How often it fired in each eighth of them, the oldest first."""
    failed: int = 0
    """Executions that failed, of those that began in them."""


@dataclass(frozen=True, slots=True)
class Heat:
    """How much fired in equal parts of the last hours, the oldest first."""

    fired: tuple[int, ...]
    """Executions that began in each part."""
    failed: tuple[int, ...]
    """Those of them that have failed."""


def sparkline(counts: Sequence[int]) -> str:
    """Return numbers as bars in one line: "▁▁▂▁▅█". The lowest bar is zero."""
    top = max(counts, default=0) or 1
    return "".join(BARS[-(-count * (len(BARS) - 1) // top)] for count in counts)


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
            len(ordered), succeeded, percentile(ordered, 50), percentile(ordered, 95), in_flight
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


def percentile(ordered: list[float], percent: int) -> float | None:
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
