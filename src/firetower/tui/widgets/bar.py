"""The line at the top: the app's modes, and the status of database and worker."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Static

from firetower.core.text import visible
from firetower.tui.text import ago
from firetower.tui.widgets.table import fitted
from firetower.tui.worker_process import STARTING

if TYPE_CHECKING:
    from firetower.store.status import DatabaseStatus


class ModeLink(Static):
    """A mode of the app, to click on."""

    def __init__(self, key: str, mode: str, *, current: bool) -> None:
        label = Content.from_markup("[dim]$key[/] $name", key=key, name=mode.capitalize())
        super().__init__(label, classes="bar--current" if current else "bar--link")
        self.mode = mode

    async def on_click(self, event: events.Click) -> None:
        event.stop()
        await self.run_action(f"app.switch_mode('{self.mode}')")


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


def status_text(
    location: str,
    status: DatabaseStatus | None,
    worker: str,
    now: datetime,
    width: int,
    *,
    read_only: bool = False,
) -> Content:
    """Return the database's path, the worker, the work that is due, and the last event's age.

    `worker` says why no worker is alive.
    """
    if status is None:
        return Content.from_markup("[dim]$location[/]", location=visible(location))
    parts = [Content.from_markup("[$warning]read-only[/]")] if read_only else []
    if status.workers:
        more = f" +{len(status.workers) - 1}" if len(status.workers) > 1 else ""
        pid = f"{status.workers[0].pid}{more}"
        parts.append(Content.from_markup("[$success]✓[/] worker $pid", pid=pid))
    else:
        markup = "[dim]◌ $worker[/]" if worker == STARTING else "[$error]✗ $worker[/]"
        parts.append(Content.from_markup(markup, worker=visible(worker)))
    parts.append(Content(f"{status.due:,} due"))
    if width >= 110:
        parts.append(Content(f"last event {ago(status.last_event_at, now)}"))
    text = Content("  ").join(parts)
    left = width - text.cell_length - 46
    if left < 8:
        return text
    shown = location if cell_len(location) <= left else "…" + location[-(left - 1) :]
    shown = fitted(shown, min(left, cell_len(shown)))
    return Content.from_markup("[dim]$location[/]  ", location=shown) + text
