"""What can be done to an endpoint, from the list and from its own screen."""

from abc import abstractmethod
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from firetower.core.endpoints import Endpoint, EndpointDetail
from firetower.core.text import agreeing, counted, visible
from firetower.tui.messages import RedeliverFailed, post
from firetower.tui.page import Undo, ask, say_changed
from firetower.tui.screens.endpoint_form import EndpointDialog
from firetower.tui.screens.endpoint_test import EndpointTestScreen
from firetower.tui.screens.pages import Item, ListPage
from firetower.tui.session import Tower, in_background, session_of
from firetower.tui.widgets.ask import Ask, Confirm
from firetower.tui.widgets.listing import Listing

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
