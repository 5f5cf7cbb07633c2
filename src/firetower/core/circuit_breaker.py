"""Circuit breaker: an endpoint that keeps failing gets one first attempt now and then, a probe.

Retries follow their own schedule: an open circuit queues only first attempts.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import AwareDatetime, JsonValue

from firetower.core.references import Frozen
from firetower.core.retry import JITTER, Answer, asked_wait, works
from firetower.core.text import instant
from firetower.core.times import duration

FAILURES_TO_OPEN = 5
"""Failures in a row before a circuit opens: fewer may be the fault of one payload."""

FAILING_TO_OPEN = timedelta(seconds=60)
"""How long the failures must have lasted: a restart of the endpoint is over by then, and requests
in flight or a quick schedule bring five failures within a second."""

FIRST_PROBE_DELAY = timedelta(seconds=30)
LONGEST_PROBE_DELAY = timedelta(minutes=30)
"""The delay before each probe doubles from the first to the longest."""


class Circuit(Frozen):
    """An open circuit: first attempts are queued, but for a probe now and then."""

    opened_at: AwareDatetime
    probe_at: AwareDatetime
    """When the next probe may be sent; during a probe, the end of its lease."""
    failures: int
    """In a row."""
    reason: str
    """The last answer, or why none came."""

    def as_data(self) -> dict[str, JsonValue]:
        """Return the circuit as JSON-ready data."""
        return {
            "opened_at": instant(self.opened_at),
            "next_attempt_at": instant(self.probe_at),
            "failures_in_a_row": self.failures,
            "reason": self.reason,
        }


class CircuitChangeKind(StrEnum):
    """How a circuit changed."""

    OPENED = "opened"
    PROBED = "probed"
    """A probe failed, and the circuit stays open."""
    CLOSED = "closed"


class CircuitChange(Frozen):
    """A circuit that opened, stays open after a probe, or closed."""

    kind: CircuitChangeKind
    endpoint: str
    circuit: Circuit
    """As it is, or was before it closed."""
    at: AwareDatetime
    waiting: int = 0
    """Executions queued as it opens, or sent as it closes."""
    id: int = 0
    """Of an opening or a closing, in their order; a failed probe has none."""

    @property
    def glyph(self) -> str:
        """One cell that says it without colour."""
        return "✓" if self.kind is CircuitChangeKind.CLOSED else "!"

    def describe(self, clock: Callable[[datetime], str]) -> str:
        """Describe it in one line, the least important last; `clock` formats a time."""
        circuit, waiting = self.circuit, self.waiting
        if self.kind is CircuitChangeKind.CLOSED:
            seconds = timedelta(seconds=int((self.at - circuit.opened_at).total_seconds()))
            after = f"after {duration(seconds)}" if seconds else "at once"
            pace = ", ten a second" if waiting > 1 else ""
            sends = f", sends {waiting:,} queued{pace}" if waiting else ""
            return f"circuit of {self.endpoint} closed {after}{sends}"
        became = "opened" if self.kind is CircuitChangeKind.OPENED else "still open"
        queued = f", {waiting:,} queued" if waiting else ""
        return (
            f"circuit of {self.endpoint} {became}, probe at {clock(circuit.probe_at)}{queued}; "
            f"{circuit.reason}, {circuit.failures:,} times in a row"
        )


@dataclass(frozen=True, slots=True)
class AnswerSummary:
    """The answers of one endpoint in a batch, summed up."""

    worked: bool = False
    """Whether one of them showed that the endpoint works."""
    failures: int = 0
    """In a row at the end."""
    last: Answer | None = None
    """The last failure."""


def summarize(answers: Iterable[Answer]) -> AnswerSummary:
    """Sum up an endpoint's answers, given in their order."""
    worked, failures, last = False, 0, None
    for answer in answers:
        if works(answer):
            worked, failures, last = True, 0, None
        else:
            failures, last = failures + 1, answer
    return AnswerSummary(worked, failures, last)


def opens(failures: int, lasted: timedelta) -> bool:
    """Return whether failures in a row open a circuit; `lasted` is from the first to the newest."""
    # By distance: a clock set back must not keep it closed.
    return failures >= FAILURES_TO_OPEN and abs(lasted) >= FAILING_TO_OPEN


def next_probe(answer: Answer, *, probes: int, now: datetime, jitter: float) -> datetime:
    """Return when an open circuit is probed next, after `probes` failed; `jitter` is from -1 to 1.

    An answer's Retry-After makes the delay longer, never shorter.
    """
    doubled = FIRST_PROBE_DELAY * (1 << min(probes, 16))
    delay = min(doubled, LONGEST_PROBE_DELAY) * (1 + JITTER * jitter)
    return now + max(delay, asked_wait(answer.retry_after, now) or delay)
