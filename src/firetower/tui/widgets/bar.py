"""The line at the top: the app's modes, and the status of database and worker."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Static

from firetower.core.errors import FiretowerError, StoreLocked
from firetower.core.text import counted, visible
from firetower.tui.actions import BY_ID
from firetower.tui.navigation import MODES
from firetower.tui.text import age
from firetower.worker_process import STARTING

if TYPE_CHECKING:
    from firetower.store.status import DatabaseStatus

_NAME = "firetower"
_NAMED_FROM = 100
"""Columns from which the app's name is shown: the status comes first."""
_GAP = 3
"""Cells between two parts of the status."""
_SHORTEST_PATH = 10
"""Cells under which a path says nothing."""


class ModeLink(Static):
    """A mode of the app, to click on."""

    def __init__(self, mode: str, *, current: bool) -> None:
        key, name = _key_and_name(mode)
        label = Content.from_markup("[dim]$key[/] $name", key=key, name=name)
        super().__init__(label, classes="bar--current" if current else "bar--link")
        self.mode = mode

    async def on_click(self, event: events.Click) -> None:
        event.stop()
        await self.run_action(f"app.switch_mode('{self.mode}')")


def _key_and_name(mode: str) -> tuple[str, str]:
    return BY_ID[f"app.{mode}"].keys.partition(",")[0], mode.capitalize()


class Bar(Horizontal):
    """The top line of every screen."""

    def __init__(self, current: str) -> None:
        super().__init__()
        self.current = current

    def compose(self) -> ComposeResult:
        yield Static(_NAME, classes="bar--name")
        for mode in MODES:
            yield ModeLink(mode, current=mode == self.current)
        yield Static("", classes="bar--status")

    def on_mount(self) -> None:
        self.watch(self.app, "status", self._show)

    def on_resize(self, event: events.Resize) -> None:
        self.query_one(".bar--name").display = event.size.width >= _NAMED_FROM

    def _show(self, status: Content) -> None:
        # Its size stays: to lay the screen out would paint all of it.
        self.query_one(".bar--status", Static).update(status, layout=False)


def _status_width(width: int) -> int:
    """Return the cells beside the modes in a bar of a width."""
    names = [_NAME] if width >= _NAMED_FROM else []
    links = [" ".join(_key_and_name(mode)) for mode in MODES]
    return width - sum(cell_len(text) + 2 for text in (*names, *links)) - 2


def status_text(
    location: str,
    status: DatabaseStatus | FiretowerError | None,
    worker: str,
    now: datetime,
    width: int,
    *,
    read_only: bool = False,
) -> Content:
    """Return the database's path, the worker, the work that is due, the last event's age, a server.

    What finds no room in a screen of `width` is left out: the path first, then the server with who
    uses it, then the last event. Of the worker at least the first words are shown.
    `worker` says why no worker is alive; `status` may be why it could not be read.
    """
    room = _status_width(width)
    parts: list[Content] = []
    for part in _status_parts(status, worker, now, read_only=read_only):
        shown = part if parts else part.truncate(max(room, 0), ellipsis=True)
        taken = shown.cell_length + (_GAP if parts else 0)
        if taken > room:
            break
        parts.append(shown)
        room -= taken
    path = _short_path(location, room - _GAP)
    if path:
        parts.insert(0, Content.from_markup("[dim]$path[/]", path=path))
    return Content(" " * _GAP).join(parts)


def _status_parts(
    status: DatabaseStatus | FiretowerError | None, worker: str, now: datetime, *, read_only: bool
) -> Iterator[Content]:
    """Yield the parts of the status, those that matter most first."""
    if status is None:
        return
    if isinstance(status, FiretowerError):
        said = "locked" if isinstance(status, StoreLocked) else "unreadable"
        yield Content.from_markup("[$error]✗ database $said[/]", said=said)
        return
    if read_only:
        yield Content.from_markup("[$warning]read-only[/]")
    problem = next((one.problem for one in status.workers if one.problem), None)
    if problem is not None:
        yield Content.from_markup("[$error]✗ waits: $problem[/]", problem=visible(problem))
    elif status.workers:
        count = len(status.workers)
        said = "worker" if count == 1 else counted(count, "worker")
        yield Content.from_markup("[$success]✓[/] $said", said=said)
    else:
        markup = "[dim]◌ $worker[/]" if worker == STARTING else "[$error]✗ $worker[/]"
        yield Content.from_markup(markup, worker=visible(worker))
    yield Content(f"{status.due:,} queued")
    if status.last_event_at is not None:
        yield Content(f"event {age(status.last_event_at, now)}")
    for server in status.servers[:1]:
        said = " ".join(["serves", server.url.partition("://")[2], ", ".join(status.clients)])
        yield Content.from_markup("[dim]$said[/]", said=visible(said.rstrip()))


def _short_path(location: str, room: int) -> str:
    """Return a path in at most `room` cells: of a long one its beginning and its end."""
    home = os.environ.get("HOME", "")
    at_home = home and location.startswith(f"{home}/")
    shown = visible(f"~{location.removeprefix(home)}" if at_home else location)
    if cell_len(shown) <= room:
        return shown
    if room < _SHORTEST_PATH:
        return ""
    first, _, rest = shown.partition("/")
    while rest and cell_len(f"{first}/…/{rest}") > room:
        rest = rest.partition("/")[2]
    return f"{first}/…/{rest}" if rest else ""
