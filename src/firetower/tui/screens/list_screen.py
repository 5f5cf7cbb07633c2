"""A screen over a mode's own that shows one list."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from firetower.core.errors import FiretowerError
from firetower.tui.messages import DatabaseChanged
from firetower.tui.page import Page
from firetower.tui.refresh import Refresh
from firetower.tui.widgets.listing import Listing


class ListScreen(Page[None]):
    """Reads its list when it opens, and again whenever the database changes."""

    BELONGS_TO: ClassVar[str] = "mode"

    def __init__(self, listing: Listing) -> None:
        super().__init__()
        self.listing = listing
        self._reload = Refresh(self, self._read)

    @abstractmethod
    async def read(self) -> None:
        """Read what is listed, and show it. Raises FiretowerError."""

    async def _read(self) -> None:
        try:
            await self.read()
        except FiretowerError as error:
            self.listing.fail(error)

    def on_mount(self) -> None:
        self.listing.table.focus()
        self._reload()

    def on_database_changed(self, _: DatabaseChanged) -> None:
        """Read the list again."""
        self._reload()
