"""The Runs tab of a project: its runs, the newest first, with the metrics that matter."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from textual import events, on
from textual.message import Message

from firetower.core.curves import value_sparkline
from firetower.core.gallery import run_draft
from firetower.core.metrics import number
from firetower.core.references import ContainerReference
from firetower.core.runs import RunLine, RunList, RunState
from firetower.tui.actions import bindings_of
from firetower.tui.messages import OpenRun, RowsChanged, WriteAutomation, post
from firetower.tui.page import ask
from firetower.tui.session import Refresh, in_background, session_of
from firetower.tui.text import ago, lasting
from firetower.tui.widgets.ask import Picker
from firetower.tui.widgets.entries import Offer
from firetower.tui.widgets.listing import Detail, Listing
from firetower.tui.widgets.rows import Cell, Column, Order
from firetower.tui.widgets.table import Table

FIRST = 50
"""Runs that are read when the tab opens; then all."""
_NEWEST = 200
"""Runs that are read again when something changes; all of them every `_WHOLE_INTERVAL`."""
_WHOLE_INTERVAL = 30.0
"""Seconds."""
_METRICS_FROM = (0, 66, 100)
"""The widths from which one, two and three metrics are shown."""
_SPARK = 8
"""Bars of a metric's values."""
STATES = {
    RunState.RUNNING: Cell("● running", "accent"),
    RunState.FINISHED: Cell("✓ finished", "ok"),
    RunState.FAILED: Cell("✗ failed", "bad"),
    RunState.CRASHED: Cell("✗ crashed", "bad"),
    RunState.KILLED: Cell("– killed", "dim"),
}


def _columns(metrics: Sequence[str], *, several: bool) -> tuple[Column, ...]:
    """Return the columns; of `several` projects each is named."""
    return (
        *([Column("project", 10, flex=1)] if several else []),
        Column("name", 16, flex=3, keeps_end=0.4),
        Column("state", aligned=True),
        Column("user", 6, flex=1, from_width=110),
        Column("age", right=True),
        Column("took", right=True, from_width=78),
        *(
            Column(name, 8, right=True, keeps_end=0.6, from_width=from_width)
            for name, from_width in zip(metrics, _METRICS_FROM, strict=False)
        ),
        *([Column("", from_width=72 if several else 50)] if metrics else []),
    )


@dataclass(frozen=True, slots=True)
class _RowContext:
    """What the rows of a list share."""

    now: datetime
    sparks: Mapping[int, str]
    """By the rows' numbers: those in sight, and those that were."""
    several: bool


class ShownRun:
    """A run as a row that is written when it is drawn."""

    __slots__ = ("_context", "key", "line")

    def __init__(self, line: RunLine, context: _RowContext) -> None:
        self.key = line.reference
        self.line = line
        self._context = context

    @property
    def cells(self) -> tuple[Cell, ...]:
        """The cells, one a column."""
        line, now = self.line, self._context.now
        values = ["–" if value is None else number(value, 3) for value in line.values]
        is_running = line.state is RunState.RUNNING
        return (
            *([Cell(line.project, "dim")] if self._context.several else []),
            Cell(line.name),
            STATES[line.state],
            Cell(line.user, "dim"),
            Cell(ago(line.started_at, now), "dim"),
            Cell(lasting(line.duration(now), exact=not is_running), "" if is_running else "dim"),
            *(Cell(value, "dim" if value == "–" else "") for value in values),
            *(
                [Cell(f"{self._context.sparks.get(line.row, ''):{_SPARK}}", "accent")]
                if values
                else []
            ),
        )

    @property
    def text(self) -> str:
        """What a search reads."""
        line = self.line
        return f"{line.reference} {line.name} {line.user} {line.state}"

    def order(self, place: int) -> Order:
        """What it is sorted by in a column."""
        line, now = self.line, self._context.now
        words = [line.project] * self._context.several + [line.name, line.state, line.user]
        if place < len(words):
            return 1, 0.0, words[place].casefold()
        numbers = [(now - line.started_at).total_seconds(), line.duration(now).total_seconds()]
        numbers += [-float("inf") if one is None or one != one else one for one in line.values]  # noqa: PLR0124 - not a number
        place -= len(words)
        return 0, numbers[place] if place < len(numbers) else 0.0, ""


class RunTable(Table):
    """Says when other rows come in sight: only those are read in full."""

    class Scrolled(Message):
        """Other rows are in sight."""

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self.post_message(self.Scrolled())

    @on(events.Resize)
    def _other_height(self) -> None:
        self.post_message(self.Scrolled())

    @property
    def in_sight(self) -> Sequence[ShownRun]:
        """The rows on the screen."""
        top = self.scroll_offset.y
        shown = self.rows[top : top + self.size.height]
        return [row for row in shown if isinstance(row, ShownRun)]


class RunListing(Listing):
    """The Runs tab."""

    BINDINGS: ClassVar = bindings_of("runs")
    ROW_ACTIONS: ClassVar = frozenset({"copy"})

    def __init__(self, *, id: str, detail: Detail) -> None:
        self.run_table = RunTable(_columns((), several=False))
        super().__init__(self.run_table, id=id, detail=detail)
        self.container: ContainerReference | None = None
        self._chosen: dict[ContainerReference | None, str] = {}
        """The metric that the user wants to see first, by project."""
        self._shown = RunList()
        self._read_whole_at = 0.0
        self._sparks: dict[int, str] = {}
        self._reload_sparks = Refresh(self, self._read_sparks)

    def open(self, container: ContainerReference) -> None:
        """Begin to show the runs of another container."""
        self.container, self.awaits_rows = container, True
        self._forget()
        self.empty = "No run is here yet.\n"
        if not container.kind.covers_several:
            self.empty += f"Start one: firetower run exec {container} -- python train.py"

    @property
    def chosen_metric(self) -> str:
        """The metric that the user wants to see first here."""
        return self._chosen.get(self.container, "")

    def _forget(self) -> None:
        self._shown, self._read_whole_at = RunList(), 0.0
        self._sparks = {}

    @property
    def limit(self) -> int | None:
        """How many runs to read now: a few at first, then all, then those that may be new."""
        if not self._shown.lines and self.awaits_rows:
            return FIRST
        if self.is_partial or time.monotonic() - self._read_whole_at > _WHOLE_INTERVAL:
            return None
        return _NEWEST

    @property
    def is_partial(self) -> bool:
        """Whether there are runs that are not read yet."""
        return len(self._shown.lines) < self._shown.total

    def show(self, found: RunList, now: datetime) -> None:
        """Show runs; a list of the newest ones keeps the older ones that were read before."""
        self._shown = found.joined(self._shown)
        if not self.is_partial and len(found.lines) == found.total:
            self._read_whole_at = time.monotonic()
        several = self.container is not None and self.container.kind.covers_several
        columns = _columns(found.metrics, several=several)
        if columns != self.table.columns:
            self.table.set_columns(columns)
            self._sparks = {}
        context = _RowContext(now, self._sparks, several)
        rows = [ShownRun(line, context) for line in self._shown.lines]
        self.set_rows(rows, more=self.is_partial)
        self._reload_sparks()

    @on(RunTable.Scrolled)
    def _scrolled(self) -> None:
        self._reload_sparks()

    async def _read_sparks(self) -> None:
        """Read the values of the rows in sight that are not known, or may have more of them."""
        metrics = self._shown.metrics
        wanted = [
            row.line.row
            for row in self.run_table.in_sight
            if row.line.row not in self._sparks or row.line.state is RunState.RUNNING
        ]
        if not wanted or not metrics:
            return
        found = await session_of(self).ask(
            lambda tower: tower.runs.sparks(wanted, metrics[0], _SPARK)
        )
        new = {row: value_sparkline(found.get(row, ())) for row in wanted}
        if metrics == self._shown.metrics and new.items() - self._sparks.items():
            self._sparks.update(new)
            self.table.refresh()

    def on_table_chosen(self, event: Table.Chosen) -> None:
        post(self, OpenRun(str(event.key)))

    def action_automate(self) -> None:
        if self.container is not None:
            post(self, WriteAutomation(run_draft(self.container)))

    def action_copy(self) -> None:
        if (key := self.table.key) is not None:
            self.app.copy_to_clipboard(str(key))
            self.notify(f"Copied {key}.")

    @in_background
    async def action_metric(self) -> None:
        """Choose the metric that is shown first."""
        container = self.container
        if container is None:
            return
        names = await session_of(self).ask(lambda tower: tower.runs.metric_names(container))
        if not names:
            self.notify("No run has logged a metric yet.")
            return
        chosen = await ask(self, Picker("Show which metric first?", [Offer(n, n) for n in names]))
        if chosen is not None and container == self.container:
            self._chosen[container] = chosen
            self._forget()
            self.post_message(RowsChanged())
