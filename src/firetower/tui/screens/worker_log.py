"""The log of the worker that runs beside the app."""

from typing import ClassVar, NamedTuple

from rich.cells import chop_cells
from textual.app import ComposeResult
from textual.content import Content

from firetower.core.errors import FiretowerError
from firetower.core.text import visible
from firetower.tui.actions import bindings_of
from firetower.tui.screens.framed import LivePage
from firetower.tui.session import session_of
from firetower.tui.text import plain, show_text
from firetower.tui.widgets.listing import Listing
from firetower.tui.widgets.rows import Cell, Column
from firetower.tui.widgets.table import Table
from firetower.worker_process import WorkerProcess

REFRESH_INTERVAL = 0.5
"""Seconds between two looks at the log: nothing is drawn unless there is a new line."""
_TITLE = Content.styled("Worker's log", "bold")
ELSEWHERE = (
    "Worker {worker} was not started by this app, and writes its log where it was started:\n"
    "in its terminal, or as a service: journalctl --user -u firetower -f"
)


class LogRow(NamedTuple):
    """A line of the log, or a part of one that is longer than the screen is wide."""

    key: tuple[int, int]
    cells: tuple[Cell, ...]
    text: str
    """The whole line: a search finds all of its parts."""


class WorkerLogScreen(LivePage):
    """The newest lines of the log, the newest first; of a worker elsewhere, where to look."""

    BELONGS_TO: ClassVar = "app"
    BINDINGS: ClassVar = bindings_of("worker-log")

    def __init__(self, worker: WorkerProcess | None) -> None:
        super().__init__(_TITLE)
        self._worker = worker
        columns = (Column("", 20, flex=1),)
        self.listing = Listing(
            Table(columns, header=False), empty="The worker has printed nothing yet."
        )
        self._newest = -1

    def body(self) -> ComposeResult:
        yield self.heading
        yield self.listing

    def on_mount(self) -> None:
        self.listing.table.focus()
        self.set_interval(REFRESH_INTERVAL, self._show_lines)

    def on_resize(self) -> None:
        self._newest = -1
        self._show_lines()

    def _show_lines(self) -> None:
        lines = [] if self._worker is None else self._worker.log()
        newest = lines[-1][0] if lines else 0
        if newest != self._newest:
            self._newest = newest
            width = self.size.width - 4
            rows = [
                LogRow((number, place), (Cell(part),), text)
                for number, text in reversed(lines)
                for place, part in enumerate(chop_cells(visible(text), width) or [""])
            ]
            at_top = self.listing.table.cursor == 0
            self.listing.set_rows(rows)
            if at_top:
                self.listing.table.action_first()

    async def _read(self) -> None:
        """Say whose log this is."""
        try:
            status = await session_of(self).ask(lambda tower: tower.status())
        except FiretowerError:
            return  # the app shows it
        own = None if self._worker is None else self._worker.pid
        named = ", ".join(f"{one.host}:{one.pid}" for one in status.workers if one.pid != own)
        where = plain(f"   also alive: {named}").stylize("dim") if named else Content("")
        show_text(self.heading, _TITLE + where)
        if named and own is None:
            self.listing.empty = ELSEWHERE.format(worker=named)
            self.listing.set_rows(self.listing.table.all_rows)
