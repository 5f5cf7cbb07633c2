"""Why an automation fired on an event or for a run, or the first thing that stopped it."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum

from firetower.core.automations import Automation, Definition, Mode, Revision
from firetower.core.crossings import Series, Watch
from firetower.core.events import Event
from firetower.core.executions import Execution, SkipReason, Status
from firetower.core.filters import Trace
from firetower.core.filters.fields import MISSING
from firetower.core.matching import cooldown_end
from firetower.core.metrics import Condition
from firetower.core.references import VersionReference
from firetower.core.runs import RunSnapshot, StateCondition
from firetower.core.scopes import CollectionScope, Scope, covers
from firetower.core.text import counted, quoted, shortened, suggest, visible

Clock = Callable[[datetime], str]
"""Writes a moment as people read it."""


class Stop(StrEnum):
    """The reasons that can stop an automation, in the order in which they are tested."""

    SCOPE = "another scope"
    EVENT = "another event"
    LATER = "saved later"
    DISABLED = "disabled"
    DELETED = "deleted"
    FILTER = "the filter"
    CONDITION = "the condition"


class Nearness(IntEnum):
    """How closely an automation is related to an event, the closest first."""

    SAME = 0
    """Its scope covers the event's collection, and it waits for that event."""
    SAME_PLACE = 1
    """It watches the same registry or project, or what covers it."""
    LINKED = 2
    """It watches where the version is linked to, or comes from, for that event."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Whether an automation fired on an event, and why."""

    revision: Revision
    """The revision that was in force; where there was none yet, the first."""
    nearness: Nearness
    stop: Stop | None
    """What stopped it; None where it fired."""
    words: str
    trace: Trace | None = None
    """The filter's trace, where the filter was tested."""
    execution: Execution | None = None
    """What it fired, once it was evaluated."""

    @property
    def reason(self) -> str:
        """The kind of outcome, to group by: "the filter", "fired", "shadow"."""
        if self.stop is not None:
            return self.stop.value
        if self.execution is not None and self.execution.status is Status.SKIPPED:
            return (self.execution.skip_reason or "skipped").replace("_", " ")
        return "fired"


@dataclass(frozen=True, slots=True)
class Explanation:
    """An event, and why each related automation fired or did not."""

    event: Event
    findings: tuple[Finding, ...]
    """Of the related automations, the closest first."""
    elsewhere: int
    """How many automations are not related, and so not listed."""
    evaluated: bool
    """Whether a worker has evaluated the event."""


@dataclass(frozen=True, slots=True)
class Subject:
    """An event to explain, and where else its version is."""

    event: Event
    evaluated: bool
    linked: tuple[VersionReference, ...] = ()
    """Where else the same version is: what it is linked as, or comes from."""


def explain(
    subject: Subject,
    histories: Iterable[Sequence[Revision]],
    executions: Sequence[Execution],
    elsewhere: int,
    clock: Clock,
) -> Explanation:
    """Explain an event by the histories of the automations that may be related to it.

    A history is an automation's revisions, the oldest first. Automations that prove not to be
    related are counted with `elsewhere`.
    """
    fired = {execution.automation_id: execution for execution in executions}
    findings = []
    for history in histories:
        found = explain_one(subject, history, fired.get(history[0].automation_id), clock)
        if found is None:
            elsewhere += 1
        else:
            findings.append(found)
    findings.sort(key=_order)
    return Explanation(subject.event, tuple(findings), elsewhere, subject.evaluated)


def _order(one: Finding) -> tuple[object, ...]:
    """Sort the closest first, then what fired, then by how much a scope covers."""
    definition = one.revision.definition
    is_wide = definition.scope.container.kind.covers_several
    return one.nearness, one.stop is not None, is_wide, definition.name


def explain_one(
    subject: Subject, history: Sequence[Revision], execution: Execution | None, clock: Clock
) -> Finding | None:
    """Return why an automation fired on an event or did not; None if it is not related."""
    event = subject.event
    revision = next((one for one in history if one.in_force_at(event)), history[0])
    nearness = _nearness(subject, revision)
    if nearness is None:
        return None
    stop, words, trace = _first_stop(subject, revision, clock)
    if stop is None:
        words = _fired(subject, execution, clock)
    return Finding(revision, nearness, stop, words, trace, execution if stop is None else None)


def _nearness(subject: Subject, revision: Revision) -> Nearness | None:
    event, definition = subject.event, revision.definition
    same_type = definition.event_type is event.type
    if definition.scope.container.covers(event.container):
        is_covered = covers(definition.scope, event)
        return Nearness.SAME if is_covered and same_type else Nearness.SAME_PLACE
    linked = _linked_in(subject, definition.scope)
    return Nearness.LINKED if same_type and linked is not None else None


def _linked_in(subject: Subject, scope: Scope) -> VersionReference | None:
    """Return the reference under which a scope covers the same version elsewhere."""
    type_ = subject.event.artifact_type
    return next((one for one in subject.linked if scope.covers(one.collection, type_)), None)


def _first_stop(
    subject: Subject, revision: Revision, clock: Clock
) -> tuple[Stop | None, str, Trace | None]:
    event, definition = subject.event, revision.definition
    if not covers(definition.scope, event):
        return Stop.SCOPE, _another_scope(subject, definition.scope), None
    if definition.event_type is not event.type:
        waits, was = definition.event_type.spec.label, event.type.spec.label
        return Stop.EVENT, f"it waits for “{waits}”; this was “{was}”", None
    if not revision.in_force_at(event):
        return Stop.LATER, f"it was saved {clock(revision.saved_at)}, after the event", None
    if revision.mode is Mode.DELETED:
        return Stop.DELETED, f"it was deleted {clock(revision.saved_at)}", None
    if revision.mode is Mode.DISABLED:
        by = f" by {revision.author}" if revision.author else ""
        return Stop.DISABLED, f"it was disabled {clock(revision.saved_at)}{by}", None
    return _tested(definition, event)


def _tested(definition: Definition, event: Event) -> tuple[Stop | None, str, Trace]:
    """Test the filter and the condition."""
    trace = definition.filter.trace(event)
    if failed := trace.first_failure():
        return Stop.FILTER, failure_words(failed), trace
    other = _another_condition(event, definition.condition)
    return (None, "", trace) if other is None else (Stop.CONDITION, other, trace)


def _another_condition(event: Event, condition: Condition | None) -> str | None:
    """Return why the condition does not hold for an event of a run; None where it does."""
    run, metric = event.run, event.metric
    if run is None or condition is None:
        return None
    if isinstance(condition, StateCondition):
        found = None if condition.holds(run) else f"this one {run.state.phrase}"
    else:
        found = None if metric and metric.condition == condition else f"this was: {event.detail}"
    return found and f"it waits until {condition.words}; {found}"


def failure_words(failed: Trace) -> str:
    """Return a condition that did not hold: what it expects, and what it found."""
    if failed.combination is not None:
        return f"its filter does not hold: {failed.expected}"
    if failed.actual is MISSING:
        return f"its filter asks for {failed.expected}; the event has none"
    return f"its filter asks for {failed.expected}; it is {shortened(quoted(failed.actual), 80)}"


def _another_scope(subject: Subject, scope: Scope) -> str:
    event = subject.event
    watches = f"it watches {scope.phrase.removeprefix('in ')}"
    linked = _linked_in(subject, scope)
    if linked is not None:
        change = "change was made to" if event.alias is None else "alias was set on"
        return (
            f"{watches}; this {change} the {event.container.kind}'s version {event.subject}, "
            f"which is there as {linked}"
        )
    if event.collection is None:
        return f"{watches}; this was run {event.subject}, which is in no collection"
    if isinstance(scope, CollectionScope):
        return f"{watches}; this was in {event.collection}"
    return f"{watches}; this was in {event.collection}, of type {event.artifact_type}"


def _fired(subject: Subject, execution: Execution | None, clock: Clock) -> str:
    if execution is None:
        if subject.evaluated:
            return "it matches, but made no execution"
        return "it matches, and fires as soon as a worker evaluates the event"
    why = execution.describe(clock)
    if execution.skip_reason is SkipReason.SHADOW:
        why = "it is in shadow: recorded, not sent"
    if execution.status is Status.SKIPPED:
        return f"fired, and was skipped: {why}"
    code = "" if execution.status_code is None else str(execution.status_code)
    shown = (execution.state, "" if why.startswith(code) else code, why)
    return f"fired: {', '.join(filter(None, shown))}"


@dataclass(frozen=True, slots=True)
class Group:
    """Events that fired one automation, or did not, for the same reason."""

    reason: str
    count: int
    event: Event
    """The newest of them."""
    finding: Finding
    """That of the newest event."""


def grouped(found: Iterable[tuple[Event, Finding]]) -> list[Group]:
    """Return findings by their reason, each with its first as example.

    What fired comes first, then what passed most of the tests.
    """
    groups: dict[str, list[tuple[Event, Finding]]] = defaultdict(list)
    for event, finding in found:
        groups[finding.reason].append((event, finding))
    rows = [Group(reason, len(members), *members[0]) for reason, members in groups.items()]
    order = [None, *reversed(Stop)]
    return sorted(rows, key=lambda row: (row.finding.nearness, order.index(row.finding.stop)))


class RunOutcome(StrEnum):
    """Why an automation on a metric fired for a run or did not, in the order shown."""

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
    """Whether an automation on a metric fired for a run, and why."""

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
    pending: bool
    """Whether some wait for evaluation."""
    watch: Watch


def explain_run(
    automation: Automation, subject: RunSubject, now: datetime, clock: Clock
) -> RunFinding:
    """Return why an automation on a metric fired for a run or did not."""
    watch = subject.watch
    if watch.began_at is not None:
        outcome, words = RunOutcome.FIRED, _fired_for_run(automation, watch, now, clock)
    elif automation.mode is Mode.DISABLED:
        outcome, words = RunOutcome.MODE, f"it was disabled {clock(automation.revision.saved_at)}"
    elif (failed := _filtered(automation, subject.run)) is not None:
        outcome, words = RunOutcome.FILTER, failed
    else:
        outcome, words = _of_values(automation, subject, clock)
    return RunFinding(subject.run, outcome, words)


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
        said = f"it has logged no value since the automation was saved, {clock(saved_at)}"
        return RunOutcome.OLDER, said
    measured = condition.measure(series.values)
    if measured.missing:
        return RunOutcome.WINDOW, condition.found(measured)
    said = condition.found(measured) if measured.held else condition.asked(measured)
    words = f"{said} (step {series.steps[-1]:,})"
    if skipped := subject.watch.skipped:
        words += f"; {counted(skipped, 'crossing')} skipped, its history says why"
    elif measured.held:
        words += "; the run did not pass its filter then"
    return RunOutcome.CONDITION, words


def _filtered(automation: Automation, run: RunSnapshot) -> str | None:
    """Return the condition of the filter that a run fails, in words; None where it passes."""
    definition = automation.definition
    event = Event(
        0, definition.event_type, automation.created_at, run.user, run.reference.project, run=run
    )
    failed = definition.filter.trace(event).first_failure()
    return None if failed is None else failure_words(failed)


def _fired_for_run(automation: Automation, watch: Watch, now: datetime, clock: Clock) -> str:
    assert watch.began_at is not None
    words = f"fired {clock(watch.began_at)}"
    until = cooldown_end(now, automation.definition.pace, watch.began_at)
    if until is not None:
        words += f", quiet until {clock(until)}"
    if watch.skipped:
        words += f" ({counted(watch.skipped, 'more crossing')} skipped)"
    return words if watch.held else f"{words}; it does not hold now"
