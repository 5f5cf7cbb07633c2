"""The backtest of a draft over the last 30 days, kept up to date while it is edited.

Of a condition on a metric it has the chart of a real run: where it would have fired.
"""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from functools import partial

from textual import work
from textual.content import Content
from textual.widgets import Static

from firetower.core.automations import Definition
from firetower.core.backtest import Backtest
from firetower.core.errors import Cancelled, FiretowerError
from firetower.core.metrics import ThresholdCondition, number
from firetower.core.text import and_list, counted, visible
from firetower.tui.session import Tower, session_of
from firetower.tui.text import plain
from firetower.tui.widgets.chart import Chart, Threshold, chart_lines

SPAN = timedelta(days=30)
DEBOUNCE = 0.15
"""Seconds without a change after which events are read: keys come first."""
_CHART_WIDTH = 30
"""Cells of a chart, at least: more where the preview is wider."""
_CHART_HEIGHT = 9
_RUNS = 40
"""Runs among which one that has logged the metric is looked for."""


class BacktestSummary(Static):
    """How often a definition would have fired, when, and what sends the same."""

    def __init__(self, edited: str | None) -> None:
        """`edited` is the automation that is being edited: it does not overlap with itself."""
        super().__init__("", id="backtest")
        self._edited = edited
        self._definition: Definition | None = None
        self._width = 0
        """Cells of the chart."""

    def on_resize(self) -> None:
        """Draw the chart of a metric for another width."""
        definition, width = self._definition, max(self.size.width, _CHART_WIDTH)
        if definition is not None and definition.metric and self._width not in {0, width}:
            self._test(definition)

    def show(self, definition: Definition | None) -> None:
        """Show another definition; testing the one before is cancelled."""
        if definition is not None:  # its name and description fire nothing
            definition = definition.model_copy(update={"name": "", "description": ""})
        if definition == self._definition:
            return
        self._definition = definition
        self.set_class(definition is None, "-stale")  # the last one stays, dimmed
        if definition is not None:
            self._test(definition)

    def on_unmount(self) -> None:
        self._definition = None  # cancels the test

    @work(exclusive=True, group="backtest")
    async def _test(self, definition: Definition) -> None:
        await asyncio.sleep(DEBOUNCE)
        session = session_of(self)
        since = session.now() - SPAN

        def wanted() -> bool:
            return definition is self._definition

        self._width = width = max(self.size.width, _CHART_WIDTH)

        def test(tower: Tower) -> None:
            others = tower.automations.overlapping(definition, exclude=self._edited)
            show = partial(self.call_later, self._show_result, definition, others)
            result = tower.automations.backtest(definition, since, wanted=wanted, progress=show)
            show(result, read_metric_chart(tower, definition, result, width))

        try:
            await session.ask(test)
        except Cancelled:
            return
        except FiretowerError as error:
            self.update(Content(error.message))

    def _show_result(
        self,
        tested: Definition,
        others: Sequence[str],
        result: Backtest,
        chart: Content | None = None,
    ) -> None:
        if tested is self._definition:
            parts = [backtest_text(result), *_overlap_text(others)]
            self.update(Content("\n").join(parts if chart is None else [*parts, chart]))


def _overlap_text(others: Sequence[str]) -> list[Content]:
    if not others:
        return []
    names = and_list(map(visible, others), most=3)
    return [Content.styled(f"! {names} may send the same event there too.", "$warning")]


def backtest_text(result: Backtest) -> Content:
    """Return a backtest as a block: the count, and a chart with its maximum and its ends."""
    skipped = f", {result.skipped:,} skipped by the cooldown" if result.skipped else ""
    when = "in the last 30 days"
    if result.reached is not None:
        when = f"so far, back to {result.reached.astimezone():%-d %b}"
    end = "" if result.reached is None else " …"
    runs = ""
    if result.runs is not None:
        runs = f", for {result.fired_runs:,} of {counted(result.runs, 'run')}"
    fired = counted(result.fired, "time")
    said = Content(f"It would have fired {fired} {when}{runs}{skipped}{end}")
    if not result.fired:
        return said
    most = f"{max(result.bars):,}"
    first, last = (f"{one.astimezone():%-d %b}" for one in (result.since, result.until))
    bars = Content.assemble((f"{most} ┤", "dim"), (result.sparkline, "$accent"))
    gap = " " * max(1, len(result.bars) - len(first) - len(last))
    return Content("\n").join(
        [said, bars, Content.styled(f"{' ' * len(most)}  {first}{gap}{last}", "dim")]
    )


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
    return Content("\n").join([title, *chart_lines(chart, width, _CHART_HEIGHT)])
