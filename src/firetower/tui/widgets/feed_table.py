"""The table of the live feed."""

from bisect import bisect_left
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.message import Message

from firetower.tui.widgets.feed_line import FEED_COLUMNS, CircuitKey
from firetower.tui.widgets.table import Row, Table, TableRow

Place = tuple[int, int]
"""The order of lines: an execution's id, and after it the ids of changes of circuits."""


def _place_of(key: Hashable) -> Place:
    if isinstance(key, CircuitKey):
        return key.after, key.id
    assert isinstance(key, int)
    return key, 0


class FeedTable(Table):
    """Executions by id, the newest last; the end is followed until someone scrolls up."""

    class Reached(Message):
        """The oldest line that is loaded came into sight."""

    @dataclass
    class Paused(Message):
        """The end is no longer followed, or is again."""

        unseen: int | None
        """Lines that came since the end was left; None while it is followed."""

    class Resumed(Message):
        """The end is followed again, and has to be read because lines were not kept."""

    FITS: ClassVar = False
    MOST: ClassVar = 5_000
    """Lines kept while the end is followed."""
    MOST_SEARCHED: ClassVar = 20_000
    """Lines that a search loads and keeps."""
    MOST_PAUSED: ClassVar = 20_000
    """Lines above which new ones are only counted while the end is not followed."""

    def __init__(self, *, header: bool = True) -> None:
        super().__init__(FEED_COLUMNS, header=header)
        self.following = True
        self.unseen = 0
        self.has_older = True
        self._behind = False
        self._newest: Place = (0, 0)

    @property
    def oldest(self) -> int | None:
        """The id of the oldest execution."""
        return next((row.key for row in self.all_rows if isinstance(row.key, int)), None)

    @property
    def newest(self) -> int:
        """The id of the newest execution that has been shown; 0 for none."""
        return self._newest[0]

    def start(self, rows: Sequence[Row], *, more: bool) -> None:
        """Show the newest lines and follow the end; `more` are older."""
        self.has_older = more
        self.following, self.unseen, self._behind = True, 0, False
        self._newest = _place_of(rows[-1].key) if rows else (0, 0)
        self.set_rows(list(rows))
        self._to_end()
        self.post_message(self.Paused(None))

    def fall_behind(self) -> None:
        """Note that new lines were missed: the end is read again when it is followed again."""
        self._behind = True

    def upsert(self, rows: Sequence[Row]) -> None:
        """Add new lines, and change those that are there; each in the place of its id."""
        if not rows:
            return
        places = [_place_of(row.key) for row in rows]
        fresh = sum(place > self._newest for place in places)
        self.set_rows(self._merged(rows))
        self._newest = max(self._newest, *places)
        if self.following:
            self._to_end()
        elif fresh:
            self.unseen += fresh
            self.post_message(self.Paused(self.unseen))

    def _merged(self, rows: Sequence[Row]) -> list[TableRow]:
        merged = list(self.all_rows)
        keys = [_place_of(row.key) for row in merged]
        for row in rows:
            key = _place_of(row.key)
            place = bisect_left(keys, key)
            if place < len(keys) and keys[place] == key:
                merged[place] = row
            elif (
                place == len(keys)
                and not self.following
                and (self._behind or place >= self.MOST_PAUSED)
            ):
                self._behind = True
            elif place or not self.has_older:
                merged.insert(place, row)
                keys.insert(place, key)
        most = self.MOST if self.pattern is None else self.MOST_SEARCHED
        if self.following and len(merged) > most:
            self.has_older = True
            return merged[-most:]
        return merged

    def prepend(self, rows: Sequence[Row], *, more: bool) -> None:
        """Add older lines above, with those in sight where they are; `more` are still older."""
        self.has_older = more
        top, shown = self.scroll_offset.y, len(self.rows)
        # A page that ends between two executions has the changes of circuits there, too.
        known = {row.key.id for row in self.all_rows if isinstance(row.key, CircuitKey)}
        older = [
            row for row in rows if not (isinstance(row.key, CircuitKey) and row.key.id in known)
        ]
        self.set_rows([*older, *self.all_rows])
        if grown := len(self.rows) - shown:
            self._scroll(top + grown)

    def _to_end(self) -> None:
        if self.rows:
            super()._set_cursor(len(self.rows) - 1)
            self._scroll(round(self.max_scroll_y))

    def _set_cursor(self, index: int) -> None:
        super()._set_cursor(index)
        self._settle(at_end=self.cursor >= len(self.rows) - 1)
        if self.cursor == 0:
            self.post_message(self.Reached())

    def _settle(self, *, at_end: bool) -> None:
        if at_end != self.following:
            self.following, self.unseen = at_end, 0
            self.post_message(self.Paused(None if at_end else 0))
            if at_end and self._behind:
                self.post_message(self.Resumed())

    def on_resize(self, _: events.Resize) -> None:
        if self.following:
            self.call_later(self._to_end)

    def on_mouse_scroll_down(self, _: events.MouseScrollDown) -> None:
        self.call_later(self._follow_from_end)

    def _follow_from_end(self) -> None:
        if self.scroll_offset.y >= self.max_scroll_y:
            self.action_last()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Stop following when the wheel scrolls up."""
        super().watch_scroll_y(old_value, new_value)
        if new_value < old_value and new_value < self.max_scroll_y:
            self._settle(at_end=False)
        if new_value == 0 and old_value > 0:
            self.post_message(self.Reached())
