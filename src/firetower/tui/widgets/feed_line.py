"""Lines of the feed: executions, changes of circuits, and the days between them."""

from collections.abc import Callable
from datetime import date, datetime
from typing import NamedTuple

from firetower.core.circuit_breaker import CircuitChangeKind
from firetower.core.executions import Execution, ExecutionState, Status
from firetower.core.feed import CircuitLine, FeedEntry
from firetower.tui.text import clock, day_words, line_time, milliseconds, short_date
from firetower.tui.widgets.table import Cell, Column

FEED_COLUMNS = (
    Column("time", 8),
    Column("", 1),
    Column("state", 8, from_width=96),
    Column("automation", 14, flex=1),
    Column("event", 14, from_width=110),
    Column("subject", 24, flex=6, keeps_end=0.67),
    Column("answer", 10, flex=4, from_width=66),
)

TONES = {
    ExecutionState.FINISHED: "ok",
    ExecutionState.FAILED: "bad",
    ExecutionState.RETRYING: "warn",
    ExecutionState.QUEUED: "warn",
    ExecutionState.SKIPPED: "dim",
    ExecutionState.RUNNING: "accent",
    ExecutionState.PENDING: "dim",
}


class CircuitKey(NamedTuple):
    """The key of a circuit's line."""

    after: int
    """The id of the execution before it."""
    id: int
    """Of the change."""
    endpoint: str


class DayKey(NamedTuple):
    """The key of the line above a day's lines."""

    day: date


class FeedRow:
    """An execution or a change of a circuit, as a row that is written when it is drawn.

    It is written again on the next day: then it may need a date.
    """

    __slots__ = ("_cells", "_entry", "_now", "_under_day", "_written_on", "at", "day", "key")

    def __init__(
        self, entry: FeedEntry, now: Callable[[], datetime], *, under_day: bool = True
    ) -> None:
        """`under_day` says that the day stands above the lines; else each has its date."""
        self._entry, self._now, self._under_day = entry, now, under_day
        self._cells: tuple[Cell, ...] = ()
        self._written_on: date | None = None
        if isinstance(entry, CircuitLine):
            change = entry.change
            self.key: CircuitKey | int = CircuitKey(entry.after, change.id, change.endpoint)
            self.at = change.at.astimezone()
        else:
            self.key = entry.id
            self.at = entry.created_at.astimezone()
        self.day = self.at.date()

    @property
    def cells(self) -> tuple[Cell, ...]:
        """One a column of FEED_COLUMNS; of a circuit the time, and one sentence beside it."""
        now = self._now()
        today = now.astimezone().date()
        if self._written_on != today:
            entry = self._entry
            self._written_on = today
            if isinstance(entry, CircuitLine):
                cells = _circuit_cells(entry, now)
            else:
                cells = execution_cells(entry, now)
            if self._under_day:
                cells = (Cell(self.at.strftime("%H:%M:%S"), "dim"), *cells[1:])
            elif self.day != today:
                cells = (Cell(short_date(self.day), "dim"), *cells[1:])
            self._cells = cells
        return self._cells

    @property
    def text(self) -> str:
        """What a search reads."""
        return " ".join(cell.text for cell in self.cells)

    @property
    def dated(self) -> str:
        """The line with its date, to be copied."""
        texts = [cell.text for cell in self.cells[1:] if cell.text]
        return "  ".join([line_time(self.at, self._now()), *texts])


class DayRow:
    """The line above the lines of a day before today; the cursor passes over it."""

    __slots__ = ("_now", "key")
    text = ""

    def __init__(self, day: date, now: Callable[[], datetime]) -> None:
        self.key = DayKey(day)
        self._now = now

    @property
    def cells(self) -> tuple[Cell, ...]:
        return (Cell(f"── {day_words(self.key.day, self._now())} ──", "dim"),)


def _circuit_cells(line: CircuitLine, now: datetime) -> tuple[Cell, ...]:
    change = line.change
    sentence = f"{change.glyph} {change.describe(lambda moment: clock(moment, now))}"
    tone = "ok" if change.kind is CircuitChangeKind.CLOSED else "warn"
    return Cell(line_time(change.at, now), "dim"), Cell(sentence, tone)


def execution_cells(execution: Execution, now: datetime) -> tuple[Cell, ...]:
    """Return the cells of an execution, one a column of FEED_COLUMNS."""
    state, event = execution.state, execution.event
    tone = TONES[state]
    name = event.subject.rpartition("/")[2]
    return (
        Cell(line_time(execution.created_at, now), "dim"),
        Cell(state.glyph, tone),
        Cell(state.value, tone),
        Cell(execution.automation),
        Cell(event.type.spec.label, "dim"),
        Cell(f"{event.subject} {event.detail}".rstrip(), short=f"…/{name} {event.detail}".rstrip()),
        Cell(_answer(execution, now), tone if state is ExecutionState.FAILED else "dim"),
    )


def _answer(execution: Execution, now: datetime) -> str:
    """Return the answer or the reason: "202  34 ms", "503, again 12:04:36"."""
    code = "" if execution.status_code is None else str(execution.status_code)
    if execution.status is Status.FINISHED:
        return f"{code}  {milliseconds(execution.duration_ms)}".strip() or "recorded"
    why = execution.describe(lambda moment: clock(moment, now))
    return why if code and why.startswith(code) else f"{code}  {why}".strip()
