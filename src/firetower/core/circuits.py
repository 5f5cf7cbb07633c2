"""Circuits: an endpoint that fails again and again is left alone, but for one try now and then."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import AwareDatetime, JsonValue

from firetower.core.delivery import JITTER, Answer, asked_wait, works
from firetower.core.events import instant
from firetower.core.references import Frozen

FAILURES_TO_OPEN = 5
"""Failures in a row that open a circuit: a restart of the endpoint rarely brings so many answers,
and a dead one has cost five executions one wait each by then."""

FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(minutes=30)
"""The pause before each probe doubles from the first to the longest."""


class Circuit(Frozen):
    """An open circuit: one probe at a time goes out, the rest is held."""

    opened_at: AwareDatetime
    probe_at: AwareDatetime
    """When the next probe may go; while one is under way, the end of its lease."""
    failures: int
    """In a row."""
    reason: str
    """What the endpoint answered last, or why no answer came."""

    def as_data(self) -> dict[str, JsonValue]:
        """Return the circuit as JSON-ready data."""
        return {
            "opened_at": instant(self.opened_at),
            "next_try_at": instant(self.probe_at),
            "failures_in_a_row": self.failures,
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True)
class Run:
    """What a batch of answers, in their order, says of an endpoint."""

    worked: bool = False
    """Whether one of them showed that it works."""
    failures: int = 0
    """Those in a row at the end."""
    last: Answer | None = None
    """The last failure."""


def run_of(answers: Iterable[Answer]) -> Run:
    """Return what answers say of their endpoint."""
    run = Run()
    for answer in answers:
        run = Run(worked=True) if works(answer) else Run(run.worked, run.failures + 1, answer)
    return run


def next_probe(answer: Answer, *, probes: int, now: datetime, jitter: float) -> datetime:
    """Return when an open circuit is probed, after `probes` in vain; `jitter` is from -1 to 1.

    An answer's Retry-After makes the pause longer, never shorter.
    """
    doubled = FIRST_PAUSE * (1 << min(probes, 16))
    pause = min(doubled, LONGEST_PAUSE) * (1 + JITTER * jitter)
    return now + max(pause, asked_wait(answer.retry_after, now) or pause)
