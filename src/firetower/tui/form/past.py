"""What a draft would have done of late, kept up to date while it is written."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from textual import work
from textual.content import Content
from textual.widgets import Static

from firetower.core.automations import Definition
from firetower.core.backtest import Backtest
from firetower.core.errors import Cancelled, FiretowerError
from firetower.core.text import and_list, counted, visible
from firetower.tui.session import session_of

if TYPE_CHECKING:
    from firetower.tower import Tower

SPAN = timedelta(days=30)
_PAUSE = 0.15
"""Seconds without a change after which the past is read: keys come first."""


class Past(Static):
    """How often a definition would have fired in the last 30 days, and when."""

    def __init__(self, edited: str | None) -> None:
        """`edited` is the automation that is being edited: it does not overlap with itself."""
        super().__init__("", id="past")
        self._edited = edited
        self._definition: Definition | None = None

    def show(self, definition: Definition | None) -> None:
        """Tell of another definition; what is being read for the one before is given up."""
        if definition is not None:  # what it is called says nothing of the past
            definition = definition.model_copy(update={"name": "", "description": ""})
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

        def look(tower: Tower) -> tuple[Backtest, Sequence[str]]:
            automations = tower.automations
            past = automations.backtest(
                definition, since, wanted=lambda: definition is self._definition
            )
            return past, automations.overlapping(definition, apart_from=self._edited)

        try:
            result, others = await session.ask(look)
        except Cancelled:
            return
        except FiretowerError as error:
            self.update(Content(error.message))
            return
        if definition is self._definition:
            self.update(Content("\n").join([past_text(result), *overlap_text(others)]))


def overlap_text(others: Sequence[str]) -> list[Content]:
    """Return a warning of the automations that send the same events to the same endpoint."""
    if not others:
        return []
    names = and_list([visible(name) for name in others[:3]])
    more = f" and {len(others) - 3} more" if len(others) > 3 else ""
    said = f"! {names}{more} may send the same event there too."
    return [Content.styled(said, "$warning")]


def past_text(result: Backtest) -> Content:
    """Return a backtest in a line or two."""
    held = f", and {result.held:,} held by the cooldown" if result.held else ""
    said = f"It would have fired {counted(result.fired, 'time')} in the last 30 days{held}."
    bars = result.sparkline if result.fired else ""
    return Content.assemble(said, "  ", (bars, "$accent"))
