"""A list of automations, and what can be done with one of them or with all selected ones."""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import ClassVar

from textual import on
from textual.widget import Widget

from firetower.core.automations import Automation, Mode
from firetower.core.commands import create_command
from firetower.core.drafts import Draft
from firetower.core.endpoints import EndpointDetail, EndpointState
from firetower.core.executions import Execution, Status
from firetower.core.gallery import duplicate, samples_for
from firetower.core.references import ContainerReference
from firetower.core.statistics import RecentFirings, sparkline
from firetower.core.text import and_list, counted, shortened, visible
from firetower.tui.actions import bindings_of, row_actions
from firetower.tui.background import start_worker
from firetower.tui.breadcrumbs import container_label
from firetower.tui.container_view import FEW, ListedAutomations
from firetower.tui.messages import (
    ExplainAutomation,
    OpenAutomation,
    RowsChanged,
    TestEndpoint,
    WriteAutomation,
    post,
)
from firetower.tui.page import Undo, ask, change_database
from firetower.tui.session import Tower, in_background, session_of
from firetower.tui.text import ago
from firetower.tui.widgets.ask import Confirm, Picker
from firetower.tui.widgets.entries import Offer
from firetower.tui.widgets.listing import Detail, Listing
from firetower.tui.widgets.rows import Cell, Column, Order
from firetower.tui.widgets.table import Table

COLUMNS = (
    Column("name", 16, flex=3),
    Column("when", 12, flex=4, aligned=True),
    Column("action", 12, flex=2, from_width=84),
    Column("state", 10, flex=1, aligned=True),
    Column("last", right=True, from_width=70),
    Column("24 h", 4, flex=1, right=True, aligned=True, whole_from=64),
)
ALL_COLUMNS = (
    Column("where", 8, flex=2),
    Column("name", 16, flex=3, aligned=True),
    Column("when", 12, flex=4, aligned=True),
    Column("action", 12, flex=2, from_width=112),
    Column("state", 10, flex=1, aligned=True),
    Column("last", right=True, from_width=96),
    Column("24 h", 4, flex=1, right=True, aligned=True, whole_from=112),
    Column("failed", right=True),
)

STATES = {
    Mode.ENABLED: Cell("✓ on", "ok"),
    Mode.DISABLED: Cell("◌ off", "dim"),
    Mode.SHADOW: Cell("▸ shadow", "accent"),
    Mode.DELETED: Cell("✗ deleted", "bad"),
}
_SHOWN = 3
"""Executions in shadow that are shown before an automation is enabled."""
_NOTHING = RecentFirings()
_MOST_SENT = 1_000
"""Failed executions of one automation that are sent again at once."""
_NAMED = 12
"""Automations named before something is done to several."""


@dataclass(frozen=True, slots=True)
class RowContext:
    """What the rows of a list share."""

    now: datetime
    listed: ListedAutomations
    texts: dict[int, list[str]]
    """What a search reads, by the revision's id."""
    everywhere: bool


class ShownAutomation:
    """A row that reads its automation when it is drawn: to read ten thousand takes a second."""

    __slots__ = ("_cells", "_context", "automation", "key", "recent")

    def __init__(self, automation: Automation, context: RowContext) -> None:
        self.key = automation.name
        self.automation = automation
        self.recent = context.listed.recent.get(automation.id, _NOTHING)
        self._context = context
        self._cells: tuple[Cell, ...] | None = None

    @property
    def stopped(self) -> EndpointDetail | None:
        """Its endpoint, if nothing is sent there although the automation is enabled."""
        stopped = self._context.listed.stopped
        if not stopped or self.automation.mode is not Mode.ENABLED:
            return None
        return stopped.get(self.automation.definition.action.endpoint or "")

    @property
    def cells(self) -> tuple[Cell, ...]:
        """The cells, one a column."""
        if self._cells is None:
            self._cells = self._made()
        return self._cells

    def _made(self) -> tuple[Cell, ...]:
        one, definition, stopped = self.automation, self.automation.definition, self.stopped
        tone = "" if one.mode is Mode.ENABLED else "dim"
        bars = sparkline(self.recent.parts) if any(self.recent.parts) else ""
        failed, fired = self.recent.failed, one.fired_words or "–"
        cells = (
            Cell(one.name, tone),
            Cell(definition.when, tone),
            _target(definition.action.endpoint, stopped),
            STATES[one.mode] if stopped is None else stopped_cell(stopped),
            Cell(ago(one.last_fired_at, self._context.now), "dim"),
            Cell(f"{bars} {fired:>3}", tone, short=fired),
        )
        if not self._context.everywhere:
            return cells
        place = Cell(container_label(definition.scope.container), "dim")
        return (place, *cells, Cell(f"{failed:,}", "bad") if failed else Cell("–", "dim"))

    @property
    def _words(self) -> Sequence[str]:
        """The texts of the cells but the numbers, which change too often to be found."""
        texts, revision = self._context.texts, self.automation.revision.id
        if revision not in texts:
            count = 5 if self._context.everywhere else 4
            texts[revision] = [cell.text for cell in self._made()[:count]]
        return texts[revision]

    @property
    def text(self) -> str:
        """What a search reads."""
        return " ".join(self._words)

    def order(self, place: int) -> Order:
        """What it is sorted by in a column."""
        words, last = self._words, self.automation.last_fired_at
        if place < len(words):
            return 1, 0.0, words[place].casefold()
        number = (
            0 if last is None else last.timestamp(),
            self.automation.fired_24h + self.automation.shadow_24h,
            self.recent.failed,
        )[place - len(words)]
        return 0, float(number), ""


def _target(endpoint: str | None, stopped: EndpointDetail | None) -> Cell:
    if endpoint is None or stopped is None or not stopped.counts:
        return Cell(endpoint or "record only", "dim")
    return Cell(f"{endpoint}: {stopped.counts}", "warn")


def stopped_cell(detail: EndpointDetail) -> Cell:
    """Return the state of an automation whose endpoint is stopped: "! circuit open 12"."""
    count = detail.queued + detail.missed
    number = f"{count:,}" if count < 10_000 else f"{count // 1_000:,}k"
    after = f" {number}" if count else ""
    state = detail.endpoint.state
    short = "open" if state is EndpointState.CIRCUIT_OPEN else "off"
    return Cell(f"! {state.label}{after}", "warn", short=f"! {short}{after}")


def _would_have_sent(executions: Sequence[Execution]) -> str:
    texts = [
        f"{execution.event.subject} {execution.event.detail}\n  {shortened(body, 200)}"
        for execution in executions
        if (body := execution.request_body) is not None
    ]
    if not texts:
        return "It has fired nothing in shadow yet. From now on it sends."
    return "\n".join(["Its last firings would have sent:", *texts])


class AutomationActions(Widget):
    """What is done with one automation: on its own screen, and in a list of them."""

    @abstractmethod
    def shown_automation(self) -> Automation | None:
        """Return the automation that actions are for."""

    def action_edit(self) -> None:
        if automation := self.shown_automation():
            post(self, WriteAutomation(Draft.of(automation), automation))

    def action_duplicate(self) -> None:
        if automation := self.shown_automation():
            post(self, WriteAutomation(duplicate(Draft.of(automation))))

    def action_copy_command(self) -> None:
        if automation := self.shown_automation():
            self.app.copy_to_clipboard(create_command(automation))
            self.notify(f"Copied {automation.name}, as a command.")

    def action_explain(self) -> None:
        if automation := self.shown_automation():
            post(self, ExplainAutomation(automation.name))

    def action_test(self) -> None:
        """Ask to test the endpoint that the automation uses, or say that it uses none."""
        if automation := self.shown_automation():
            if endpoint := automation.definition.action.endpoint:
                post(self, TestEndpoint(endpoint))
            else:
                said = f"{automation.name} only records: it has no endpoint to test."
                self.notify(said, severity="warning")


class AutomationList(Listing, AutomationActions):
    """The Automations tab."""

    BINDINGS: ClassVar = bindings_of("automations")
    ROW_ACTIONS: ClassVar = row_actions("automations", "new", "gallery")

    def __init__(self, *, id: str, detail: Detail, everywhere: bool = False) -> None:
        """`everywhere` names the registry or project of each."""
        empty = "No automation watches here yet.\nPress n to make one, N to begin from the gallery."
        if everywhere:
            empty = "No automation yet.\nPress n to watch everything; 1 and 2 have their own."
        table = Table(ALL_COLUMNS if everywhere else COLUMNS, selects=True)
        super().__init__(table, empty=empty, id=id, detail=detail)
        self.everywhere = everywhere
        self.container: ContainerReference | None = None
        self._automations: Mapping[str, Automation] = {}
        self._texts: dict[int, list[str]] = {}
        self._shown_off = False
        """Whether the key line says "Enable"."""

    def key_label(self, action: str) -> str:
        """Return how the key line calls an action now; empty for as always."""
        if action != "toggle_enabled":
            return ""
        self._shown_off = self._all_are_off
        return "" if self._shown_off else "Disable"

    def show(self, listed: ListedAutomations, now: datetime, *, more: bool) -> None:
        """Show automations; `more` says that others are still being read."""
        automations = listed.automations
        self._automations = {one.name: one for one in automations}
        self.table.selected &= self._automations.keys()
        context = RowContext(now, listed, self._texts, self.everywhere)
        self.set_rows([ShownAutomation(one, context) for one in automations], more=more)
        self.refresh_bindings()
        if len(automations) > max(len(self._texts), FEW):
            self._read_texts()

    @on(Table.Moved)
    def _moved(self) -> None:
        if self._shown_off != self._all_are_off:
            self.refresh_bindings()

    def _read_texts(self) -> None:
        """Read all definitions in a thread, before the rows are searched or sorted."""
        rows = self.table.all_rows
        read = partial(session_of(self).ask, lambda _: [row.text for row in rows])
        start_worker(self, read, "texts")

    def shown_automation(self) -> Automation | None:
        """Return the automation under the cursor, or say that there is none."""
        chosen = self._automations.get(str(self.table.key))
        if chosen is None:
            self.notify("There is no automation here; n makes one.")
        return chosen

    def _targets(self) -> Sequence[Automation]:
        """Return the selected automations, or the one under the cursor."""
        keys = sorted(map(str, self.table.selected or {self.table.key}))
        return [self._automations[key] for key in keys if key in self._automations]

    @property
    def _all_are_off(self) -> bool:
        return all(one.mode is Mode.DISABLED for one in self._targets())

    @property
    def _new_in(self) -> ContainerReference | None:
        """Where a new automation is made: among all, beside the one under the cursor."""
        if self.container is not None or not self.everywhere:
            return self.container
        chosen = self._automations.get(str(self.table.key))
        if chosen is None:
            return ContainerReference.organization()
        return chosen.definition.scope.container

    def action_new(self) -> None:
        if (container := self._new_in) is not None:
            post(self, WriteAutomation(Draft.new(container)))

    @in_background
    async def action_gallery(self) -> None:
        """Choose a common automation, and open the form on its draft."""
        if (container := self._new_in) is None:
            return
        samples = {one.name: one for one in samples_for(container)}
        offers = [Offer(one.name, one.name, one.about) for one in samples.values()]
        title = f"New automation in {container_label(container)}"
        chosen = await ask(self, Picker(title, offers))
        if chosen is not None:
            post(self, WriteAutomation(samples[chosen].draft(container)))

    def on_table_chosen(self) -> None:
        if automation := self.shown_automation():
            post(self, OpenAutomation(automation.name))

    @in_background
    async def action_toggle_enabled(self) -> None:
        """Enable what is disabled; of several, disable all unless all of them are."""
        if automations := self._targets():
            mode = Mode.ENABLED if self._all_are_off else Mode.DISABLED
            await self._set_modes(automations, mode)

    @in_background
    async def action_shadow(self) -> None:
        """Put automations in shadow; enable the one under the cursor if it is."""
        automations = self._targets()
        if len(automations) == 1 and automations[0].mode is Mode.SHADOW:
            await self._promote(automations[0])
        elif automations:
            await self._set_modes(automations, Mode.SHADOW)

    async def _promote(self, automation: Automation) -> None:
        """Show what the last firings would have sent, ask, and enable it."""
        fired = await session_of(self).ask(
            lambda tower: tower.executions.newest(_SHOWN, automation_id=automation.id)
        )
        question = Confirm(f"Enable {automation.name}?", _would_have_sent(fired), "Enable")
        if await ask(self, question):
            await self._set_modes([automation], Mode.ENABLED)

    async def _set_modes(self, automations: Sequence[Automation], mode: Mode) -> None:
        """Set the mode of automations; of several, ask first."""
        names = [one.name for one in automations]
        before = {one.name: one.mode for one in automations}
        verb = _VERBS[mode]
        if len(names) > 1 and not await ask(
            self, Confirm(f"{verb} {len(names):,} automations?", _named(names), verb)
        ):
            return
        many = counted(len(names), "automation")
        back = f"{many} are as before, for events from now on."
        if len(names) == 1:
            back = _mode_words(names[0], before[names[0]])

        def set_each(modes: Mapping[str, Mode]) -> Callable[[Tower], object]:
            return lambda tower: [tower.automations.set_mode(*one) for one in modes.items()]

        said = _mode_words(names[0], mode) if len(names) == 1 else f"{many}: {verb.lower()}."
        undo = Undo(set_each(before), back, names[0])
        await self._change(set_each(dict.fromkeys(names, mode)), said, undo)

    @in_background
    async def action_delete(self) -> None:
        """Delete automations, or disable them instead."""
        automations = self._targets()
        if not automations:
            return
        names, keys = [one.name for one in automations], [one.id for one in automations]
        answers = ["Delete"] if self._all_are_off else ["Disable instead", "Delete"]
        fired = counted(sum(one.fired_24h for one in automations), "time")
        several = len(names) > 1
        what = f"{len(names):,} automations" if several else names[0]
        detail = f"{'They' if several else 'It'} fired {fired} in the last 24 h."
        detail = f"{detail} What {'they' if several else 'it'} did stays in the history."
        if several:
            detail = f"{_named(names)}\n{detail}"
        answer = await ask(self, Confirm(f"Delete {what}?", detail, *answers))
        if answer == "Disable instead":
            await self._set_modes(automations, Mode.DISABLED)
        elif answer == "Delete":
            back = f"{what} {'are' if several else 'is'} back as before, for events from now on."
            undo = Undo(lambda tower: [*map(tower.automations.undelete, keys)], back, names[0])
            await self._change(
                lambda tower: [*map(tower.automations.delete, names)], f"Deleted {what}.", undo
            )

    @in_background
    async def action_redeliver(self) -> None:
        """Send what failed of automations in the last 24 hours again."""
        automations, since = self._targets(), session_of(self).now() - timedelta(days=1)

        def find(tower: Tower) -> list[int]:
            return [
                execution.id
                for one in automations
                for execution in tower.executions.newest(
                    _MOST_SENT, status=Status.FAILED, since=since, automation_id=one.id
                )
            ]

        found = await session_of(self).ask(find)
        if not found:
            self.notify("Nothing failed in the last 24 h.")
            return
        failed = counted(len(found), "failed execution")
        question = f"Send {failed} again?"
        detail = f"{_named([one.name for one in automations])}\nWith the same webhook-id each."
        if await ask(self, Confirm(question, detail, "Send again")):
            sent = await session_of(self).ask(lambda tower: tower.executions.redeliver(found))
            self.notify(f"{counted(sent, 'execution')} queued to be sent again.")

    async def _change(self, change: Callable[[Tower], object], said: str, undo: Undo) -> None:
        await change_database(self, change, said, undo)
        self.post_message(RowsChanged())


_VERBS = {Mode.ENABLED: "Enable", Mode.DISABLED: "Disable", Mode.SHADOW: "Put in shadow"}


def _named(names: Sequence[str]) -> str:
    return and_list(map(visible, names), most=_NAMED)


def _mode_words(name: str, mode: Mode) -> str:
    return {
        Mode.ENABLED: f"{name} is enabled, for events from now on.",
        Mode.DISABLED: f"{name} is disabled.",
        Mode.SHADOW: f"{name} is in shadow: it records what it would send, and sends nothing.",
    }[mode]
