"""The line at the top: where one is, where one can go, and how the database stands."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from firetower.core.text import visible
from firetower.tui.text import ago
from firetower.tui.widgets.table import fitted
from firetower.tui.worker_process import STARTING

if TYPE_CHECKING:
    from firetower.store.status import DatabaseStatus


class ModeLink(Static):
    """A mode of the app, to click on."""

    class Clicked(Message):
        """The mode was chosen."""

        def __init__(self, mode: str) -> None:
            super().__init__()
            self.mode = mode

    def __init__(self, key: str, mode: str, *, current: bool) -> None:
        label = Content.from_markup("[dim]$key[/] $name", key=key, name=mode.capitalize())
        super().__init__(label, classes="bar--current" if current else "bar--link")
        self.mode = mode

    def on_click(self, event: events.Click) -> None:
        """Go there."""
        event.stop()
        self.post_message(self.Clicked(self.mode))


class Bar(Horizontal):
    """The top line of every screen."""

    MODES: ClassVar = (("1", "registry"), ("2", "project"), ("3", "feed"))

    def __init__(self, current: str) -> None:
        super().__init__()
        self.current = current

    def compose(self) -> ComposeResult:
        yield Static("firetower", classes="bar--name")
        for key, mode in self.MODES:
            yield ModeLink(key, mode, current=mode == self.current)
        yield Static("", classes="bar--status")

    def on_mount(self) -> None:
        self.watch(self.app, "status", self._show)

    def _show(self, status: Content) -> None:
        self.query_one(".bar--status", Static).update(status)


def standing_text(
    location: str,
    standing: DatabaseStatus | None,
    worker: str,
    now: datetime,
    width: int,
    *,
    read_only: bool = False,
) -> Content:
    """Return the status: database, worker, what is due, age of the last event.

    `worker` says what is known of the worker where none is alive.
    """
    if standing is None:
        return Content.from_markup("[dim]$location[/]", location=visible(location))
    parts = [Content.from_markup("[$warning]read-only[/]")] if read_only else []
    if standing.workers:
        one = standing.workers[0]
        more = f" +{len(standing.workers) - 1}" if len(standing.workers) > 1 else ""
        parts.append(Content.from_markup("[$success]✓[/] worker $pid", pid=f"{one.pid}{more}"))
    else:
        sign = "[dim]◌ $worker[/]" if worker == STARTING else "[$error]✗ $worker[/]"
        parts.append(Content.from_markup(sign, worker=visible(worker)))
    parts.append(Content(f"{standing.due:,} due"))
    if width >= 110:
        parts.append(Content(f"last event {ago(standing.last_event_at, now)}"))
    said = Content("  ").join(parts)
    left = width - said.cell_length - 46
    if left >= 8:
        shown = location if cell_len(location) <= left else "…" + location[-(left - 1) :]
        place = Content.from_markup(
            "[dim]$place[/]  ", place=fitted(shown, min(left, cell_len(shown)))
        )
        return place + said
    return said
