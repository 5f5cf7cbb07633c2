"""A table that draws only the lines on screen, so that a million rows cost what twenty do."""

from collections.abc import Hashable, Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events, on
from textual.binding import BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import Reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from firetower.tui.actions import bindings_of
from firetower.tui.widgets.cells import (
    GAP,
    Cell,
    Column,
    Row,
    Search,
    fitted,
    found,
    index_of,
    laid_out,
    natural_widths,
)

__all__ = ["Cell", "Column", "Row", "Table", "fitted"]


class Table(ScrollView, can_focus=True):
    """Rows of cells with a cursor that stays on the same row's key when the rows change."""

    TONES: ClassVar = ("ok", "bad", "warn", "dim", "accent")
    FITS: ClassVar = True
    """Whether columns take the width that their texts need; a feed's must not jump about."""
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "table--header",
        "table--cursor",
        "table--cursor-blurred",
        *(f"table--{tone}" for tone in TONES),
    }
    BINDINGS: ClassVar[list[BindingType]] = bindings_of("table")

    class Moved(Message):
        """The cursor stands on another row."""

        def __init__(self, table: "Table", key: Hashable | None) -> None:
            super().__init__()
            self.table = table
            self.key = key

        @property
        def control(self) -> "Table":
            """The table."""
            return self.table

    class Chosen(Message):
        """A row was chosen, by enter or by a second click."""

        def __init__(self, table: "Table", key: Hashable) -> None:
            super().__init__()
            self.table = table
            self.key = key

        @property
        def control(self) -> "Table":
            """The table."""
            return self.table

    virtual_size: Reactive[Size] = Reactive(Size(0, 0), repaint=False)
    """Cells; a ScrollView's own would lay out the whole screen for each new row."""

    def __init__(
        self,
        columns: Sequence[Column],
        *,
        id: str | None = None,  # noqa: A002 - Textual's word
        classes: str | None = None,
        header: bool = True,
        one_click: bool = False,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self.columns = tuple(columns)
        self.header_lines = 1 if header else 0
        self.one_click = one_click
        self._all: Sequence[Row] = ()
        self._rows: Sequence[Row] = ()
        self._cursor = 0
        self._natural: tuple[int, ...] | None = None
        self._pattern: Search | None = None
        self._strips: dict[Row, Strip] = {}
        self._height = 0

    @property
    def rows(self) -> Sequence[Row]:
        """The rows shown: all, or those that the search found."""
        return self._rows

    @property
    def total(self) -> int:
        """How many rows there are, found or not."""
        return len(self._all)

    @property
    def is_searched(self) -> bool:
        """Whether only what a search found is shown."""
        return self._pattern is not None

    @property
    def cursor(self) -> int:
        """The index of the row under the cursor."""
        return self._cursor

    @property
    def key(self) -> Hashable | None:
        """The key of the row under the cursor."""
        return self._rows[self._cursor].key if self._rows else None

    def set_rows(self, rows: Sequence[Row]) -> None:
        """Show other rows, with the cursor on the same key where that is still there."""
        self._all = rows
        self._fit(rows)
        self._show(self._found(rows))

    def _fit(self, rows: Sequence[Row]) -> None:
        natural = natural_widths(self.columns, rows) if self.FITS else None
        if natural != self._natural:
            self._natural = natural
            self._strips.clear()
            self.refresh()

    def search(self, pattern: Search | None) -> None:
        """Show only the rows in whose text the pattern is found; None shows all."""
        self._pattern = pattern
        self._show(self._found(self._all))

    def move_to(self, key: Hashable) -> bool:
        """Put the cursor on the row of a key; return whether there is one."""
        index = index_of(self._rows, key)
        if index is not None:
            self._set_cursor(index)
        return index is not None

    def _found(self, rows: Sequence[Row]) -> Sequence[Row]:
        pattern = self._pattern
        return rows if pattern is None else found(rows, pattern)

    def _show(self, rows: Sequence[Row]) -> None:
        before, key, old_cursor = self._rows, self.key, self._cursor
        was_seen = self._sees(old_cursor)
        self._rows = rows
        index = None if key is None else index_of(self._rows, key)
        self._cursor = min(old_cursor, max(len(rows) - 1, 0)) if index is None else index
        if len(before) != len(rows) or not self.virtual_size.height:
            self._resize()
        if was_seen and not self._sees(self._cursor):
            self._scroll_to_cursor()
        self._repaint(before, old_cursor)
        if self.key != key:
            self.post_message(self.Moved(self, self.key))

    def _repaint(self, before: Sequence[Row], old_cursor: int) -> None:
        """Paint only the lines that differ: over SSH each byte counts."""
        top = self.scroll_offset.y
        for line in range(max(self.size.height - self.header_lines, 0)):
            index = top + line
            old = before[index] if index < len(before) else None
            new = self._rows[index] if index < len(self._rows) else None
            moved = (index == old_cursor) != (index == self._cursor)
            if old != new or moved:
                self.refresh(Region(0, line + self.header_lines, self.size.width, 1))

    def _sees(self, index: int) -> bool:
        return 0 <= index - self.scroll_offset.y < self.size.height - self.header_lines

    def _resize(self) -> None:
        self.virtual_size = Size(self.size.width, len(self._rows) + self.header_lines)
        if (self.virtual_size.height > self.size.height) != self.show_vertical_scrollbar:
            self.refresh(layout=True)

    def _set_cursor(self, index: int) -> None:
        if not self._rows:
            return
        index = max(0, min(index, len(self._rows) - 1))
        if index != self._cursor:
            self._refresh_row(self._cursor)
            self._cursor = index
            self._refresh_row(index)
            self.post_message(self.Moved(self, self.key))
        self._scroll_to_cursor()

    def _refresh_row(self, index: int) -> None:
        line = index - self.scroll_offset.y
        if 0 <= line < self.size.height:
            self.refresh(Region(0, line + self.header_lines, self.size.width, 1))

    def _scroll_to_cursor(self) -> None:
        height = max(self.size.height - self.header_lines, 1)
        top = self.scroll_offset.y
        if self._cursor < top:
            self._scroll(self._cursor)
        elif self._cursor >= top + height:
            self._scroll(self._cursor - height + 1)

    def _scroll(self, top: int) -> None:
        """Scroll at once: what is asked for later would undo what was asked for meanwhile."""
        self.scroll_to(y=top, animate=False, force=True, immediate=True)

    def action_move(self, step: int) -> None:
        """Move the cursor by rows."""
        self._set_cursor(self._cursor + step)

    def action_page(self, step: int) -> None:
        """Move the cursor by pages."""
        self._set_cursor(self._cursor + step * max(self.size.height - self.header_lines - 1, 1))

    def action_first(self) -> None:
        """Move the cursor to the first row."""
        self._set_cursor(0)

    def action_last(self) -> None:
        """Move the cursor to the last row."""
        self._set_cursor(len(self._rows) - 1)

    def action_choose(self) -> None:
        """Choose the row under the cursor."""
        if self.key is not None:
            self.post_message(self.Chosen(self, self.key))

    def on_click(self, event: events.Click) -> None:
        """Put the cursor on a row; a second click chooses it."""
        index = event.y - self.header_lines + self.scroll_offset.y
        if event.y < self.header_lines or not 0 <= index < len(self._rows):
            return
        self._set_cursor(index)
        if self.one_click or event.chain > 1:
            self.action_choose()

    def on_resize(self, event: events.Resize) -> None:
        """Share the new width, with the cursor in sight if it was."""
        seen = range(max(self._height - self.header_lines, 0))
        was_seen = not self._height or self._cursor - self.scroll_offset.y in seen
        self._height = event.size.height
        self._strips.clear()
        self._resize()
        if was_seen:
            self.call_later(self._scroll_to_cursor)

    @on(events.Focus)
    @on(events.Blur)
    def _draw_cursor(self) -> None:
        self._refresh_row(self._cursor)

    def notify_style_update(self) -> None:
        """Forget lines drawn in other colours."""
        self._strips.clear()
        super().notify_style_update()

    def render_line(self, y: int) -> Strip:
        """Draw one line of the screen."""
        width = self.size.width
        if y < self.header_lines:
            titles = tuple(Cell(column.title) for column in self.columns)
            return self._draw(titles, self.get_component_rich_style("table--header"), width)
        index = y - self.header_lines + self.scroll_offset.y
        if index >= len(self._rows):
            return Strip.blank(width, self.rich_style)
        row = self._rows[index]
        if index == self._cursor:
            name = "table--cursor" if self.has_focus else "table--cursor-blurred"
            cells = tuple(Cell(cell.text) for cell in row.cells) if self.has_focus else row.cells
            return self._draw(cells, self.get_component_rich_style(name), width)
        strip = self._strips.get(row)
        if strip is None:
            if len(self._strips) > 500:
                self._strips.clear()
            strip = self._strips[row] = self._draw(row.cells, self.rich_style, width)
        return strip

    def _draw(self, cells: Sequence[Cell], base: Style, width: int) -> Strip:
        segments: list[Segment] = []
        for cell, column, cells_wide in laid_out(self.columns, cells, width, self._natural):
            segments.append(Segment(" " * (GAP if segments else 1), base))
            style = base
            if cell.tone:
                style = base + self.get_component_rich_style(f"table--{cell.tone}", partial=True)
            segments.append(Segment(fitted(cell.text, cells_wide, right=column.right), style))
        return Strip(segments).adjust_cell_length(width, base)
