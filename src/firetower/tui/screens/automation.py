"""One automation in full: what it does, its revisions, what it fired last."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from firetower.core.actions import Action, SlackAction, WebhookAction
from firetower.core.automations import Automation, Revision, duration, with_changes
from firetower.core.drafts import Draft
from firetower.core.executions import Execution
from firetower.core.filters import ANY
from firetower.core.gallery import duplicate
from firetower.core.references import ContainerKind
from firetower.core.text import counted, shortened
from firetower.tui.actions import bindings_of
from firetower.tui.messages import (
    AutomationSaved,
    ExplainAutomation,
    OpenExecution,
    WriteAutomation,
    post,
)
from firetower.tui.page import ask
from firetower.tui.screens.list_screen import ListScreen
from firetower.tui.session import in_background, session_of
from firetower.tui.text import (
    STYLES,
    age,
    body_lines,
    exact,
    field,
    heading,
    lines,
    plain,
    show_text,
)
from firetower.tui.undo import Undo
from firetower.tui.widgets.automations import STATES, copy_command, test_endpoint
from firetower.tui.widgets.bar import Bar
from firetower.tui.widgets.choice import Offer, Picker
from firetower.tui.widgets.feed_line import FEED_COLUMNS, execution_cells
from firetower.tui.widgets.key_line import KeyLine
from firetower.tui.widgets.listing import Listing
from firetower.tui.widgets.table import Row, Table

if TYPE_CHECKING:
    from firetower.tower import Tower


_MOST = 200
"""Executions shown, and revisions offered; the History tab has all executions."""
_REVISIONS = 20
"""Revisions shown with their changes."""
_CHANGES = 300
"""Characters of what a revision changed."""
_BESIDE = 60
"""Characters of a text up to which it is shown beside its name."""

_NAME = next(place for place, one in enumerate(FEED_COLUMNS) if one.title == "automation")
COLUMNS = FEED_COLUMNS[:_NAME] + FEED_COLUMNS[_NAME + 1 :]

Found = tuple[Automation, Sequence[Revision], Sequence[Execution], Content]


def _execution_row(execution: Execution, now: datetime) -> Row:
    """Return a row of the feed without the automation's name, the same in all rows here."""
    cells = execution_cells(execution, now)
    return Row(execution.id, cells[:_NAME] + cells[_NAME + 1 :])


class AutomationScreen(ListScreen[Execution]):
    """What an automation does, its revisions, and what it fired last."""

    BINDINGS: ClassVar = bindings_of("automation")

    def __init__(self, automation: str, kind: ContainerKind) -> None:
        super().__init__(
            Listing(Table(COLUMNS), empty="It has not fired yet.", id="automation-executions")
        )
        self.automation = automation
        self.kind = kind
        self._found: Automation | None = None
        self._revisions: Sequence[Revision] = ()

    def compose(self) -> ComposeResult:
        yield Bar(self.kind.value)
        yield Static("", classes="heading", id="automation-title")
        with VerticalScroll(id="automation-pane"):
            yield Static("Loading …", id="automation-text")
        yield self.listing
        yield KeyLine()

    async def read(self) -> None:
        session, name = session_of(self), self.automation
        now = session.now()

        def find(tower: Tower) -> Found:
            automation = tower.automations.get(name)
            endpoint = automation.definition.action.endpoint
            stopped = tower.endpoints.get(endpoint).describe(exact) if endpoint else ""
            executions = tower.executions.newest(_MOST, automation_id=automation.id)
            revisions = tower.automations.revisions(name)
            text = automation_text(automation, revisions, stopped, now)
            return automation, revisions, executions, text

        automation, revisions, executions, text = await session.ask(find)
        self._found, self._revisions = automation, revisions
        mode = STATES[automation.mode]
        place = str(automation.definition.scope.container)
        title = heading(place, automation.name, mode.text, STYLES[mode.tone])
        show_text(self.query_one("#automation-title", Static), title)
        show_text(self.query_one("#automation-text", Static), text)
        await self.show_items(executions, _execution_row)

    @on(Table.Chosen)
    def _execution_chosen(self, event: Table.Chosen) -> None:
        post(self, OpenExecution(int(str(event.key))))

    def action_explain(self) -> None:
        post(self, ExplainAutomation(self.automation))

    @in_background
    async def action_restore(self) -> None:
        """Choose an earlier revision, and save it again."""
        earlier = self._revisions[1 : _MOST + 1]
        if not earlier:
            self.notify("There is no earlier revision.")
            return
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

    def action_copy_command(self) -> None:
        if self._found is not None:
            copy_command(self, self._found)

    def action_duplicate(self) -> None:
        if self._found is not None:
            post(self, WriteAutomation(duplicate(Draft.of(self._found))))

    def action_test(self) -> None:
        if self._found is not None:
            test_endpoint(self, self._found.definition)

    def action_edit(self) -> None:
        if self._found is not None:
            post(self, WriteAutomation(Draft.of(self._found), self._found))

    def on_automation_saved(self, event: AutomationSaved) -> None:
        self.automation = event.name
        self._reload()


def automation_text(
    automation: Automation, revisions: Sequence[Revision], stopped: str, now: datetime
) -> Content:
    """Return all that is known of an automation but its executions.

    `stopped` says why requests are not sent to its endpoint; empty where they are.
    """
    definition = automation.definition
    parts = [
        plain(definition.sentence),
        *(
            [lines(definition.description, "y copies all").stylize("dim")]
            if definition.description
            else []
        ),
        Content(""),
        field("fired", _fired(automation, now)),
        *([field("endpoint", stopped).stylize("$warning")] if stopped else []),
        *_filter(automation),
        *_action(definition.action),
        *_revisions(revisions),
    ]
    return Content("\n").join(parts)


def _description(text: str) -> Iterator[Content]:
    if text:
        yield lines(text, "y copies all").stylize("dim")


def _fired(automation: Automation, now: datetime) -> str:
    shadow = automation.shadow_24h
    in_shadow = f"; {counted(shadow, 'time')} in shadow in 24 h" if shadow else ""
    if automation.last_fired_at is None:
        return f"never{in_shadow}"
    last = age(automation.last_fired_at, now)
    return f"{counted(automation.fired_24h, 'time')} in 24 h, last {last}{in_shadow}"


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
        yield from _block("title", action.title or "the usual one")
        yield from _block("message", action.message or "the usual one")
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
