"""A table with its search, its empty, loading and failed states, and the pane beside it."""

from collections.abc import Callable, Hashable, Sequence
from datetime import datetime
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Input, Static

from firetower.core.errors import FiretowerError, InvalidInput, NotFound
from firetower.core.filters.patterns import Pattern
from firetower.tui.actions import bindings_of
from firetower.tui.session import Refresh, Tower, session_of
from firetower.tui.text import lines, plain, show_text
from firetower.tui.widgets.entries import Line
from firetower.tui.widgets.rows import ShownRow
from firetower.tui.widgets.table import Table

Detail = Callable[[Tower, Hashable, datetime, int], Content | None]
"""Reads a row's thing, given its key, the time and a width in cells, and returns it in full.

It runs in a thread. None, like NotFound, leaves the pane empty.
"""
FROM_WIDTH = 120
"""Columns of the terminal from which the pane is shown."""
_LEAST = 34
"""Cells that the pane takes: a bar for each of 30 days."""
_STEP = 4
"""Cells by which it is narrower: not by one whenever a number in the table grows."""
DEBOUNCE = 0.1
"""Seconds the cursor rests on a row before it is read."""


def text_width(pane: VerticalScroll) -> int:
    """Return the cells of a line in a pane, without those of its scroll bar, shown or not."""
    return max(pane.content_size.width - 1, 1)


class DetailPane(VerticalScroll):
    """Reads and shows the row under a table's cursor whenever one of both changes."""

    def __init__(self, table: Table, detail: Detail) -> None:
        super().__init__()
        self._table = table
        self._detail = detail
        self._shown: Hashable | None = None
        self._reload = Refresh(self, self._read)
        self._width = 0
        self._resting: Timer | None = None

    def compose(self) -> ComposeResult:
        yield Static("")

    @on(events.Resize)
    @on(events.Show)
    def _width_changed(self) -> None:
        self.look_again()

    def fit(self, room: int) -> None:
        """Show the pane where there are rows and room, in what the table leaves of it."""
        shown = self.app.size.width >= FROM_WIDTH and bool(self._table.all_rows)
        needed = -(-self._table.needed_width // _STEP) * _STEP
        width = max(_LEAST, room // 4, min(room - needed, room * 2 // 5))
        if (shown, width) != (self.display, self._width):
            self.display, self._width = shown, width
            self.styles.width = width
            self.look_again()

    def look_again(self) -> None:
        """Read the row again, at once if the cursor has come to another one and rests there."""
        if self._resting is not None:
            self._resting.stop()
            self._resting = None
        if not self.display or not self.is_on_screen:
            return
        if self._table.key == self._shown:
            self._reload()
        else:
            self._resting = self.set_timer(DEBOUNCE, self._rested)

    @property
    def is_waiting(self) -> bool:
        """Whether to read the row under the cursor as soon as the cursor rests."""
        return self._resting is not None

    def _rested(self) -> None:
        self._resting = None
        self._reload.at_once()

    async def _read(self) -> None:
        session, key = session_of(self), self._table.key
        now, width = session.now(), text_width(self)
        found: Content | None = None
        if key is not None:
            try:
                found = await session.ask(lambda tower: self._detail(tower, key, now, width))
            except NotFound:
                found = None
            except FiretowerError as error:
                found = plain(error.message).stylize("$error")
        if key == self._table.key and self.is_attached:
            show_text(self.query_one(Static), found or Content(""))
            if key != self._shown:
                self._shown = key
                self.scroll_home(animate=False)


class Listing(Vertical):
    """A table that says why it shows nothing: loading, failed, nothing there, nothing found."""

    BINDINGS: ClassVar = bindings_of("list")
    ROW_ACTIONS: ClassVar[frozenset[str]] = frozenset()
    """What is done to the row under the cursor: hidden while there is none."""

    class Filled(Message):
        """The rows are there, or other ones: they may need more room, or less."""

    def __init__(
        self,
        table: Table,
        *,
        empty: str = "",
        id: str | None = None,
        detail: Detail | None = None,
    ) -> None:
        """`detail` reads the row under the cursor for a pane beside the list."""
        super().__init__(id=id)
        self.table = table
        self.table.styles.height = 1
        self._search: Line | None = None
        self.empty = empty
        self.only_words = ""
        """Which rows are shown beside the search: " failing"."""
        self._had_row = False
        self.awaits_rows = True
        """Whether they are still being read: keys wait for them."""
        self.pane = detail and DetailPane(table, detail)

    def compose(self) -> ComposeResult:
        yield self.table
        yield Static("Loading …", classes="listing--note")
        yield Static("", classes="listing--count")
        if self.pane is not None:
            yield self.pane

    def on_resize(self) -> None:
        if self.pane is not None:
            self.pane.fit(self.size.width)

    @on(Table.Moved)
    def _row_changed(self) -> None:
        if self.pane is not None:
            self.pane.fit(self.size.width)
            self.pane.look_again()

    def show_only(self, only: Callable[[ShownRow], bool] | None, words: str = "") -> None:
        """Show only the rows for which a function returns True; None shows all."""
        self.only_words = words
        self.table.show_only(only)
        self._settle()
        self.refresh_bindings()

    def set_rows(self, rows: Sequence[ShownRow], *, more: bool = False) -> None:
        """Show rows; `more` says that others are still being read, to come after these."""
        self.table.set_rows(rows, more=more)
        self._settle()

    def fail(self, error: FiretowerError) -> None:
        """Show an error in place of the rows."""
        self.awaits_rows = False
        self._say(error.text, failed=True)

    def _settle(self) -> None:
        self.awaits_rows = False
        if self._had_row != bool(self.table.rows):
            self._had_row = bool(self.table.rows)
            self.refresh_bindings()
        self._row_changed()
        self._count()
        self.post_message(self.Filled())
        if self.table.rows:
            self._say("")
        elif self.table.all_rows:
            self._say("Nothing here matches the filter. Escape clears it.")
        else:
            hinted = self.empty.partition("\n")[0] if session_of(self).read_only else self.empty
            self._say(hinted)

    @on(Table.Selected)
    def _selection_changed(self) -> None:
        self._count()
        self.refresh_bindings()

    def _count(self) -> None:
        """Say how many rows the filter found, and how many are selected."""
        table, parts = self.table, []
        if table.pattern is not None or table.only is not None:
            parts.append(f"{len(table.rows):,} of {len(table.all_rows):,}{self.only_words}")
        if table.selected:
            parts.append(f"{len(table.selected):,} selected · escape selects none")
        count = self.query_one(".listing--count", Static)
        count.display = bool(parts)
        show_text(count, Content(" · ".join(parts)))

    def _say(self, text: str, *, failed: bool = False) -> None:
        note = self.query_one(".listing--note", Static)
        note.display = bool(text)
        # Not hidden: it keeps the focus. No class: all the table's parts would be styled again.
        # The style sheet's height as a value: to clear the rule lays the screen out each time.
        self.table.styles.height = 1 if text else "1fr"
        note.set_class(failed, "-failed")
        show_text(note, lines(text))

    async def action_filter(self) -> None:
        if self._search is None:
            self._search = Line(
                placeholder="filter: a regular expression", classes="listing--search", compact=True
            )
            await self.mount(self._search, before=".listing--count")
        self._search.focus()

    async def action_clear_filter(self) -> None:
        if self._search is not None:
            await self._search.remove()
            self._search = None
        self.table.select(())
        self.table.pattern = None
        self.show_only(None)
        self.table.focus()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Leave escape to the screen while nothing is searched for."""
        if action in self.ROW_ACTIONS:
            return bool(self.table.rows)
        narrowed = self._search is not None or bool(self.only_words)
        return action != "clear_filter" or narrowed or bool(self.table.selected)

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        event.input.remove_class("-invalid")
        try:
            pattern = Pattern(f"(?i){event.value}") if event.value else None
        except InvalidInput:
            event.input.add_class("-invalid")
            return
        self.table.search(pattern)
        self._settle()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.table.focus()
