"""One automation in full, with what it fired last."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from firetower.core.automations import Automation, Revision, with_changes
from firetower.core.drafts import Draft
from firetower.core.errors import FiretowerError
from firetower.core.executions import Execution
from firetower.core.references import ContainerKind
from firetower.tui.actions import bindings_of
from firetower.tui.automation_text import automation_text, automation_title
from firetower.tui.messages import (
    AutomationSaved,
    ExplainAutomation,
    OpenExecution,
    WriteAutomation,
    post,
)
from firetower.tui.page import ask
from firetower.tui.screens.list_screen import ListScreen
from firetower.tui.session import session_of, show_error
from firetower.tui.text import exact
from firetower.tui.widgets.automations import test_endpoint
from firetower.tui.widgets.bar import Bar
from firetower.tui.widgets.choice import Offer
from firetower.tui.widgets.feed_line import FEED_COLUMNS, feed_row
from firetower.tui.widgets.key_line import KeyLine
from firetower.tui.widgets.listing import Listing
from firetower.tui.widgets.picker import Picker
from firetower.tui.widgets.table import Row, Table

if TYPE_CHECKING:
    from firetower.tower import Tower


_MOST = 200
"""Executions shown; the History tab has them all."""

_NAME = next(place for place, one in enumerate(FEED_COLUMNS) if one.title == "automation")
COLUMNS = FEED_COLUMNS[:_NAME] + FEED_COLUMNS[_NAME + 1 :]

Found = tuple[Automation, Sequence[Revision], Sequence[Execution], str]


def execution_row(execution: Execution, now: datetime) -> Row:
    """Return an execution as a line of the feed that leaves out what all lines here share."""
    row = feed_row(execution, now)
    return Row(row.key, row.cells[:_NAME] + row.cells[_NAME + 1 :])


class AutomationScreen(ListScreen):
    """What an automation does, how it has fared, and what it fired last."""

    BINDINGS: ClassVar[list[BindingType]] = bindings_of("automation")

    def __init__(self, automation: str, kind: ContainerKind) -> None:
        super().__init__(
            Listing(Table(COLUMNS), empty="It has not fired yet.", id="automation-executions")
        )
        self.automation = automation
        self.kind = kind
        self._found: Automation | None = None
        self._revisions: Sequence[Revision] = ()

    def compose(self) -> ComposeResult:
        yield Bar(self.kind.value)
        yield Static("", classes="heading", id="automation-title")
        with VerticalScroll(id="automation-pane"):
            yield Static("Loading …", id="automation-text")
        yield self.listing
        yield KeyLine()

    async def read(self) -> None:
        """Read what is listed, and show it. Raises FiretowerError."""
        session, name = session_of(self), self.automation

        def find(tower: Tower) -> Found:
            automation = tower.automations.get(name)
            endpoint = automation.definition.action.endpoint
            stopped = tower.endpoints.get(endpoint).describe(exact) if endpoint else ""
            executions = tower.executions.newest(_MOST, automation_id=automation.id)
            return automation, tower.automations.revisions(name), executions, stopped

        automation, revisions, executions, stopped = await session.ask(find)
        now = session.now()
        self._found, self._revisions = automation, revisions
        self._update("#automation-title", automation_title(automation))
        self._update("#automation-text", automation_text(automation, revisions, stopped, now))
        self.listing.set_rows([execution_row(execution, now) for execution in executions])

    def _update(self, where: str, said: Content) -> None:
        static = self.query_one(where, Static)
        if static.content != said:
            static.update(said)

    @on(Table.Chosen)
    def _execution_chosen(self, event: Table.Chosen) -> None:
        event.stop()
        post(self, OpenExecution(int(str(event.key))))

    def action_explain(self) -> None:
        """Tell why it has fired, and why not."""
        post(self, ExplainAutomation(self.automation))

    @work(exit_on_error=False)
    async def action_restore(self) -> None:
        """Choose an earlier revision, and save it again."""
        earlier = with_changes(self._revisions)[1:]
        if not earlier:
            self.notify("There is no earlier revision.", markup=False)
            return
        offers = [
            Offer(str(one.number), f"{one.number}  {exact(one.saved_at)}", one.definition.sentence)
            for one, _ in earlier
        ]
        chosen = await ask(self, Picker("Restore which revision?", offers))
        if chosen is None:
            return
        name = self.automation
        try:
            restored = await session_of(self).ask(
                lambda tower: tower.automations.restore(name, int(chosen))
            )
        except FiretowerError as error:
            show_error(self, error)
            return
        self.automation = restored.name
        self.notify(f"Saved revision {chosen} again, for events from now on.", markup=False)
        self._reload()

    def action_test(self) -> None:
        """Send a test request to its endpoint."""
        if self._found is not None:
            test_endpoint(self, self._found.definition)

    def action_edit(self) -> None:
        """Edit it."""
        if self._found is not None:
            post(self, WriteAutomation(Draft.of(self._found), self._found))

    def on_automation_saved(self, event: AutomationSaved) -> None:
        """Show it as it was saved."""
        self.automation = event.name
        self._reload()
