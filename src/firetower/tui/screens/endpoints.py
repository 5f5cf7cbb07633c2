"""The Endpoints screen: webhooks and Slack hooks, and what was sent to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from firetower.core.endpoints import Endpoint, EndpointKind
from firetower.core.errors import FiretowerError
from firetower.core.traffic import Traffic
from firetower.tui.actions import bindings_of
from firetower.tui.details.endpoint import (
    COUNT_DOWN,
    EndpointRecord,
    endpoint_text,
    read_endpoint,
)
from firetower.tui.messages import OpenEndpoint, post
from firetower.tui.page import ask
from firetower.tui.refresh import Refresh
from firetower.tui.screens.endpoint_actions import EndpointActions
from firetower.tui.screens.endpoint_form import EndpointDialog
from firetower.tui.session import in_background, session_of
from firetower.tui.text import milliseconds, show_text
from firetower.tui.widgets.bar import Bar
from firetower.tui.widgets.key_line import KeyLine
from firetower.tui.widgets.listing import Listing
from firetower.tui.widgets.table import Cell, Column, Row, Table

if TYPE_CHECKING:
    from firetower.core.endpoints import EndpointDetail
    from firetower.tower import Tower


COLUMNS = (
    Column("name", 10, flex=2),
    Column("kind", 7, from_width=104),
    Column("sends to", 14, flex=3, keeps_end=True),
    Column("state", 14, flex=1),
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
        _state(endpoint),
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


def _state(endpoint: Endpoint) -> Cell:
    if not endpoint.enabled:
        return Cell("◌ disabled", "warn")
    return Cell("✓ enabled", "ok") if endpoint.circuit is None else Cell("! circuit open", "warn")


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
        self._traffic: Mapping[str, Traffic] = {}
        self._record: EndpointRecord | None = None
        """The endpoint shown beside the list."""
        self._reload_record = Refresh(self, self._read_record)

    def compose(self) -> ComposeResult:
        yield Bar("endpoints")
        with Horizontal():
            yield self.listing
            with VerticalScroll(id="endpoint-side", can_focus=False):
                yield Static("", id="endpoint-beside")
        yield KeyLine()

    def on_mount(self) -> None:
        super().on_mount()
        self.set_interval(COUNT_DOWN, self._count_down)

    def on_resize(self) -> None:
        self._reload_record()

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
        self._traffic = traffic
        await self.show_items(
            details, lambda one, _: _row(one, traffic.get(one.endpoint.name, _NOTHING))
        )
        self._reload_record()

    async def _read_record(self) -> None:
        """Show the endpoint under the cursor in full, where there is room beside the list."""
        detail = self.chosen
        self._record = None
        if detail is not None and self.has_class("-wide"):
            name = detail.endpoint.name
            traffic = self._traffic.get(name, _NOTHING)
            try:
                record = await session_of(self).ask(
                    lambda tower: read_endpoint(tower, name, traffic)
                )
            except FiretowerError:  # it was deleted meanwhile: the list is about to say so
                return
            if self.chosen is None or self.chosen.endpoint.name != name:
                return
            self._record = record
        self._show_record()

    def _show_record(self) -> None:
        record, text = self._record, Content("")
        if record is not None:
            test = self.tests.get(record.detail.endpoint.name)
            width = self.query_one("#endpoint-side").scrollable_content_region.width
            text = endpoint_text(record, session_of(self).now(), width, test)
        show_text(self.query_one("#endpoint-beside", Static), text)

    def _count_down(self) -> None:
        """Show how long until the next probe, while there is one to wait for."""
        record = self._record
        if self.is_current and record is not None and record.detail.endpoint.circuit:
            self._show_record()

    @on(Table.Chosen)
    def _endpoint_chosen(self) -> None:
        if detail := self.chosen:
            post(self, OpenEndpoint(detail.endpoint.name))

    @on(Table.Moved)
    def _moved(self) -> None:
        self.refresh_bindings()
        self._reload_record()

    @in_background
    async def action_new(self, kind: str) -> None:
        name = await ask(self, EndpointDialog(EndpointKind(kind)))
        if name is not None:
            self.notify(f"Made {name}. t sends a test.")
            await self._read()
            self.listing.table.move_to(name)
