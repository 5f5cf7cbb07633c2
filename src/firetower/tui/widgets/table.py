"""A table that draws only the lines on screen, so that a million rows cost what twenty do."""

from __future__ import annotations

import sys
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import TYPE_CHECKING, ClassVar, cast

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events, on
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import Reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from firetower.tui.actions import bindings_of
from firetower.tui.widgets.rows import (
    GAP,
    Cell,
    Column,
    ShownRow,
    SortableRow,
    TextSize,
    column_widths,
    fitted,
    lend,
    text_sizes,
)

if TYPE_CHECKING:
    from firetower.core.filters.patterns import Pattern  # pydantic would delay the first paint

_MEASURED = 100
"""Rows whose texts are measured: the first screens of a long list."""
_DRAWN = 200
"""Rows kept as they were drawn."""
_NONE = range(0)


class Table(ScrollView, can_focus=True):
    """Rows of cells with a cursor that stays on the same row's key when the rows change."""

    TONES: ClassVar = ("ok", "bad", "warn", "dim", "accent")
    SORTS: ClassVar = True
    """Whether its rows can be sorted by a column."""
    STEADY: ClassVar = False
    """Whether columns only become wider: a feed's must not jump about."""
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "table--row",
        "table--header",
        "table--cursor",
        "table--cursor-blurred",
        "table--selected",
        "table--found",
        *(f"table--{tone}" for tone in TONES),
    }
    BINDINGS: ClassVar = bindings_of("table")

    @dataclass
    class RowMessage(Message):
        """Something about a row; without a key, there is none."""

        table: Table
        key: Hashable | None

        @property
        def control(self) -> Table:
            return self.table

    class Moved(RowMessage):
        """The cursor is on another row."""

    class Chosen(RowMessage):
        """A row was chosen, by enter or by a second click."""

    class Selected(RowMessage):
        """Rows were selected, or are no longer."""

    # A ScrollView's own would lay out the whole screen for each new row.
    virtual_size: Reactive[Size] = Reactive(Size(0, 0), repaint=False)

    def __init__(
        self,
        columns: Sequence[Column],
        *,
        header: bool = True,
        one_click: bool = False,
        selects: bool = False,
    ) -> None:
        """`one_click` chooses a row by the first click on it; `selects` lets rows be selected."""
        super().__init__()
        self.columns = tuple(columns)
        self.header_lines = 1 if header else 0
        self.one_click = one_click
        self.all_rows: Sequence[ShownRow] = ()
        self.rows: Sequence[ShownRow] = ()
        """The rows shown: all, or those that the search found."""
        self.pattern: Pattern | None = None
        """What is searched for."""
        self.only: Callable[[ShownRow], bool] | None = None
        """Which rows are shown, beside the search; None for all."""
        self.sorted_by: int | None = None
        """The column that the rows are sorted by; None leaves them as they were given."""
        self.descending = False
        self.selects = selects
        self.selected: set[Hashable] = set()
        """The keys of the rows that are selected."""
        self._anchor: Hashable | None = None
        """The row from which a range is selected."""
        self.has_more = False
        """Whether more rows are still being read, to come after these."""
        self._goal: int | None = None
        """Where the cursor goes once those are there: a key has moved it beyond these."""
        self.cursor = 0
        """The index among `rows` of the row under the cursor."""
        self._sizes = text_sizes(self.columns, ())
        self._given: tuple[int, dict[int, int]] = (0, {})
        """The cells of each column, and the width in which they were shared."""
        self._height = 0
        self._drawn: dict[object, Strip] = {}
        """Rows as they are drawn without the cursor, by what they show."""
        self._drawn_in: object = None
        """What the form of all of them depends on."""

    @property
    def key(self) -> Hashable | None:
        """The key of the row under the cursor."""
        return self.rows[self.cursor].key if self.rows else None

    def set_rows(self, rows: Sequence[ShownRow], *, more: bool = False) -> None:
        """Show other rows, with the cursor on the same key where that is still there.

        `more` says that others are still being read, to come after these.
        """
        goal, self.has_more = self._goal, more
        self.all_rows = rows
        self._show_found()
        if goal is not None:
            self._set_cursor(goal)
        self._measure(islice(self.all_rows, _MEASURED), may_shrink=not self.STEADY)

    @property
    def needed_width(self) -> int:
        """The cells in which no column is cut."""
        longest = (max(sizes).full for sizes in self._sizes)
        return sum(longest) + GAP * (len(self.columns) - 1) + 2

    def _measure(
        self, rows: Iterable[ShownRow] = (), *, may_shrink: bool = False, measured: range = _NONE
    ) -> None:
        """Give the columns what the texts of some rows, and of those in sight, take.

        The rows at the places `measured` were so before.

        Unless they may shrink, only a longer text changes them, or twice as many rows as before.
        """
        top = self.scroll_offset.y
        in_sight = range(top, min(top + self.size.height, len(self.rows)))
        new = (self.rows[one] for one in in_sight if one not in measured)
        sizes = text_sizes(self.columns, chain(rows, new))
        if (place := self.sorted_by) is not None:  # the arrow beside the title
            arrow = cell_len(self.columns[place].title) + 2
            sizes[place].append(TextSize(arrow, arrow))
        if not may_shrink and len(sizes[0]) < 2 * len(self._sizes[0]):
            sizes = [
                [*known, max(new)] if max(new) > max(known) else known
                for known, new in zip(self._sizes, sizes, strict=True)
            ]
        if sizes == self._sizes:
            return
        before, self._sizes = self._widths(), sizes
        self._given = 0, {}
        if self._widths() != before:
            self.refresh()

    def _widths(self) -> dict[int, int]:
        """Return the cells of each column."""
        width = self.size.width
        if self._given[0] != width:
            self._given = width, column_widths(self.columns, width, self._sizes)
        return self._given[1]

    def set_columns(self, columns: Sequence[Column]) -> None:
        """Show other columns; rows of these are set next."""
        self.columns, self.sorted_by = tuple(columns), None
        self._sizes, self._given = text_sizes(self.columns, ()), (0, {})
        self.refresh()

    def search(self, pattern: Pattern | None) -> None:
        """Show only the rows in whose text the pattern is found; None shows all."""
        self.pattern = pattern
        self._show_found()

    def move_to(self, key: Hashable) -> bool:
        """Put the cursor on the row of a key; return whether there is one."""
        index = self._index_of(key)
        if index is not None:
            self._set_cursor(index)
        return index is not None

    def _index_of(self, key: Hashable) -> int | None:
        return next((index for index, row in enumerate(self.rows) if row.key == key), None)

    def _show_found(self) -> None:
        before, key, old_cursor = self.rows, self.key, self.cursor
        was_seen = self._sees(old_cursor)
        self.rows = self._sorted(self._found())
        index = None if key is None else self._index_of(key)
        self.cursor = min(old_cursor, max(len(self.rows) - 1, 0)) if index is None else index
        if len(before) != len(self.rows) or not self.virtual_size.height:
            self._resize()
        if was_seen and not self._sees(self.cursor):
            self._scroll_to_cursor()
        self._repaint(before, old_cursor)
        if self.key != key:
            self.post_message(self.Moved(self, self.key))

    def _found(self) -> Sequence[ShownRow]:
        """Return all rows, or those in whose text the pattern is found."""
        rows = self.all_rows
        if self.only is not None:
            rows = list(filter(self.only, rows))
        if self.pattern is None:
            return rows
        return [row for row in rows if self.pattern.search(row.text)]

    def _sorted(self, rows: Sequence[ShownRow]) -> Sequence[ShownRow]:
        place = self.sorted_by
        if place is None:
            return rows
        sortable = cast("Sequence[SortableRow]", rows)
        return sorted(sortable, key=lambda row: row.order(place), reverse=self.descending)

    def show_only(self, only: Callable[[ShownRow], bool] | None) -> None:
        """Show only the rows for which a function returns True; None shows all."""
        self.only = only
        self._show_found()

    def sort(self, place: int | None) -> None:
        """Sort by a column, numbers the largest first; the same column again turns the order."""
        if not self.SORTS or not self.header_lines:
            return
        if place is not None:
            again = place == self.sorted_by
            self.descending = not self.descending if again else self.columns[place].right
        self.sorted_by = place
        self._show_found()
        self._measure()
        self.refresh()

    def action_sort(self, step: int) -> None:
        """Sort by the next column, or the one before; beside the last, by none."""
        shown = list(self._widths())
        ring: list[int | None] = [None, *shown]
        now = ring.index(self.sorted_by) if self.sorted_by in ring else 0
        self.sort(ring[(now + step) % len(ring)])

    def action_turn_order(self) -> None:
        """Sort the other way round."""
        if self.sorted_by is not None:
            self.sort(self.sorted_by)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        if action in {"select", "select_range"}:
            return self.selects and bool(self.rows)
        if action in {"sort", "turn_order"}:
            return self.SORTS and bool(self.header_lines)
        return True

    def action_select(self) -> None:
        """Select the row under the cursor, or no longer, and go to the next one."""
        if (key := self.key) is not None:
            self._anchor = key
            self.select(self.selected ^ {key})
            self._set_cursor(self.cursor + 1)

    def action_select_range(self) -> None:
        """Select every row from the last one that was selected to the cursor."""
        first = None if self._anchor is None else self._index_of(self._anchor)
        low, high = sorted((self.cursor if first is None else first, self.cursor))
        self.select(self.selected | {row.key for row in self.rows[low : high + 1]})

    def select(self, keys: Iterable[Hashable]) -> None:
        """Select the rows of these keys, and no others."""
        self.selected = set(keys)
        self.refresh()
        self.post_message(self.Selected(self, self.key))

    def _repaint(self, before: Sequence[ShownRow], old_cursor: int) -> None:
        """Paint only the lines that differ: over SSH each byte counts."""
        top = self.scroll_offset.y
        for index in range(top, top + max(self.size.height - self.header_lines, 0)):
            old = before[index].cells if index < len(before) else None
            new = self.rows[index].cells if index < len(self.rows) else None
            moved = (index == old_cursor) != (index == self.cursor)
            if old != new or moved:
                self._refresh_row(index)

    def _sees(self, index: int) -> bool:
        return 0 <= index - self.scroll_offset.y < self.size.height - self.header_lines

    def _resize(self) -> None:
        self.virtual_size = Size(self.size.width, len(self.rows) + self.header_lines)
        if (self.virtual_size.height > self.size.height) != self.show_vertical_scrollbar:
            self.refresh(layout=True)

    def _set_cursor(self, index: int) -> None:
        if not self.rows:
            return
        self._goal = index if self.has_more and index >= len(self.rows) else None
        index = max(0, min(index, len(self.rows) - 1))
        if index != self.cursor:
            self._refresh_row(self.cursor)
            self.cursor = index
            self._refresh_row(index)
            self.post_message(self.Moved(self, self.key))
        self._scroll_to_cursor()

    def _refresh_row(self, index: int) -> None:
        if self._sees(index):
            line = index - self.scroll_offset.y + self.header_lines
            self.refresh(Region(0, line, self.size.width, 1))

    def _scroll_to_cursor(self) -> None:
        height = max(self.size.height - self.header_lines, 1)
        top = self.scroll_offset.y
        if self.cursor < top:
            self._scroll(self.cursor)
        elif self.cursor >= top + height:
            self._scroll(self.cursor - height + 1)

    def _scroll(self, top: int) -> None:
        # At once: what is asked for later would undo what was asked for meanwhile.
        self.scroll_to(y=top, animate=False, force=True, immediate=True)

    def action_move(self, step: int) -> None:
        self._set_cursor((self._goal or self.cursor) + step)

    def action_page(self, step: int) -> None:
        self.action_move(step * max(self.size.height - self.header_lines - 1, 1))

    def action_first(self) -> None:
        self._set_cursor(0)

    def action_last(self) -> None:
        self._set_cursor(sys.maxsize if self.has_more else len(self.rows) - 1)

    def action_choose(self) -> None:
        if self.key is not None:
            self.post_message(self.Chosen(self, self.key))

    def on_click(self, event: events.Click) -> None:
        index = event.y - self.header_lines + self.scroll_offset.y
        if event.y < self.header_lines:
            self.sort(self._column_at(event.x))
        if event.y < self.header_lines or not 0 <= index < len(self.rows):
            return
        self._set_cursor(index)
        if self.one_click or event.chain > 1:
            self.action_choose()

    def _column_at(self, x: int) -> int | None:
        """Return the column whose title is at a cell of the header; beside them all, none."""
        used = 1
        for place, given in self._widths().items():
            used += given + GAP
            if x < used:
                return place
        return None

    def on_resize(self, event: events.Resize) -> None:
        """Keep the cursor in sight if it was."""
        seen = range(max(self._height - self.header_lines, 0))
        was_seen = not self._height or self.cursor - self.scroll_offset.y in seen
        self._height = event.size.height
        self._resize()
        if was_seen:
            self.call_later(self._scroll_to_cursor)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self._measure(measured=range(int(old_value), int(old_value) + self.size.height))

    @on(events.Focus)
    @on(events.Blur)
    def _draw_cursor(self) -> None:
        self._refresh_row(self.cursor)

    def render_line(self, y: int) -> Strip:
        if y < self.header_lines:
            return self._draw(self._titles(), self.get_component_rich_style("table--header"))
        index = y - self.header_lines + self.scroll_offset.y
        if index >= len(self.rows):
            return Strip.blank(self.size.width, self._base)
        row = self.rows[index]
        cells, base = row.cells, self._base
        if row.key in self.selected:
            base += self.get_component_rich_style("table--selected", partial=True)
        if index != self.cursor:
            return self._drawn_row(cells, base, mark=row.key in self.selected)
        if not self.has_focus:
            blurred = self.get_component_rich_style("table--cursor-blurred")
            return self._draw(cells, blurred, mark=row.key in self.selected)
        plain = [Cell(cell.text, short=cell.short) for cell in cells]
        style = self.get_component_rich_style("table--cursor")
        return self._draw(plain, style, mark=row.key in self.selected)

    def _drawn_row(self, cells: Sequence[Cell], base: Style, *, mark: bool) -> Strip:
        """Return a row as it was drawn last: to scroll draws only the new one."""
        form = self.columns, self.size.width, self._widths(), self.pattern
        if form != self._drawn_in or len(self._drawn) > _DRAWN:
            self._drawn_in = form
            self._drawn.clear()
        key = tuple(cells), base, mark
        if (strip := self._drawn.get(key)) is None:
            strip = self._drawn[key] = self._draw(cells, base, mark=mark)
        return strip

    def notify_style_update(self) -> None:
        """Draw the rows again, in other colours."""
        self._drawn.clear()
        super().notify_style_update()

    @property
    def _base(self) -> Style:
        """The table's own style; Textual computes `rich_style` each time."""
        return self.get_component_rich_style("table--row")

    def _titles(self) -> Sequence[Cell]:
        titles = [column.title for column in self.columns]
        if self.sorted_by is not None:
            titles[self.sorted_by] += " ↓" if self.descending else " ↑"
        return [Cell(title) for title in titles]

    def _draw(self, cells: Sequence[Cell], base: Style, *, mark: bool | None = None) -> Strip:
        width, last, widths = self.size.width, len(cells) - 1, dict(self._widths())
        if len(cells) == len(self.columns):
            lend(self.columns, widths, cells)
        segments = [Segment("▸" if mark else " ", base)]
        used = 1
        for place, given in widths.items():
            if place > last:
                break
            takes_rest = place == last < len(self.columns) - 1
            wide = max(width - used - 1, given) if takes_rest else given
            cell, column = cells[place], self.columns[place]
            style = base
            if cell.tone:
                style += self.get_component_rich_style(f"table--{cell.tone}", partial=True)
            text = cell.short if cell.short and cell_len(cell.text) > wide else cell.text
            text = fitted(text, wide, right=column.right, keeps_end=column.keeps_end)
            marked = mark is not None  # a title is not searched
            segments += self._marked(text, style) if marked else [Segment(text, style)]
            segments.append(Segment(" " * GAP, base))
            used += wide + GAP
        return Strip(segments).adjust_cell_length(width, base)

    def _marked(self, text: str, style: Style) -> Iterator[Segment]:
        """Yield a cell's text with what the search found in it marked."""
        end = 0
        if self.pattern is not None:
            found = style + self.get_component_rich_style("table--found", partial=True)
            for first, last in self.pattern.spans(text):
                yield Segment(text[end:first], style)
                yield Segment(text[first:last], found)
                end = last
        yield Segment(text[end:], style)
