"""Screens between the top line and the keys: of any kind, up to date, of one text, of one list."""

import asyncio
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import ClassVar, Generic, TypeVar

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from firetower.core.errors import FiretowerError
from firetower.tui.messages import DatabaseChanged
from firetower.tui.page import Page, Undo, change_database
from firetower.tui.session import Refresh, Tower, session_of
from firetower.tui.text import lines, show_text
from firetower.tui.widgets.bar import Bar
from firetower.tui.widgets.key_line import KeyLine
from firetower.tui.widgets.listing import Listing
from firetower.tui.widgets.rows import Row

Item = TypeVar("Item")
_EDGES = 3
"""Cells beside a text: its padding, and the scroll bar."""


class FramedPage(Page[None]):
    """A screen with the app's modes above it, and the keys that work below."""

    MODE: ClassVar[str] = ""
    """The mode that is marked above; empty for the one in which the screen was opened."""

    def compose(self) -> ComposeResult:
        yield Bar(self.MODE or self.app.current_mode)
        yield from self.body()
        yield KeyLine()

    @abstractmethod
    def body(self) -> ComposeResult:
        """Yield what is between the two."""


class LivePage(FramedPage):
    """A screen that is read whenever it is shown, and whenever the database changes meanwhile."""

    BELONGS_TO: ClassVar[str] = "mode"

    def __init__(self, heading: Content | str = "") -> None:
        """`heading` is shown until it is read."""
        super().__init__()
        self.heading = Static(heading, classes="heading")
        self._reload = Refresh(self, self._read)

    @abstractmethod
    async def _read(self) -> None:
        """Read what is shown, and show it or why it cannot be read."""

    def on_screen_resume(self) -> None:
        self._reload.at_once()

    def on_database_changed(self, _: DatabaseChanged) -> None:
        self._reload()


class TextPage(LivePage):
    """One thing in full: a heading, and a text below it that is read in a thread."""

    def __init__(self, heading: Content | str) -> None:
        super().__init__(heading)
        self.text = Static("Loading …")

    def body(self) -> ComposeResult:
        yield self.heading
        with VerticalScroll(classes="text-pane"):
            yield self.text

    def on_mount(self) -> None:
        self.query_one(VerticalScroll).focus()

    def on_resize(self) -> None:
        self._reload.at_once()

    @abstractmethod
    def read(self, tower: Tower, now: datetime, width: int) -> tuple[Content, Content]:
        """Return the heading, and the text in `width` cells. Raises FiretowerError."""

    async def _read(self) -> None:
        session = session_of(self)
        now, width = session.now(), self.size.width - _EDGES
        try:
            heading, text = await session.ask(lambda tower: self.read(tower, now, width))
        except FiretowerError as error:
            show_text(self.text, lines(error.text))
        else:
            show_text(self.heading, heading)
            show_text(self.text, text)
            self.refresh_bindings()


class ListPage(LivePage, Generic[Item]):
    """A list below a heading."""

    ROW_ACTIONS: ClassVar[frozenset[str]] = frozenset()
    """What is done to the item under the cursor: hidden while there is none."""
    HAS_TEXT: ClassVar[bool] = False
    """Whether there is a text between heading and list."""

    def __init__(self, listing: Listing, heading: str = "") -> None:
        super().__init__(heading)
        self.listing = listing
        self.text = Static("Loading …")
        self._items: Mapping[object, Item] = {}

    def body(self) -> ComposeResult:
        yield self.heading
        if self.HAS_TEXT:
            with VerticalScroll(classes="text-above"):
                yield self.text
        yield self.listing

    @abstractmethod
    async def read(self) -> None:
        """Read what is listed, and show it. Raises FiretowerError."""

    async def _read(self) -> None:
        try:
            await self.read()
        except FiretowerError as error:
            self.listing.fail(error)

    async def show_items(self, items: Sequence[Item], row: Callable[[Item, datetime], Row]) -> None:
        """Show items, each as the row that `row` makes of it and the time, in a thread."""
        now = session_of(self).now()
        rows = await asyncio.to_thread(lambda: [row(item, now) for item in items])
        self._items = {row.key: item for row, item in zip(rows, items, strict=True)}
        self.listing.set_rows(rows)
        self.refresh_bindings()

    @property
    def chosen(self) -> Item | None:
        """The item under the cursor."""
        return self._items.get(self.listing.table.key)

    async def change(
        self, change: Callable[[Tower], object], said: str, undo: Undo | None = None
    ) -> None:
        """Change the database, say so, and read the list again. Raises FiretowerError."""
        await change_database(self, change, said, undo)
        self._reload()

    def on_mount(self) -> None:
        self.listing.table.focus()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in self.ROW_ACTIONS and not self._items:
            return False
        return super().check_action(action, parameters)
