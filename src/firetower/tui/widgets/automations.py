"""The automations of one registry or project, and what can be done with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar, TypeAlias

from textual.dom import DOMNode

from firetower.core.automations import Automation, Definition, Mode
from firetower.core.commands import create_command
from firetower.core.drafts import Draft
from firetower.core.endpoints import EndpointDetail
from firetower.core.executions import Execution
from firetower.core.gallery import SAMPLES, duplicate
from firetower.core.references import ContainerReference
from firetower.core.text import counted, shortened
from firetower.tui import undo as undoable
from firetower.tui.actions import bindings_of
from firetower.tui.messages import (
    AutomationsChanged,
    ExplainAutomation,
    OpenAutomation,
    TestEndpoint,
    WriteAutomation,
    post,
)
from firetower.tui.page import ask
from firetower.tui.session import in_background, session_of
from firetower.tui.text import ago
from firetower.tui.undo import Undo
from firetower.tui.widgets.ask import Confirm
from firetower.tui.widgets.choice import Offer, Picker
from firetower.tui.widgets.detail import Detail
from firetower.tui.widgets.listing import Listing
from firetower.tui.widgets.table import Cell, Column, Table

if TYPE_CHECKING:
    from firetower.tower import Tower


COLUMNS = (
    Column("name", 12, flex=3),
    Column("when", 12, flex=4),
    Column("action", 12, flex=2, from_width=84),
    Column("state"),
    Column("last", right=True),
    Column("24 h", right=True),
)

STATES = {
    Mode.ENABLED: Cell("✓ on", "ok"),
    Mode.DISABLED: Cell("◌ off", "dim"),
    Mode.SHADOW: Cell("▸ shadow", "accent"),
    Mode.DELETED: Cell("✗ deleted", "bad"),
}
_SHOWN = 3
"""Executions in shadow that are shown before an automation is enabled."""
Stopped: TypeAlias = Mapping[str, EndpointDetail]
"""The endpoints that are not ok, by name."""


class AutomationRow:
    """A row that reads its automation when it is drawn: to read ten thousand takes a second."""

    __slots__ = ("_automation", "_cells", "_now", "_stopped", "_texts", "key")

    def __init__(
        self, automation: Automation, now: datetime, stopped: Stopped, texts: dict[int, str]
    ) -> None:
        """`texts` keeps what a search reads, by the revision's id."""
        self.key = automation.name
        self._automation = automation
        self._now = now
        self._stopped = stopped
        self._texts = texts
        self._cells: tuple[Cell, ...] | None = None

    @property
    def cells(self) -> tuple[Cell, ...]:
        """The cells, one a column of COLUMNS."""
        if self._cells is None:
            self._cells = _cells(self._automation, self._now, self._stopped)
        return self._cells

    @property
    def text(self) -> str:
        """What a search reads: all but the numbers, which change too often to be found."""
        revision = self._automation.revision.id
        text = self._texts.get(revision)
        if text is None:
            cells = _cells(self._automation, self._now, {})[:-2]
            text = self._texts[revision] = " ".join(cell.text for cell in cells)
        return text


def _cells(automation: Automation, now: datetime, stopped: Stopped) -> tuple[Cell, ...]:
    definition, enabled = automation.definition, automation.mode is Mode.ENABLED
    tone = "" if enabled else "dim"
    endpoint = definition.action.endpoint
    detail = stopped.get(endpoint) if enabled and endpoint else None
    return (
        Cell(automation.name, tone),
        Cell(definition.when, tone),
        _target(endpoint, detail),
        STATES[automation.mode] if detail is None else stopped_cell(detail),
        Cell(ago(automation.last_fired_at, now), "dim"),
        Cell(automation.fired_words or "–", tone),
    )


def _target(endpoint: str | None, stopped: EndpointDetail | None) -> Cell:
    if endpoint is None or stopped is None or not stopped.counts:
        return Cell(endpoint or "record only", "dim")
    return Cell(f"{endpoint}: {stopped.counts}", "warn")


def stopped_cell(detail: EndpointDetail) -> Cell:
    """Return the state of an automation whose endpoint is stopped: "! circuit open 12"."""
    count = detail.queued + detail.missed
    number = f"{count:,}" if count < 10_000 else f"{count // 1_000:,}k"
    return Cell(f"! {detail.endpoint.state.label} {number if count else ''}".rstrip(), "warn")


def _would_have_sent(executions: Sequence[Execution]) -> str:
    texts = [
        f"{execution.event.subject} {execution.event.detail}\n  {shortened(body, 200)}"
        for execution in executions
        if (body := execution.request_body) is not None
    ]
    if not texts:
        return "It has fired nothing in shadow yet. From now on it sends."
    return "\n".join(["Its last firings would have sent:", *texts])


class AutomationList(Listing):
    """The Automations tab."""

    BINDINGS: ClassVar = bindings_of("automations")
    ROW_ACTIONS: ClassVar = frozenset(
        {
            "copy_command",
            "delete",
            "duplicate",
            "edit",
            "explain",
            "shadow",
            "test",
            "toggle_enabled",
        }
    )

    def __init__(self, *, id: str, detail: Detail) -> None:
        empty = "No automation watches here yet.\nPress n to make one, N to begin from the gallery."
        super().__init__(Table(COLUMNS), empty=empty, id=id, detail=detail)
        self.container: ContainerReference | None = None
        self._automations: Sequence[Automation] = ()
        self._texts: dict[int, str] = {}

    def show(self, automations: Sequence[Automation], stopped: Stopped, now: datetime) -> None:
        self._automations = automations
        self.set_rows([AutomationRow(one, now, stopped, self._texts) for one in automations])

    def action_filter(self) -> None:
        """Open the search, and read all definitions in a thread before a letter is typed."""
        super().action_filter()
        rows = self.table.all_rows
        read = session_of(self).ask(lambda _: [row.text for row in rows])
        self.run_worker(read, exit_on_error=False, group="texts")

    def _chosen(self) -> Automation | None:
        """Return the automation under the cursor, or say that there is none."""
        name = self.table.key
        chosen = next((one for one in self._automations if one.name == name), None)
        if chosen is None:
            self.notify("There is no automation here; n makes one.")
        return chosen

    def action_new(self) -> None:
        if self.container is not None:
            post(self, WriteAutomation(Draft.new(self.container)))

    @in_background
    async def action_gallery(self) -> None:
        """Choose a common automation, and open the form on its draft."""
        if self.container is not None and (draft := await choose_sample(self, self.container)):
            post(self, WriteAutomation(draft))

    def action_duplicate(self) -> None:
        if automation := self._chosen():
            post(self, WriteAutomation(duplicate(Draft.of(automation))))

    def action_copy_command(self) -> None:
        if automation := self._chosen():
            copy_command(self, automation)

    def action_edit(self) -> None:
        if automation := self._chosen():
            post(self, WriteAutomation(Draft.of(automation), automation))

    def action_explain(self) -> None:
        if automation := self._chosen():
            post(self, ExplainAutomation(automation.name))

    def action_test(self) -> None:
        if automation := self._chosen():
            test_endpoint(self, automation.definition)

    def on_table_chosen(self) -> None:
        if (automation := self._chosen()) and self.container is not None:
            post(self, OpenAutomation(automation.name, self.container.kind))

    def action_toggle_enabled(self) -> None:
        if automation := self._chosen():
            disabled = automation.mode is Mode.DISABLED
            self._set_mode(automation, Mode.ENABLED if disabled else Mode.DISABLED)

    def action_shadow(self) -> None:
        if automation := self._chosen():
            if automation.mode is Mode.SHADOW:
                self._promote(automation)
            else:
                self._set_mode(automation, Mode.SHADOW)

    @in_background
    async def _promote(self, automation: Automation) -> None:
        """Show what the last firings would have sent, ask, and enable it."""
        fired = await session_of(self).ask(
            lambda tower: tower.executions.newest(_SHOWN, automation_id=automation.id)
        )
        question, answers = f"Enable {automation.name}?", [("enable", "Enable")]
        if await ask(self, Confirm(question, _would_have_sent(fired), answers)):
            self._set_mode(automation, Mode.ENABLED)

    def _set_mode(self, automation: Automation, mode: Mode) -> None:
        name, before = automation.name, automation.mode
        undo = Undo(
            lambda tower: tower.automations.set_mode(name, before), _mode_words(name, before), name
        )
        self._change(
            lambda tower: tower.automations.set_mode(name, mode), _mode_words(name, mode), undo
        )

    @in_background
    async def action_delete(self) -> None:
        automation = self._chosen()
        if automation is None:
            return
        name = automation.name
        answers = [("disable", "Disable instead"), ("delete", "Delete")]
        if automation.mode is Mode.DISABLED:
            answers = answers[1:]
        fired = f"It fired {counted(automation.fired_24h, 'time')} in the last 24 h."
        detail = f"{fired} What it did stays in the history."
        answer = await ask(self, Confirm(f"Delete {name}?", detail, answers))
        if answer == "disable":
            self._set_mode(automation, Mode.DISABLED)
        elif answer == "delete":
            key = automation.id
            undo = Undo(
                lambda tower: tower.automations.undelete(key),
                f"{name} is back as it was, for events from now on.",
                name,
            )
            self._change(lambda tower: tower.automations.delete(name), f"Deleted {name}.", undo)

    @in_background
    async def _change(self, change: Callable[[Tower], object], said: str, undo: Undo) -> None:
        await undoable.change(self, change, said, undo)
        self.post_message(AutomationsChanged())


async def choose_sample(node: DOMNode, container: ContainerReference) -> Draft | None:
    """Return the draft of a sample that is chosen from the gallery, or None."""
    offers = [Offer(one.name, one.name, one.about) for one in SAMPLES]
    chosen = await ask(node, Picker(f"New automation in {container}", offers))
    return next((one.draft(container) for one in SAMPLES if one.name == chosen), None)


def copy_command(node: DOMNode, automation: Automation) -> None:
    """Copy the command that creates an automation again."""
    node.app.copy_to_clipboard(create_command(automation))
    node.app.notify(f"Copied {automation.name}, as a command.")


def _mode_words(name: str, mode: Mode) -> str:
    return {
        Mode.ENABLED: f"{name} is enabled, for events from now on.",
        Mode.DISABLED: f"{name} is disabled.",
        Mode.SHADOW: f"{name} is in shadow: it records what it would send, and sends nothing.",
    }[mode]


def test_endpoint(node: DOMNode, definition: Definition) -> None:
    """Ask to test the endpoint that an automation uses, or say that it uses none."""
    endpoint = definition.action.endpoint
    if endpoint is not None:
        post(node, TestEndpoint(endpoint))
    else:
        said = f"{definition.name} only records: it has no endpoint to test."
        node.app.notify(said, severity="warning")
