"""What an automation does about new values of a run's metric.

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
from firetower.core.matching import Decision, cooldown_end, fire
from firetower.core.metrics import AnyMetricCondition, Crossing

MAX_SKIPPED = 100
"""Executions that one cooldown of a run skips; later crossings are only counted.

Near a threshold a noisy metric may cross it at every second step.
"""


class Watch(NamedTuple):
    """What is kept of an automation's condition on one run, after its newest evaluated value."""

    revision_id: int = 0
    held: bool = False
    began_at: datetime | None = None
    """When its cooldown last began."""
    skipped: int = 0
    """How often its condition began to hold since, within the cooldown."""


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
        """Return what a condition that begins to hold at a place found."""
        start = max(0, place + 1 - condition.needed)
        return Crossing.of(condition, self.steps[place], self.values[start : place + 1])

    def first_since(self, moment: datetime) -> int:
        """Return the place of the first new value written at a moment or after it."""
        places = range(self.first, len(self.moments))
        return next((place for place in places if self.moments[place] >= moment), len(places))


def follow(
    revision: Revision,
    watch: Watch,
    series: Series,
    endpoints: Mapping[int, Endpoint],
    record: Callable[[int], Event],
) -> tuple[Watch, Sequence[Decision]]:
    """Return what becomes of the new values of a series that a revision watches.

    `record` returns the event of the condition that begins to hold at a place of the series. Each
    leaves an execution, also where a cooldown skips it, up to `MAX_SKIPPED` in one cooldown.
    """
    condition, cooldown = revision.definition.metric, revision.definition.pace
    assert condition is not None
    held, began, skipped = watch.held, watch.began_at, watch.skipped
    if watch.revision_id != revision.id:
        held = False  # another condition than the one that was tested
    decisions = []
    first = series.first_since(revision.saved_at)
    for place, measured in condition.edges(series.values, first, held=held):
        held = measured.held
        if not held:
            continue
        at, before = series.moments[place], began
        if began and cooldown_end(at, cooldown, began) is not None:
            skipped, began = skipped + 1, min(began, at)  # a clock set back starts it again
            if skipped > MAX_SKIPPED:
                continue
        decision = fire(revision, record(place), before, endpoints)
        if skipped == MAX_SKIPPED and decision.cooldown_until is not None:
            decision = decision._replace(detail="more crossings until then are only counted")
        if decision.cooldown_until is None and decision.starts_cooldown:
            began, skipped = at, 0
        decisions.append(decision)
    return Watch(revision.id, held, began, skipped), decisions
