"""The table of the live feed: it follows its end until someone scrolls up."""

from bisect import bisect_left
from collections.abc import Sequence
from typing import ClassVar

from textual.message import Message

from firetower.tui.widgets.feed_line import FEED_COLUMNS
from firetower.tui.widgets.table import Row, Table


class FeedTable(Table):
    """Executions by id, the newest last; the end is followed until someone scrolls up."""

    class Reached(Message):
        """The oldest line that is loaded came into sight."""

    class Paused(Message):
        """How many lines came since the end was left; None while it is followed."""

        def __init__(self, unseen: int | None) -> None:
            super().__init__()
            self.unseen = unseen

    FITS: ClassVar = False
    MOST: ClassVar = 5_000
    """Lines kept while the end is followed."""

    def __init__(self, *, id: str | None = None, header: bool = True) -> None:  # noqa: A002
        super().__init__(FEED_COLUMNS, id=id, header=header)
        self.following = True
        self.unseen = 0
        self.has_older = True

    @property
    def oldest(self) -> int | None:
        """The id of the oldest line."""
        return int(str(self._all[0].key)) if self._all else None

    def start(self, rows: Sequence[Row], *, more: bool) -> None:
        """Show the newest lines and follow the end; `more` are older."""
        self.has_older = more
        self.following, self.unseen = True, 0
        self.set_rows(list(rows))
        self._to_end()
        self.post_message(self.Paused(None))

    def upsert(self, rows: Sequence[Row]) -> None:
        """Add new lines, and change those that are there; each in the place of its id."""
        if not rows:
            return
        merged = list(self._all)
        keys = [int(str(row.key)) for row in merged]
        fresh = 0
        for row in rows:
            key = int(str(row.key))
            place = bisect_left(keys, key)
            if place < len(keys) and keys[place] == key:
                merged[place] = row
            elif place or not self.has_older:
                merged.insert(place, row)
                keys.insert(place, key)
                fresh += 1
        if self.following:
            merged = merged[-self.MOST :]
        self.set_rows(merged)
        if self.following:
            self._to_end()
        elif fresh:
            self.unseen += fresh
            self.post_message(self.Paused(self.unseen))

    def prepend(self, rows: Sequence[Row], *, more: bool) -> None:
        """Add older lines above, with those in sight where they are; `more` are still older."""
        self.has_older = more
        top = self.scroll_offset.y
        shown = len(self._rows)
        self.set_rows([*rows, *self._all])
        if grown := len(self._rows) - shown:
            self.scroll_to(y=top + grown, animate=False, force=True)

    def _to_end(self) -> None:
        if self._rows:
            super()._set_cursor(len(self._rows) - 1)
            self.scroll_to(y=self.max_scroll_y, animate=False, force=True)

    def _set_cursor(self, index: int) -> None:
        super()._set_cursor(index)
        self._settle(at_end=self._cursor >= len(self._rows) - 1)
        if self._cursor == 0:
            self.post_message(self.Reached())

    def _settle(self, *, at_end: bool) -> None:
        if at_end != self.following:
            self.following, self.unseen = at_end, 0
            self.post_message(self.Paused(None if at_end else 0))

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Leave the end, or come back to it, with the wheel as with the keys."""
        super().watch_scroll_y(old_value, new_value)
        if new_value < old_value and new_value < self.max_scroll_y:
            self._settle(at_end=False)
        if new_value == 0 and old_value > 0:
            self.post_message(self.Reached())
