"""Crossings: the decisions of an automation about new values of a run's metric.

It fires as its condition begins to hold: once for each run and cooldown, which is a day unless the
automation has its own.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from firetower.core.automations import Revision
from firetower.core.endpoints import Endpoint
from firetower.core.events import Event
from firetower.core.matching import Decision, cooldown_end, fire, skip_of
from firetower.core.metrics import AnyMetricCondition, Crossing
from firetower.core.text import counted

MAX_SKIPPED = 10
"""Skipped executions of a run between two that are not; the last one has the number of the rest.

Near a threshold a noisy metric may cross it at every second step.
"""


class Watch(NamedTuple):
    """The state of an automation's condition on one run, after its newest evaluated value."""

    revision_id: int = 0
    held: bool = False
    began_at: datetime | None = None
    """When its cooldown last began; None where crossings are skipped for another reason."""
    skipped: int = 0
    """How many crossings were skipped since, or for that reason."""


@dataclass(slots=True)
class Series:
    """Values of one metric of one run in the order of their steps, some of them new."""

    steps: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    moments: list[datetime] = field(default_factory=list)
    """When each was written."""
    first: int = 0
    """The place of the first new one; those before fill its window."""

    def add(self, step: int, value: float | None, moment: datetime) -> None:
        """Add a value; None is not a number."""
        self.steps.append(step)
        self.values.append(math.nan if value is None else value)
        self.moments.append(moment)

    def keep(self, count: int) -> None:
        """Forget all but the newest values, which are new no more."""
        gone = max(0, len(self.steps) - count)
        del self.steps[:gone], self.values[:gone], self.moments[:gone]
        self.first = len(self.steps)

    def crossing(self, condition: AnyMetricCondition, place: int) -> Crossing:
        """Return the crossing of a condition that begins to hold at a place."""
        return Crossing.of(condition, self.steps[place], self.values[: place + 1])

    def first_since(self, moment: datetime) -> int:
        """Return the place of the first new value written at a moment or after it."""
        places = range(self.first, len(self.moments))
        return next((place for place in places if self.moments[place] >= moment), len(places))


class CrossingDecisions(NamedTuple):
    """The decisions of an automation about the new values of a series."""

    watch: Watch
    decisions: Sequence[Decision]
    unlisted: str | None = None
    """The new detail of the newest execution made before these."""


def decide_crossings(
    revision: Revision,
    watch: Watch,
    series: Series,
    endpoints: Mapping[int, Endpoint],
    *,
    record: Callable[[int], Event],
    cause: Callable[[], str | None],
) -> CrossingDecisions:
    """Decide about each new value of a series at which the condition begins to hold.

    `record` returns the event of the condition that begins to hold at a place of the series,
    `cause` that of all of them. Each leaves an execution, also where it is skipped, up to
    `MAX_SKIPPED` in a row; then the last of these says how many have none.
    """
    condition, cooldown = revision.definition.metric, revision.definition.pace
    assert condition is not None
    held = watch.held and watch.revision_id == revision.id  # of the condition as it is now
    began, skipped, unlisted = watch.began_at, watch.skipped, None
    decisions: list[Decision] = []
    first = series.first_since(revision.saved_at)
    for place, measured in condition.edges(series.values, first, held=held):
        if not (held := measured.held):
            continue
        at, before = series.moments[place], began
        if skip_of(revision, at, cause(), before, endpoints) is None:
            began, skipped = at, 0
        elif began and cooldown_end(at, cooldown, began) is not None:
            began, skipped = min(began, at), skipped + 1  # a clock set back starts it again
        else:
            skipped, began = 1 if began else skipped + 1, None
        if skipped <= MAX_SKIPPED:
            decisions.append(fire(revision, record(place), before, endpoints))
            continue
        said = f"{counted(skipped - MAX_SKIPPED, 'more crossing')} not listed"
        if decisions:
            decisions[-1] = decisions[-1]._replace(detail=said)
        else:
            unlisted = said
    return CrossingDecisions(Watch(revision.id, held, began, skipped), decisions, unlisted)
