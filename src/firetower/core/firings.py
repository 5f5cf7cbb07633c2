"""How often an automation fired lately, and how its endpoint answered."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

_BARS = "▁▂▃▄▅▆▇█"


@dataclass(frozen=True, slots=True)
class FiringHistory:
    """What one automation did from a moment on."""

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
    """What one automation did in the last 24 hours."""

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
    return "".join(_BARS[-(-count * (len(_BARS) - 1) // top)] for count in counts)
