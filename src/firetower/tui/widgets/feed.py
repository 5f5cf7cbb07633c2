"""The live feed, of everything or of one registry or project."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.widgets import Input, Static

from firetower.core.circuit_breaker import CircuitChange
from firetower.core.errors import FiretowerError
from firetower.core.executions import Execution
from firetower.core.feed import CircuitLine
from firetower.core.references import ContainerReference
from firetower.core.text import counted
from firetower.tui.actions import bindings_of
from firetower.tui.messages import (
    DatabaseChanged,
    ExplainEvent,
    OpenEndpoints,
    OpenExecution,
    RedeliverFailed,
    post,
)
from firetower.tui.session import in_background, redeliver, session_of, show_error
from firetower.tui.widgets.feed_line import CircuitKey, circuit_row, entry_row, feed_row
from firetower.tui.widgets.feed_table import FeedTable
from firetower.tui.widgets.listing import Listing
from firetower.tui.widgets.table import Row

PAGE = 500


class Feed(Listing):
    """Executions as they come, the newest at the bottom; older ones load when scrolled to."""

    BINDINGS: ClassVar = bindings_of("executions")

    def __init__(
        self, *, id: str, header: bool = True, empty: str = "Nothing has fired yet."
    ) -> None:
        self.feed = FeedTable(header=header)
        super().__init__(self.feed, empty=empty, id=id)
        self.container: ContainerReference | None = None
        self._early: list[Execution] | None = []
        """Executions that changed while the first page is read; None once it is."""
        self._failed = False

    def compose(self) -> ComposeResult:
        yield from super().compose()
        yield Static("", classes="feed--paused")

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one(".feed--paused").display = False
        self.load()

    def show_container(self, container: ContainerReference) -> None:
        """Show what fired in one registry or project only."""
        if container != self.container:
            self.container = container
            self.load()

    @on(FeedTable.Resumed)
    @work(exclusive=True, group="feed", exit_on_error=False)
    async def load(self) -> None:
        """Read the newest lines and follow the end."""
        self._early = []
        try:
            rows, more = await self._page(None)
        except FiretowerError as error:
            self._failed = True
            self.fail(error)
            return
        self._failed = False
        self.feed.start(rows, more=more)
        early, self._early = self._early, None
        self._settle()
        self.changed(early or [])

    @work(exclusive=True, group="feed", exit_on_error=False)
    async def load_older(self) -> None:
        """Read the lines before the oldest; for a search, until some are found."""
        while self.feed.has_older:
            try:
                rows, more = await self._page(self.feed.oldest)
            except FiretowerError as error:
                show_error(self, error)
                return
            self.feed.prepend(rows, more=more)
            self._settle()
            if not self._needs_older():
                return

    async def _page(self, before_id: int | None) -> tuple[list[Row], bool]:
        """Return the lines before an execution, and whether there are older ones."""
        session, container = session_of(self), self.container
        page = await session.ask(
            lambda tower: tower.executions.page(PAGE, before_id=before_id, container=container)
        )
        now = session.now()
        return [entry_row(entry, now) for entry in page.entries], page.more

    def catch_up(self) -> None:
        """Read missed changes, now or when the end is followed again."""
        if self.feed.following:
            self.load()
        else:
            self.feed.fall_behind()

    def show_change(self, change: DatabaseChanged) -> None:
        if change.incomplete:
            self.catch_up()
        if change.circuits:
            self._add_circuits(change.circuits)
        self.changed(change.executions)

    @in_background
    async def _add_circuits(self, changes: Sequence[CircuitChange]) -> None:
        """Show changes of circuits, and update the executions that they queue."""
        if not self.feed.following and self._early is None:
            container, before = self.container, changes[0].id - 1
            if container is not None:  # only of endpoints that are used there
                changes = await session_of(self).ask(
                    lambda tower: tower.endpoints.circuit_changes_since(before, container)
                )
            now, newest = session_of(self).now(), self.feed.newest
            self.feed.upsert([circuit_row(CircuitLine(newest, one), now) for one in changes])
        self.catch_up()

    def _needs_older(self) -> bool:
        enough = FeedTable.MOST_SEARCHED
        return len(self.feed.rows) <= self.size.height and len(self.feed.all_rows) < enough

    @on(Input.Changed)
    def _search_changed(self) -> None:
        self.call_later(self._search_older)

    def _search_older(self) -> None:
        if self.feed.pattern is not None and self.feed.has_older and self._needs_older():
            self.load_older()

    def changed(self, executions: Sequence[Execution]) -> None:
        """Show executions that are new or have changed."""
        if self._failed:
            self._failed = False
            self.load()
            return
        if self._early is not None:
            self._early.extend(executions)
            return
        now = session_of(self).now()
        here = [one for one in executions if self.container in {None, one.event.container}]
        self.feed.upsert([feed_row(one, now) for one in here])
        self._settle()

    @on(FeedTable.Chosen)
    def _line_chosen(self, event: FeedTable.Chosen) -> None:
        if isinstance(event.key, CircuitKey):
            post(self, OpenEndpoints(event.key.endpoint))
        else:
            post(self, OpenExecution(int(str(event.key))))

    @on(FeedTable.Reached)
    def _reached(self) -> None:
        if self._early is None and self.feed.has_older:
            self.load_older()

    @on(FeedTable.Paused)
    def _paused(self, event: FeedTable.Paused) -> None:
        note = self.query_one(".feed--paused", Static)
        note.display = event.unseen is not None
        new = counted(event.unseen or 0, "new line")
        note.update(f"paused · {new} ↓ · End resumes")

    @in_background
    async def action_explain(self) -> None:
        """Show for every automation whether the event under the cursor fired it, and why."""
        key = self.feed.key
        if isinstance(key, CircuitKey):
            self.notify("This is an endpoint's line, not a firing: enter shows it.")
        if isinstance(key, int):
            execution, _ = await session_of(self).ask(lambda tower: tower.executions.get(key))
            post(self, ExplainEvent(execution.event.id))

    @in_background
    async def action_redeliver(self) -> None:
        """Send the execution under the cursor again; on a circuit's line, what failed there."""
        key = self.feed.key
        if isinstance(key, CircuitKey):
            post(self, RedeliverFailed(key.endpoint))
        if isinstance(key, int):
            await redeliver(self, key)

    def action_copy(self) -> None:
        if self.feed.rows:
            row = self.feed.rows[self.feed.cursor]
            self.app.copy_to_clipboard("  ".join(cell.text for cell in row.cells if cell.text))
            self.notify("Copied the line.")
