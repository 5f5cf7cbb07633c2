"""The Endpoints screen: webhooks and Slack hooks."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.widgets import Static

from firetower.core.endpoints import Endpoint, EndpointKind
from firetower.core.text import agreeing, counted
from firetower.tui.actions import bindings_of
from firetower.tui.messages import RedeliverFailed, TestEndpoint, post
from firetower.tui.page import ask
from firetower.tui.screens.endpoint_form import EndpointDialog
from firetower.tui.screens.list_screen import ListScreen
from firetower.tui.session import in_background, session_of
from firetower.tui.text import clock
from firetower.tui.widgets.ask import Ask, Confirm
from firetower.tui.widgets.bar import Bar
from firetower.tui.widgets.key_line import KeyLine
from firetower.tui.widgets.listing import Listing
from firetower.tui.widgets.table import Cell, Column, Row, Table

if TYPE_CHECKING:
    from firetower.core.endpoints import EndpointDetail
    from firetower.tower import Tower


COLUMNS = (
    Column("name", 12, flex=2),
    Column("kind", 7, from_width=96),
    Column("target", 14, flex=4),
    Column("state", 14, flex=2),
    Column("used by", 8, flex=2),
    Column("queued", 6, right=True),
    Column("missed", 6, right=True),
)


def _endpoint_row(detail: EndpointDetail, now: datetime) -> Row:
    endpoint, tone = detail.endpoint, "" if detail.endpoint.enabled else "dim"
    queued_tone = "dim" if endpoint.enabled else "warn"
    cells = (
        Cell(endpoint.name, tone),
        Cell(endpoint.settings.kind.value, "dim"),
        Cell(endpoint.target, tone),
        _state(endpoint, now),
        Cell(", ".join(detail.automations) or "nobody", "dim"),
        Cell(f"{detail.queued:,}" if detail.queued else "–", queued_tone),
        Cell(f"{detail.missed:,}" if detail.missed else "–", "bad" if detail.missed else "dim"),
    )
    return Row(endpoint.name, cells)


def _state(endpoint: Endpoint, now: datetime) -> Cell:
    if not endpoint.enabled:
        return Cell(f"◌ off: {endpoint.disabled_reason}", "warn")
    if (circuit := endpoint.circuit) is not None:
        said = f"! circuit open: {circuit.reason}, next {clock(circuit.probe_at, now)}"
        return Cell(said, "warn")
    return Cell("✓ on", "ok")


def _missed_words(detail: EndpointDetail) -> str:
    """Return what an endpoint missed while nothing was sent to it, as a sentence."""
    parts = []
    if detail.queued:
        parts.append(f"{counted(detail.queued, 'execution')} waited for it")
    if detail.missed:
        parts.append(f"{detail.missed:,} failed or were skipped")
    return f" While it was {_was(detail)}, {' and '.join(parts)}." if parts else ""


def _was(detail: EndpointDetail) -> str:
    return "failing" if detail.endpoint.enabled else "disabled"


class EndpointsScreen(ListScreen["EndpointDetail"]):
    """Every endpoint: create, test, enable, disable, delete."""

    BELONGS_TO: ClassVar = "app"
    BINDINGS: ClassVar = bindings_of("endpoints")
    ITEM_ACTIONS: ClassVar = frozenset(
        {"edit", "test", "toggle_enabled", "redeliver_failed", "delete"}
    )

    def __init__(self, at: str | None = None) -> None:
        """Begin with the cursor on the endpoint of a name, if one is given."""
        empty = "No endpoint yet.\nPress n to name a webhook, N to name a Slack channel."
        super().__init__(Listing(Table(COLUMNS), empty=empty, id="endpoints"))
        self._at = at

    def compose(self) -> ComposeResult:
        yield Bar("endpoints")
        yield Static("Endpoints", classes="heading")
        yield self.listing
        yield KeyLine()

    async def read(self) -> None:
        details = await session_of(self).ask(lambda tower: tower.endpoints.details())
        await self.show_items(details, _endpoint_row)
        wanted, self._at = self._at, None
        if wanted is not None and not self.listing.table.move_to(wanted):
            self.notify(f"The endpoint {wanted} has been deleted.")

    @in_background
    async def action_new(self, kind: str) -> None:
        name = await ask(self, EndpointDialog(EndpointKind(kind)))
        if name is not None:
            self.notify(f"Made {name}. t sends a test.")
            await self._read()
            self.listing.table.move_to(name)

    @in_background
    async def action_edit(self) -> None:
        detail = self.chosen
        if detail is None:
            return
        settings = detail.endpoint.settings
        name = await ask(self, EndpointDialog(settings.kind, settings))
        if name is not None:
            waiting = counted(detail.queued, "execution")
            queued = f" {waiting} in its queue will be sent there." if detail.queued else ""
            self.notify(f"Saved {name}.{queued}")
            self._reload()

    @on(Table.Chosen)
    def action_test(self) -> None:
        if detail := self.chosen:
            post(self, TestEndpoint(detail.endpoint.name))

    def action_redeliver_failed(self) -> None:
        if detail := self.chosen:
            post(self, RedeliverFailed(detail.endpoint.name))

    @in_background
    async def action_toggle_enabled(self) -> None:
        """Enable the endpoint, or disable it; one whose circuit is open is sent to at once."""
        detail = self.chosen
        if detail is None:
            return
        if detail.endpoint.enabled and detail.endpoint.circuit is None:
            await self._disable(detail.endpoint)
        else:
            await self._enable(detail.endpoint)

    async def _disable(self, endpoint: Endpoint) -> None:
        name, kind = endpoint.name, endpoint.settings.kind
        said = f"{name} is disabled: what fires for it is skipped."
        await self.change(lambda tower: tower.endpoints.disable(name, kind), said)

    async def _enable(self, endpoint: Endpoint) -> None:
        name, kind, since = endpoint.name, endpoint.settings.kind, endpoint.stopped_at

        def enable(tower: Tower) -> tuple[EndpointDetail, int]:
            detail = tower.endpoints.enable(name, kind)
            failed = 0 if since is None else tower.executions.failed_since(since).get(name, 0)
            return detail, failed

        detail, failed = await session_of(self).ask(enable)
        self._reload()
        self.notify(f"{name} is enabled.{_missed_words(detail)}")
        if failed and since is not None:
            missed = counted(detail.missed, "execution")
            question: Ask[int] = Ask(
                f"{name} missed {missed} while it was {_was(detail)}",
                (),
                lambda tower, _: tower.executions.redeliver_failed(since, endpoint_id=endpoint.id),
                button=f"Send {failed:,} again",
                detail=f"{failed:,} failed. They can be sent again, with the same webhook-id.",
            )
            sent = await ask(self, question)
            if sent is not None:
                self.notify(f"{counted(sent, 'execution')} sent again.")

    @in_background
    async def action_delete(self) -> None:
        detail = self.chosen
        if detail is None:
            return
        endpoint = detail.endpoint
        name, kind = endpoint.name, endpoint.settings.kind
        answers = [("disable", "Disable instead"), ("delete", "Delete")]
        if not endpoint.enabled:
            answers = answers[1:]
        count, wait = counted(detail.queued, "execution"), agreeing(detail.queued, "wait")
        waiting = f"{count} that {wait} for it will be skipped. "
        said = f"{waiting if detail.queued else ''}What it was sent stays in the history."
        answer = await ask(self, Confirm(f"Delete {name}?", said, answers))
        if answer == "disable":
            await self._disable(endpoint)
        elif answer == "delete":
            await self.change(lambda tower: tower.endpoints.delete(name, kind), f"Deleted {name}.")
