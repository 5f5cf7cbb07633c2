"""The pane beside a list, on wide screens: all about the row under the cursor."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from datetime import datetime
from typing import TYPE_CHECKING

from textual import events, on
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Static

from firetower.core.errors import FiretowerError, NotFound
from firetower.tui.refresh import Refresh
from firetower.tui.session import session_of
from firetower.tui.text import plain, show_text
from firetower.tui.widgets.table import Table

if TYPE_CHECKING:
    from firetower.tower import Tower

Detail = Callable[["Tower", Hashable, datetime, int], Content | None]
"""Reads a row's thing, given its key, the time and a width in cells, and returns it in full.

It runs in a thread. None, like NotFound, leaves the pane empty.
"""
FROM_WIDTH = 120
"""Columns of the terminal from which the pane is shown."""
_LEAST = 38
"""Cells that the pane takes."""
_STEP = 4
"""Cells by which it is narrower: not by one whenever a number in the table grows."""
DEBOUNCE = 0.1
"""Seconds the cursor rests on a row before it is read."""


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
        """Show the pane where the terminal is wide enough, in what the table leaves of a room."""
        shown = self.app.size.width >= FROM_WIDTH
        needed = -(-self._table.needed_width // _STEP) * _STEP
        width = max(_LEAST, min(room - needed, room * 2 // 5))
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
        """Whether the row under the cursor is to be read as soon as the cursor has rested."""
        return self._resting is not None

    def _rested(self) -> None:
        self._resting = None
        self._reload.at_once()

    async def _read(self) -> None:
        session, key = session_of(self), self._table.key
        now, width = session.now(), max(self.scrollable_content_region.width - 1, 1)
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
