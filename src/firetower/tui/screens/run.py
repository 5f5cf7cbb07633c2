"""One run: charts of its metrics, what it fired, its artifacts and its config; live."""

import json
from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from firetower.core.automations import Automation, Mode
from firetower.core.curves import Curve
from firetower.core.errors import FiretowerError
from firetower.core.executions import Execution
from firetower.core.gallery import run_draft
from firetower.core.metrics import ThresholdCondition, number
from firetower.core.points import SYSTEM
from firetower.core.runs import MetricSummary, Run, RunDetail, RunReference, RunState
from firetower.core.text import counted, shell_word, shortened, visible
from firetower.tui.actions import bindings_of
from firetower.tui.breadcrumbs import breadcrumbs, container_steps
from firetower.tui.messages import OpenExecution, OpenVersion, WriteAutomation, post
from firetower.tui.page import ask
from firetower.tui.screens.framed import LivePage
from firetower.tui.session import Tower, in_background, session_of
from firetower.tui.text import STYLES, age, exact, hanging, lasting, line_time, lines, show_text
from firetower.tui.widgets.ask import Confirm
from firetower.tui.widgets.chart import LEAST_HEIGHT, Chart, Threshold, beside, chart_lines
from firetower.tui.widgets.feed_table import TONES
from firetower.tui.widgets.listing import Listing
from firetower.tui.widgets.rows import Cell, Column, Row
from firetower.tui.widgets.runs import STATES
from firetower.tui.widgets.table import Table

FIRED = 50
"""Executions that are shown of a run."""
_CHART_WIDTH = 36
"""Cells of the narrowest chart, where there are several."""
_MOST_KEYS = 1_000
"""Keys of the config, and of the summary, that are listed."""
_VALUE = 500
"""Characters of a key or a value of the config, and of what else is said of a run."""
_KEY = 24
"""Characters of a key of the config in the pane."""
_IN_PANE, _FIRED_IN_PANE = 20, 3
"""Keys of the config, and executions, in the pane beside a list."""
COLUMNS = (
    Column("", 8),
    Column("name", 12, flex=2),
    Column("value", 12, flex=4),
    Column("", from_width=70),
)
_MOST_CHARTS = 6
_CHARTS_HEIGHT = 7
"""Lines of the charts on a low screen."""
_LEAST_ROOM = 12
"""Lines that charts and list need together; in fewer only a chart alone is shown."""


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run with all that is shown of it."""

    detail: RunDetail
    fired: Sequence[Execution]
    """What it fired, the newest first, then what was skipped."""
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
            if (crossing := one.event.metric) is not None
            and crossing.condition.metric == metric
            and not one.did_nothing
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
            yield name, shortened(value, _VALUE)


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
    if not height:
        return Content("")
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


def run_pane(tower: Tower, key: Hashable, now: datetime, width: int) -> Content:
    """Return the run of a list's row for the pane beside it. Raises NotFound."""
    record = find_run(tower, str(key))
    names = [one.name for one in ordered_metrics(record)][:2]
    run = record.run
    curves = tower.runs.curves(run, names, quick=True)
    record = RunRecord(record.detail, record.fired, record.watching, curves)
    parts = [Content.styled(visible(run.name), "bold"), run_title(run, now), Content("")]
    for one in record.fired[:_FIRED_IN_PANE]:
        said = f"{line_time(one.created_at, now)} {one.automation}: {fired_words(one)}"
        parts.append(hanging("skipped" if one.did_nothing else "fired", said, width))
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


class RunScreen(LivePage):
    """Charts of a run's metrics above a list of all that belongs to it."""

    BINDINGS: ClassVar = bindings_of("run")

    def __init__(self, reference: str) -> None:
        super().__init__("Loading …")
        self.reference = RunReference.parse(reference)
        self.charts = Static("", id="charts")
        self.listing = Listing(Table(COLUMNS), empty="Nothing is known of it yet.", id="run-rows")
        self.record: RunRecord | None = None
        self.alone = ""
        """The metric whose chart is shown alone."""

    def body(self) -> ComposeResult:
        yield self.heading
        yield self.charts
        yield self.listing

    def on_mount(self) -> None:
        self.listing.table.focus()
        self._reload.repeat()

    def on_resize(self) -> None:
        self._reload.at_once()

    async def _read(self) -> None:
        """Read the run and draw its charts in a thread: of long metrics a sketch comes first."""
        is_sketch = await self._read_once(quick=True)
        if is_sketch:
            await self._read_once(quick=False)

    async def _read_once(self, *, quick: bool) -> bool:
        """Read and show; return whether some values were left out."""
        session = session_of(self)
        now, width, height, alone = session.now(), self.size.width - 2, self._height, self.alone
        known = {} if self.record is None else self.record.curves

        def find(tower: Tower) -> tuple[RunRecord, Sequence[Row], Content]:
            record = _with_curves(tower, find_run(tower, self.reference), alone, known, quick=quick)
            charts = [record.chart(name) for name in _charted(record, alone)]
            rows = list(_rows(record, now))
            return record, rows, charts_text(charts, width, height)

        try:
            record, rows, drawn = await session.ask(find)
        except FiretowerError as error:
            show_text(self.heading, lines(error.text))
            self.listing.fail(error)
            return False
        self.record = record
        run = record.run
        steps = container_steps(run.reference.project)
        title = breadcrumbs(steps[1:], run.name) + Content("  ") + run_title(run, now)
        show_text(self.heading, title)
        self._set_height(height if record.detail.metrics else 1)
        if alone == self.alone:  # or another was chosen meanwhile: it is drawn already
            show_text(self.charts, drawn)
        self.listing.set_rows(rows)
        self.refresh_bindings()
        return not all(curve.is_exact for curve in record.curves.values())

    def _set_height(self, height: int) -> None:
        self.charts.styles.height, self.charts.display = height, height > 0

    @property
    def _height(self) -> int:
        """Lines of the charts: half of the screen; none if the list would have no room then."""
        room = self.size.height - 4
        if not self.alone and room < _LEAST_ROOM:
            return 0
        return max(min(_CHARTS_HEIGHT, room), room // 2)

    @on(events.Click, "#charts")
    def _chart_clicked(self, event: events.Click) -> None:
        """Show the chart under the mouse alone, or all of them again."""
        if self.record is None:
            return
        names = _charted(self.record, self.alone)
        width, height = self.size.width - 2, self._height
        columns, rows = chart_grid(width, height, len(names))
        place = min(event.y * rows // height, rows - 1) * columns
        place += min(event.x * columns // max(width, 1), columns - 1)
        if place < len(names):
            self._show_alone("" if self.alone else names[place])

    def _show_alone(self, metric: str) -> None:
        self.alone = metric
        if self.record is not None:  # as far as it is known: reading a million values takes a while
            charts = [self.record.chart(name) for name in _charted(self.record, metric)]
            self._set_height(self._height)
            show_text(self.charts, charts_text(charts, self.size.width - 2, self._height))
        self._reload.at_once()

    def can_step_back(self) -> bool:
        return bool(self.alone)

    def step_back(self) -> None:
        """Go from a chart alone to all of them."""
        self._show_alone("")

    @on(Table.Chosen)
    def _row_chosen(self, event: Table.Chosen) -> None:
        """Open an execution or an artifact, show a metric's chart alone, or a value in full."""
        match event.key:
            case ("fired", int(number_)):
                post(self, OpenExecution(number_))
            case ("logged" | "used", str(reference)):
                post(self, OpenVersion(reference))
            case ("metric", str(name)):
                self._show_alone("" if name == self.alone else name)
            case _ if self.record is not None:
                row = next(row for row in self.listing.table.rows if row.key == event.key)
                self.notify(f"{row.cells[1].text}: {row.cells[2].text}")

    def action_automate(self) -> None:
        """Write an automation of the metric under the cursor, or of failures."""
        match self.listing.table.key:
            case ("metric", str(name)):
                draft = run_draft(self.reference.project, name)
            case _:
                draft = run_draft(self.reference.project)
        post(self, WriteAutomation(draft))

    def action_copy(self) -> None:
        self.app.copy_to_clipboard(str(self.reference))
        self.notify(f"Copied {self.reference}.")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer to stop only what runs."""
        if action == "stop":
            return self.record is not None and self.record.run.state is RunState.RUNNING
        return super().check_action(action, parameters)

    @in_background
    async def action_stop(self) -> None:
        """Ask, and mark the run as killed."""
        question = f"Stop run {self.reference}?"
        said = (
            "Its state becomes killed. The command of `run exec` gets SIGTERM, W&B's SDK ends its "
            "script; of any other script the next values are refused."
        )
        if await ask(self, Confirm(question, said, "Stop")):
            reference = self.reference
            await session_of(self).ask(
                lambda tower: tower.runs.finish(reference, state=RunState.KILLED)
            )
            self.notify(f"Stopped {reference}.")
            self._reload.at_once()


def _charted(record: RunRecord, alone: str) -> list[str]:
    """Return the metrics that have a chart."""
    names = [one.name for one in ordered_metrics(record)]
    return [alone] if alone in names else names[:_MOST_CHARTS]


def _with_curves(
    tower: Tower, record: RunRecord, alone: str, known: Mapping[str, Curve], *, quick: bool
) -> RunRecord:
    names = _charted(record, alone)
    read = tower.runs.curves(record.run, names, known, quick=quick)
    # What is not shown now is kept: it is shown again soon.
    return replace(record, curves={**known, **read})


def _rows(record: RunRecord, now: datetime) -> Iterator[Row]:
    """Yield the rows below the charts."""
    detail, run = record.detail, record.run
    for one in record.fired:
        state = one.state
        yield Row(
            ("fired", one.id),
            (
                Cell("skipped" if one.did_nothing else "fired", "dim"),
                Cell(one.automation),
                Cell(f"{state.glyph} {fired_words(one)}", TONES[state]),
                Cell(line_time(one.created_at, now), "dim"),
            ),
        )
    for kind, references in (("logged", detail.logged), ("used", detail.used)):
        for reference in references:
            cells = (Cell(kind, "dim"), Cell(reference, "accent"))
            yield Row((kind, reference), cells)
    for metric in ordered_metrics(record):
        said = f"step {metric.step:,}, {counted(metric.count, 'value')}"
        yield _row("metric", metric.name, number(metric.value), said)
    for kind, values in (("config", run.config), ("summary", run.summary)):
        for key, value in islice(values.items(), _MOST_KEYS):
            yield _row(kind, shortened(key, _VALUE), value_text(value))
        if (more := len(values) - _MOST_KEYS) > 0:
            said = f"{more:,} more: firetower run show {shell_word(str(run))}"
            yield Row((f"{kind} more", ""), (Cell(kind, "dim"), Cell("…"), Cell(said)))
    for name, text in run_facts(run, now):
        yield _row("about", name, text)


def _row(kind: str, name: str, value: str, more: str = "") -> Row:
    return Row((kind, name), (Cell(kind, "dim"), Cell(name), Cell(value), Cell(more, "dim")))
