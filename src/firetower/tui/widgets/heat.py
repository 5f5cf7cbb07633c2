"""One line that says when much fired in the last hours, and when some failed."""

from __future__ import annotations

from datetime import timedelta

from textual.content import Content
from textual.widgets import Static

from firetower.core.errors import FiretowerError
from firetower.core.firings import Heat, sparkline
from firetower.tui.refresh import Refresh
from firetower.tui.session import session_of
from firetower.tui.text import show_text

SPAN = timedelta(hours=12)
PARTS = 48
"""Parts of a quarter of an hour."""
REFRESH_INTERVAL = 5.0
"""Seconds between two readings while much fires."""
_IDLE = 12
"""Unchanged checks after which it is read anyway, because its hours move with the clock."""


class HeatStrip(Static):
    """Bars of what fired; a second line marks those in which some failed."""

    def __init__(self) -> None:
        super().__init__("")
        self.changed = False
        self._looks = 0
        self._reload = Refresh(self, self._read)

    def on_mount(self) -> None:
        self.set_interval(REFRESH_INTERVAL, self._look)

    def _look(self) -> None:
        self._looks += 1
        if self.screen.is_current and (self.changed or self._looks >= _IDLE):
            self.read()

    def read(self) -> None:
        """Read and show it."""
        self.changed, self._looks = False, 0
        self._reload()

    async def _read(self) -> None:
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
