"""Why an automation on a metric fired for a run, or what it waits for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from firetower.core.automations import Automation, Mode
from firetower.core.crossings import Series, Watch
from firetower.core.events import Event
from firetower.core.explanation import Clock, failure_words
from firetower.core.matching import cooldown_end
from firetower.core.runs import RunSnapshot
from firetower.core.text import counted, suggest, visible


class RunOutcome(StrEnum):
    """What became of a run for an automation on a metric, in the order in which it is shown."""

    FIRED = "fired"
    WAITING = "waiting for evaluation"
    CONDITION = "the condition"
    WINDOW = "the window"
    OLDER = "older values"
    METRIC = "no such metric"
    FILTER = "the filter"
    MODE = "disabled"


@dataclass(frozen=True, slots=True)
class RunFinding:
    """What became of one run for one automation."""

    run: RunSnapshot
    outcome: RunOutcome
    words: str


@dataclass(frozen=True, slots=True)
class RunSubject:
    """A run as an automation on a metric finds it."""

    run: RunSnapshot
    metrics: Sequence[str]
    """The names of those it has logged."""
    series: Series | None
    """The newest values of the metric, as many as the window; None where it has none."""
    count: int
    """Of all its values."""
    pending: bool
    """Whether some wait for evaluation."""
    watch: Watch


def explain_run(
    automation: Automation, subject: RunSubject, now: datetime, clock: Clock
) -> RunFinding:
    """Return what became of a run for an automation on a metric."""
    outcome, words = _outcome(automation, subject, now, clock)
    return RunFinding(subject.run, outcome, words)


def _outcome(
    automation: Automation, subject: RunSubject, now: datetime, clock: Clock
) -> tuple[RunOutcome, str]:
    watch = subject.watch
    if watch.began_at is not None:
        return RunOutcome.FIRED, _fired(automation, watch, now, clock)
    if automation.mode is Mode.DISABLED:
        return RunOutcome.MODE, f"it was disabled {clock(automation.revision.saved_at)}"
    if (words := _filtered(automation, subject.run)) is not None:
        return RunOutcome.FILTER, words
    return _of_values(automation, subject, clock)


def _of_values(automation: Automation, subject: RunSubject, clock: Clock) -> tuple[RunOutcome, str]:
    condition, series = automation.definition.metric, subject.series
    saved_at = automation.revision.saved_at
    assert condition is not None
    if series is None or not series.values:
        hint = suggest(condition.metric, subject.metrics, "")
        return RunOutcome.METRIC, f"it logs no {visible(condition.metric)}. {hint}".rstrip(" .")
    if subject.pending:
        return RunOutcome.WAITING, "no worker has evaluated its newest values: `firetower worker`"
    if series.moments[-1] < saved_at:
        logged = counted(subject.count, "value")
        return RunOutcome.OLDER, f"its {logged} are older than the automation, {clock(saved_at)}"
    measured = condition.measure(series.values)
    if measured.missing:
        return RunOutcome.WINDOW, condition.found(measured)
    said = f"{condition.found(measured)}, skipped" if measured.held else condition.asked(measured)
    return RunOutcome.CONDITION, f"{said} (step {series.steps[-1]:,})"


def _filtered(automation: Automation, run: RunSnapshot) -> str | None:
    """Return what of the filter a run does not pass; None where it passes."""
    definition = automation.definition
    event = Event(
        0, definition.event_type, automation.created_at, run.user, run.reference.project, run=run
    )
    failed = definition.filter.trace(event).first_failure()
    return None if failed is None else failure_words(failed)


def _fired(automation: Automation, watch: Watch, now: datetime, clock: Clock) -> str:
    assert watch.began_at is not None
    words = f"fired {clock(watch.began_at)}"
    until = cooldown_end(now, automation.definition.pace, watch.began_at)
    if until is not None:
        words += f", quiet until {clock(until)}"
    if watch.skipped:
        words += f" ({counted(watch.skipped, 'more crossing')} skipped)"
    return words if watch.held else f"{words}; it does not hold now"
