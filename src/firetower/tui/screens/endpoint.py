"""One endpoint in full, and what can be done to it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, ClassVar, TypeAlias

from textual import on
from textual.containers import VerticalScroll
from textual.content import Content

from firetower.core.automations import Automation
from firetower.core.endpoints import Endpoint, EndpointDetail, EndpointKind, EndpointState
from firetower.core.statistics import LastFailure, Traffic
from firetower.core.text import agreeing, counted, shortened, visible
from firetower.core.times import duration
from firetower.tui.actions import bindings_of, row_actions
from firetower.tui.breadcrumbs import breadcrumbs
from firetower.tui.messages import OpenAutomation, post
from firetower.tui.page import Undo, ask, say_changed
from firetower.tui.screens.endpoint_dialogs import EndpointDialog, EndpointTestScreen, answer_line
from firetower.tui.screens.framed import Item, ListPage
from firetower.tui.session import Tower, in_background, session_of
from firetower.tui.text import (
    STYLES,
    ago,
    body_lines,
    clock,
    exact,
    field,
    folded,
    hanging,
    milliseconds,
    show_text,
)
from firetower.tui.widgets.ask import Ask, Confirm
from firetower.tui.widgets.automations import STATES as AUTOMATION_STATES
from firetower.tui.widgets.listing import Listing, text_width
from firetower.tui.widgets.redeliver import redeliver_failed
from firetower.tui.widgets.rows import Cell, Column, Row
from firetower.tui.widgets.table import Table

if TYPE_CHECKING:
    from firetower.delivery.endpoint_test import EndpointTest

_SECOND = timedelta(seconds=1)
_NAMED = 12
"""Automations that are named; the endpoint's own screen lists all."""
_WAITS = 6
"""Waits of the retry schedule that are shown."""
_BODY = 600
"""Characters of an answer that are shown."""
_LABEL = 12
Part: TypeAlias = Content | tuple[str, Content | str]
"""A line, or a value beside its name."""
COUNT_DOWN = 1.0
"""Seconds between two steps of a circuit's countdown."""
_ACTIONS = row_actions("endpoints", "new")
_ENDPOINTS = ("Endpoints", "app.switch_mode('endpoints')")
_MOST = 500
"""Automations listed."""
STATES = {
    EndpointState.OK: Cell("✓ enabled", "ok"),
    EndpointState.CIRCUIT_OPEN: Cell("! circuit open", "warn", short="! open"),
    EndpointState.DISABLED: Cell("◌ disabled", "warn"),
}
COLUMNS = (
    Column("used by", 14, flex=3),
    Column("where", 12, flex=2),
    Column("event", 16, flex=1, from_width=72),
    Column("state", 10),
    Column("last", 7, right=True),
    Column("24 h", 5, right=True),
)


@dataclass(frozen=True, slots=True)
class EndpointRecord:
    """All that is shown of an endpoint."""

    detail: EndpointDetail
    traffic: Traffic
    failure: LastFailure | None


def read_endpoint(tower: Tower, name: str, traffic: Traffic | None = None) -> EndpointRecord:
    """Read all that is shown of an endpoint, its traffic unless it is known. Raises NotFound."""
    endpoints = tower.endpoints
    sent = endpoints.traffic().get(name, Traffic()) if traffic is None else traffic
    return EndpointRecord(endpoints.get(name), sent, endpoints.last_failure(name))


def endpoint_text(
    record: EndpointRecord,
    now: datetime,
    width: int,
    test: EndpointTest | None = None,
    *,
    with_users: bool = True,
) -> Content:
    """Return what is known of an endpoint in `width` cells, with the answer to the last test.

    `with_users` names the automations that use it.
    """
    detail = record.detail
    parts: list[Part] = [
        ("sends to", detail.endpoint.target),
        *_state(detail, now),
        *_traffic(record.traffic),
        *(_users(detail) if with_users else ()),
        *_failure(record.failure),
        Content(""),
        *_settings(detail.endpoint),
        *_test(test),
    ]
    return Content("\n").join(_drawn(part, width) for part in parts)


def _drawn(part: Part, width: int) -> Content:
    if isinstance(part, Content):
        return folded(part, width)
    name, value = part
    if isinstance(value, Content):
        return field(name, value, width=_LABEL)
    return hanging(name, value, width, indent=_LABEL)


def _state(detail: EndpointDetail, now: datetime) -> Iterator[Part]:
    endpoint = detail.endpoint
    state = STATES[endpoint.state]
    yield ("state", Content.styled(state.text, STYLES[state.tone]))
    if endpoint.disabled_at is not None:
        because = f", {endpoint.disabled_reason}" if endpoint.disabled_reason else ""
        yield ("since", f"{clock(endpoint.disabled_at, now)}{because}")
    elif (circuit := endpoint.circuit) is not None:
        failures = f"{counted(circuit.failures, 'failure')} in a row: {circuit.reason}"
        yield ("since", f"{clock(circuit.opened_at, now)}, {failures}")
        yield ("next probe", f"{_until(circuit.probe_at, now)}  {clock(circuit.probe_at, now)}")
    if detail.counts:
        yield ("waiting", detail.counts)


def _until(moment: datetime, now: datetime) -> str:
    """Return how long it is until a moment: "in 23 s", "in 4 min 10 s", "now"."""
    seconds = (moment - now) // _SECOND
    if seconds <= 0:
        return "now"
    minutes, rest = divmod(seconds, 60)
    return f"in {minutes} min {rest} s" if minutes else f"in {rest} s"


def _traffic(traffic: Traffic) -> Iterator[Part]:
    flight = f", {traffic.in_flight:,} in flight" if traffic.in_flight else ""
    if not traffic.sent:
        yield ("24 h", f"nothing was sent{flight}")
        return
    yield ("24 h", f"{traffic.success_words} of {traffic.sent:,} accepted{flight}")
    p50, p95 = milliseconds(traffic.p50_ms), milliseconds(traffic.p95_ms)
    yield ("answers in", f"p50 {p50}, p95 {p95}")


def _users(detail: EndpointDetail) -> Iterator[Part]:
    label = "used by"
    for name in detail.automations[:_NAMED] or ("no automation",):
        yield (label, name)
        label = ""
    if (left := len(detail.automations) - _NAMED) > 0:
        yield ("", Content.styled(f"… {left:,} more, enter lists them", "dim"))


def _failure(failure: LastFailure | None) -> Iterator[Part]:
    if failure is None:
        return
    attempt = failure.attempt
    code = "" if attempt.status_code is None else f"{attempt.status_code} "
    yield Content("")
    yield ("last error", exact(failure.at))
    took = f" in {milliseconds(attempt.duration_ms)}" if attempt.was_sent else ""
    yield ("", f"{code}{attempt.error or ''}".strip() + took)
    yield ("", f"{failure.automation}, execution {failure.execution_id}")
    if attempt.response_body:
        yield body_lines(shortened(attempt.response_body, _BODY))


def _settings(endpoint: Endpoint) -> Iterator[Part]:
    settings = endpoint.settings
    if settings.access_token_secret is not None:
        secret = f"Bearer •••• from secret {settings.access_token_secret}"
        yield ("headers", f"Authorization: {secret}")
    if settings.signing_secret is not None:
        label = "" if settings.access_token_secret else "headers"
        yield (label, f"webhook-signature: signed with secret {settings.signing_secret}")
        encoding = settings.signature_encoding.value
        yield ("", f"X-Wandb-Signature: the same, {encoding}")
    if settings.kind is EndpointKind.WEBHOOK and not settings.secret_names:
        yield ("headers", "no token, not signed")
    if settings.url_secret is not None:
        yield ("secret", settings.url_secret)
    if settings.shown_proxy is not None:
        yield ("proxy", settings.shown_proxy)
    if settings.ca_file is not None:
        yield ("CA file", settings.ca_file)
    waits = [duration(wait) for wait in settings.schedule]
    more = f", … {len(waits)} in all" if len(waits) > _WAITS else ""
    yield ("retries", f"after {', '.join(waits[:_WAITS])}{more}" if waits else "never")
    limits = f"{duration(settings.timeout)} a request, {settings.max_in_flight} at a time"
    yield ("limits", limits)


def _test(test: EndpointTest | None) -> Iterator[Part]:
    if test is not None:
        yield Content("")
        yield ("last test", answer_line(test))
        if test.answer.body:
            yield body_lines(shortened(test.answer.body, _BODY))


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

    def key_label(self, action: str) -> str:
        """Return how the key line calls an action now; empty for as always."""
        enabled = self.endpoint is not None and self.endpoint.endpoint.enabled
        return "Disable" if action == "toggle_enabled" and enabled else ""

    @abstractmethod
    def show_endpoint(self) -> None:
        """Show the endpoint as it is at this moment."""

    def on_mount(self) -> None:
        self.set_interval(COUNT_DOWN, self._count_down)

    def _count_down(self) -> None:
        """Show how long until the next probe, while there is one to wait for."""
        if self.is_current and (detail := self.endpoint) and detail.endpoint.circuit:
            self.show_endpoint()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer what can be done to the endpoint: to close a circuit only where one is open."""
        detail = self.endpoint
        if action == "close_circuit":
            return detail is not None and detail.endpoint.circuit is not None
        if action in _ACTIONS:
            return detail is not None
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

    @in_background
    async def action_redeliver_failed(self) -> None:
        if detail := self.endpoint:
            await redeliver_failed(self, detail.endpoint.name)

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
            if not await ask(self, Confirm(f"Disable {name}?", said, "Disable")):
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
            if not await ask(self, Confirm(f"Enable {name}?", said, "Enable")):
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
        if await ask(self, Confirm(f"Close the circuit of {name}?", said, "Send now")):
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
        answers = ["Disable instead", "Delete"] if endpoint.enabled else ["Delete"]
        waiting = f"{_waiting(detail)} for it will be skipped.\n" if detail.queued else ""
        said = f"{waiting}What it was sent stays in the history.\nThis cannot be undone."
        answer = await ask(self, Confirm(f"Delete {name}?", said, *answers))
        if answer == "Disable instead":
            await self._disable(detail)
        elif answer == "Delete":
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


def _row(automation: Automation, now: datetime) -> Row:
    scope = automation.definition.scope
    cells = (
        Cell(automation.name),
        Cell(scope.phrase.removeprefix("in "), "dim"),
        Cell(automation.definition.label, "dim"),
        AUTOMATION_STATES[automation.mode],
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
    HAS_TEXT: ClassVar = True

    def __init__(self, name: str) -> None:
        super().__init__(
            Listing(Table(COLUMNS), empty="No automation uses it.", id="endpoint-automations")
        )
        self.endpoint_name = name
        self._record: EndpointRecord | None = None

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

    def on_resize(self) -> None:
        self.call_after_refresh(self.show_endpoint)

    def show_endpoint(self) -> None:
        if self._record is not None:
            now, test = session_of(self).now(), self.tests.get(self.endpoint_name)
            width = text_width(self.query_one(".text-above", VerticalScroll))
            text = endpoint_text(self._record, now, width, test, with_users=False)
            show_text(self.text, text)

    @on(Table.Chosen)
    def _automation_chosen(self) -> None:
        if automation := self.chosen:
            post(self, OpenAutomation(automation.name))
