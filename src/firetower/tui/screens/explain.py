"""Why automations fired, and why they did not."""

from collections.abc import Iterator
from datetime import datetime
from functools import partial
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from firetower.core.errors import FiretowerError
from firetower.core.explanation import Explanation, Finding, Group, RunFinding, RunOutcome
from firetower.core.text import counted, visible
from firetower.tui.background import start_worker
from firetower.tui.messages import DatabaseChanged, ExplainEvent, OpenRun, post
from firetower.tui.screens.framed import FramedPage, TextPage
from firetower.tui.session import Tower, session_of
from firetower.tui.text import clock, exact, folded, mark, plain
from firetower.tui.widgets.listing import Listing
from firetower.tui.widgets.rows import Cell, Column, Row
from firetower.tui.widgets.table import Table

_MOST = 100
"""Automations shown of one event, the closest first."""


class ExplainEventScreen(TextPage):
    """For one event: which automations fired, and why the others near it did not."""

    def __init__(self, event_id: int) -> None:
        super().__init__(f"Event {event_id}")
        self.event_id = event_id
        self._is_evaluated = False

    def on_database_changed(self, event: DatabaseChanged) -> None:
        if self._is_evaluated:
            event.prevent_default()  # nothing will change: to look at many automations takes long

    def read(self, tower: Tower, now: datetime, width: int) -> tuple[Content, Content]:
        found = tower.explain.event(self.event_id, clock=partial(clock, now=now))
        self._is_evaluated = found.evaluated
        return _event_line(found), Content("\n").join(_event_lines(found, width))


def _event_line(explanation: Explanation) -> Content:
    event = explanation.event
    return Content.from_markup(
        "[b]$label[/]  $subject  [dim]$when by $author, event $id[/]",
        label=event.type.spec.label,
        subject=visible(f"{event.subject} {event.detail}".rstrip()),
        when=exact(event.recorded_at),
        author=visible(event.author),
        id=str(event.id),
    )


def _event_lines(explanation: Explanation, width: int) -> Iterator[Content]:
    findings = explanation.findings
    for finding in findings[:_MOST]:
        yield _finding_line(finding)
        words = plain(f"    {finding.words}").stylize("$muted" if finding.stop else "")
        yield folded(words, width)
    if len(findings) > _MOST:
        said = f"firetower explain {explanation.event.id} has all"
        yield Content.styled(f"… {len(findings) - _MOST:,} more, {said}", "dim")
    if not findings:
        yield plain("No automation is near this event.")
    yield Content("")
    if explanation.elsewhere:
        yield plain(f"{counted(explanation.elsewhere, 'automation')} elsewhere.").stylize("$muted")
    if not explanation.evaluated:
        yield Content.styled("No worker has evaluated it yet.", "$warning")


def _finding_line(finding: Finding) -> Content:
    name = finding.revision.definition.name
    of = "" if finding.execution is None else f"  execution {finding.execution.id}"
    return Content.assemble(mark(finding.stop is None), plain(name).stylize("bold"), (of, "$muted"))


COLUMNS = (
    Column("", 1),
    Column("events", 6, right=True),
    Column("became of it", 14, flex=1),
    Column("the newest", 12, flex=2),
    Column("why", 20, flex=4),
)


class ExplainAutomationScreen(FramedPage):
    """The newest events in and near an automation's scope, grouped by why it fired or not."""

    BELONGS_TO: ClassVar = "mode"

    def __init__(self, name: str) -> None:
        super().__init__()
        self.automation = name
        empty = "Nothing has happened in or near what it watches."
        self.listing = Listing(Table(COLUMNS), empty=empty)
        self.words = Static("", classes="explain--words")
        self._groups: dict[object, Group] = {}
        self._runs: dict[object, RunFinding] = {}
        """For an automation on a metric: what became of the newest runs."""

    def body(self) -> ComposeResult:
        title = Content.from_markup("Why $name fired, and why not", name=visible(self.automation))
        yield Static(title, classes="heading")
        yield self.listing
        yield self.words

    def on_mount(self) -> None:
        self.listing.table.focus()
        start_worker(self, self._read)

    async def _read(self) -> None:
        session, name = session_of(self), self.automation
        now = session.now()
        write = partial(clock, now=now)
        try:
            groups, runs = await session.ask(
                lambda tower: (
                    tower.explain.automation(name, clock=write),
                    tower.explain.runs(name, clock=write),
                )
            )
        except FiretowerError as error:
            self.listing.fail(error)
            return
        self._groups = {group.reason: group for group in groups}
        self._runs = {str(one.run.reference): one for one in runs}
        rows = [_group_row(group, now) for group in groups]
        self.listing.set_rows([*rows, *map(_run_row, runs)])
        self._show_words()

    @on(Table.Moved)
    def _show_words(self) -> None:
        """Show why, in full, for the group under the cursor."""
        key = self.listing.table.key
        if group := self._groups.get(key):
            said = f"{group.finding.words}.  enter explains that event"
        elif run := self._runs.get(key):
            said = f"{run.words}.  enter shows that run"
        else:
            return
        self.words.update(plain(said))

    def on_table_chosen(self, event: Table.Chosen) -> None:
        if event.key in self._runs:
            post(self, OpenRun(str(event.key)))
        else:
            post(self, ExplainEvent(self._groups[event.key].event.id))


def _row(key: str, fired: bool, *texts: str) -> Row:  # noqa: FBT001 - a cell like the others
    """Return a row, of an event's group or of a run; `texts` are those of the other columns."""
    sign = Cell("✓", "ok") if fired else Cell("✗", "bad")
    return Row(key, (sign, *map(Cell, texts, ("", "", "dim", ""))))


def _group_row(group: Group, now: datetime) -> Row:
    event, finding = group.event, group.finding
    newest = f"{clock(event.recorded_at, now)} {event.subject} {event.detail}"
    count, why = f"{group.count:,}", finding.words
    return _row(group.reason, finding.stop is None, count, group.reason, newest, why)


def _run_row(found: RunFinding) -> Row:
    reference, outcome = str(found.run.reference), found.outcome
    newest = f"{reference} {found.run.name}"
    return _row(reference, outcome is RunOutcome.FIRED, "run", outcome.value, newest, found.words)
