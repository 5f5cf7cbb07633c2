"""What a draft would have done of late, kept up to date while it is written."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

from textual import work
from textual.content import Content
from textual.widgets import Static

from firetower.core.automations import Definition
from firetower.core.backtest import Backtest
from firetower.core.errors import FiretowerError
from firetower.core.text import counted
from firetower.tui.session import session_of

if TYPE_CHECKING:
    from firetower.tower.automations import Cancelled


SPAN = timedelta(days=30)
_PAUSE = 0.15
"""Seconds without a change after which the past is read: keys come first."""


class Past(Static):
    """How often a definition would have fired in the last 30 days, and when."""

    def __init__(self) -> None:
        super().__init__("", id="past")
        self._definition: Definition | None = None

    def show(self, definition: Definition | None) -> None:
        """Tell of another definition; what is being read for the one before is given up."""
        if definition == self._definition:
            return
        self._definition = definition
        if definition is None:
            self.update("")
        else:
            self._read(definition)

    @work(exclusive=True, group="past", exit_on_error=False)
    async def _read(self, definition: Definition) -> None:
        await asyncio.sleep(_PAUSE)
        session = session_of(self)
        since = session.now() - SPAN
        try:
            result = await session.ask(
                lambda tower: tower.automations.backtest(
                    definition, since, wanted=lambda: definition is self._definition
                )
            )
        except Cancelled:
            return
        except FiretowerError as error:
            self.update(Content(error.message))
            return
        if definition is self._definition:
            self.update(past_text(result))


def past_text(result: Backtest) -> Content:
    """Return a backtest in a line or two."""
    held = f", and {result.held:,} held by the cooldown" if result.held else ""
    said = f"It would have fired {counted(result.fired, 'time')} in the last 30 days{held}."
    bars = result.sparkline if result.fired else ""
    return Content.assemble(said, "  ", (bars, "$accent"))
