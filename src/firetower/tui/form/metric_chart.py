"""A chart of a real run beside the form: where a condition on its metric would have fired."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

from firetower.core.automations import Definition
from firetower.core.backtest import Backtest
from firetower.core.metrics import ThresholdCondition, number
from firetower.core.text import counted, visible
from firetower.tui.details.chart import Chart, Threshold, chart_lines
from firetower.tui.text import plain

if TYPE_CHECKING:
    from firetower.tower import Tower

_HEIGHT = 9
_RUNS = 40
"""Runs among which one that has logged the metric is looked for."""


def read_metric_chart(
    tower: Tower, definition: Definition, result: Backtest, width: int
) -> Content | None:
    """Return the chart of the newest run that would have fired, or of the newest that has values.

    None for a definition that waits for no metric. Raises NotFound for the container.
    """
    condition = definition.metric
    if condition is None:
        return None
    steps: list[int] = []
    newest = next((one.run for one in result.newest if one.run is not None), None)
    if newest is not None:
        reference, name = str(newest.reference), newest.name
        steps = [
            one.metric.step
            for one in result.newest
            if one.run is not None and one.metric is not None and one.run.id == newest.id
        ]
    else:
        listed = tower.runs.listing(
            definition.scope.container, limit=_RUNS, metrics=[condition.metric]
        )
        found = next((one for one in listed.lines if one.values[0] is not None), None)
        if found is None:
            return plain(f"No run here has logged {condition.metric} yet.").stylize("dim")
        reference, name = found.reference, found.name
    curve = tower.runs.curves(reference, [condition.metric], quick=True).get(condition.metric)
    if curve is None:  # the run is gone
        return None
    thresholds = []
    if isinstance(condition, ThresholdCondition):
        label = f"{condition.comparison.sign} {number(condition.threshold)}"
        thresholds = [Threshold(condition.threshold, label)]
    times = counted(len(steps), "time")
    said = f"it would have fired {times}" if steps else "it would not have fired"
    title = Content.assemble((visible(name), "bold"), (f"  {said}", "dim"))
    chart = Chart(condition.metric, curve, "", thresholds, steps)
    return Content("\n").join([title, *chart_lines(chart, width, _HEIGHT)])
