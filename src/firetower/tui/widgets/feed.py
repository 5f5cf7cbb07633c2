"""The live feed, of everything or of one registry or project."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Input, Static

from firetower.core.circuit_breaker import CircuitChange
from firetower.core.errors import FiretowerError
from firetower.core.executions import Execution
from firetower.core.feed import CircuitLine, FeedPage
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
from firetower.tui.session import redeliver, session_of, show_error
from firetower.tui.widgets.feed_line import NewsKey, feed_row, line_row
from firetower.tui.widgets.feed_table import FeedTable
from firetower.tui.widgets.listing import Listing

if TYPE_CHECKING:
    from firetower.tower import Tower


PAGE = 500


def _page(tower: Tower, container: ContainerReference | None, before_id: int | None) -> FeedPage:
    return tower.executions.page(PAGE, before_id=before_id, container=container)


class Feed(Listing):
    """Executions as they come, the newest at the bottom; older ones load when scrolled to."""

    BINDINGS: ClassVar[list[BindingType]] = bindings_of("executions")

    def __init__(
        self,
        *,
        id: str | None = None,  # noqa: A002 - Textual's word
        header: bool = True,
        empty: str = "Nothing has fired yet.",
    ) -> None:
        self.feed = FeedTable(header=header)
        super().__init__(self.feed, empty=empty, id=id)
        self.container: ContainerReference | None = None
        self._early: list[Execution] | None = []
        """What changed while the first page was being read."""
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

    @work(exclusive=True, group="feed", exit_on_error=False)
    async def load(self) -> None:
        """Read the newest lines and follow the end."""
        self._early = []
        session = session_of(self)
        try:
            page = await session.ask(partial(_page, container=self.container, before_id=None))
        except FiretowerError as error:
            self._failed = True
            self.fail(error)
            return
        self._failed = False
        now = session.now()
        self.feed.start([line_row(one, now) for one in page.entries], more=page.more)
        early, self._early = self._early, None
        self._loaded = True
        self._settle()
        self.changed(early or [])

    @work(exclusive=True, group="feed", exit_on_error=False)
    async def load_older(self) -> None:
        """Read the lines before the oldest; for a search, until some are found."""
        session = session_of(self)
        while self.feed.has_older:
            oldest = self.feed.oldest
            try:
                page = await session.ask(partial(_page, container=self.container, before_id=oldest))
            except FiretowerError as error:
                show_error(self, error)
                return
            now = session.now()
            self.feed.prepend([line_row(one, now) for one in page.entries], more=page.more)
            self._settle()
            if not self._needs_older():
                return

    def catch_up(self) -> None:
        """Take in what changed while nobody told: now, or when the end is followed again."""
        if self.feed.following:
            self.load()
        else:
            self.feed.fall_behind()

    def show_change(self, change: DatabaseChanged) -> None:
        """Show what changed in the database."""
        if change.incomplete:
            self.catch_up()
        if change.circuits:
            self.heard(change.circuits)
        self.changed(change.executions)

    @work(exit_on_error=False)
    async def heard(self, news: Sequence[CircuitChange]) -> None:
        """Show changes of circuits, and update the executions that they queue."""
        if not self.feed.following and self._early is None:
            try:
                here = await self._here(news)
            except FiretowerError as error:
                show_error(self, error)
                return
            now, newest = session_of(self).now(), self.feed.newest
            self.feed.upsert([line_row(CircuitLine(newest, one), now) for one in here])
        self.catch_up()

    async def _here(self, news: Sequence[CircuitChange]) -> Sequence[CircuitChange]:
        """Return the news of endpoints that are used here. Raises FiretowerError."""
        container = self.container
        if container is None:
            return news
        before = news[0].id - 1
        return await session_of(self).ask(
            lambda tower: tower.endpoints.circuit_changes_since(before, container)
        )

    def _needs_older(self) -> bool:
        enough = FeedTable.MOST_SEARCHED
        return len(self.feed.rows) <= self.size.height and len(self.feed.all_rows) < enough

    @on(Input.Changed)
    def _look_further(self) -> None:
        """Look for what is searched for in older lines too."""
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
        self.feed.upsert(
            [
                feed_row(execution, now)
                for execution in executions
                if self.container in {None, execution.event.container}
            ]
        )
        self._settle()

    @on(FeedTable.Chosen)
    def _line_chosen(self, event: FeedTable.Chosen) -> None:
        event.stop()
        if isinstance(event.key, NewsKey):
            post(self, OpenEndpoints(event.key.endpoint))
        else:
            post(self, OpenExecution(int(str(event.key))))

    @on(FeedTable.Reached)
    def _reached(self, event: FeedTable.Reached) -> None:
        event.stop()
        if self._early is None and self.feed.has_older:
            self.load_older()

    @on(FeedTable.Resumed)
    def _resumed(self, event: FeedTable.Resumed) -> None:
        event.stop()
        self.load()

    @on(FeedTable.Paused)
    def _paused(self, event: FeedTable.Paused) -> None:
        event.stop()
        note = self.query_one(".feed--paused", Static)
        note.display = event.unseen is not None
        new = counted(event.unseen or 0, "new line")
        note.update(f"paused · {new} ↓ · End resumes")

    @work(exit_on_error=False)
    async def action_explain(self) -> None:
        """Tell what became of the event under the cursor for every automation near it."""
        number = self.feed.key
        if isinstance(number, NewsKey):
            self.notify("No firing, but an endpoint's line: enter shows it.", markup=False)
        if not isinstance(number, int):
            return
        try:
            execution, _ = await session_of(self).ask(lambda tower: tower.executions.get(number))
        except FiretowerError as error:
            show_error(self, error)
            return
        post(self, ExplainEvent(execution.event.id))

    @work(exit_on_error=False)
    async def action_redeliver(self) -> None:
        """Send the execution under the cursor again, with the same webhook-id.

        On a circuit's line that is what failed at its endpoint, after a question.
        """
        number = self.feed.key
        if isinstance(number, NewsKey):
            post(self, RedeliverFailed(number.endpoint))
        if isinstance(number, int):
            await redeliver(self, number)

    def action_copy(self) -> None:
        """Copy the line under the cursor."""
        if self.feed.rows:
            row = self.feed.rows[self.feed.cursor]
            self.app.copy_to_clipboard("  ".join(cell.text for cell in row.cells if cell.text))
            self.notify("Copied the line.", markup=False)
