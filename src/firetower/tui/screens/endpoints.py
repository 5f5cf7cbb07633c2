"""The Endpoints screen: webhooks and Slack hooks, and what was sent to them."""

from collections.abc import Hashable, Mapping, Sequence
from datetime import datetime
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.content import Content

from firetower.core.endpoints import EndpointDetail, EndpointKind
from firetower.core.statistics import Traffic
from firetower.tui.actions import bindings_of
from firetower.tui.messages import OpenEndpoint, post
from firetower.tui.page import ask
from firetower.tui.screens.endpoint import STATES, EndpointActions, endpoint_text, read_endpoint
from firetower.tui.screens.endpoint_dialogs import EndpointDialog
from firetower.tui.session import Tower, in_background, session_of
from firetower.tui.text import milliseconds
from firetower.tui.widgets.listing import Listing
from firetower.tui.widgets.rows import Cell, Column, Row
from firetower.tui.widgets.table import Table

COLUMNS = (
    Column("name", 10, flex=2),
    Column("kind", 7, from_width=124),
    Column("sends to", 14, flex=3, keeps_end=0.5, aligned=True),
    Column("state", 10, flex=1, aligned=True),
    Column("24 h", 5, right=True, from_width=84),
    Column("success", 7, right=True),
    Column("p50", 6, right=True, from_width=88),
    Column("p95", 6, right=True),
    Column("in flight", 9, right=True, from_width=104),
    Column("queued", 6, right=True),
    Column("used by", 7, right=True, from_width=96),
)
_NOTHING = Traffic()


def _row(detail: EndpointDetail, traffic: Traffic) -> Row:
    endpoint, tone = detail.endpoint, "" if detail.endpoint.enabled else "dim"
    rate = traffic.success_words
    rate_tone = "dim" if not rate else "ok" if traffic.succeeded == traffic.sent else "warn"
    cells = (
        Cell(endpoint.name, tone),
        Cell(endpoint.settings.kind.value, "dim"),
        Cell(endpoint.address, tone),
        STATES[endpoint.state],
        _number(traffic.sent),
        Cell(rate or "–", rate_tone),
        Cell(milliseconds(traffic.p50_ms) or "–", "dim"),
        Cell(milliseconds(traffic.p95_ms) or "–", "dim"),
        _number(traffic.in_flight),
        _number(detail.queued, "dim" if endpoint.enabled and not endpoint.circuit else "warn"),
        _number(len(detail.automations)),
    )
    return Row(endpoint.name, cells)


def _number(count: int, tone: str = "dim") -> Cell:
    return Cell(f"{count:,}", tone) if count else Cell("–", "dim")


class EndpointsScreen(EndpointActions[EndpointDetail]):
    """Every endpoint: how it is doing, and what can be done about it."""

    BELONGS_TO: ClassVar = "screen"
    BINDINGS: ClassVar = bindings_of("endpoints")

    def __init__(self) -> None:
        empty = "No endpoint yet.\nPress n to name a webhook, N to name a Slack channel."
        table = Table(COLUMNS)
        super().__init__(Listing(table, empty=empty, id="endpoints", detail=self._detail))
        self._traffic: Mapping[str, Traffic] = {}

    def body(self) -> ComposeResult:
        yield self.listing

    @property
    def endpoint(self) -> EndpointDetail | None:
        return self.chosen

    async def read(self) -> None:
        def find(tower: Tower) -> tuple[Sequence[EndpointDetail], Mapping[str, Traffic]]:
            return tower.endpoints.details(), tower.endpoints.traffic()

        details, traffic = await session_of(self).ask(find)
        self._traffic = traffic
        await self.show_items(
            details, lambda one, _: _row(one, traffic.get(one.endpoint.name, _NOTHING))
        )
        self.show_endpoint()

    def _detail(self, tower: Tower, key: Hashable, now: datetime, width: int) -> Content:
        """Return the endpoint of a name in full, for the pane beside the list."""
        name = str(key)
        record = read_endpoint(tower, name, self._traffic.get(name, _NOTHING))
        return endpoint_text(record, now, width, self.tests.get(name))

    def show_endpoint(self) -> None:
        if self.listing.pane is not None:
            self.listing.pane.look_again()

    @on(Table.Chosen)
    def _endpoint_chosen(self) -> None:
        if detail := self.chosen:
            post(self, OpenEndpoint(detail.endpoint.name))

    @on(Table.Moved)
    def _moved(self) -> None:
        self.refresh_bindings()

    @in_background
    async def action_new(self, kind: str) -> None:
        name = await ask(self, EndpointDialog(EndpointKind(kind)))
        if name is not None:
            self.notify(f"Made {name}. t sends a test.")
            await self._read()
            self.listing.table.move_to(name)
