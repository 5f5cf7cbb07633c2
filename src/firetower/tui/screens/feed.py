"""The Feed screen: all executions, full height, under a line that says when much fired."""

from datetime import timedelta
from typing import ClassVar

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from firetower.core.errors import FiretowerError
from firetower.core.statistics import Heat, sparkline
from firetower.tui.actions import bindings_of
from firetower.tui.messages import DatabaseChanged
from firetower.tui.screens.execution import execution_pane
from firetower.tui.screens.framed import FramedPage
from firetower.tui.session import Refresh, in_background, session_of
from firetower.tui.text import show_text
from firetower.tui.widgets.feed import Feed
from firetower.tui.widgets.redeliver import redeliver_failed

SPAN = timedelta(hours=12)
PARTS = 48
"""Parts of a quarter of an hour."""
REFRESH_INTERVAL = 5.0
"""Seconds between two readings while much fires."""
_IDLE_INTERVAL = 60.0
"""Seconds between two readings while nothing fires: its hours move with the clock."""


class HeatStrip(Static):
    """Bars of what fired; a second line marks those in which some failed."""

    def __init__(self) -> None:
        super().__init__("")
        self.changed = False
        self.reload = Refresh(self, self._read)
        """Read and show it."""

    def on_mount(self) -> None:
        self.set_interval(REFRESH_INTERVAL, self._look)
        self.reload.repeat(_IDLE_INTERVAL)

    def _look(self) -> None:
        if self.screen.is_current and self.changed:
            self.reload()

    async def _read(self) -> None:
        self.changed = False
        try:
            heat = await session_of(self).ask(lambda tower: tower.executions.heat(SPAN, PARTS))
        except FiretowerError:
            return  # the feed shows it
        self.display = any(heat.fired)
        show_text(self, heat_text(heat))


def heat_text(heat: Heat) -> Content:
    """Return the bars and, if some failed, the line under them."""
    hours = f"last {SPAN // timedelta(hours=1)} h  "
    bars = Content.assemble(
        (hours, "dim"),
        (sparkline(heat.fired), "$accent"),
        (f"  {sum(heat.fired):,} fired", "dim"),
    )
    if not any(heat.failed):
        return bars
    marks = "".join("✗" if count else " " for count in heat.failed)
    failed = Content.assemble(
        " " * len(hours), (marks, "$error"), (f"  {sum(heat.failed):,} failed", "$error")
    )
    return Content("\n").join([bars, failed])


class FeedScreen(FramedPage):
    """The live feed."""

    MODE: ClassVar = "feed"
    BINDINGS: ClassVar = bindings_of("feed")

    def __init__(self) -> None:
        super().__init__()
        self.feed = Feed(
            id="feed",
            empty="Nothing has fired yet.\nMake an automation in the Automations tab of a registry "
            "(1) or project (2); each firing shows here.",
            detail=execution_pane,
        )

    def body(self) -> ComposeResult:
        yield HeatStrip()
        yield self.feed

    def on_mount(self) -> None:
        self.feed.table.focus()

    def on_screen_resume(self) -> None:
        self.query_one(HeatStrip).reload()
        self.feed.catch_up()

    def on_database_changed(self, event: DatabaseChanged) -> None:
        self.feed.show_change(event)
        self.query_one(HeatStrip).changed = True

    @in_background
    async def action_redeliver_failed(self) -> None:
        await redeliver_failed(self)
