"""Circuits: to an endpoint that fails for long nothing new is sent, but one try now and then.

What was tried before goes on by its own schedule: an open circuit delays only first tries.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import AwareDatetime, JsonValue

from firetower.core.automations import duration
from firetower.core.events import instant
from firetower.core.references import Frozen
from firetower.core.retry import JITTER, Answer, asked_wait, works

FAILURES_TO_OPEN = 5
"""Failures in a row that a circuit takes at least to open: fewer may be one payload's fault."""

LASTING_TO_OPEN = timedelta(seconds=60)
"""How long they must have lasted: a restart of the endpoint is over by then, and many requests in
flight or a quick schedule bring five failures within a second."""

FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(minutes=30)
"""The pause before each probe doubles from the first to the longest."""


class Circuit(Frozen):
    """An open circuit: of what has not been tried one goes out now and then, the rest is held."""

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
            "next_attempt_at": instant(self.probe_at),
            "failures_in_a_row": self.failures,
            "reason": self.reason,
        }


class Turn(StrEnum):
    """What becomes of a circuit."""

    OPENED = "opened"
    PROBED = "probed"
    """In vain."""
    CLOSED = "closed"


class CircuitNews(Frozen):
    """A circuit that has opened, was probed in vain, or has closed."""

    turn: Turn
    endpoint: str
    circuit: Circuit
    """As it is, or was before it closed."""
    at: AwareDatetime
    waiting: int = 0
    """Executions that it holds as it opens; that go out now as it closes."""
    id: int = 0
    """Of an opening or a closing; there they have an order."""

    @property
    def glyph(self) -> str:
        """One cell that says it without colour."""
        return "✓" if self.turn is Turn.CLOSED else "!"

    def words(self, clock: Callable[[datetime], str]) -> str:
        """Return it as a line, what a narrow screen may cut off last; `clock` writes a time."""
        if self.turn is Turn.CLOSED:
            seconds = (self.at - self.circuit.opened_at) // _SECOND
            after = f"after {duration(timedelta(seconds=seconds))}" if seconds else "at once"
            out = ", 1 goes out now" if self.waiting == 1 else ""
            if self.waiting > 1:
                out = f", {self.waiting:,} go out now, ten a second"
            return f"circuit of {self.endpoint} closed {after}{out}"
        became = "opened" if self.turn is Turn.OPENED else "still open"
        verb = "waits" if self.waiting == 1 else "wait"
        wait = f", {self.waiting:,} {verb}" if self.waiting else ""
        due = f"next try {clock(self.circuit.probe_at)}{wait}"
        return (
            f"circuit of {self.endpoint} {became}, {due}; "
            f"{self.circuit.reason}, {self.circuit.failures:,} times in a row"
        )


_SECOND = timedelta(seconds=1)


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


def opens(failures: int, lasted: timedelta) -> bool:
    """Return whether failures in a row open a circuit; `lasted` is from the first to the newest.

    By distance: a clock set back is not to keep it shut.
    """
    return failures >= FAILURES_TO_OPEN and abs(lasted) >= LASTING_TO_OPEN


def next_probe(answer: Answer, *, probes: int, now: datetime, jitter: float) -> datetime:
    """Return when an open circuit is probed, after `probes` in vain; `jitter` is from -1 to 1.

    An answer's Retry-After makes the pause longer, never shorter.
    """
    doubled = FIRST_PAUSE * (1 << min(probes, 16))
    pause = min(doubled, LONGEST_PAUSE) * (1 + JITTER * jitter)
    return now + max(pause, asked_wait(answer.retry_after, now) or pause)
