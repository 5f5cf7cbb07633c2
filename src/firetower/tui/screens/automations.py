"""The Automations screen: all of them, of every registry and project, in one list."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.style import Style
from textual.widgets import Static

from firetower.core.automations import Mode
from firetower.core.endpoints import EndpointState
from firetower.core.errors import FiretowerError
from firetower.tui.actions import bindings_of
from firetower.tui.container_view import ListedAutomations, list_automations
from firetower.tui.messages import AutomationSaved, DatabaseChanged, RowsChanged
from firetower.tui.screens.automation import automation_pane
from firetower.tui.screens.framed import FramedPage
from firetower.tui.session import Refresh, Tower, in_background, key_of, session_of
from firetower.tui.text import show_text
from firetower.tui.widgets.automations import AutomationList, RowContext, ShownAutomation
from firetower.tui.widgets.listing import Listing
from firetower.tui.widgets.rows import ShownRow

_FIRST = 100
"""Automations shown before all are read."""


def read_all(
    tower: Tower, now: datetime, limit: int | None
) -> tuple[ListedAutomations, Mapping[str, int]]:
    """Read all automations, or the first `limit`, and count those in each of STATES."""
    listed = list_automations(tower, None, limit)
    context = RowContext(now, listed, {}, everywhere=True)
    rows = [ShownAutomation(one, context) for one in listed.automations]
    return listed, {words: sum(map(fits, rows)) for words, (_, fits) in STATES.items()}


def _is_open(row: ShownAutomation) -> bool:
    stopped = row.stopped
    return stopped is not None and stopped.endpoint.state is EndpointState.CIRCUIT_OPEN


STATES: Mapping[str, tuple[str, Callable[[ShownAutomation], bool]]] = {
    "failing": ("all-automations.failing", lambda row: row.recent.failed > 0),
    "circuit open": ("all-automations.circuit-open", _is_open),
    "in shadow": ("all-automations.shadow", lambda row: row.automation.mode is Mode.SHADOW),
    "disabled": ("all-automations.disabled", lambda row: row.automation.mode is Mode.DISABLED),
}
"""States by the words that say so: the action that shows only those, and which they are."""


class AutomationsScreen(FramedPage):
    """Every automation: sort, filter, select, and change several at once."""

    MODE: ClassVar = "automations"
    BINDINGS: ClassVar = bindings_of("all-automations")

    def __init__(self) -> None:
        super().__init__()
        self.automations = AutomationList(
            id="all-automations", detail=automation_pane, everywhere=True
        )
        self.states = Static("", id="states")
        """How many are in each state, to click on."""
        self.states.auto_links = False
        self._has_all = False
        self._counts: Mapping[str, int] = {}
        self._reload = Refresh(self, self._read)

    def body(self) -> ComposeResult:
        yield self.states
        yield self.automations

    def on_mount(self) -> None:
        self.automations.table.focus()
        self._reload.refresh_ages()

    def on_screen_resume(self) -> None:
        self._reload.at_once()

    def on_database_changed(self, _: DatabaseChanged) -> None:
        self._reload()

    @on(RowsChanged)
    def _automations_changed(self) -> None:
        self._reload()

    @in_background
    async def on_automation_saved(self, event: AutomationSaved) -> None:
        await self._read()
        self.automations.table.move_to(event.name)

    async def _read(self) -> None:
        session, limit = session_of(self), None if self._has_all else _FIRST
        now = session.now()
        try:
            listed, counts = await session.ask(lambda tower: read_all(tower, now, limit))
        except FiretowerError as error:
            self.automations.fail(error)
            return
        more = len(listed.automations) == limit
        self.automations.show(listed, now, more=more)
        self._has_all = True
        if more:
            self._reload.at_once()
            return
        self._counts = counts
        self._show_states()

    @on(Listing.Filled)
    def _show_states(self) -> None:
        """Say how many are in each state, with the key that shows only those."""
        parts = []
        for words, count in self._counts.items():
            chosen = self.automations.only_words == f" {words}"
            text = Content.assemble(
                (key_of(self, STATES[words][0]), "bold $accent"),
                (f" {words}", "bold underline" if chosen else "$muted"),
                (f" {count:,}", "" if count else "$muted"),
            )
            parts.append(text.stylize(Style.from_meta({"@click": f"screen.only({words!r})"})))
        show_text(self.states, Content("   ").join(parts))

    def action_only(self, words: str) -> None:
        """Show only the automations in a state; again, show all of them."""
        if self.automations.only_words == f" {words}":
            self.automations.show_only(None)
            return
        _, fits = STATES[words]

        def only(row: ShownRow) -> bool:
            return isinstance(row, ShownAutomation) and fits(row)

        self.automations.show_only(only, f" {words}")
