"""A screen over a mode's own that shows one list."""

import asyncio
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import ClassVar, Generic, TypeVar

from firetower.core.errors import FiretowerError
from firetower.tui import undo as undoable
from firetower.tui.messages import DatabaseChanged
from firetower.tui.page import Page
from firetower.tui.session import Refresh, Tower, session_of
from firetower.tui.undo import Undo
from firetower.tui.widgets.listing import Listing
from firetower.tui.widgets.table import Row

Item = TypeVar("Item")


class ListScreen(Page[None], Generic[Item]):
    """Reads its list when it opens, and again whenever the database changes."""

    BELONGS_TO: ClassVar[str] = "mode"
    ITEM_ACTIONS: ClassVar[frozenset[str]] = frozenset()
    """What is done to the item under the cursor: greyed out while there is none."""

    def __init__(self, listing: Listing) -> None:
        super().__init__()
        self.listing = listing
        self._items: Mapping[object, Item] = {}
        self._reload = Refresh(self, self._read)

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
        await undoable.change(self, change, said, undo)
        self._reload()

    def on_mount(self) -> None:
        self.listing.table.focus()
        self._reload()

    def on_database_changed(self, _: DatabaseChanged) -> None:
        self._reload()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in self.ITEM_ACTIONS and not self._items:
            return None
        return super().check_action(action, parameters)
