"""Endpoints: the list of them, one in full, and what can be done to one."""

from abc import abstractmethod
from collections.abc import Hashable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from firetower.core.automations import Automation
from firetower.core.endpoints import Endpoint, EndpointDetail, EndpointKind
from firetower.core.text import agreeing, counted, visible
from firetower.core.traffic import Traffic
from firetower.tui.actions import bindings_of
from firetower.tui.breadcrumbs import breadcrumbs
from firetower.tui.details.endpoint import EndpointRecord, endpoint_text, read_endpoint
from firetower.tui.messages import OpenAutomation, OpenEndpoint, RedeliverFailed, post
from firetower.tui.page import Undo, ask, say_changed
from firetower.tui.screens.endpoint_dialogs import EndpointDialog, EndpointTestScreen
from firetower.tui.screens.pages import Item, ListPage
from firetower.tui.session import Tower, in_background, session_of
from firetower.tui.text import ago, milliseconds, show_text
from firetower.tui.widgets.ask import Ask, Confirm
from firetower.tui.widgets.automations import STATES
from firetower.tui.widgets.listing import Listing
from firetower.tui.widgets.table import Cell, Column, Row, Table

if TYPE_CHECKING:
    from firetower.delivery.endpoint_test import EndpointTest

COUNT_DOWN = 1.0
"""Seconds between two steps of a circuit's countdown."""


class EndpointActions(ListPage[Item]):
    """Edit, test, enable, disable and delete `endpoint`, whichever that is."""

    MODE: ClassVar = "endpoints"

    def __init__(self, listing: Listing) -> None:
        super().__init__(listing)
        self.tests: dict[str, EndpointTest] = {}
        """The last test of each endpoint, since the screen was opened."""

    @property
    @abstractmethod
    def endpoint(self) -> EndpointDetail | None:
        """The endpoint that actions are for."""

    @abstractmethod
    def show_endpoint(self) -> None:
        """Show the endpoint as it is at this moment."""

    def on_mount(self) -> None:
        super().on_mount()
        self.set_interval(COUNT_DOWN, self._count_down)

    def _count_down(self) -> None:
        """Show how long until the next probe, while there is one to wait for."""
        if self.is_current and (detail := self.endpoint) and detail.endpoint.circuit:
            self.show_endpoint()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer to close a circuit only where one is open."""
        if action == "close_circuit":
            return self.endpoint is not None and self.endpoint.endpoint.circuit is not None
        return super().check_action(action, parameters)

    @in_background
    async def action_edit(self) -> None:
        detail = self.endpoint
        if detail is None:
            return
        before = detail.endpoint.settings
        name = await ask(self, EndpointDialog(before.kind, before))
        if name is not None:
            undo = Undo(
                lambda tower: tower.endpoints.edit(name, before),
                f"{name} is as it was before the edit.",
            )
            waiting = counted(detail.queued, "execution")
            queued = f" {waiting} in its queue will be sent there." if detail.queued else ""
            say_changed(self, f"Saved {name}.{queued}", undo)
            self._reload()

    @in_background
    async def action_test(self) -> None:
        if detail := self.endpoint:
            name = detail.endpoint.name
            test = await ask(self, EndpointTestScreen(name))
            if test is not None:
                self.tests[name] = test
                self._reload()

    def action_redeliver_failed(self) -> None:
        if detail := self.endpoint:
            post(self, RedeliverFailed(detail.endpoint.name))

    @in_background
    async def action_toggle_enabled(self) -> None:
        if detail := self.endpoint:
            await (self._disable(detail) if detail.endpoint.enabled else self._enable(detail))

    async def _disable(self, detail: EndpointDetail) -> None:
        endpoint = detail.endpoint
        name, kind = endpoint.name, endpoint.settings.kind
        undo: Undo | None = Undo(
            lambda tower: tower.endpoints.enable(name, kind), f"{name} is enabled."
        )
        if endpoint.circuit is not None:  # what is queued would be sent at once: no way back
            undo = None
            said = "Its circuit is closed then: enabling it later sends what waits at once."
            answer = await ask(self, Confirm(f"Disable {name}?", said, [("disable", "Disable")]))
            if answer is None:
                return
        said = f"{name} is disabled: what fires for it is skipped."
        await self.change(lambda tower: tower.endpoints.disable(name, kind), said, undo)

    async def _enable(self, detail: EndpointDetail) -> None:
        endpoint = detail.endpoint
        name, kind = endpoint.name, endpoint.settings.kind
        reason = endpoint.disabled_reason or ""
        undo: Undo | None = Undo(
            lambda tower: tower.endpoints.disable(name, kind, reason), f"{name} is disabled again."
        )
        if detail.queued:
            undo = None
            said = f"{_waiting(detail)} for it will be sent at once."
            if not await ask(self, Confirm(f"Enable {name}?", said, [("enable", "Enable")])):
                return
        await self._send_again(endpoint, undo)

    @in_background
    async def action_close_circuit(self) -> None:
        """Ask, and send to an endpoint whose circuit is open without waiting for a probe."""
        detail = self.endpoint
        if detail is None or detail.endpoint.circuit is None:
            return
        name, circuit = detail.endpoint.name, detail.endpoint.circuit
        said = (
            f"It failed {counted(circuit.failures, 'time')} in a row: {visible(circuit.reason)}.\n"
            f"{_waiting(detail)} for it will be sent, ten a second."
        )
        if await ask(self, Confirm(f"Close the circuit of {name}?", said, [("send", "Send now")])):
            await self._send_again(detail.endpoint, None)

    async def _send_again(self, endpoint: Endpoint, undo: Undo | None) -> None:
        """Enable an endpoint, and offer to send again what failed meanwhile."""
        name, kind, since = endpoint.name, endpoint.settings.kind, endpoint.stopped_at

        def enable(tower: Tower) -> tuple[EndpointDetail, int]:
            detail = tower.endpoints.enable(name, kind)
            failed = 0 if since is None else tower.executions.failed_since(since).get(name, 0)
            return detail, failed

        detail, failed = await session_of(self).ask(enable)
        self._reload()
        say_changed(self, f"{name} is enabled.{_missed_words(detail)}", undo)
        if failed and since is not None:
            await self._offer_failed(detail, failed, since)

    async def _offer_failed(self, detail: EndpointDetail, failed: int, since: datetime) -> None:
        endpoint, missed = detail.endpoint, counted(detail.missed, "execution")
        question: Ask[int] = Ask(
            f"{endpoint.name} missed {missed} while it was {_was(detail)}",
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
        detail = self.endpoint
        if detail is None:
            return
        endpoint = detail.endpoint
        name, kind = endpoint.name, endpoint.settings.kind
        answers = [("disable", "Disable instead"), ("delete", "Delete")]
        if not endpoint.enabled:
            answers = answers[1:]
        waiting = f"{_waiting(detail)} for it will be skipped.\n" if detail.queued else ""
        said = f"{waiting}What it was sent stays in the history.\nThis cannot be undone."
        answer = await ask(self, Confirm(f"Delete {name}?", said, answers))
        if answer == "disable":
            await self._disable(detail)
        elif answer == "delete":
            await self.change(lambda tower: tower.endpoints.delete(name, kind), f"Deleted {name}.")


def _waiting(detail: EndpointDetail) -> str:
    return f"{counted(detail.queued, 'execution')} that {agreeing(detail.queued, 'wait')}"


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


COLUMNS = (
    Column("name", 10, flex=2),
    Column("kind", 7, from_width=104),
    Column("sends to", 14, flex=3, keeps_end=0.5),
    Column("state", 14, aligned=True),
    Column("24 h", 5, right=True, from_width=84),
    Column("success", 7, right=True),
    Column("p50", 6, right=True, from_width=88),
    Column("p95", 6, right=True),
    Column("in flight", 9, right=True, from_width=104),
    Column("queued", 6, right=True),
    Column("used by", 7, right=True, from_width=96),
)


_NOTHING = Traffic()


def _endpoint_row(detail: EndpointDetail, traffic: Traffic) -> Row:
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
    BINDINGS: ClassVar = bindings_of("endpoints")
    ITEM_ACTIONS: ClassVar = frozenset(
        {"edit", "test", "toggle_enabled", "redeliver_failed", "delete"}
    )

    def __init__(self) -> None:
        empty = "No endpoint yet.\nPress n to name a webhook, N to name a Slack channel."
        table = Table(COLUMNS)
        super().__init__(Listing(table, empty=empty, id="endpoints", detail=self._detail))
        self._traffic: Mapping[str, Traffic] = {}

    def body(self) -> ComposeResult:
        yield self.listing

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
            details, lambda one, _: _endpoint_row(one, traffic.get(one.endpoint.name, _NOTHING))
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


_ENDPOINTS = ("Endpoints", "app.switch_mode('endpoints')")
_MOST = 500
"""Automations listed."""

USER_COLUMNS = (
    Column("used by", 14, flex=3),
    Column("where", 12, flex=2),
    Column("event", 16, flex=1, from_width=72),
    Column("state", 10),
    Column("last", 7, right=True),
    Column("24 h", 5, right=True),
)


def _user_row(automation: Automation, now: datetime) -> Row:
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
            Listing(Table(USER_COLUMNS), empty="No automation uses it.", id="endpoint-automations")
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
        await self.show_items(automations, _user_row)

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
