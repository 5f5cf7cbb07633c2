"""One automation in full: what it does, its revisions, what it fired last."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static

from firetower.core.automations import Automation, Revision
from firetower.core.executions import Execution
from firetower.tui.actions import bindings_of
from firetower.tui.details.automation import read_automation, screen_text, title
from firetower.tui.messages import (
    AutomationSaved,
    OpenExecution,
    post,
)
from firetower.tui.page import Undo, ask
from firetower.tui.screens.pages import ListPage
from firetower.tui.session import Tower, in_background, session_of
from firetower.tui.text import exact, show_text
from firetower.tui.widgets.automations import AutomationActions
from firetower.tui.widgets.choice import Offer, Picker
from firetower.tui.widgets.feed_line import FEED_COLUMNS, execution_cells
from firetower.tui.widgets.listing import Listing
from firetower.tui.widgets.table import Row, Table

_MOST = 200
"""Executions shown, and revisions offered; the History tab has all executions."""

_NAME = next(place for place, one in enumerate(FEED_COLUMNS) if one.title == "automation")
COLUMNS = tuple(
    replace(column, from_width=column.from_width - 26)  # the name's
    for column in FEED_COLUMNS[:_NAME] + FEED_COLUMNS[_NAME + 1 :]
)


def _execution_row(execution: Execution, now: datetime) -> Row:
    """Return a row of the feed without the automation's name, the same in all rows here."""
    cells = execution_cells(execution, now)
    return Row(execution.id, cells[:_NAME] + cells[_NAME + 1 :])


class AutomationScreen(ListPage[Execution], AutomationActions):
    """What an automation does, its revisions, and what it fired last."""

    BINDINGS: ClassVar = bindings_of("automation")

    def __init__(self, automation: str) -> None:
        super().__init__(
            Listing(Table(COLUMNS), empty="It has not fired yet.", id="automation-executions")
        )
        self.text = Static("Loading …")
        self.automation = automation
        self._found: Automation | None = None
        self._revisions: Sequence[Revision] = ()

    def body(self) -> ComposeResult:
        yield self.heading
        with VerticalScroll(id="automation-pane"):
            yield self.text
        yield self.listing

    async def read(self) -> None:
        session, name = session_of(self), self.automation
        facts = await session.ask(lambda tower: read_automation(tower, name, newest=_MOST))
        self._found, self._revisions = facts.automation, facts.revisions
        show_text(self.heading, title(facts.automation))
        show_text(self.text, screen_text(facts, session.now()))
        await self.show_items(facts.newest, _execution_row)

    @on(Table.Chosen)
    def _execution_chosen(self, event: Table.Chosen) -> None:
        post(self, OpenExecution(int(str(event.key))))

    def shown_automation(self) -> Automation | None:
        return self._found

    @in_background
    async def action_restore(self) -> None:
        """Choose an earlier revision, and save it again."""
        earlier = self._revisions[1 : _MOST + 1]
        if not earlier:
            self.notify("There is no earlier revision.")
            return
        offers = [
            Offer(str(one.number), f"{one.number}  {exact(one.saved_at)}", one.definition.sentence)
            for one in earlier
        ]
        chosen = await ask(self, Picker("Restore which revision?", offers))
        if chosen is None:
            return
        name, number = self.automation, int(chosen)
        newest = self._revisions[0]
        said = "Saved revision {} again, for events from now on."

        def restore(tower: Tower) -> None:
            self.automation = tower.automations.restore(name, number).name

        undo = Undo(
            lambda tower: tower.automations.restore(self.automation, newest.number),
            said.format(newest.number),
            newest.definition.name,
        )
        await self.change(restore, said.format(number), undo)

    def action_copy(self) -> None:
        """Copy the automation's definition, as JSON."""
        if self._found is not None:
            self.app.copy_to_clipboard(self._found.definition.model_dump_json(indent=2))
            self.notify(f"Copied {self.automation}, as JSON.")

    def on_automation_saved(self, event: AutomationSaved) -> None:
        self.automation = event.name
        self._reload()
