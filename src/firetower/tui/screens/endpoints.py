"""The Endpoints screen: webhooks and Slack hooks, and what was sent to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult

from firetower.core.endpoints import Endpoint, EndpointKind
from firetower.core.traffic import Traffic
from firetower.tui.actions import bindings_of
from firetower.tui.messages import OpenEndpoint, post
from firetower.tui.page import ask
from firetower.tui.screens.endpoint_actions import EndpointActions
from firetower.tui.screens.endpoint_form import EndpointDialog
from firetower.tui.session import in_background, session_of
from firetower.tui.text import clock, milliseconds
from firetower.tui.widgets.bar import Bar
from firetower.tui.widgets.key_line import KeyLine
from firetower.tui.widgets.listing import Listing
from firetower.tui.widgets.table import Cell, Column, Row, Table

if TYPE_CHECKING:
    from firetower.core.endpoints import EndpointDetail
    from firetower.tower import Tower


COLUMNS = (
    Column("name", 10, flex=2),
    Column("kind", 7, from_width=96),
    Column("sends to", 14, flex=3, keeps_end=True),
    Column("state", 14, flex=2),
    Column("24 h", 5, right=True),
    Column("success", 7, right=True),
    Column("p50", 6, right=True, from_width=88),
    Column("p95", 6, right=True),
    Column("in flight", 9, right=True, from_width=104),
    Column("queued", 6, right=True),
    Column("used by", 7, right=True, from_width=72),
)


def _row(detail: EndpointDetail, traffic: Traffic, now: datetime) -> Row:
    endpoint, tone = detail.endpoint, "" if detail.endpoint.enabled else "dim"
    rate = traffic.success_words
    rate_tone = "dim" if not rate else "ok" if traffic.succeeded == traffic.sent else "warn"
    cells = (
        Cell(endpoint.name, tone),
        Cell(endpoint.settings.kind.value, "dim"),
        Cell(endpoint.address, tone),
        _state(endpoint, now),
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


def _state(endpoint: Endpoint, now: datetime) -> Cell:
    if not endpoint.enabled:
        because = f": {endpoint.disabled_reason}" if endpoint.disabled_reason else ""
        return Cell(f"◌ disabled{because}", "warn")
    if (circuit := endpoint.circuit) is not None:
        return Cell(f"! circuit open, probe {clock(circuit.probe_at, now)}", "warn")
    return Cell("✓ enabled", "ok")


class EndpointsScreen(EndpointActions["EndpointDetail"]):
    """Every endpoint: how it is doing, and what can be done about it."""

    BELONGS_TO: ClassVar = "screen"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (120, "-wide")]  # noqa: RUF012 - Textual's own
    BINDINGS: ClassVar = bindings_of("endpoints")
    ITEM_ACTIONS: ClassVar = frozenset(
        {"edit", "test", "toggle_enabled", "redeliver_failed", "delete"}
    )

    def __init__(self) -> None:
        empty = "No endpoint yet.\nPress n to name a webhook, N to name a Slack channel."
        super().__init__(Listing(Table(COLUMNS), empty=empty, id="endpoints"))

    def compose(self) -> ComposeResult:
        yield Bar("endpoints")
        yield self.listing
        yield KeyLine()

    def on_screen_resume(self) -> None:
        super().on_screen_resume()
        self._reload.at_once()

    @property
    def endpoint(self) -> EndpointDetail | None:
        return self.chosen

    async def read(self) -> None:
        def find(tower: Tower) -> tuple[Sequence[EndpointDetail], Mapping[str, Traffic]]:
            return tower.endpoints.details(), tower.endpoints.traffic()

        details, traffic = await session_of(self).ask(find)
        nothing = Traffic()
        await self.show_items(
            details, lambda one, now: _row(one, traffic.get(one.endpoint.name, nothing), now)
        )

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
