"""The table of the live feed, and its lines: executions, changes of circuits, and days."""

from bisect import bisect_left
from collections.abc import Callable, Hashable, Sequence
from datetime import date, datetime
from typing import ClassVar, NamedTuple

from textual.geometry import Region
from textual.message import Message
from textual.reactive import reactive

from firetower.core.circuit_breaker import CircuitChangeKind
from firetower.core.events import Event
from firetower.core.executions import Execution, ExecutionState, Status
from firetower.core.feed import CircuitLine, FeedEntry
from firetower.tui.text import clock, day_words, line_time, milliseconds, short_date
from firetower.tui.widgets.rows import Cell, Column, ShownRow
from firetower.tui.widgets.table import Table

FEED_COLUMNS = (
    Column("time", 8),
    Column("", 1),
    Column("state", 8, from_width=96),
    Column("automation", 14, flex=1),
    Column("event", 14, from_width=110),
    Column("subject", 24, flex=6, keeps_end=0.67),  # the version and its alias tell most
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


Place = tuple[int, int]
"""The order of lines: an execution's id, and after it the ids of changes of circuits."""


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

    __slots__ = ("_cells", "_entry", "_now", "_under_day", "_written", "at", "day", "key", "place")

    def __init__(
        self, entry: FeedEntry, now: Callable[[], datetime], *, under_day: bool = True
    ) -> None:
        """`under_day` says that the day is above the lines; else each has its date."""
        self._entry, self._now, self._under_day = entry, now, under_day
        self._cells: tuple[Cell, ...] = ()
        self._written: date | None = None
        if isinstance(entry, CircuitLine):
            change = entry.change
            self.key: CircuitKey | int = CircuitKey(entry.after, change.id, change.endpoint)
            self.place: Place = entry.after, change.id
            self.at = change.at.astimezone()
        else:
            self.key = entry.id
            self.place = entry.id, 0
            self.at = entry.created_at.astimezone()
        self.day = self.at.date()

    @property
    def sort_key(self) -> Place:
        """What the lines are sorted by: the newest first."""
        return -self.place[0], -self.place[1]

    @property
    def cells(self) -> tuple[Cell, ...]:
        """One a column of FEED_COLUMNS; of a circuit the time, and one sentence beside it."""
        now = self._now()
        today = now.astimezone().date()
        if self._written != today:
            entry = self._entry
            self._written = today
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
    return (
        Cell(line_time(execution.created_at, now), "dim"),
        Cell(state.glyph, tone),
        Cell(state.value, tone),
        Cell(execution.automation),
        Cell(event.type.spec.label, "dim"),
        subject_cell(event),
        Cell(_answer(execution, now), tone if state is ExecutionState.FAILED else "dim"),
    )


def subject_cell(event: Event) -> Cell:
    """Return what an event is about, and where that finds no room, without where it lies."""
    what = f"{event.subject} {event.detail}".rstrip()
    short = f"…/{what[len(event.subject.rpartition('/')[0]) + 1 :]}"
    if event.run is not None and event.run.name != event.run.id:
        short = event.detail  # has its name
    return Cell(what, short=short)


def _answer(execution: Execution, now: datetime) -> str:
    """Return the answer or the reason: "202  34 ms", "503, again 12:04:36"."""
    code = "" if execution.status_code is None else str(execution.status_code)
    if execution.status is Status.FINISHED:
        return f"{code}  {milliseconds(execution.duration_ms)}".strip() or "recorded"
    why = execution.describe(lambda moment: clock(moment, now))
    return why if code and why.startswith(code) else f"{code}  {why}".strip()


class FeedTable(Table):
    """Executions by id, the newest first; new ones arrive at the top.

    The table is live until the user moves away from its top, by the cursor, the wheel or the
    scroll bar. Then the lines in sight stay where they are, and new ones are counted.
    """

    class Reached(Message):
        """The oldest line that is loaded came into sight."""

    class OldestWanted(Message):
        """The user goes to the oldest line of all, which is not loaded."""

    class ReachedNewest(Message):
        """The newest line that is loaded has the cursor, and newer ones were not kept."""

    class Resumed(Message):
        """It is live again, and has to be read because lines were not kept."""

    SORTS: ClassVar = False
    STEADY: ClassVar = True
    MOST: ClassVar = 5_000
    """Lines kept while it is live."""
    MOST_SEARCHED: ClassVar = 20_000
    """Lines that a search loads and keeps."""
    MOST_PAUSED: ClassVar = 20_000
    """Lines above which new ones are only counted while it is not live."""
    unseen: reactive[int | None] = reactive(None, repaint=False)
    """Lines that came since the user moved away; None while the table is live."""

    def __init__(
        self, now: Callable[[], datetime], *, header: bool = True, days: bool = True
    ) -> None:
        """`days` puts a line above those of each day before today."""
        super().__init__(FEED_COLUMNS, header=header)
        self.days = days
        self.all_rows: Sequence[FeedRow] = ()
        self.has_older = True
        self.behind = False
        """Whether lines newer than those loaded were not kept."""
        self._now = now
        self._newest: Place = (0, 0)
        self._scrolls = False

    @property
    def oldest(self) -> int | None:
        """The id of the oldest execution that is loaded."""
        rows = reversed(self.all_rows)
        return next((row.key for row in rows if isinstance(row.key, int)), None)

    @property
    def newest_loaded(self) -> int:
        """The id of the newest execution that is loaded; 0 for none."""
        return self.all_rows[0].place[0] if self.all_rows else 0

    @property
    def newest(self) -> int:
        """The id of the newest execution that has been shown or counted; 0 for none."""
        return self._newest[0]

    @property
    def _first(self) -> int:
        """The index of the first line that can have the cursor."""
        return int(bool(self.rows) and isinstance(self.rows[0], DayRow))

    @property
    def following(self) -> bool:
        """Whether it is live."""
        return self.unseen is None

    def start(self, rows: Sequence[FeedRow], *, more: bool) -> None:
        """Show the newest lines, live; `more` are older."""
        self.has_older = more
        self.unseen, self.behind = None, False
        self._newest = rows[0].place if rows else (0, 0)
        self.set_rows(rows)

    def start_at(self, rows: Sequence[FeedRow], key: Hashable, *, more: bool) -> None:
        """Show lines of the past with the cursor on one of them; `more` are older."""
        self.has_older = more
        self.unseen, self.behind = self.unseen or 0, True
        self.set_rows(rows)
        index = self._index_of(key)
        if index is not None:
            super()._set_cursor(index)
            self._scroll(max(index - 1, 0))

    def start_day(self) -> None:
        """Write the lines of the day that has ended with their date."""
        self.set_rows(self.all_rows)
        self.refresh()

    def upsert(self, rows: Sequence[FeedRow]) -> None:
        """Add new lines, and change those that are loaded; each in the place of its id."""
        if not rows:
            return
        places = [row.place for row in rows]
        fresh = sum(place > self._newest for place in places)
        self.set_rows(self._merged(rows))
        self._newest = max(self._newest, *places)
        if self.unseen is not None:
            self.unseen += fresh

    def _merged(self, rows: Sequence[FeedRow]) -> list[FeedRow]:
        merged = list(self.all_rows)
        for row in rows:
            place = bisect_left(merged, row.sort_key, key=lambda one: one.sort_key)
            if place < len(merged) and merged[place].key == row.key:
                merged[place] = row
            elif (
                place == 0
                and not self.following
                and (self.behind or len(merged) >= self.MOST_PAUSED)
            ):
                self.behind = True
            elif place < len(merged) or not self.has_older:
                merged.insert(place, row)
        most = self.MOST if self.pattern is None else self.MOST_SEARCHED
        if self.following and len(merged) > most:
            self.has_older = True
            return merged[:most]
        return merged

    def append_older(self, rows: Sequence[FeedRow], *, more: bool) -> None:
        """Add older lines below; `more` are still older."""
        self.has_older = more
        self.set_rows([*self.all_rows, *self._unknown(rows)])

    def add_newer(self, rows: Sequence[FeedRow], *, all_read: bool) -> None:
        """Add newer lines above, with those in sight where they are.

        With `all_read` the newest are among them: the table is live once the user is at its top.
        """
        rows = [*self._unknown(rows), *self.all_rows]
        if len(rows) > self.MOST_SEARCHED:
            self.has_older = True
        self.behind = not all_read
        self.set_rows(rows[: self.MOST_SEARCHED])
        if all_read and self.all_rows:
            self._newest = max(self._newest, self.all_rows[0].place)

    def _unknown(self, rows: Sequence[FeedRow]) -> list[FeedRow]:
        """Return the rows that are not loaded: pages share executions, or circuits between two."""
        known = {self._identity(row) for row in self.all_rows}
        return [row for row in rows if self._identity(row) not in known]

    @staticmethod
    def _identity(row: FeedRow) -> Hashable:
        return ("circuit", row.key.id) if isinstance(row.key, CircuitKey) else row.key

    def _found(self) -> Sequence[ShownRow]:
        found = super()._found()
        return self._with_days(found) if self.days else found

    def _with_days(self, found: Sequence[ShownRow]) -> Sequence[ShownRow]:
        rows: list[ShownRow] = []
        day = self._now().astimezone().date()
        for row in found:
            assert isinstance(row, FeedRow)
            if row.day != day:
                day = row.day
                rows.append(DayRow(day, self._now))
            rows.append(row)
        return rows

    def _titles(self) -> Sequence[Cell]:
        """Return the columns' titles; the first is the day of the line below unless it is today."""
        titles, top = super()._titles(), self.scroll_offset.y
        row = self.rows[top] if top < len(self.rows) else None
        if isinstance(row, FeedRow) and row.day != self._now().astimezone().date():
            return [Cell(short_date(row.day)), *titles[1:]]
        return titles

    def _show_found(self) -> None:
        top = self.scroll_offset.y
        in_sight = self.rows[top].key if top < len(self.rows) else None
        super()._show_found()
        self.refresh(Region(0, 0, self.size.width, self.header_lines))
        if self.following:
            self._show_newest()
            return
        index = self._index_of(in_sight)
        if index is not None and index != self.scroll_offset.y:
            self._scroll(index)
        if self.rows and isinstance(self.rows[self.cursor], DayRow):
            super()._set_cursor(self._beside_day(self.cursor, 1))

    def _show_newest(self) -> None:
        if self.rows:
            super()._set_cursor(self._first)
            self._scroll(0)

    def _beside_day(self, index: int, step: int) -> int:
        """Return the index, or the next one in a direction that is not a day's."""
        index = max(0, min(index, len(self.rows) - 1))
        if isinstance(self.rows[index], DayRow):
            index += step if 0 <= index + step < len(self.rows) else -step
        return index

    def _set_cursor(self, index: int) -> None:
        if not self.rows:
            return
        super()._set_cursor(self._beside_day(index, 1 if index > self.cursor else -1))
        at_top = self.cursor == self._first
        if at_top:
            self._scroll(0)
        self._settle(at_top=at_top)
        if self.cursor == len(self.rows) - 1:
            self.post_message(self.Reached())

    def action_first(self) -> None:
        """Return to the newest line of all, and be live again."""
        if self.behind:
            self.unseen = None
            self.post_message(self.Resumed())
        else:
            super().action_first()

    def action_last(self) -> None:
        """Go to the oldest line of all; of a search to the oldest that is loaded."""
        if self.has_older and self.pattern is None:
            self.post_message(self.OldestWanted())
        else:
            super().action_last()

    def _settle(self, *, at_top: bool) -> None:
        if at_top and self.behind:
            self.post_message(self.ReachedNewest())
        elif at_top != self.following:
            self.unseen = None if at_top else 0

    def _scroll(self, top: int) -> None:
        self._scrolls = True
        try:
            super()._scroll(top)
        finally:
            self._scrolls = False

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """See the user scroll by wheel or scroll bar; a new size only makes the place smaller."""
        super().watch_scroll_y(old_value, new_value)
        if new_value > old_value and new_value >= self.max_scroll_y:
            self.post_message(self.Reached())
        if self._scrolls:
            return
        if new_value > old_value:
            self._settle(at_top=False)
        elif new_value == 0 and self.max_scroll_y > 0:
            self.call_later(self.action_move_to_top)

    def action_move_to_top(self) -> None:
        """Put the cursor on the first line: live if that is the newest of all."""
        self._set_cursor(self._first)
