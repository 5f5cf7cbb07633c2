"""A screen over a mode's own that shows one list, and is left again."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from firetower.core.errors import FiretowerError
from firetower.core.executions import Execution
from firetower.tui.over import Over
from firetower.tui.refresh import Refresh
from firetower.tui.widgets.listing import Listing


class VisitScreen(Over[None]):
    """Reads what it lists at first, and again whenever the database changes."""

    ASIDE: ClassVar = False
    """Whether it has nothing to do with the mode's own place, and closes when a mode is chosen."""

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
        """Read what there is."""
        self.listing.table.focus()
        self._reload()

    def changed(self, executions: Sequence[Execution]) -> None:  # noqa: ARG002
        """Show what changed in the database."""
        self._reload()
