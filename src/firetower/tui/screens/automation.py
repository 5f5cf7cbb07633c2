"""One automation in full: what it does, its revisions, what it fired last; and the list of all."""

import json
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import ClassVar

from rich.cells import cell_len
from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.style import Style
from textual.widgets import Static

from firetower.core.actions import Action, SlackAction, WebhookAction
from firetower.core.automations import Automation, Mode, Revision, with_changes
from firetower.core.endpoints import EndpointDetail, EndpointState
from firetower.core.executions import Execution
from firetower.core.filters import ANY
from firetower.core.statistics import FiringHistory, sparkline
from firetower.core.text import counted, shortened, visible
from firetower.core.times import duration
from firetower.tui.actions import bindings_of
from firetower.tui.breadcrumbs import breadcrumbs, container_steps
from firetower.tui.container_view import ListedAutomations, list_automations
from firetower.tui.messages import AutomationSaved, OpenExecution, RowsChanged, post
from firetower.tui.page import Undo, ask
from firetower.tui.screens.framed import ListPage
from firetower.tui.session import Tower, in_background, key_of, session_of
from firetower.tui.text import (
    STYLES,
    age,
    body_lines,
    clock,
    exact,
    field,
    hanging,
    lines,
    milliseconds,
    plain,
    short_date,
    show_text,
)
from firetower.tui.widgets.ask import Picker
from firetower.tui.widgets.automations import (
    STATES,
    AutomationActions,
    AutomationList,
    RowContext,
    ShownAutomation,
)
from firetower.tui.widgets.entries import Offer
from firetower.tui.widgets.feed_table import (
    FEED_COLUMNS,
    TONES,
    execution_cells,
    subject_cell,
)
from firetower.tui.widgets.listing import Listing
from firetower.tui.widgets.rows import Row, ShownRow, fitted
from firetower.tui.widgets.table import Table

_NEWEST = 8
"""Executions listed in the pane; the screen has a list of them."""
_REVISIONS = 20
"""Revisions shown with their changes."""
_CHANGES = 300
"""Characters of what a revision changed."""
_BESIDE = 60
"""Characters of a text up to which it is shown beside its name."""
_MOST = 200
"""Executions shown, and revisions offered; the History tab has all executions."""
_FIRST = 100
"""Automations shown before all are read."""
_FOLDED_BY_TEXTUAL = 1_000
"""Cells of a line that is never too long."""
_NAME = next(place for place, one in enumerate(FEED_COLUMNS) if one.title == "automation")
COLUMNS = tuple(
    replace(column, from_width=column.from_width - 26)  # the name's
    for column in FEED_COLUMNS[:_NAME] + FEED_COLUMNS[_NAME + 1 :]
)


@dataclass(frozen=True, slots=True)
class AutomationFacts:
    """All that is known of an automation."""

    automation: Automation
    revisions: Sequence[Revision]
    endpoint: EndpointDetail | None
    history: FiringHistory
    newest: Sequence[Execution]


def read_automation(tower: Tower, name: str, *, newest: int = _NEWEST) -> AutomationFacts:
    """Read an automation with so many of its newest executions. Raises NotFound."""
    automation = tower.automations.get(name)
    endpoint = automation.definition.action.endpoint
    return AutomationFacts(
        automation,
        tower.automations.revisions(name),
        tower.endpoints.get(endpoint) if endpoint else None,
        tower.automations.history(automation),
        tower.executions.newest(newest, automation_id=automation.id),
    )


def automation_pane(tower: Tower, key: Hashable, now: datetime, width: int) -> Content:
    """Return what matters most of an automation, for the pane beside a list. Raises NotFound."""
    facts = read_automation(tower, str(key))
    definition = facts.automation.definition
    words = definition.filter.words
    condition = () if definition.filter == ANY else (hanging("filter", words, width),)
    return Content("\n").join(
        [
            _name(facts.automation),
            Content(""),
            *_what(facts.automation),
            Content(""),
            *condition,
            *_how(facts, now, width),
            *([Content("")] if facts.newest else []),
            *(_firing(execution, now, width) for execution in facts.newest),
        ]
    )


def screen_text(facts: AutomationFacts, now: datetime) -> Content:
    """Return all that is known of an automation but its executions."""
    definition = facts.automation.definition
    return Content("\n").join(
        [
            *_what(facts.automation),
            Content(""),
            *_how(facts, now, _FOLDED_BY_TEXTUAL),
            *_filter(facts.automation),
            *_action(definition.action),
            *_revisions(facts.revisions),
        ]
    )


def _name(automation: Automation) -> Content:
    mode = STATES[automation.mode]
    return Content.assemble(
        (visible(automation.name), "bold"), "  ", (mode.text, STYLES[mode.tone])
    )


def _what(automation: Automation) -> Iterator[Content]:
    yield plain(automation.definition.sentence)
    if automation.definition.description:
        yield lines(automation.definition.description, "y copies all").stylize("dim")


def _how(facts: AutomationFacts, now: datetime, width: int) -> Iterator[Content]:
    """Yield how often it fired, and how that went."""
    history = facts.history
    yield hanging("fired", _fired(facts.automation, now), width)
    if any(history.days):
        days = len(history.days)
        said = f"at most {max(history.days):,} a day"
        if now - history.since < timedelta(days=days, hours=-1):  # it fired too often to read all
            yield field("since", f"{short_date(history.since)}, {said}")
        else:
            yield field(f"{days} days", said)
        yield Content.styled(sparkline(history.days), "$accent")
    if facts.endpoint is not None:
        yield hanging("endpoint", _endpoint(facts.endpoint, history), width)
        if stopped := facts.endpoint.describe(exact):
            yield hanging("", stopped, width).stylize("$warning")


def _fired(automation: Automation, now: datetime) -> str:
    shadow = automation.shadow_24h
    in_shadow = f"; {counted(shadow, 'time')} in shadow in 24 h" if shadow else ""
    if automation.last_fired_at is None:
        return f"never{in_shadow}"
    last = age(automation.last_fired_at, now)
    return f"{counted(automation.fired_24h, 'time')} in 24 h, last {last}{in_shadow}"


def _endpoint(endpoint: EndpointDetail, history: FiringHistory) -> str:
    """Return how an endpoint answered: "ci-deploy  99 % of 412 delivered · p95 120 ms"."""
    name = endpoint.endpoint.name
    if history.success is None:
        return name
    said = f"{name}  {history.success} % of {history.finished + history.failed:,} delivered"
    return said if history.p95_ms is None else f"{said} · p95 {milliseconds(history.p95_ms)}"


def _firing(execution: Execution, now: datetime, width: int) -> Content:
    state = execution.state
    at = f"{clock(execution.created_at, now).rsplit(':', 1)[0]:<7}"  # without seconds
    room, subject = max(width - len(at) - 2, 1), subject_cell(execution.event)
    said = subject.text
    if cell_len(visible(said)) > room:
        said = subject.short.removeprefix("…/")
    said = fitted(said, room, keeps_end=0.75).rstrip()  # the version and its alias tell most
    return Content.assemble((at, "dim"), (f"{state.glyph} ", STYLES[TONES[state]]), said)


def _block(name: str, text: str) -> Iterator[Content]:
    """Yield a name and a text, beside the name or, if it is long, below."""
    if len(text) <= _BESIDE and "\n" not in text:
        yield field(name, text)
        return
    yield field(name, "")
    yield body_lines(text, "y copies all")


def _filter(automation: Automation) -> Iterator[Content]:
    definition = automation.definition
    if definition.filter == ANY:
        yield field("filter", "none: every such event")
    else:
        yield from _block("filter", json.dumps(definition.filter.source, ensure_ascii=False))
    if definition.cooldown is not None:
        yield field("cooldown", duration(definition.cooldown))


def _action(action: Action) -> Iterator[Content]:
    if isinstance(action, WebhookAction):
        yield field("webhook", action.endpoint)
        yield from _block("payload", action.payload or "Standard Webhooks: type, timestamp, data")
    elif isinstance(action, SlackAction):
        yield field("Slack", f"{action.endpoint}, {action.severity.value.lower()}")
        yield from _block("title", action.title or "the default")
        yield from _block("message", action.message or "the default")
    else:
        yield field("action", "record only: nothing is sent")


def _revisions(revisions: Sequence[Revision]) -> Iterator[Content]:
    name = "revisions"
    for revision, changes in with_changes(revisions[: _REVISIONS + 1])[:_REVISIONS]:
        saved = f"{revision.number:>3}  {exact(revision.saved_at)}  "
        author = plain(f"by {revision.author}  ").stylize("dim")
        yield field(
            name, Content.assemble(saved, author, plain(shortened("; ".join(changes), _CHANGES)))
        )
        name = ""
    if len(revisions) > _REVISIONS:
        said = f"… {len(revisions) - _REVISIONS:,} before these: R restores one"
        yield field(name, said).stylize("dim")


def _execution_row(execution: Execution, now: datetime) -> Row:
    """Return a row of the feed without the automation's name, the same in all rows here."""
    cells = execution_cells(execution, now)
    return Row(execution.id, cells[:_NAME] + cells[_NAME + 1 :])


class AutomationScreen(ListPage[Execution], AutomationActions):
    """What an automation does, its revisions, and what it fired last."""

    BINDINGS: ClassVar = bindings_of("automation")
    HAS_TEXT: ClassVar = True

    def __init__(self, automation: str) -> None:
        super().__init__(
            Listing(Table(COLUMNS), empty="It has not fired yet.", id="automation-executions")
        )
        self.automation = automation
        self._found: Automation | None = None
        self._revisions: Sequence[Revision] = ()

    async def read(self) -> None:
        session, name = session_of(self), self.automation
        facts = await session.ask(lambda tower: read_automation(tower, name, newest=_MOST))
        self._found, self._revisions = facts.automation, facts.revisions
        mode, scope = STATES[facts.automation.mode], facts.automation.definition.scope
        steps = container_steps(scope.container)
        heading = breadcrumbs(steps, facts.automation.name, mode.text, STYLES[mode.tone])
        show_text(self.heading, heading)
        show_text(self.text, screen_text(facts, session.now()))
        await self.show_items(facts.newest, _execution_row)

    @on(Table.Chosen)
    def _execution_chosen(self, event: Table.Chosen) -> None:
        post(self, OpenExecution(int(str(event.key))))

    def shown_automation(self) -> Automation | None:
        return self._found

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer what can be done with this automation, once it is read."""
        found = self._found
        match action:
            case "test":
                return found is not None and found.definition.action.endpoint is not None
            case "restore":
                return len(self._revisions) > 1
            case "edit" | "explain" | "duplicate" | "copy" | "copy_command":
                return found is not None
        return super().check_action(action, parameters)

    @in_background
    async def action_restore(self) -> None:
        """Choose an earlier revision, and save it again."""
        earlier = self._revisions[1 : _MOST + 1]
        offers = [
            Offer(str(one.number), f"{one.number}  {exact(one.saved_at)}", one.definition.sentence)
            for one in earlier
        ]
        chosen = await ask(self, Picker("Restore which revision?", offers))
        if chosen is None:
            return
        name, number = self.automation, int(chosen)
        newest = self._revisions[0]
        said = "Saved revision {} again, for events from now on."

        def restore(tower: Tower) -> None:
            self.automation = tower.automations.restore(name, number).name

        undo = Undo(
            lambda tower: tower.automations.restore(self.automation, newest.number),
            said.format(newest.number),
            newest.definition.name,
        )
        await self.change(restore, said.format(number), undo)

    def action_copy(self) -> None:
        """Copy the automation's definition, as JSON."""
        if self._found is not None:
            self.app.copy_to_clipboard(self._found.definition.model_dump_json(indent=2))
            self.notify(f"Copied {self.automation}, as JSON.")

    def on_automation_saved(self, event: AutomationSaved) -> None:
        self.automation = event.name
        self._reload()


def read_all(
    tower: Tower, now: datetime, limit: int | None
) -> tuple[ListedAutomations, Mapping[str, int]]:
    """Read all automations, or the first `limit`, and count those in each of STATE_FILTERS."""
    listed = list_automations(tower, None, limit)
    context = RowContext(now, listed, {}, everywhere=True)
    rows = [ShownAutomation(one, context) for one in listed.automations]
    return listed, {words: sum(map(fits, rows)) for words, (_, fits) in STATE_FILTERS.items()}


def _is_open(row: ShownAutomation) -> bool:
    stopped = row.stopped
    return stopped is not None and stopped.endpoint.state is EndpointState.CIRCUIT_OPEN


STATE_FILTERS: Mapping[str, tuple[str, Callable[[ShownAutomation], bool]]] = {
    "failing": ("all-automations.failing", lambda row: row.recent.failed > 0),
    "circuit open": ("all-automations.circuit-open", _is_open),
    "in shadow": ("all-automations.shadow", lambda row: row.automation.mode is Mode.SHADOW),
    "disabled": ("all-automations.disabled", lambda row: row.automation.mode is Mode.DISABLED),
}
"""States by the words that say so: the action that shows only those, and which they are."""


class AutomationsScreen(ListPage[Automation]):
    """Every automation: sort, filter, select, and change several at once."""

    BELONGS_TO: ClassVar = "screen"
    MODE: ClassVar = "automations"
    BINDINGS: ClassVar = bindings_of("all-automations")

    def __init__(self) -> None:
        self.automations = AutomationList(
            id="all-automations", detail=automation_pane, everywhere=True
        )
        super().__init__(self.automations)
        self.states = Static("", id="states")
        """How many are in each state, to click on."""
        self.states.auto_links = False
        self._has_all = False
        self._counts: Mapping[str, int] = {}

    def body(self) -> ComposeResult:
        yield self.states
        yield self.automations

    def on_mount(self) -> None:
        self._reload.repeat()

    @on(RowsChanged)
    def _automations_changed(self) -> None:
        self._reload()

    @in_background
    async def on_automation_saved(self, event: AutomationSaved) -> None:
        await self._read()
        self.automations.table.move_to(event.name)

    async def read(self) -> None:
        session, limit = session_of(self), None if self._has_all else _FIRST
        now = session.now()
        listed, counts = await session.ask(lambda tower: read_all(tower, now, limit))
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
                (key_of(self, STATE_FILTERS[words][0]), "bold $accent"),
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
        _, fits = STATE_FILTERS[words]

        def only(row: ShownRow) -> bool:
            return isinstance(row, ShownAutomation) and fits(row)

        self.automations.show_only(only, f" {words}")
