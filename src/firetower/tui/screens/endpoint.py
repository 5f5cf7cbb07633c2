"""One endpoint in full, and the automations that use it."""

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static

from firetower.core.automations import Automation
from firetower.core.endpoints import EndpointDetail
from firetower.tui.actions import bindings_of
from firetower.tui.breadcrumbs import breadcrumbs
from firetower.tui.details.endpoint import EndpointRecord, endpoint_text, read_endpoint
from firetower.tui.messages import OpenAutomation, post
from firetower.tui.screens.endpoint_actions import EndpointActions
from firetower.tui.session import Tower, session_of
from firetower.tui.text import ago, show_text
from firetower.tui.widgets.automations import STATES
from firetower.tui.widgets.listing import Listing
from firetower.tui.widgets.table import Cell, Column, Row, Table

_ENDPOINTS = ("Endpoints", "app.switch_mode('endpoints')")
_MOST = 500
"""Automations listed."""

COLUMNS = (
    Column("used by", 14, flex=3),
    Column("where", 12, flex=2),
    Column("event", 16, flex=1, from_width=72),
    Column("state", 10),
    Column("last", 7, right=True),
    Column("24 h", 5, right=True),
)


def _row(automation: Automation, now: datetime) -> Row:
    scope = automation.definition.scope
    cells = (
        Cell(automation.name),
        Cell(scope.phrase.removeprefix("in "), "dim"),
        Cell(automation.definition.label, "dim"),
        STATES[automation.mode],
        Cell(ago(automation.last_fired_at, now), "dim"),
        Cell(automation.fired_words or "–"),
    )
    return Row(automation.name, cells)


class EndpointScreen(EndpointActions[Automation]):
    """What an endpoint is, how it is doing, and which automations send to it."""

    BINDINGS: ClassVar = bindings_of(
        "endpoint",
        "endpoints.edit",
        "endpoints.test",
        "endpoints.toggle",
        "endpoints.close-circuit",
        "endpoints.redeliver-failed",
    )

    def __init__(self, name: str) -> None:
        super().__init__(
            Listing(Table(COLUMNS), empty="No automation uses it.", id="endpoint-automations")
        )
        self.text = Static("Loading …")
        self.endpoint_name = name
        self._record: EndpointRecord | None = None

    def body(self) -> ComposeResult:
        yield self.heading
        with VerticalScroll(id="endpoint-pane"):
            yield self.text
        yield self.listing

    @property
    def endpoint(self) -> EndpointDetail | None:
        return None if self._record is None else self._record.detail

    async def read(self) -> None:
        name = self.endpoint_name

        def find(tower: Tower) -> tuple[EndpointRecord, Sequence[Automation]]:
            return read_endpoint(tower, name), tower.automations.using(name, limit=_MOST)

        record, automations = await session_of(self).ask(find)
        self._record = record
        title = breadcrumbs([_ENDPOINTS], name, record.detail.endpoint.settings.kind.value)
        show_text(self.heading, title)
        self.show_endpoint()
        await self.show_items(automations, _row)

    def show_endpoint(self) -> None:
        if self._record is not None:
            now, test = session_of(self).now(), self.tests.get(self.endpoint_name)
            width = self.query_one("#endpoint-pane").scrollable_content_region.width
            text = endpoint_text(self._record, now, width, test, with_users=False)
            show_text(self.text, text)

    @on(Table.Chosen)
    def _automation_chosen(self) -> None:
        if automation := self.chosen:
            post(self, OpenAutomation(automation.name))
