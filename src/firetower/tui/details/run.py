"""A run in full: its state, its charts, what it fired, and what it is made of."""

import json
from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from textual.content import Content

from firetower.core.automations import Automation, Mode
from firetower.core.curves import Curve
from firetower.core.executions import Execution
from firetower.core.metrics import ThresholdCondition, number
from firetower.core.points import SYSTEM
from firetower.core.runs import MetricSummary, Run, RunDetail, RunReference
from firetower.core.text import shortened, visible
from firetower.tui.details.chart import LEAST_HEIGHT, Chart, Threshold, beside, chart_lines
from firetower.tui.session import Tower
from firetower.tui.text import STYLES, age, exact, hanging, lasting, line_time
from firetower.tui.widgets.runs import STATES

FIRED = 50
"""Executions that are shown of a run."""
_CHART_WIDTH = 36
"""Cells of the narrowest chart, where there are several."""
_VALUE = 500
"""Characters of a value of the config."""
_KEY = 24
"""Characters of a key of the config in the pane."""
_IN_PANE, _FIRED_IN_PANE = 20, 3
"""Keys of the config, and executions, in the pane beside a list."""


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run with all that is shown of it."""

    detail: RunDetail
    fired: Sequence[Execution]
    """What it fired, the newest first."""
    watching: Sequence[Automation]
    """The automations that watch its metrics."""
    curves: Mapping[str, Curve] = field(default_factory=dict)
    """Of the metrics that have a chart."""

    @property
    def run(self) -> Run:
        """The run."""
        return self.detail.run

    def thresholds(self, metric: str) -> list[Threshold]:
        """Return the values that automations compare a metric with."""
        return [
            Threshold(
                condition.threshold,
                f"{one.name} {condition.comparison.sign} {number(condition.threshold)}",
            )
            for one in self.watching
            if isinstance(condition := one.definition.metric, ThresholdCondition)
            and condition.metric == metric
            and one.mode is not Mode.DISABLED
        ]

    def chart(self, metric: str) -> Chart:
        """Return what the chart of a metric shows."""
        newest = next((one.value for one in self.detail.metrics if one.name == metric), None)
        fired = [
            crossing.step
            for one in self.fired
            if (crossing := one.event.metric) is not None and crossing.condition.metric == metric
        ]
        return Chart(
            metric,
            self.curves.get(metric, Curve()),
            "" if newest is None else number(newest),
            self.thresholds(metric),
            fired,
        )


def find_run(tower: Tower, reference: RunReference | str) -> RunRecord:
    """Read a run, without curves. Raises NotFound."""
    detail = tower.runs.get(reference)
    run = detail.run.reference
    fired = tower.executions.newest(FIRED, run=run)
    return RunRecord(detail, fired, tower.runs.watching(run.project))


def ordered_metrics(record: RunRecord) -> list[MetricSummary]:
    """Return a run's metrics: the most watched first, those of the machine last."""
    watched = Counter(
        one.definition.metric.metric for one in record.watching if one.definition.metric is not None
    )
    return sorted(
        record.detail.metrics,
        key=lambda one: (-watched[one.name], one.name.startswith(SYSTEM), one.name),
    )


def run_title(run: Run, now: datetime) -> Content:
    """Return a run's state in a few words: "● running 41 min by ada"."""
    cell = STATES[run.state]
    took = lasting(run.duration(now), exact=run.ended_at is not None)
    code = f", exit code {run.exit_code}" if run.exit_code else ""
    user = f"  by {visible(run.user)}"
    return Content.assemble((f"{cell.text} {took}{code}", STYLES[cell.tone]), (user, "dim"))


def run_facts(run: Run, now: datetime) -> Iterator[tuple[str, str]]:
    """Yield what is said of a run, by name."""
    yield "started", f"{exact(run.started_at)}, {age(run.started_at, now)}"
    if run.ended_at is not None:
        yield "ended", f"{exact(run.ended_at)}, {age(run.ended_at, now)}"
    for name, value in (
        ("host", run.host),
        ("group", run.group),
        ("job type", run.job_type),
        ("tags", ", ".join(run.tags)),
        ("notes", run.notes),
    ):
        if value:
            yield name, value


def value_text(value: object) -> str:
    """Return a value of the config in one line."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return shortened(text, _VALUE)


def chart_grid(width: int, height: int, count: int) -> tuple[int, int]:
    """Return in how many columns and rows charts are drawn: as many as there is room for."""
    columns = max(1, min(width // _CHART_WIDTH, 3, count))
    rows = max(1, min(height // (LEAST_HEIGHT + 2), -(-count // columns)))
    return columns, rows


def charts_text(charts: Sequence[Chart], width: int, height: int) -> Content:
    """Return charts side by side and below each other, in exactly `height` lines."""
    if not charts:
        return Content.styled("It has logged no metric yet.", "dim")
    columns, rows = chart_grid(width, height, len(charts))
    wide = (width - 2 * (columns - 1)) // columns
    lines: list[Content] = []
    for row in range(rows):
        high = height * (row + 1) // rows - height * row // rows
        shown = charts[row * columns : (row + 1) * columns]
        lines += beside([chart_lines(chart, wide, high) for chart in shown])
    return Content("\n").join(lines)


def fired_words(execution: Execution) -> str:
    """Return what fired, in words: that of a metric names its values."""
    event = execution.event
    if event.metric is not None:
        return event.metric.words()
    return event.type.spec.label if event.run is None else f"run {event.run.state}"


def read_run(tower: Tower, key: Hashable, now: datetime, width: int) -> Content:
    """Return the run of a list's row for the pane beside it. Raises NotFound."""
    record = find_run(tower, str(key))
    names = [one.name for one in ordered_metrics(record)][:2]
    run = record.run
    curves = tower.runs.curves(run, names, quick=True)
    record = RunRecord(record.detail, record.fired, record.watching, curves)
    parts = [Content.styled(visible(run.name), "bold"), run_title(run, now), Content("")]
    for one in record.fired[:_FIRED_IN_PANE]:
        said = f"{line_time(one.created_at, now)} {one.automation}: {fired_words(one)}"
        parts.append(hanging("fired", said, width))
    parts += [hanging(name, one, width) for name, one in _artifacts(record.detail)]
    for name in names:
        parts += [*chart_lines(record.chart(name), width, 8), Content("")]
    parts += [hanging(*fact, width) for fact in run_facts(run, now)]
    config = list(run.config.items())
    keys = [shortened(one, _KEY) for one, _ in config[:_IN_PANE]]
    indent = max(map(len, keys), default=0) + 2
    for name, (_, value) in zip(keys, config, strict=False):
        parts.append(hanging(name, value_text(value), width, indent=indent))
    if len(config) > _IN_PANE:
        parts.append(Content.styled(f"… {len(config) - _IN_PANE:,} more, enter shows all", "dim"))
    return Content("\n").join(parts)


def _artifacts(detail: RunDetail) -> Iterator[tuple[str, str]]:
    for name, references in (("logged", detail.logged), ("used", detail.used)):
        for reference in references:
            yield name, reference
            name = ""  # noqa: PLW2901 - said once
