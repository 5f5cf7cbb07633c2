"""Testing a metric's definition on the values that runs have logged, the newest runs first."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from operator import attrgetter

from sqlalchemy import bindparam, select

from firetower.core.automations import Definition
from firetower.core.backtest import NEWEST, PARTS, Backtest
from firetower.core.crossings import Series
from firetower.core.errors import Cancelled
from firetower.core.events import Event
from firetower.core.matching import cooldown_end
from firetower.core.runs import RunSnapshot
from firetower.store import schema
from firetower.store.changes import Reader
from firetower.store.runs import list_active_runs

_PIECE = 20_000
"""Values read at once."""
_INTERVAL = 0.1
"""Seconds between two reports of progress, at least."""

_metrics, _points = schema.run_metrics.c, schema.metric_points.c
_NUMBER = select(_metrics.id).where(
    _metrics.run_id == bindparam("run"), _metrics.name == bindparam("name")
)
_VALUES = (
    select(_points.step, _points.value, _points.at)
    .where(_points.run_metric_id == bindparam("metric"), _points.step > bindparam("after"))
    .order_by(_points.step)
    .limit(_PIECE)
)


def run_metric_backtest(
    reader: Reader,
    definition: Definition,
    since: datetime,
    *,
    wanted: Callable[[], bool],
    progress: Callable[[Backtest], object] | None,
) -> Backtest:
    """Return what a metric's definition would have done with the values since a moment.

    Each run that was alive since then is tested. `progress` is called with the result so far,
    several times a second. Raises NotFound for the container, Cancelled as soon as `wanted` returns
    False.
    """
    runs = list_active_runs(reader, definition.scope.container, since)
    simulation = _MetricSimulation(reader, definition, since)
    due = time.monotonic()
    for place, (number, run) in enumerate(runs):
        for _ in simulation.test(number, run.snapshot):
            if not wanted():
                raise Cancelled
            if progress is not None and time.monotonic() >= due:
                progress(simulation.result(place / len(runs), run.started_at))
                due = time.monotonic() + _INTERVAL
    return simulation.result()


@dataclass(slots=True)
class _MetricSimulation:
    reader: Reader
    definition: Definition
    since: datetime
    bars: list[int] = field(default_factory=lambda: [0] * PARTS)
    newest: list[Event] = field(default_factory=list)
    skipped: int = 0
    runs: int = 0
    fired_runs: int = 0

    def test(self, run_row: int, run: RunSnapshot) -> Iterator[None]:
        """Test a run; yield after each piece of its values."""
        definition, condition = self.definition, self.definition.metric
        assert condition is not None
        execute, fired_before = self.reader.connection.execute, sum(self.bars)
        event = Event(
            0, definition.event_type, self.since, run.user, run.reference.project, run=run
        )
        metric = execute(_NUMBER, {"run": run_row, "name": condition.metric}).scalar()
        if metric is None or not definition.filter.holds(event):
            return
        self.runs += 1
        series, held, began, after = Series(), False, None, -1
        while rows := execute(_VALUES, {"metric": metric, "after": after}).all():
            series.keep(condition.needed - 1)
            for step, value, at in rows:
                series.add(step, value, at)
            after, first = series.steps[-1], series.first_since(self.since)
            for place, measured in condition.edges(series.values, first, held=held):
                held, at = measured.held, series.moments[place]
                if held and cooldown_end(at, definition.pace, began) is not None:
                    self.skipped += 1
                elif held:
                    began = at
                    crossing = series.crossing(condition, place)
                    self._add(replace(event, recorded_at=at, metric=crossing))
            yield
        self.fired_runs += sum(self.bars) > fired_before

    def _add(self, event: Event) -> None:
        bar = (self.reader.now - self.since) / PARTS
        self.bars[min(max(0, int((event.recorded_at - self.since) / bar)), PARTS - 1)] += 1
        self.newest.append(event)
        if len(self.newest) == 2 * NEWEST:
            self.newest = self._newest()

    def _newest(self) -> list[Event]:
        return sorted(self.newest, key=attrgetter("recorded_at"), reverse=True)[:NEWEST]

    def result(self, share: float = 1.0, reached: datetime | None = None) -> Backtest:
        """Return the result so far."""
        return Backtest(
            self.since,
            self.reader.now,
            fired=sum(self.bars),
            skipped=self.skipped,
            bars=tuple(self.bars),
            newest=tuple(self._newest()),
            reached=reached,
            share=share,
            runs=self.runs,
            fired_runs=self.fired_runs,
        )
