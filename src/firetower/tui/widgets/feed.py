"""The live feed, of everything or of one registry or project."""

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import ClassVar

from textual import events, on, work
from textual.app import ComposeResult
from textual.widgets import Input, Static

from firetower.core.circuit_breaker import CircuitChange
from firetower.core.errors import FiretowerError
from firetower.core.executions import Execution
from firetower.core.feed import CircuitLine, FeedEntry
from firetower.core.references import ContainerReference
from firetower.core.text import counted
from firetower.core.times import parse_moment
from firetower.tui.actions import bindings_of, row_actions
from firetower.tui.messages import (
    DatabaseChanged,
    ExplainEvent,
    OpenEndpoint,
    OpenExecution,
    post,
)
from firetower.tui.page import ask
from firetower.tui.session import Tower, in_background, session_of
from firetower.tui.widgets.ask import Ask
from firetower.tui.widgets.feed_table import CircuitKey, FeedRow, FeedTable
from firetower.tui.widgets.field import TextField
from firetower.tui.widgets.listing import Detail, Listing
from firetower.tui.widgets.redeliver import redeliver, redeliver_failed

PAGE = 500


class Feed(Listing):
    """Executions as they come, the newest at the top; older ones load when scrolled to."""

    BINDINGS: ClassVar = bindings_of("executions")
    ROW_ACTIONS: ClassVar = row_actions("executions", "go_to")

    def __init__(
        self,
        *,
        id: str,
        header: bool = True,
        days: bool = True,
        empty: str = "Nothing has fired yet.",
        detail: Detail | None = None,
        first: int = PAGE,
    ) -> None:
        """`header` shows the columns' titles, `days` a line above those of each day.

        `first` lines are read at first.
        """
        self.feed = FeedTable(self._now, header=header, days=days)
        super().__init__(self.feed, empty=empty, id=id, detail=detail)
        self.container: ContainerReference | None = None
        self._first = first
        self._unread = True
        """Whether nothing is read until it is shown."""
        self._early: list[Execution] | None = []
        """Executions that changed while the first page is read; None once it is."""
        self._failed = False

    def compose(self) -> ComposeResult:
        yield from super().compose()
        yield Static("", classes="feed--paused")

    def _now(self) -> datetime:
        return session_of(self).now()

    def on_mount(self) -> None:
        self.watch(self.feed, "unseen", self._show_unseen)
        self._wait_for_midnight()

    def _wait_for_midnight(self) -> None:
        now = self._now().astimezone()
        midnight = datetime.combine(now.date() + timedelta(days=1), time.min).astimezone()
        self.set_timer((midnight - now).total_seconds() + 1, self.start_day)

    def start_day(self) -> None:
        """Write the lines of the day that has ended with their date."""
        self.feed.start_day()
        self._wait_for_midnight()

    def on_show(self) -> None:
        if self._unread:
            self.load()

    def show_container(self, container: ContainerReference) -> None:
        """Show only what fired in one container, or in those that it covers."""
        if container != self.container:
            self.container = container
            self.feed.unseen = None
            self._unread = self.awaits_rows = True
            if self.is_on_screen:
                self.load()

    @on(FeedTable.Resumed)
    @work(exclusive=True, group="feed")
    async def load(self) -> None:
        """Read the newest lines, unless the user has moved away from them meanwhile."""
        self._early, self._unread = [], False
        try:
            rows, more = await self._page(None, self._first)
        except FiretowerError as error:
            self._failed = True
            self.fail(error)
            return
        self._failed = False
        early, self._early = self._early, None
        if self.feed.following:
            self.feed.start(rows, more=more)
        else:
            self.feed.behind = True  # read when the top is reached again
        self._settle()
        self.changed(early or [])

    @work(exclusive=True, group="feed")
    async def load_older(self) -> None:
        """Read the lines before the oldest; for a search, until some are found."""
        while self.feed.has_older:
            rows, more = await self._page(self.feed.oldest)
            self.feed.append_older(rows, more=more)
            self._settle()
            if not self._needs_older():
                return

    @on(FeedTable.ReachedNewest)
    @work(exclusive=True, group="feed")
    async def load_newer(self) -> None:
        """Read the lines after the newest one that is loaded, where some were not kept."""
        newest, container = self.feed.newest_loaded, self.container
        self._early = []
        try:
            before = await session_of(self).ask(
                lambda tower: tower.executions.page_end(newest, PAGE, container)
            )
            rows, _ = await self._page(before)
        finally:
            early, self._early = self._early, None
        self.feed.add_newer(rows, all_read=before is None)
        self._settle()
        self.changed(early or [])

    @in_background
    async def action_go_to(self) -> None:
        """Ask for a time, and show the lines around it."""
        now = self._now()
        field = TextField(
            "moment",
            "Time",
            placeholder="14:30   yesterday 9:00   3h",
            check=lambda text: parse_moment(text, now),
        )
        dialog = Ask(
            "Go to a time",
            [field],
            lambda _, answers: parse_moment(answers["moment"], now),
            button="Go",
        )
        moment = await ask(self, dialog)
        if moment is not None:
            await self._go_to(moment)

    @on(FeedTable.OldestWanted)
    @in_background
    async def _go_to_oldest(self) -> None:
        await self._go_to(None)

    async def _go_to(self, moment: datetime | None) -> None:
        """Show the lines around a moment, with the cursor on the last one before it.

        None shows the oldest.
        """
        session, container = session_of(self), self.container

        def find(tower: Tower) -> tuple[int, int | None]:
            at = 0 if moment is None else tower.executions.newest_at(moment)
            return at, tower.executions.page_end(at, PAGE // 2, container)

        at, before = await session.ask(find)
        rows, more = await self._page(before)
        if not rows:
            return
        upto = (row.key for row in rows if isinstance(row.key, int) and row.key <= at)
        self.feed.start_at(rows, next(upto, rows[-1].key), more=more)
        self._settle()

    async def _page(self, before_id: int | None, count: int = PAGE) -> tuple[list[FeedRow], bool]:
        """Return the lines before an execution, the newest first, and whether there are more."""
        container = self.container

        def read(tower: Tower) -> tuple[list[FeedRow], bool]:
            page = tower.executions.page(count, before_id=before_id, container=container)
            rows = [self._row(entry) for entry in reversed(page.entries)]
            for row in rows:
                row.text  # noqa: B018 - written here, in a thread
            return rows, page.more

        return await session_of(self).ask(read)

    def _row(self, entry: FeedEntry) -> FeedRow:
        return FeedRow(entry, self._now, under_day=self.feed.days)

    def catch_up(self) -> None:
        """Read missed changes, now or when the end is followed again."""
        if self._unread:
            return
        if self.feed.following:
            self.load()
        else:
            self.feed.behind = True  # read when the top is reached again

    def show_change(self, change: DatabaseChanged) -> None:
        if self._unread:
            return
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
            newest = self.feed.newest
            self.feed.upsert([self._row(CircuitLine(newest, one)) for one in changes])
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
        here = self.container
        shown = [one for one in executions if here is None or here.covers(one.event.container)]
        self.feed.upsert([self._row(one) for one in shown])
        self._settle()

    @on(FeedTable.Chosen)
    def _line_chosen(self, event: FeedTable.Chosen) -> None:
        if isinstance(event.key, CircuitKey):
            post(self, OpenEndpoint(event.key.endpoint))
        else:
            post(self, OpenExecution(int(str(event.key))))

    @on(FeedTable.Reached)
    def _reached(self) -> None:
        if self._early is None and self.feed.has_older:
            self.load_older()

    def _show_unseen(self, unseen: int | None) -> None:
        note = self.query_one(".feed--paused", Static)
        note.display = unseen is not None
        self.screen.set_class(note.display, "-paused")  # notifications are above the note
        new = f" · {counted(unseen, 'new line')} ↑" if unseen else ""
        note.update(f"paused{new} · Home returns to the newest")

    @on(events.Click, ".feed--paused")
    def _note_clicked(self) -> None:
        self.feed.action_first()

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
        """Ask to send the execution under the cursor again; on a circuit's line, what failed."""
        key = self.feed.key
        if isinstance(key, CircuitKey):
            await redeliver_failed(self, key.endpoint)
        if isinstance(key, int):
            await redeliver(self, key)

    def action_copy(self) -> None:
        if self.feed.rows:
            row = self.feed.rows[self.feed.cursor]
            if isinstance(row, FeedRow):
                self.app.copy_to_clipboard(row.dated)
                self.notify("Copied the line.")
